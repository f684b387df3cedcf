/* protocol/peer/channel.c: every fragmentation, every cut, and a peer that does not keep to the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "protocol/peer/channel.h"

#define MESSAGES_MAX 64
#define HANDSHAKE_BYTES (50 + 66) /* what the initiator sends, with lengths */

/* ---- a pair of channels whose every byte follows from the seed */

struct splitmix {
	uint64_t state;
};

static uint64_t splitmix_next(struct splitmix *s)
{
	uint64_t z = (s->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void splitmix_fill(void *ctx, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)splitmix_next((struct splitmix *)ctx);
}

struct pair {
	struct channel a, b; /* initiator, responder */
	struct noise_keypair a_keys, b_keys;
	struct id32 network;
	struct splitmix a_random, b_random;
};

static struct random_source source(struct splitmix *s)
{
	return (struct random_source){.fill = splitmix_fill, .ctx = s};
}

static void begin_a(struct pair *p, const struct id32 *network, const struct id32 *remote)
{
	p->a_random.state = 3;
	assert_int_equal(
		channel_init_initiator(&p->a, source(&p->a_random), network, &p->a_keys, remote), OK);
}

static void begin_b(struct pair *p)
{
	p->b_random.state = 4;
	channel_init_responder(&p->b, source(&p->b_random), &p->network, &p->b_keys);
}

static void pair_begin(struct pair *p)
{
	*p = (struct pair){.network = {{0x51}}};
	struct splitmix keys = {.state = 1};
	const struct random_source random = source(&keys);
	noise_keypair_generate(&p->a_keys, &random);
	noise_keypair_generate(&p->b_keys, &random);
	begin_a(p, &p->network, &p->b_keys.public_key);
	begin_b(p);
}

static void pair_end(struct pair *p)
{
	channel_deinit(&p->a);
	channel_deinit(&p->b);
}

static struct buf output(struct channel *c)
{
	struct buf out = {0};
	assert_int_equal(channel_output(c, &out), OK);
	return out;
}

/* What a channel gave out. */
struct record {
	size_t count;
	uint8_t types[MESSAGES_MAX];
	size_t sizes[MESSAGES_MAX];
	uint8_t hashes[MESSAGES_MAX][16];
};

static void record_add(struct record *r, const struct channel_msg *m)
{
	assert_true(r->count < MESSAGES_MAX);
	r->types[r->count] = m->type;
	r->sizes[r->count] = m->body.n;
	crypto_generichash(r->hashes[r->count], 16, m->body.p, m->body.n, NULL, 0);
	r->count++;
}

/* Is r the first r->count messages of all? */
static bool record_is_prefix(const struct record *r, const struct record *all)
{
	return r->count <= all->count && memcmp(r->types, all->types, r->count) == 0 &&
		memcmp(r->sizes, all->sizes, r->count * sizeof r->sizes[0]) == 0 &&
		memcmp(r->hashes, all->hashes, r->count * sizeof r->hashes[0]) == 0;
}

/* Feeds pieces of at most piece_max bytes (random sizes if random is given); ends at the first error. */
static enum err feed(
	struct channel *c, struct slice in, size_t piece_max, struct splitmix *random, struct record *r)
{
	while (in.n > 0) {
		size_t n = random ? 1 + splitmix_next(random) % piece_max : piece_max;
		struct slice piece = slice_of(in.p, n < in.n ? n : in.n);
		in = slice_of(in.p + piece.n, in.n - piece.n);
		while (piece.n > 0) {
			size_t taken = 0;
			struct channel_msg m;
			enum err e = channel_feed(c, piece, &taken);
			if (e != OK)
				return e;
			piece = slice_of(piece.p + taken, piece.n - taken);
			while ((e = channel_next(c, &m)) == OK)
				if (r)
					record_add(r, &m);
			if (e != ERR_PENDING)
				return e;
			assert_true(c->in.cap <= CHANNEL_INPUT_BYTES_MAX);
		}
	}
	return OK;
}

/* Moves all output of one channel to the other. */
static enum err transfer(struct channel *from, struct channel *to, struct record *r)
{
	struct buf bytes = output(from);
	enum err e = feed(to, buf_slice(&bytes), SIZE_MAX, NULL, r);
	buf_free(&bytes);
	return e;
}

static void pair_open(struct pair *p)
{
	pair_begin(p);
	assert_int_equal(transfer(&p->a, &p->b, NULL), OK);
	assert_int_equal(transfer(&p->b, &p->a, NULL), OK);
	assert_int_equal(transfer(&p->a, &p->b, NULL), OK);
	assert_true(channel_established(&p->a) && channel_established(&p->b));
}

static const uint8_t *body_bytes(void)
{
	static uint8_t body[CHANNEL_MESSAGE_BYTES_MAX];
	struct splitmix s = {.state = 9};
	if (body[0] == 0 && body[1] == 0)
		splitmix_fill(&s, body, sizeof body);
	return body;
}

static void send_n(struct channel *c, uint8_t type, size_t n)
{
	struct slice body = slice_of(body_bytes(), n);
	assert_int_equal(channel_send(c, type, &body, 1), OK);
}

/* One frame with this plaintext, as a peer with the right keys and bad manners would send it. */
static void raw_frame(struct channel *c, struct slice plain, struct buf *out)
{
	assert_int_equal(buf_reserve(out, plain.n + 18), OK);
	be16_put(out->p + out->n, (uint16_t)(plain.n + NOISE_TAG_BYTES));
	assert_int_equal(noise_cipher_encrypt(&c->sender, slice_of(NULL, 0), plain, out->p + out->n + 2), OK);
	out->n += plain.n + 18;
}

static bool is_wiped(const struct channel *c)
{
	return c->state == CHANNEL_CLOSED && !c->in.p && !c->out.p &&
		sodium_is_zero((const uint8_t *)&c->handshake, sizeof c->handshake) &&
		sodium_is_zero((const uint8_t *)&c->sender, sizeof c->sender) &&
		sodium_is_zero((const uint8_t *)&c->receiver, sizeof c->receiver);
}

/* ---- the handshake */

static void two_nodes_of_one_network_open_a_channel_and_know_each_other(void **state)
{
	(void)state;
	struct pair p;
	pair_begin(&p);
	assert_null(channel_remote_static(&p.a));
	assert_null(channel_handshake_hash(&p.b));
	assert_int_equal(channel_output_bytes(&p.a), 50);
	assert_int_equal(transfer(&p.a, &p.b, NULL), OK);
	assert_int_equal(channel_output_bytes(&p.b), 50);
	assert_int_equal(transfer(&p.b, &p.a, NULL), OK);
	assert_true(channel_established(&p.a) && !channel_established(&p.b));
	assert_int_equal(channel_output_bytes(&p.a), 66);
	assert_int_equal(transfer(&p.a, &p.b, NULL), OK);
	assert_true(channel_established(&p.b));
	assert_true(id32_equal(channel_remote_static(&p.a), &p.b_keys.public_key));
	assert_true(id32_equal(channel_remote_static(&p.b), &p.a_keys.public_key));
	assert_memory_equal(channel_handshake_hash(&p.a), channel_handshake_hash(&p.b), NOISE_HASH_BYTES);
	pair_end(&p);
}

static void the_first_message_is_that_of_noise_with_the_prologue_of_the_specification(void **state)
{
	(void)state;
	struct pair p;
	struct noise_handshake hs;
	uint8_t prologue[40] = {'q', 'u', 'i', 'r', 'e', '/', '1', 0, 0x51}, message[48];
	size_t n = 0;
	pair_begin(&p);
	struct splitmix random = {.state = 3};
	const struct noise_config config = {.name = "Noise_XK_25519_ChaChaPoly_SHA256",
		.initiator = true,
		.prologue = slice_of(prologue, sizeof prologue),
		.random = source(&random),
		.own_static = &p.a_keys,
		.remote_static = &p.b_keys.public_key};
	assert_int_equal(noise_handshake_init(&hs, &config), OK);
	assert_int_equal(noise_handshake_write(&hs, slice_of(NULL, 0), message, sizeof message, &n), OK);
	struct buf out = output(&p.a);
	assert_int_equal(out.n, 50);
	assert_int_equal(be16_get(out.p), 48);
	assert_memory_equal(out.p + 2, message, 48);
	buf_free(&out);
	noise_handshake_deinit(&hs);
	pair_end(&p);
}

static void another_network_or_another_responder_key_is_answered_with_nothing(void **state)
{
	(void)state;
	struct pair p;
	for (int i = 0; i < 2; i++) {
		struct id32 network = {{(uint8_t)(i == 0 ? 0x52 : 0x51)}};
		pair_begin(&p);
		channel_deinit(&p.a);
		begin_a(&p, &network, i == 0 ? &p.b_keys.public_key : &p.a_keys.public_key);
		assert_int_equal(transfer(&p.a, &p.b, NULL), ERR_DECRYPT);
		assert_true(is_wiped(&p.b));
		pair_end(&p);
	}
}

static void a_key_of_low_order_closes(void **state)
{
	(void)state;
	const struct id32 zero = {{0}};
	struct pair p;
	pair_begin(&p);
	channel_deinit(&p.a);
	assert_int_equal(
		channel_init_initiator(&p.a, source(&p.a_random), &p.network, &p.a_keys, &zero), ERR_FORMAT);
	assert_true(is_wiped(&p.a));
	uint8_t first[50] = {0, 48};
	assert_int_equal(feed(&p.b, slice_of(first, sizeof first), SIZE_MAX, NULL, NULL), ERR_WIRE);
	assert_true(is_wiped(&p.b));
	pair_end(&p);
}

static void a_flipped_bit_at_every_byte_of_the_handshake_closes(void **state)
{
	(void)state;
	static const size_t sizes[] = {50, 50, 66};
	for (size_t message = 0; message < 3; message++)
		for (size_t at = 0; at < sizes[message]; at++) {
			struct pair p;
			pair_begin(&p);
			struct channel *from = &p.a, *to = &p.b;
			for (size_t i = 0; i < message; i++) {
				assert_int_equal(transfer(from, to, NULL), OK);
				struct channel *other = from;
				from = to;
				to = other;
			}
			struct buf bytes = output(from);
			assert_int_equal(bytes.n, sizes[message]);
			bytes.p[at] ^= (uint8_t)(1u << (at % 8));
			assert_int_equal(feed(to, buf_slice(&bytes), SIZE_MAX, NULL, NULL),
				at < 2 ? ERR_WIRE : ERR_DECRYPT);
			assert_true(is_wiped(to));
			buf_free(&bytes);
			pair_end(&p);
		}
}

static void a_handshake_message_of_another_length_closes_before_its_body(void **state)
{
	(void)state;
	for (unsigned length = 0; length <= 65535; length++) {
		struct pair p;
		uint8_t head[2];
		if (length == 48)
			continue;
		pair_begin(&p);
		be16_put(head, (uint16_t)length);
		assert_int_equal(feed(&p.b, slice_of(head, 2), 1, NULL, NULL), ERR_WIRE);
		pair_end(&p);
		if (length > 70)
			length += 4096;
	}
}

/* ---- streams */

static const size_t stream_sizes[] = {0, 1, 300, 300, 65514, 65515, 65516, 65536, 81915, 81916, 40000, 40000,
	40000, 0, 0, 17, 81916, 5, 4096};
#define STREAM_SIZES (sizeof stream_sizes / sizeof stream_sizes[0])

/* All that the initiator sends in a conversation, and what the responder takes from it. The responder's own bytes
 * follow from its seed, so that another responder can be fed the same stream. */
static struct buf record_stream(const size_t sizes[], size_t count, bool batched, struct record *r)
{
	struct pair p;
	struct buf all = {0};
	pair_begin(&p);
	assert_int_equal(channel_output(&p.a, &all), OK);
	assert_int_equal(feed(&p.b, buf_slice(&all), SIZE_MAX, NULL, NULL), OK);
	assert_int_equal(transfer(&p.b, &p.a, NULL), OK);
	for (size_t i = 0; i < count; i++) {
		send_n(&p.a, (uint8_t)(i + 1), sizes[i]);
		if (!batched)
			assert_int_equal(channel_output(&p.a, &all), OK);
	}
	assert_int_equal(channel_output(&p.a, &all), OK);
	assert_int_equal(feed(&p.b, slice_of(all.p + 50, all.n - 50), SIZE_MAX, NULL, r), OK);
	assert_int_equal(r->count, count);
	for (size_t i = 0; i < count; i++) {
		uint8_t hash[16];
		crypto_generichash(hash, sizeof hash, body_bytes(), sizes[i], NULL, 0);
		assert_int_equal(r->types[i], i + 1);
		assert_int_equal(r->sizes[i], sizes[i]);
		assert_memory_equal(r->hashes[i], hash, sizeof hash);
	}
	pair_end(&p);
	return all;
}

static void check_fragmentation(
	struct slice all, size_t piece_max, struct splitmix *random, const struct record *expected)
{
	static struct record r;
	struct pair p;
	r.count = 0;
	pair_begin(&p);
	assert_int_equal(feed(&p.b, all, piece_max, random, &r), OK);
	assert_int_equal(r.count, expected->count);
	assert_true(record_is_prefix(&r, expected));
	pair_end(&p);
}

static void the_same_messages_come_out_in_every_fragmentation(void **state)
{
	(void)state;
	static struct record expected;
	for (int batched = 0; batched < 2; batched++) {
		expected.count = 0;
		struct buf all = record_stream(stream_sizes, STREAM_SIZES, batched == 1, &expected);
		check_fragmentation(buf_slice(&all), 1, NULL, &expected);
		check_fragmentation(buf_slice(&all), SIZE_MAX, NULL, &expected);
		for (uint64_t seed = 0; seed < 60; seed++) {
			static const size_t maxima[] = {3, 200, 5000, 65537, 100000, 400000};
			struct splitmix random = {.state = seed};
			check_fragmentation(buf_slice(&all), maxima[seed % 6], &random, &expected);
		}
		buf_free(&all);
	}
}

static void messages_may_begin_and_end_anywhere_in_the_frames_of_a_peer(void **state)
{
	(void)state;
	static struct record expected, r;
	struct buf stream = {0};
	expected.count = 0;
	for (size_t i = 0; i < STREAM_SIZES; i++) {
		uint8_t head[4];
		const struct channel_msg m = {.type = 7, .body = slice_of(body_bytes(), stream_sizes[i])};
		be32_put(head, (uint32_t)(7u << 24 | m.body.n));
		assert_int_equal(buf_put(&stream, head, sizeof head), OK);
		assert_int_equal(buf_put_slice(&stream, m.body), OK);
		record_add(&expected, &m);
	}
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct splitmix random = {.state = seed};
		struct buf out = {0};
		struct pair p;
		pair_open(&p);
		r.count = 0;
		for (size_t at = 0; at < stream.n;) {
			static const size_t maxima[] = {700, 5000, 40000, 65519};
			size_t n = 1 + splitmix_next(&random) % maxima[seed % 4];
			n = n < stream.n - at ? n : stream.n - at;
			if (p.a.sender.n > 0 && p.a.sender.n % CHANNEL_REKEY_FRAMES == 0)
				noise_cipher_rekey(&p.a.sender);
			raw_frame(&p.a, slice_of(stream.p + at, n), &out);
			at += n;
		}
		assert_int_equal(feed(&p.b, buf_slice(&out), 70000, seed % 3 == 0 ? &random : NULL, &r), OK);
		assert_int_equal(r.count, STREAM_SIZES);
		assert_true(record_is_prefix(&r, &expected));
		buf_free(&out);
		pair_end(&p);
	}
	buf_free(&stream);
}

