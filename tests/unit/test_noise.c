/* protocol/peer/noise.c: what the published vectors cannot show: refusals, limits, wiping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "protocol/peer/noise.h"

static const char *const names[] = {
	"Noise_XK_25519_ChaChaPoly_SHA256",
	"Noise_NK_25519_ChaChaPoly_SHA256",
	"Noise_XX_25519_ChaChaPoly_SHA256",
	"Noise_KK_25519_ChaChaPoly_SHA256",
	"Noise_IK_25519_ChaChaPoly_SHA256",
	"Noise_IX_25519_ChaChaPoly_SHA256",
};
#define NAMES (sizeof names / sizeof names[0])
#define PAYLOAD_BYTES 5
#define MESSAGE_BYTES 200

/* Never the same 32 bytes twice, and the same ones in each run. */
static void fill_counting(void *ctx, uint8_t *out, size_t n)
{
	uint8_t *counter = (uint8_t *)ctx;
	++*counter;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(*counter + 3 * i);
}

struct pair {
	struct noise_handshake sides[2]; /* [0] is the initiator */
	struct noise_keypair keys[2];
	uint8_t counter;
};

static struct noise_config config_of(struct pair *pair, const char *name, bool initiator)
{
	const struct noise_config config = {
		.name = name,
		.initiator = initiator,
		.prologue = slice_str("prologue"),
		.random = {.fill = fill_counting, .ctx = &pair->counter},
		.own_static = &pair->keys[initiator ? 0 : 1],
		.remote_static = &pair->keys[initiator ? 1 : 0].public_key,
	};
	return config;
}

static void pair_init(struct pair *pair, const char *name)
{
	*pair = (struct pair){.counter = 0};
	const struct random_source random = {.fill = fill_counting, .ctx = &pair->counter};
	noise_keypair_generate(&pair->keys[0], &random);
	noise_keypair_generate(&pair->keys[1], &random);
	for (int i = 0; i < 2; i++) {
		const struct noise_config config = config_of(pair, name, i == 0);
		assert_int_equal(noise_handshake_init(&pair->sides[i], &config), OK);
	}
}

/* The side whose turn it is. */
static struct noise_handshake *pair_writer(struct pair *pair)
{
	return noise_handshake_writes_next(&pair->sides[0]) ? &pair->sides[0] : &pair->sides[1];
}

static struct noise_handshake *pair_reader(struct pair *pair)
{
	return noise_handshake_writes_next(&pair->sides[0]) ? &pair->sides[1] : &pair->sides[0];
}

static size_t write_message(struct noise_handshake *hs, uint8_t message[MESSAGE_BYTES])
{
	size_t n = 0;
	assert_int_equal(noise_handshake_write(hs, slice_str("hello"), message, MESSAGE_BYTES, &n), OK);
	return n;
}

static enum err read_message(struct noise_handshake *hs, const uint8_t *message, size_t n)
{
	uint8_t payload[PAYLOAD_BYTES];
	size_t payload_n = 0;
	return noise_handshake_read(hs, slice_of(message, n), payload, sizeof payload, &payload_n);
}

/* Exchanges this many messages. */
static void advance(struct pair *pair, unsigned messages)
{
	uint8_t message[MESSAGE_BYTES];
	for (unsigned i = 0; i < messages; i++) {
		struct noise_handshake *reader = pair_reader(pair);
		size_t n = write_message(pair_writer(pair), message);
		assert_int_equal(read_message(reader, message, n), OK);
	}
}

static bool is_zero(const void *p, size_t n)
{
	return sodium_is_zero((const uint8_t *)p, n) == 1;
}

static unsigned pattern_messages(const char *name)
{
	return name[6] == 'X' ? 3 : 2; /* XX and XK */
}

static void a_flipped_bit_is_refused_in_every_message_that_carries_a_tag(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		/* the first messages of XX and IX are in the clear; that shows in the second */
		unsigned first = names[i][7] == 'X' ? 1 : 0;
		for (unsigned step = first; step < pattern_messages(names[i]); step++) {
			size_t n = 1;
			for (size_t at = 0; at < n; at++) {
				struct pair pair;
				uint8_t message[MESSAGE_BYTES];
				pair_init(&pair, names[i]);
				advance(&pair, step);
				struct noise_handshake *reader = pair_reader(&pair);
				n = write_message(pair_writer(&pair), message);
				message[at] ^= 0x80;
				assert_int_equal(read_message(reader, message, n), ERR_DECRYPT);
				assert_true(is_zero(reader, sizeof *reader));
			}
		}
	}
}

