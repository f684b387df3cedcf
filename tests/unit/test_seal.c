/* Sealing: who can open what, how long it is, and what does not open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/log/entry.h"
#include "protocol/log/hash.h"
#include "protocol/log/mp.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"
#include "tests/support/seeded_random.h"

#define READERS_MAX (LIMIT_READERS + 1)

static struct seeded_random seed = {.seed = 5};
static struct random_source rnd;
static uint8_t secrets[READERS_MAX][32]; /* 0: the author */
static struct id32 keys[READERS_MAX];
static const struct id32 log_id = {{7}};

static int setup(void **state)
{
	(void)state;
	rnd = seeded_random_source(&seed);
	random_fill(&rnd, secrets, sizeof secrets);
	for (size_t i = 0; i < READERS_MAX; i++)
		secret_box_public(secrets[i], &keys[i]);
	return 0;
}

/* A record: a bin that makes it n bytes long (6 or more). */
static struct slice record_of(size_t n, uint8_t *b)
{
	struct buf out = {0};
	struct mp_out o = mp_out_init(&out);
	static uint8_t zeros[LIMIT_BODY_BYTES];
	size_t head = n < 258 ? 2 : n < 65539 ? 3 : 5;
	mp_put_bin(&o, slice_of(zeros, n - head));
	assert_int_equal(o.err, OK);
	assert_int_equal(out.n, n);
	memcpy(b, out.p, n);
	buf_free(&out);
	return slice_of(b, n);
}

static enum err open_as(size_t reader, struct slice body, struct buf *record, uint8_t key[32])
{
	struct seal_pair p;
	assert_int_equal(seal_pair_init(&p, secrets[reader], &keys[0]), OK);
	return seal_open(&p, &log_id, body, record, key);
}

/* Padme as the paper writes it. */
static size_t padme(size_t l)
{
	unsigned e = 63 - (unsigned)__builtin_clzll(l), s = 64 - (unsigned)__builtin_clzll(e);
	size_t m = ((size_t)1 << (e - s)) - 1;
	return (l + m) & ~m;
}

static void padded_lengths_are_padme_and_fixed_points(void **state)
{
	(void)state;
	assert_int_equal(seal_padded(0), 0);
	assert_int_equal(seal_padded(1), 1);
	assert_int_equal(seal_padded(9), 10);
	assert_int_equal(seal_padded(1000), 1024);
	assert_int_equal(seal_padded(1025), 1088);
	assert_int_equal(seal_padded(LIMIT_BODY_BYTES), LIMIT_BODY_BYTES);
	assert_int_equal(seal_padded(LIMIT_BODY_BYTES - 1), LIMIT_BODY_BYTES);
	for (size_t n = 2; n <= LIMIT_BODY_BYTES; n++) {
		size_t p = seal_padded(n);
		assert_int_equal(p, padme(n));
		assert_int_equal(seal_padded(p), p);
		assert_true(p <= LIMIT_BODY_BYTES);
		assert_true((p - n) * 8 <= n); /* at most 12 percent more */
	}
}

static void each_of_n_readers_opens_and_nobody_else_does(void **state)
{
	(void)state;
	static const struct {
		size_t readers, slots;
	} rows[] = {{1, 4}, {2, 4}, {3, 4}, {4, 4}, {5, 16}, {16, 16}, {17, 64}, {65, 256}, {257, 512},
		{512, 512}};
	uint8_t record_bytes[64], content_key[32], got_key[32];
	struct slice record = record_of(40, record_bytes);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf body = {0}, got = {0};
		size_t n = rows[i].readers;
		assert_int_equal(
			seal_body(&rnd, secrets[0], &log_id, keys, n, record, &body, content_key), OK);
		assert_int_equal(body.n, padme(32 + 34 + 56 * rows[i].slots + 40 + 16));
		for (size_t r = 0; r <= n; r++) {
			struct seal_pair p;
			got.n = 0;
			assert_int_equal(seal_pair_init(&p, secrets[r], &keys[0]), OK);
			assert_int_equal(seal_hint_matches(&p, buf_slice(&body)), r < n);
			assert_int_equal(
				open_as(r, buf_slice(&body), &got, got_key), r < n ? OK : ERR_NOT_FOUND);
			assert_int_equal(got.n, r < n ? 40 : 0);
			if (r < n) {
				assert_memory_equal(got.p, record.p, 40);
				assert_memory_equal(got_key, content_key, 32);
			}
		}
		got.n = 0;
		assert_int_equal(seal_open_key(content_key, &log_id, buf_slice(&body), &got), OK);
		assert_memory_equal(got.p, record.p, 40);
		buf_free(&body);
		buf_free(&got);
	}
}