static void a_connection_cut_at_any_byte_gives_whole_messages_only(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 30, 5, 200, 1};
	for (int batched = 0; batched < 2; batched++) {
		static struct record expected, r;
		expected.count = 0;
		struct buf all = record_stream(sizes, 5, batched == 1, &expected);
		size_t before = 0;
		for (size_t cut = 0; cut <= all.n; cut++) {
			struct pair p;
			pair_begin(&p);
			r.count = 0;
			assert_int_equal(feed(&p.b, slice_of(all.p, cut), SIZE_MAX, NULL, &r), OK);
			assert_int_equal(channel_established(&p.b), cut >= HANDSHAKE_BYTES);
			assert_true(record_is_prefix(&r, &expected) && r.count >= before);
			before = r.count;
			pair_end(&p);
		}
		assert_int_equal(before, expected.count);
		buf_free(&all);
	}
}

static void a_flipped_bit_at_every_byte_of_a_frame_closes_and_gives_no_message(void **state)
{
	(void)state;
	static const uint8_t more[65537];
	for (size_t at = 0; at < 2 + 4 + 40 + 16; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			static struct record r;
			struct pair p;
			r.count = 0;
			pair_open(&p);
			send_n(&p.a, 1, 40);
			struct buf bytes = output(&p.a);
			assert_int_equal(bytes.n, 62);
			bytes.p[at] ^= (uint8_t)(1u << bit);
			enum err e = feed(&p.b, buf_slice(&bytes), SIZE_MAX, NULL, &r);
			if (e == OK) { /* a longer frame was announced: it fails once it is there */
				assert_true(at < 2);
				e = feed(&p.b, slice_of(more, sizeof more), SIZE_MAX, NULL, &r);
			}
			assert_true(e == ERR_DECRYPT || (at < 2 && e == ERR_WIRE));
			assert_int_equal(r.count, 0);
			assert_true(is_wiped(&p.b));
			buf_free(&bytes);
			pair_end(&p);
		}
}