static void a_message_cut_at_any_byte_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		unsigned first = names[i][7] == 'X' ? 1 : 0;
		for (unsigned step = first; step < pattern_messages(names[i]); step++) {
			size_t n = 1;
			for (size_t cut = 0; cut < n; cut++) {
				struct pair pair;
				uint8_t message[MESSAGE_BYTES];
				pair_init(&pair, names[i]);
				advance(&pair, step);
				struct noise_handshake *reader = pair_reader(&pair);
				n = write_message(pair_writer(&pair), message);
				enum err e = read_message(reader, message, cut);
				assert_true(e == ERR_FORMAT || e == ERR_DECRYPT);
			}
		}
	}
}

static void another_prologue_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct pair pair;
		uint8_t message[MESSAGE_BYTES];
		pair_init(&pair, names[i]);
		struct noise_config config = config_of(&pair, names[i], false);
		config.prologue = slice_str("another");
		assert_int_equal(noise_handshake_init(&pair.sides[1], &config), OK);
		if (names[i][7] == 'X')
			advance(&pair, 1);
		struct noise_handshake *reader = pair_reader(&pair);
		size_t n = write_message(pair_writer(&pair), message);
		assert_int_equal(read_message(reader, message, n), ERR_DECRYPT);
	}
}

/* The encodings of points of low order (cr.yp.to/ecdh.html), with and without the ignored top bit. */
static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static struct id32 low_order_key(size_t i, bool top_bit)
{
	struct id32 key;
	assert_int_equal(sodium_hex2bin(key.b, sizeof key.b, low_order[i], 64, NULL, NULL, NULL), 0);
	key.b[31] |= top_bit ? 0x80 : 0;
	return key;
}

static void a_key_of_low_order_is_refused_wherever_it_comes_from(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof low_order / sizeof low_order[0]; i++) {
		struct id32 key = low_order_key(i / 2, i % 2 == 1);
		struct pair pair;
		uint8_t message[MESSAGE_BYTES];
		size_t n = 0;

		pair_init(&pair, NOISE_XK); /* as the static key known beforehand */
		struct noise_config config = config_of(&pair, NOISE_XK, true);
		config.remote_static = &key;
		assert_int_equal(noise_handshake_init(&pair.sides[0], &config), OK);
		assert_int_equal(
			noise_handshake_write(&pair.sides[0], slice_of(NULL, 0), message, sizeof message, &n),
			ERR_FORMAT);
		assert_true(is_zero(&pair.sides[0], sizeof pair.sides[0]));

		pair_init(&pair, NOISE_XK); /* as the ephemeral key of the first message, of the second */
		n = write_message(&pair.sides[0], message);
		memcpy(message, key.b, sizeof key.b);
		assert_int_equal(read_message(&pair.sides[1], message, n), ERR_FORMAT);
		pair_init(&pair, NOISE_XK);
		advance(&pair, 1);
		n = write_message(&pair.sides[1], message);
		memcpy(message, key.b, sizeof key.b);
		assert_int_equal(read_message(&pair.sides[0], message, n), ERR_FORMAT);
	}
}

static void who_is_not_next_can_neither_write_nor_read_and_nothing_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct pair pair;
		uint8_t message[MESSAGE_BYTES];
		struct noise_cipher send, receive;
		size_t n = 0;
		pair_init(&pair, names[i]);
		for (unsigned step = 0; step < pattern_messages(names[i]); step++) {
			assert_int_equal(noise_handshake_write(pair_reader(&pair), slice_of(NULL, 0), message,
						 sizeof message, &n),
				ERR_STATE);
			assert_int_equal(read_message(pair_writer(&pair), message, 48), ERR_STATE);
			assert_int_equal(noise_handshake_split(&pair.sides[0], &send, &receive), ERR_STATE);
			advance(&pair, 1);
		}
		for (int side = 0; side < 2; side++) {
			struct noise_handshake *hs = &pair.sides[side];
			assert_true(noise_handshake_done(hs));
			assert_false(noise_handshake_writes_next(hs) || noise_handshake_reads_next(hs));
			assert_int_equal(
				noise_handshake_write(hs, slice_of(NULL, 0), message, sizeof message, &n),
				ERR_STATE);
			assert_int_equal(read_message(hs, message, 48), ERR_STATE);
			assert_int_equal(noise_handshake_split(hs, &send, &receive), OK);
			assert_int_equal(noise_handshake_split(hs, &send, &receive), ERR_STATE);
		}
	}
}