static void the_author_is_added_and_duplicates_are_folded(void **state)
{
	(void)state;
	uint8_t record_bytes[64];
	struct slice record = record_of(40, record_bytes);
	struct buf body = {0}, got = {0};
	static struct id32 many[3000];
	for (size_t i = 0; i < 3000; i++)
		many[i] = keys[1 + i % 3];
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, many, 3000, record, &body, NULL), OK);
	assert_int_equal(body.p[33], 0); /* four slots */
	for (size_t r = 0; r < 4; r++)
		assert_int_equal(open_as(r, buf_slice(&body), &got, NULL), OK);
	assert_int_equal(got.n, 160); /* appended each time */
	body.n = 0;
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, NULL, 0, record, &body, NULL), OK);
	got.n = 0;
	assert_int_equal(open_as(0, buf_slice(&body), &got, NULL), OK);
	buf_free(&body);
	buf_free(&got);
}

static void more_than_512_readers_or_a_bad_key_is_refused(void **state)
{
	(void)state;
	uint8_t record_bytes[64];
	struct slice record = record_of(40, record_bytes);
	struct buf body = {0};
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, keys, 513, record, &body, NULL), ERR_LIMIT);
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, keys + 1, 512, record, &body, NULL),
		ERR_LIMIT); /* and the author */
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, keys + 1, 511, record, &body, NULL), OK);
	body.n = 0;
	const struct id32 bad = {{0}};
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, &bad, 1, record, &body, NULL), ERR_DECRYPT);
	assert_int_equal(body.n, 0);
	struct seal_pair p;
	assert_int_equal(seal_pair_init(&p, secrets[0], &bad), ERR_DECRYPT);
	buf_free(&body);
}

static void the_longest_record_fits_and_one_byte_more_does_not(void **state)
{
	(void)state;
	static uint8_t record_bytes[LIMIT_BODY_BYTES];
	static const size_t counts[] = {1, 5, 512};
	for (size_t i = 0; i < 3; i++) {
		struct buf body = {0}, got = {0};
		size_t max = seal_record_max(counts[i]);
		struct slice record = record_of(max, record_bytes);
		assert_int_equal(
			seal_body(&rnd, secrets[0], &log_id, keys, counts[i], record, &body, NULL), OK);
		assert_int_equal(body.n, LIMIT_BODY_BYTES);
		assert_int_equal(open_as(0, buf_slice(&body), &got, NULL), OK);
		assert_int_equal(got.n, max);
		body.n = 0;
		record = record_of(max + 1, record_bytes);
		assert_int_equal(seal_body(&rnd, secrets[0], &log_id, keys, counts[i], record, &body, NULL),
			ERR_LIMIT);
		buf_free(&body);
		buf_free(&got);
	}
	assert_int_equal(seal_record_max(1), LIMIT_BODY_BYTES - 32 - 34 - 4 * 56 - 16);
	assert_int_equal(seal_record_max(513), 0);
	struct buf body = {0};
	assert_int_equal(
		seal_body(&rnd, secrets[0], &log_id, keys, 1, (struct slice){0}, &body, NULL), ERR_LIMIT);
	buf_free(&body);
}

static void a_body_copied_into_another_log_does_not_open(void **state)
{
	(void)state;
	uint8_t record_bytes[64], key[32];
	struct slice record = record_of(40, record_bytes);
	struct buf body = {0}, got = {0};
	const struct id32 other_log = {{8}};
	struct seal_pair p;
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, keys, 2, record, &body, key), OK);
	assert_int_equal(seal_pair_init(&p, secrets[1], &keys[0]), OK);
	assert_int_equal(seal_open(&p, &log_id, buf_slice(&body), &got, NULL), OK);
	assert_int_equal(seal_open(&p, &other_log, buf_slice(&body), &got, NULL), ERR_DECRYPT);
	assert_int_equal(seal_open_key(key, &other_log, buf_slice(&body), &got), ERR_DECRYPT);
	/* nor under another author's name: the pair gives another hint */
	assert_int_equal(seal_pair_init(&p, secrets[1], &keys[2]), OK);
	assert_int_equal(seal_open(&p, &log_id, buf_slice(&body), &got, NULL), ERR_NOT_FOUND);
	assert_int_equal(got.n, 40);
	buf_free(&body);
	buf_free(&got);
}

static void every_flipped_bit_behind_the_salt_keeps_it_shut(void **state)
{
	(void)state;
	uint8_t record_bytes[64], key[32];
	struct slice record = record_of(40, record_bytes);
	struct buf body = {0}, got = {0};
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, keys, 2, record, &body, key), OK);
	for (size_t bit = 32 * 8; bit < body.n * 8; bit++) {
		body.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(open_as(1, buf_slice(&body), &got, NULL), OK);
		assert_int_not_equal(seal_open_key(key, &log_id, buf_slice(&body), &got), OK);
		body.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(got.n, 0);
	for (size_t n = 0; n < body.n; n++) {
		assert_int_not_equal(open_as(1, slice_of(body.p, n), &got, NULL), OK);
		assert_int_not_equal(seal_open_key(key, &log_id, slice_of(body.p, n), &got), OK);
	}
	buf_free(&body);
	buf_free(&got);
}