static void a_replayed_a_reordered_a_dropped_and_a_reflected_frame_close(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		static struct record r;
		struct pair p;
		pair_open(&p);
		r.count = 0;
		send_n(&p.a, 1, 10);
		struct buf one = output(&p.a);
		send_n(&p.a, 2, 10);
		struct buf two = output(&p.a);
		struct channel *to = kind == 3 ? &p.a : &p.b;
		if (kind == 0) {
			assert_int_equal(feed(to, buf_slice(&one), SIZE_MAX, NULL, &r), OK);
			assert_int_equal(feed(to, buf_slice(&one), SIZE_MAX, NULL, &r), ERR_DECRYPT);
		} else if (kind == 1) {
			assert_int_equal(feed(to, buf_slice(&two), SIZE_MAX, NULL, &r), ERR_DECRYPT);
			assert_int_equal(feed(to, buf_slice(&one), SIZE_MAX, NULL, &r), ERR_CLOSED);
		} else if (kind == 2) {
			assert_int_equal(feed(to, buf_slice(&two), SIZE_MAX, NULL, &r), ERR_DECRYPT);
		} else {
			assert_int_equal(feed(to, buf_slice(&one), SIZE_MAX, NULL, &r), ERR_DECRYPT);
		}
		assert_int_equal(r.count, kind == 0 ? 1 : 0);
		assert_true(is_wiped(to));
		buf_free(&one);
		buf_free(&two);
		pair_end(&p);
	}
}