static void a_handshake_needs_a_known_name_and_the_keys_of_its_pattern(void **state)
{
	(void)state;
	struct pair pair;
	struct noise_handshake hs;
	pair_init(&pair, NOISE_XK);
	struct noise_config config = config_of(&pair, "Noise_NN_25519_ChaChaPoly_SHA256", true);
	assert_int_equal(noise_handshake_init(&hs, &config), ERR_NOT_FOUND);
	config = config_of(&pair, NOISE_XK, true);
	config.own_static = NULL;
	assert_int_equal(noise_handshake_init(&hs, &config), ERR_INPUT);
	config = config_of(&pair, NOISE_XK, true);
	config.remote_static = NULL;
	assert_int_equal(noise_handshake_init(&hs, &config), ERR_INPUT);
	assert_true(is_zero(&hs, sizeof hs));
	config = config_of(&pair, NOISE_XK, false); /* the responder of XK learns the other key */
	config.remote_static = NULL;
	assert_int_equal(noise_handshake_init(&hs, &config), OK);
	config = config_of(
		&pair, "Noise_NK_25519_ChaChaPoly_SHA256", true); /* the initiator of NK has none */
	config.own_static = NULL;
	assert_int_equal(noise_handshake_init(&hs, &config), OK);
}

static void a_buffer_too_small_or_a_message_above_65535_bytes_is_refused(void **state)
{
	(void)state;
	static uint8_t large[NOISE_MESSAGE_BYTES_MAX + 1], out[NOISE_MESSAGE_BYTES_MAX + 1];
	struct pair pair;
	size_t n = 0;
	for (size_t cap = 0; cap < 53; cap++) {
		pair_init(&pair, NOISE_XK);
		assert_int_equal(
			noise_handshake_write(&pair.sides[0], slice_str("hello"), out, cap, &n), ERR_LIMIT);
	}
	pair_init(&pair, NOISE_XK);
	assert_int_equal(noise_handshake_write(&pair.sides[0], slice_of(large, 65488), out, sizeof out, &n),
		ERR_LIMIT);
	pair_init(&pair, NOISE_XK);
	assert_int_equal(
		noise_handshake_write(&pair.sides[0], slice_of(large, 65487), out, sizeof out, &n), OK);
	assert_int_equal(n, NOISE_MESSAGE_BYTES_MAX);
	assert_int_equal(noise_handshake_read(&pair.sides[1], slice_of(out, n), large, 65486, &n), ERR_LIMIT);
	pair_init(&pair, NOISE_XK);
	assert_int_equal(
		noise_handshake_read(&pair.sides[1], slice_of(out, sizeof out), large, sizeof large, &n),
		ERR_LIMIT);
}

static void the_last_nonce_is_reserved(void **state)
{
	(void)state;
	const uint8_t key[NOISE_KEY_BYTES] = {1};
	struct noise_cipher sender, receiver;
	uint8_t sealed[1 + NOISE_TAG_BYTES], plain[1];
	noise_cipher_init(&sender, key);
	noise_cipher_init(&receiver, key);
	sender.n = receiver.n = UINT64_MAX - 1;
	assert_int_equal(noise_cipher_encrypt(&sender, slice_of(NULL, 0), slice_str("x"), sealed), OK);
	assert_int_equal(
		noise_cipher_decrypt(&receiver, slice_of(NULL, 0), slice_of(sealed, sizeof sealed), plain),
		OK);
	assert_int_equal(noise_cipher_encrypt(&sender, slice_of(NULL, 0), slice_str("x"), sealed), ERR_LIMIT);
	assert_int_equal(
		noise_cipher_decrypt(&receiver, slice_of(NULL, 0), slice_of(sealed, sizeof sealed), plain),
		ERR_LIMIT);
	assert_true(sender.n == UINT64_MAX && receiver.n == UINT64_MAX);
}

