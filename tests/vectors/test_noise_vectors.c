/* The handshakes that cacophony and snow publish: both sides, byte for byte, and the messages after them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "protocol/peer/noise.h"
#include "vectors.h"

/* One side of a vector. */
struct side {
	struct noise_handshake handshake;
	struct noise_cipher send, receive;
	struct vector_bytes ephemeral;
};

static void fill_ephemeral(void *ctx, uint8_t *out, size_t n)
{
	const struct vector_bytes *secret = (const struct vector_bytes *)ctx;
	assert_int_equal(n, secret->n);
	memcpy(out, secret->b, n);
}

static void side_init(struct side *side, const json_t *test, bool initiator)
{
	static struct vector_bytes prologue, secret, remote;
	struct noise_keypair own = {0};
	struct id32 remote_static = {{0}};
	vectors_need(test, initiator ? "init_prologue" : "resp_prologue", &prologue);
	vectors_need(test, initiator ? "init_ephemeral" : "resp_ephemeral", &side->ephemeral);
	bool has_static = vectors_get(test, initiator ? "init_static" : "resp_static", &secret);
	bool has_remote = vectors_get(test, initiator ? "init_remote_static" : "resp_remote_static", &remote);
	if (has_static)
		noise_keypair_from_secret(&own, secret.b);
	if (has_remote)
		remote_static = id32_from(remote.b);
	const struct noise_config config = {
		.name = json_string_value(json_object_get(test, "protocol_name")),
		.initiator = initiator,
		.prologue = vectors_slice(&prologue),
		.random = {.fill = fill_ephemeral, .ctx = &side->ephemeral},
		.own_static = has_static ? &own : NULL,
		.remote_static = has_remote ? &remote_static : NULL,
	};
	assert_int_equal(noise_handshake_init(&side->handshake, &config), OK);
}

static void check_handshake_message(
	struct side *from, struct side *to, struct slice payload, struct slice expected)
{
	static uint8_t message[NOISE_MESSAGE_BYTES_MAX], back[NOISE_MESSAGE_BYTES_MAX];
	size_t n = 0, back_n = 0;
	assert_int_equal(noise_handshake_write(&from->handshake, payload, message, sizeof message, &n), OK);
	assert_true(slice_equal(slice_of(message, n), expected));
	assert_int_equal(noise_handshake_read(&to->handshake, expected, back, sizeof back, &back_n), OK);
	assert_true(slice_equal(slice_of(back, back_n), payload));
}

static void check_transport_message(
	struct side *from, struct side *to, struct slice payload, struct slice expected)
{
	static uint8_t message[NOISE_MESSAGE_BYTES_MAX], back[NOISE_MESSAGE_BYTES_MAX];
	struct slice ad = {0};
	assert_int_equal(noise_cipher_encrypt(&from->send, ad, payload, message), OK);
	assert_true(slice_equal(slice_of(message, payload.n + NOISE_TAG_BYTES), expected));
	assert_int_equal(noise_cipher_decrypt(&to->receive, ad, expected, back), OK);
	assert_true(slice_equal(slice_of(back, expected.n - NOISE_TAG_BYTES), payload));
}

static void split(struct side *side)
{
	assert_int_equal(noise_handshake_split(&side->handshake, &side->send, &side->receive), OK);
}

/* Returns the number of messages checked. */
static size_t check_vector(const json_t *test)
{
	static struct side sides[2]; /* [0] sends the even messages */
	static struct vector_bytes payload, ciphertext, hash;
	side_init(&sides[0], test, true);
	side_init(&sides[1], test, false);
	bool open = false;
	size_t i;
	json_t *message;
	json_array_foreach(json_object_get(test, "messages"), i, message)
	{
		vectors_need(message, "payload", &payload);
		vectors_need(message, "ciphertext", &ciphertext);
		struct side *from = &sides[i % 2], *to = &sides[(i + 1) % 2];
		if (open) {
			check_transport_message(
				from, to, vectors_slice(&payload), vectors_slice(&ciphertext));
			continue;
		}
		check_handshake_message(from, to, vectors_slice(&payload), vectors_slice(&ciphertext));
		open = noise_handshake_done(&from->handshake);
		assert_int_equal(noise_handshake_done(&to->handshake), open);
		if (open) {
			split(from);
			split(to);
		}
	}
	assert_true(open);
	assert_memory_equal(
		sides[0].handshake.symmetric.hash, sides[1].handshake.symmetric.hash, NOISE_HASH_BYTES);
	if (vectors_get(test, "handshake_hash", &hash))
		assert_memory_equal(sides[0].handshake.symmetric.hash, hash.b, NOISE_HASH_BYTES);
	return i;
}

static void check_file(const char *file, size_t vectors, size_t messages)
{
	json_t *doc = vectors_load(file);
	size_t i, seen = 0;
	json_t *test;
	json_array_foreach(json_object_get(doc, "tests"), i, test) seen += check_vector(test);
	assert_int_equal(i, vectors);
	assert_int_equal(seen, messages);
	json_decref(doc);
}

static void each_cacophony_handshake_gives_the_published_bytes(void **state)
{
	(void)state;
	check_file("noise/cacophony.json", 6, 36);
}

static void each_snow_handshake_gives_the_published_bytes(void **state)
{
	(void)state;
	check_file("noise/snow.json", 6, 26);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cacophony_handshake_gives_the_published_bytes),
		cmocka_unit_test(each_snow_handshake_gives_the_published_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