/* ---- limits */

static void a_frame_of_less_than_17_bytes_closes(void **state)
{
	(void)state;
	for (size_t length = 0; length <= 17; length++) {
		struct pair p;
		uint8_t head[2];
		pair_open(&p);
		be16_put(head, (uint16_t)length);
		assert_int_equal(
			feed(&p.b, slice_of(head, 2), SIZE_MAX, NULL, NULL), length < 17 ? ERR_WIRE : OK);
		pair_end(&p);
	}
	struct pair p;
	struct buf out = {0};
	pair_open(&p); /* a true frame without plaintext, too */
	raw_frame(&p.a, slice_of(NULL, 0), &out);
	assert_int_equal(feed(&p.b, buf_slice(&out), SIZE_MAX, NULL, NULL), ERR_WIRE);
	buf_free(&out);
	pair_end(&p);
}

static void a_message_of_81920_bytes_passes_and_one_of_81921_is_refused_by_the_sender(void **state)
{
	(void)state;
	static struct record r;
	struct pair p;
	pair_open(&p);
	r.count = 0;
	send_n(&p.a, 1, 81916);
	struct slice parts[] = {slice_of(body_bytes(), 81916), slice_of(body_bytes(), 1)};
	size_t before = channel_output_bytes(&p.a);
	assert_int_equal(channel_send(&p.a, 1, parts, 2), ERR_LIMIT);
	parts[1].n = SIZE_MAX;
	assert_int_equal(channel_send(&p.a, 1, parts, 2), ERR_LIMIT);
	assert_int_equal(channel_output_bytes(&p.a), before);
	assert_int_equal(transfer(&p.a, &p.b, &r), OK);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.sizes[0], 81916);
	pair_end(&p);
}