static void a_wrong_slot_with_the_right_hint_is_passed_over(void **state)
{
	(void)state;
	uint8_t record_bytes[64];
	struct slice record = record_of(40, record_bytes);
	struct buf body = {0}, got = {0};
	uint8_t key[32];
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, keys, 1, record, &body, key), OK);
	/* the author's hint in all four slots: only one opens; the content then fails, for it is bound to the slots */
	uint8_t *slots = body.p + 32 + 34, hint[8] = {0};
	struct seal_pair p;
	assert_int_equal(seal_pair_init(&p, secrets[0], &keys[0]), OK);
	uint8_t x[64];
	memcpy(x, p.d, 32);
	memcpy(x + 32, body.p + 32 + 2, 32);
	const struct id32 h = hash_bytes("quire.hint", x, 64);
	memcpy(hint, h.b, 8);
	size_t ad_n = 34 + 4 * 56, plain_n = body.n - 32 - ad_n - 16;
	uint8_t ad[34 + 4 * 56 + 32], plain[200] = {0};
	memcpy(plain, record.p, record.n);
	for (size_t i = 0; i < 4; i++)
		memcpy(slots + i * 56, hint, 8);
	assert_int_equal(open_as(0, buf_slice(&body), &got, NULL), ERR_DECRYPT);
	memcpy(ad, body.p + 32, ad_n);
	memcpy(ad + ad_n, log_id.b, 32);
	assert_true(plain_n <= sizeof plain);
	secret_seal(key, ad, ad_n + 32, plain, plain_n, body.p + 32 + ad_n);
	assert_int_equal(open_as(0, buf_slice(&body), &got, NULL), OK);
	assert_int_equal(got.n, 40);
	buf_free(&body);
	buf_free(&got);
}

static struct id32 ephemeral_of(const uint8_t content_key[32])
{
	const struct id32 e = hash_bytes("quire.ephemeral", content_key, 32);
	struct id32 ephemeral;
	secret_box_public(e.b, &ephemeral);
	return ephemeral;
}

/* A body with any plaintext, as a writer that breaks the rules would make it. */
static enum err open_plain(const uint8_t *plain, size_t n, struct buf *got)
{
	static uint8_t body[LIMIT_BODY_BYTES + 64], ad[34 + 4 * 56 + 32];
	const uint8_t key[32] = {3};
	size_t ad_n = 34 + 4 * 56;
	struct id32 ephemeral = ephemeral_of(key);
	memset(body, 0, sizeof body);
	body[32] = 1;
	memcpy(body + 34, ephemeral.b, 32);
	memcpy(ad, body + 32, ad_n);
	memcpy(ad + ad_n, log_id.b, 32);
	secret_seal(key, ad, ad_n + 32, plain, n, body + 32 + ad_n);
	return seal_open_key(key, &log_id, slice_of(body, 32 + ad_n + n + 16), got);
}

static void what_follows_the_record_must_be_zeros_up_to_a_padme_length(void **state)
{
	(void)state;
	static uint8_t plain[LIMIT_BODY_BYTES];
	struct buf got = {0};
	size_t n = padme(32 + 34 + 4 * 56 + 16 + 40) - (32 + 34 + 4 * 56 + 16);
	plain[0] = 0xc0;
	assert_int_equal(open_plain(plain, n, &got), OK);
	assert_int_equal(got.n, 1);
	assert_int_equal(open_plain(plain, n + 1, &got), ERR_FORMAT); /* no Padme length */
	assert_int_equal(open_plain(plain, n - 1, &got), ERR_FORMAT);
	plain[n - 1] = 1;
	assert_int_equal(open_plain(plain, n, &got), ERR_FORMAT);
	plain[n - 1] = 0;
	plain[0] = 0xc1;
	assert_int_equal(open_plain(plain, n, &got), ERR_FORMAT);
	plain[0] = 0xdd;
	assert_int_equal(open_plain(plain, n, &got), ERR_FORMAT);
	memset(plain, 0x91, 9);
	assert_int_equal(open_plain(plain, n, &got), ERR_FORMAT); /* too deep */
	assert_int_equal(got.n, 1);
	buf_free(&got);
}