static void a_forged_message_does_not_move_the_nonce(void **state)
{
	(void)state;
	const uint8_t key[NOISE_KEY_BYTES] = {1};
	struct noise_cipher sender, receiver;
	uint8_t sealed[1 + NOISE_TAG_BYTES], plain[1];
	noise_cipher_init(&sender, key);
	noise_cipher_init(&receiver, key);
	assert_int_equal(noise_cipher_encrypt(&sender, slice_str("ad"), slice_str("x"), sealed), OK);
	struct slice whole = slice_of(sealed, sizeof sealed);
	assert_int_equal(noise_cipher_decrypt(&receiver, slice_str("da"), whole, plain), ERR_DECRYPT);
	assert_int_equal(
		noise_cipher_decrypt(&receiver, slice_str("ad"), slice_of(sealed, 15), plain), ERR_FORMAT);
	assert_int_equal(receiver.n, 0);
	assert_int_equal(noise_cipher_decrypt(&receiver, slice_str("ad"), whole, plain), OK);
	assert_int_equal(receiver.n, 1);
	assert_int_equal(plain[0], 'x');
}

static void rekey_takes_the_first_bytes_of_zeros_encrypted_under_the_reserved_nonce(void **state)
{
	(void)state;
	const uint8_t key[NOISE_KEY_BYTES] = {7};
	struct noise_cipher cipher;
	noise_cipher_init(&cipher, key);
	cipher.n = 5;
	noise_cipher_rekey(&cipher);
	/* block 1 of ChaCha20: block 0 makes the key of Poly1305 */
	uint8_t nonce[12], expected[NOISE_KEY_BYTES] = {0};
	memset(nonce, 0, 4);
	memset(nonce + 4, 0xff, 8);
	assert_int_equal(
		crypto_stream_chacha20_ietf_xor_ic(expected, expected, sizeof expected, nonce, 1, key), 0);
	assert_memory_equal(cipher.key, expected, sizeof expected);
	assert_int_equal(cipher.n, 5);
}

static void secrets_are_wiped_after_split_and_deinit(void **state)
{
	(void)state;
	struct pair pair;
	struct noise_cipher send, receive;
	pair_init(&pair, NOISE_XK);
	advance(&pair, 3);
	for (int i = 0; i < 2; i++) {
		struct noise_handshake *hs = &pair.sides[i];
		assert_int_equal(noise_handshake_split(hs, &send, &receive), OK);
		assert_true(is_zero(&hs->own_static, sizeof hs->own_static));
		assert_true(is_zero(&hs->own_ephemeral, sizeof hs->own_ephemeral));
		assert_true(is_zero(&hs->symmetric.cipher, sizeof hs->symmetric.cipher));
		assert_true(is_zero(hs->symmetric.chaining_key, sizeof hs->symmetric.chaining_key));
		assert_true(id32_equal(&hs->remote_static, &pair.keys[1 - i].public_key));
		noise_handshake_deinit(hs);
		assert_true(is_zero(hs, sizeof *hs));
		noise_handshake_deinit(hs);
	}
	noise_cipher_deinit(&send);
	assert_true(is_zero(&send, sizeof send));
	noise_keypair_deinit(&pair.keys[0]);
	assert_true(is_zero(&pair.keys[0], sizeof pair.keys[0]));
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flipped_bit_is_refused_in_every_message_that_carries_a_tag),
		cmocka_unit_test(a_message_cut_at_any_byte_is_refused),
		cmocka_unit_test(another_prologue_is_refused),
		cmocka_unit_test(a_key_of_low_order_is_refused_wherever_it_comes_from),
		cmocka_unit_test(who_is_not_next_can_neither_write_nor_read_and_nothing_changes),
		cmocka_unit_test(a_handshake_needs_a_known_name_and_the_keys_of_its_pattern),
		cmocka_unit_test(a_buffer_too_small_or_a_message_above_65535_bytes_is_refused),
		cmocka_unit_test(the_last_nonce_is_reserved),
		cmocka_unit_test(a_forged_message_does_not_move_the_nonce),
		cmocka_unit_test(rekey_takes_the_first_bytes_of_zeros_encrypted_under_the_reserved_nonce),
		cmocka_unit_test(secrets_are_wiped_after_split_and_deinit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