static void a_message_of_81921_bytes_closes_as_soon_as_its_head_is_there(void **state)
{
	(void)state;
	static const uint8_t heads[][4] = {
		{1, 0x01, 0x3f, 0xfc}, {1, 0x01, 0x3f, 0xfd}, {1, 0xff, 0xff, 0xff}};
	for (size_t i = 0; i < 3; i++)
		for (size_t pieces = 1; pieces <= 4; pieces++) {
			static struct record r;
			struct pair p;
			struct buf out = {0};
			pair_open(&p);
			r.count = 0;
			const uint8_t whole[5] = {7, 0, 0, 1, 'x'}; /* what came before is still given out */
			raw_frame(&p.a, slice_of(whole, sizeof whole), &out);
			for (size_t at = 0; at < 4; at += pieces)
				raw_frame(&p.a, slice_of(heads[i] + at, 4 - at < pieces ? 4 - at : pieces),
					&out);
			assert_int_equal(
				feed(&p.b, buf_slice(&out), SIZE_MAX, NULL, &r), i == 0 ? OK : ERR_WIRE);
			assert_int_equal(r.count, 1);
			assert_int_equal(p.b.state, i == 0 ? CHANNEL_OPEN : CHANNEL_CLOSED);
			buf_free(&out);
			pair_end(&p);
		}
}