/* A writer that gives two readers two keys, of which each decrypts: only the one that E belongs to opens. */
static void a_key_that_the_ephemeral_key_does_not_belong_to_opens_nothing(void **state)
{
	(void)state;
	uint8_t record_bytes[64], key[32], forged[34 + 4 * 56 + 32], plain[200] = {0};
	struct slice record = record_of(40, record_bytes);
	struct buf body = {0}, got = {0};
	assert_int_equal(seal_body(&rnd, secrets[0], &log_id, keys, 2, record, &body, key), OK);
	size_t ad_n = 34 + 4 * 56, plain_n = body.n - 32 - ad_n - 16;
	const uint8_t other[32] = {9};
	struct id32 ephemeral = ephemeral_of(key);
	assert_memory_equal(body.p + 34, ephemeral.b, 32);
	assert_true(plain_n <= sizeof plain);
	memcpy(plain, record.p, record.n);
	memcpy(forged, body.p + 32, ad_n);
	memcpy(forged + ad_n, log_id.b, 32);
	secret_seal(other, forged, ad_n + 32, plain, plain_n, body.p + 32 + ad_n);
	assert_int_equal(seal_open_key(other, &log_id, buf_slice(&body), &got), ERR_DECRYPT);
	ephemeral = ephemeral_of(other);
	memcpy(body.p + 34, ephemeral.b, 32);
	memcpy(forged, body.p + 32, ad_n);
	secret_seal(other, forged, ad_n + 32, plain, plain_n, body.p + 32 + ad_n);
	assert_int_equal(seal_open_key(other, &log_id, buf_slice(&body), &got), OK);
	assert_int_equal(got.n, 40);
	buf_free(&body);
	buf_free(&got);
}

static void malformed_bodies_are_refused_before_any_key_is_used(void **state)
{
	(void)state;
	static uint8_t body[LIMIT_BODY_BYTES + 4096];
	struct seal_pair p;
	struct buf got = {0};
	assert_int_equal(seal_pair_init(&p, secrets[1], &keys[0]), OK);
	for (size_t n = 0; n < 400; n++) {
		assert_int_equal(
			seal_open(&p, &log_id, slice_of(body, n), &got, NULL), ERR_FORMAT); /* version 0 */
		assert_false(seal_hint_matches(&p, slice_of(body, n)));
	}
	body[32] = 1;
	assert_int_equal(seal_open(&p, &log_id, slice_of(body, 320), &got, NULL), ERR_NOT_FOUND);
	body[33] = 5; /* no such size code */
	assert_int_equal(seal_open(&p, &log_id, slice_of(body, 320), &got, NULL), ERR_FORMAT);
	body[33] = 4; /* more slots than bytes */
	assert_int_equal(seal_open(&p, &log_id, slice_of(body, 320), &got, NULL), ERR_FORMAT);
	assert_int_equal(seal_open(&p, &log_id, slice_of(body, 65536), &got, NULL), ERR_FORMAT);
	assert_int_equal(got.n, 0);
	buf_free(&got);
}

static void a_clear_body_is_a_salt_and_the_record(void **state)
{
	(void)state;
	static uint8_t record[LIMIT_BODY_BYTES];
	struct buf a = {0}, b = {0};
	record[0] = 5;
	assert_int_equal(seal_clear_body(&rnd, slice_of(record, 1), &a), OK);
	assert_int_equal(seal_clear_body(&rnd, slice_of(record, 1), &b), OK);
	assert_int_equal(a.n, LIMIT_BODY_BYTES_MIN);
	assert_int_equal(a.p[32], 5);
	assert_memory_not_equal(a.p, b.p, 32);
	a.n = 0;
	assert_int_equal(seal_clear_body(&rnd, slice_of(record, LIMIT_BODY_BYTES - 32), &a), OK);
	assert_int_equal(a.n, LIMIT_BODY_BYTES);
	assert_int_equal(seal_clear_body(&rnd, slice_of(record, LIMIT_BODY_BYTES - 31), &a), ERR_LIMIT);
	assert_int_equal(seal_clear_body(&rnd, slice_of(record, 0), &a), ERR_LIMIT);
	buf_free(&a);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padded_lengths_are_padme_and_fixed_points),
		cmocka_unit_test(each_of_n_readers_opens_and_nobody_else_does),
		cmocka_unit_test(the_author_is_added_and_duplicates_are_folded),
		cmocka_unit_test(more_than_512_readers_or_a_bad_key_is_refused),
		cmocka_unit_test(the_longest_record_fits_and_one_byte_more_does_not),
		cmocka_unit_test(a_body_copied_into_another_log_does_not_open),
		cmocka_unit_test(every_flipped_bit_behind_the_salt_keeps_it_shut),
		cmocka_unit_test(a_wrong_slot_with_the_right_hint_is_passed_over),
		cmocka_unit_test(what_follows_the_record_must_be_zeros_up_to_a_padme_length),
		cmocka_unit_test(a_key_that_the_ephemeral_key_does_not_belong_to_opens_nothing),
		cmocka_unit_test(malformed_bodies_are_refused_before_any_key_is_used),
		cmocka_unit_test(a_clear_body_is_a_salt_and_the_record),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