static void the_input_never_holds_more_than_one_frame_and_one_partial_message(void **state)
{
	(void)state;
	static uint8_t plain[CHANNEL_FRAME_PLAIN_BYTES_MAX] = {1, 0x01, 0x3f, 0xfc};
	struct splitmix random = {.state = 5};
	static struct record r;
	struct pair p;
	struct buf out = {0};
	pair_open(&p);
	r.count = 0;
	/* all of a message of 81,920 bytes but the last, then the largest frame */
	raw_frame(&p.a, slice_of(plain, sizeof plain), &out);
	raw_frame(&p.a, slice_of(plain, 81919 - sizeof plain), &out);
	assert_int_equal(feed(&p.b, buf_slice(&out), 3000, &random, &r), OK);
	out.n = 0;
	raw_frame(&p.a, slice_of(plain, sizeof plain), &out);
	assert_int_equal(feed(&p.b, slice_of(out.p, out.n - 1), 3000, &random, &r), OK);
	assert_int_equal(r.count, 0);
	assert_int_equal(p.b.in.n, CHANNEL_INPUT_BYTES_MAX - 1);
	assert_true(p.b.in.cap <= CHANNEL_INPUT_BYTES_MAX);
	assert_int_equal(feed(&p.b, slice_of(out.p + out.n - 1, 1), 1, NULL, &r),
		ERR_WIRE); /* what follows is no message */
	assert_int_equal(r.count, 1);
	buf_free(&out);
	pair_end(&p);
}

static void an_idle_channel_costs_less_than_2_kib(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	for (int i = 0; i < 3; i++) {
		send_n(&p.a, 1, 81916);
		send_n(&p.b, 1, 81916);
		assert_int_equal(transfer(&p.a, &p.b, NULL), OK);
		assert_int_equal(transfer(&p.b, &p.a, NULL), OK);
		assert_true(sizeof p.a + p.a.in.cap + p.a.out.cap < 2048);
		assert_true(sizeof p.b + p.b.in.cap + p.b.out.cap < 2048);
	}
	pair_end(&p);
}

/* ---- rekeying */

static void both_directions_rekey_every_1024_frames_and_go_on(void **state)
{
	(void)state;
	struct pair p;
	pair_open(&p);
	struct noise_cipher expected = p.a.sender;
	for (unsigned frame = 0; frame < 3000; frame++) {
		static struct record r;
		r.count = 0;
		if (frame == 1024 || frame == 2048)
			noise_cipher_rekey(&expected);
		send_n(&p.a, 1, 3);
		assert_int_equal(transfer(&p.a, &p.b, &r), OK);
		assert_memory_equal(p.a.sender.key, expected.key, NOISE_KEY_BYTES);
		assert_int_equal(p.a.sender.n, frame + 1);
		if (frame % 2 == 0) { /* the other direction counts for itself */
			send_n(&p.b, 2, 3);
			assert_int_equal(transfer(&p.b, &p.a, &r), OK);
		}
		assert_int_equal(r.count, frame % 2 == 0 ? 2 : 1);
	}
	assert_int_equal(p.b.sender.n, 1500);
	pair_end(&p);
}

static void a_sender_that_does_not_rekey_is_refused_at_frame_1024(void **state)
{
	(void)state;
	const uint8_t plain[4] = {1, 0, 0, 0};
	struct pair p;
	pair_open(&p);
	for (unsigned frame = 0; frame <= 1024; frame++) {
		struct buf out = {0};
		raw_frame(&p.a, slice_of(plain, sizeof plain), &out);
		assert_int_equal(
			feed(&p.b, buf_slice(&out), SIZE_MAX, NULL, NULL), frame < 1024 ? OK : ERR_DECRYPT);
		buf_free(&out);
	}
	pair_end(&p);
}

static void the_connection_ends_before_the_reserved_nonce(void **state)
{
	(void)state;
	struct pair p;
	struct buf out = {0};
	pair_open(&p);
	p.a.sender.n = UINT64_MAX;
	send_n(&p.a, 1, 1);
	assert_int_equal(channel_output(&p.a, &out), ERR_LIMIT);
	assert_true(is_wiped(&p.a) && out.n == 0);
	pair_end(&p);
}

/* ---- use */

static void small_messages_share_a_frame_and_a_large_one_begins_its_own(void **state)
{
	(void)state;
	static struct record r;
	struct pair p;
	pair_open(&p);
	r.count = 0;
	for (int i = 0; i < 20; i++)
		send_n(&p.a, 1, 100);
	assert_int_equal(channel_output_bytes(&p.a), 2 + 20 * 104 + 16);
	send_n(&p.a, 2, 65515);
	struct buf out = output(&p.a);
	assert_int_equal(out.n, 2 + 20 * 104 + 16 + 65537);
	assert_int_equal(be16_get(out.p), 20 * 104 + 16);
	assert_int_equal(be16_get(out.p + 2 + 20 * 104 + 16), 65535);
	assert_int_equal(feed(&p.b, buf_slice(&out), SIZE_MAX, NULL, &r), OK);
	assert_int_equal(r.count, 21);
	buf_free(&out);
	pair_end(&p);
}

static void a_body_is_its_parts_joined(void **state)
{
	(void)state;
	const struct slice parts[] = {
		slice_str("one "), slice_of(NULL, 0), slice_str("two "), slice_str("three")};
	struct pair p;
	struct channel_msg m;
	size_t taken = 0;
	pair_open(&p);
	assert_int_equal(channel_send(&p.b, 9, parts, 4), OK);
	assert_int_equal(channel_send(&p.b, 10, NULL, 0), OK);
	struct buf out = output(&p.b);
	assert_int_equal(channel_feed(&p.a, buf_slice(&out), &taken), OK);
	assert_int_equal(taken, out.n);
	assert_int_equal(channel_next(&p.a, &m), OK);
	assert_int_equal(m.type, 9);
	assert_true(slice_equal(m.body, slice_str("one two three")));
	assert_int_equal(channel_next(&p.a, &m), OK);
	assert_int_equal(m.type, 10);
	assert_int_equal(m.body.n, 0);
	assert_int_equal(channel_next(&p.a, &m), ERR_PENDING);
	assert_int_equal(channel_next(&p.a, &m), ERR_PENDING);
	buf_free(&out);
	pair_end(&p);
}

static void nothing_is_taken_while_messages_wait(void **state)
{
	(void)state;
	struct pair p;
	struct channel_msg m;
	size_t taken = 0;
	pair_open(&p);
	send_n(&p.a, 1, 5);
	struct buf one = output(&p.a);
	send_n(&p.a, 2, 5);
	assert_int_equal(channel_output(&p.a, &one), OK); /* appends */
	assert_int_equal(channel_feed(&p.b, buf_slice(&one), &taken), OK);
	assert_int_equal(taken, one.n / 2);
	struct slice rest = slice_of(one.p + taken, one.n - taken);
	assert_int_equal(channel_feed(&p.b, rest, &taken), OK);
	assert_int_equal(taken, 0);
	assert_int_equal(channel_next(&p.b, &m), OK);
	assert_int_equal(channel_feed(&p.b, rest, &taken), OK);
	assert_int_equal(taken, 0);
	assert_int_equal(channel_next(&p.b, &m), ERR_PENDING);
	assert_int_equal(channel_feed(&p.b, rest, &taken), OK);
	assert_int_equal(taken, rest.n);
	assert_int_equal(channel_next(&p.b, &m), OK);
	assert_int_equal(m.type, 2);
	buf_free(&one);
	pair_end(&p);
}

static void a_message_is_sent_neither_before_opening_nor_after_closing(void **state)
{
	(void)state;
	struct pair p;
	struct channel_msg m;
	struct buf out = {0};
	size_t taken = 0;
	pair_begin(&p);
	assert_int_equal(channel_send(&p.a, 1, NULL, 0), ERR_STATE);
	assert_int_equal(channel_next(&p.a, &m), ERR_PENDING);
	channel_close(&p.a);
	channel_close(&p.a);
	assert_int_equal(channel_send(&p.a, 1, NULL, 0), ERR_CLOSED);
	assert_int_equal(channel_output(&p.a, &out), ERR_CLOSED);
	assert_int_equal(channel_feed(&p.a, slice_str("x"), &taken), ERR_CLOSED);
	assert_int_equal(channel_next(&p.a, &m), ERR_CLOSED);
	assert_true(is_wiped(&p.a));
	pair_end(&p);
	pair_end(&p);
	struct channel zeroed = {0};
	channel_deinit(&zeroed);
	assert_int_equal(channel_next(&zeroed, &m), ERR_CLOSED);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_of_one_network_open_a_channel_and_know_each_other),
		cmocka_unit_test(the_first_message_is_that_of_noise_with_the_prologue_of_the_specification),
		cmocka_unit_test(another_network_or_another_responder_key_is_answered_with_nothing),
		cmocka_unit_test(a_key_of_low_order_closes),
		cmocka_unit_test(a_flipped_bit_at_every_byte_of_the_handshake_closes),
		cmocka_unit_test(a_handshake_message_of_another_length_closes_before_its_body),
		cmocka_unit_test(the_same_messages_come_out_in_every_fragmentation),
		cmocka_unit_test(messages_may_begin_and_end_anywhere_in_the_frames_of_a_peer),
		cmocka_unit_test(a_connection_cut_at_any_byte_gives_whole_messages_only),
		cmocka_unit_test(a_flipped_bit_at_every_byte_of_a_frame_closes_and_gives_no_message),
		cmocka_unit_test(a_replayed_a_reordered_a_dropped_and_a_reflected_frame_close),
		cmocka_unit_test(a_frame_of_less_than_17_bytes_closes),
		cmocka_unit_test(a_message_of_81920_bytes_passes_and_one_of_81921_is_refused_by_the_sender),
		cmocka_unit_test(a_message_of_81921_bytes_closes_as_soon_as_its_head_is_there),
		cmocka_unit_test(the_input_never_holds_more_than_one_frame_and_one_partial_message),
		cmocka_unit_test(an_idle_channel_costs_less_than_2_kib),
		cmocka_unit_test(both_directions_rekey_every_1024_frames_and_go_on),
		cmocka_unit_test(a_sender_that_does_not_rekey_is_refused_at_frame_1024),
		cmocka_unit_test(the_connection_ends_before_the_reserved_nonce),
		cmocka_unit_test(small_messages_share_a_frame_and_a_large_one_begins_its_own),
		cmocka_unit_test(a_body_is_its_parts_joined),
		cmocka_unit_test(nothing_is_taken_while_messages_wait),
		cmocka_unit_test(a_message_is_sent_neither_before_opening_nor_after_closing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
