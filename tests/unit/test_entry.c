/* Headers, envelopes, bodies and runs: limits, and each kind of damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/log/entry.h"
#include "protocol/log/hash.h"
#include "protocol/log/mp.h"
#include "protocol/log/secret.h"

#define BYTES(s) slice_of("" s, sizeof("" s) - 1)

static uint8_t device_secret[64];
static struct id32 device_key, log_id;

static int setup(void **state)
{
	(void)state;
	static const uint8_t seed[32] = {1};
	static const struct id32 identity = {{2}};
	secret_sign_pair(seed, &device_key, device_secret);
	log_id = entry_log_id(&identity, &device_key);
	return 0;
}

static struct entry_header example(void)
{
	return (struct entry_header){
		.flags = ENTRY_FLAG_SEALED | ENTRY_FLAG_KEEP,
		.log = {{1, 2}},
		.seq = LIMIT_SEQ,
		.prev = {{3, 4}},
		.hour = 0x05060708,
		.scope = {9, 10},
		.envelope_hash = {{11, 12}},
		.body_bytes = LIMIT_BODY_BYTES,
		.commitment = {{13, 14}},
	};
}

/* ---- headers */

static void a_header_reads_back_from_where_its_fields_belong(void **state)
{
	(void)state;
	uint8_t b[ENTRY_HEADER_BYTES], again[ENTRY_HEADER_BYTES];
	const struct entry_header h = example();
	struct entry_header got;
	entry_header_encode(&h, b);
	assert_int_equal(b[0], 1);
	assert_int_equal(b[1], 3);
	assert_memory_equal(b + 2, h.log.b, 32);
	assert_int_equal(be64_get(b + 34), LIMIT_SEQ);
	assert_memory_equal(b + 42, h.prev.b, 32);
	assert_int_equal(be32_get(b + 74), 0x05060708);
	assert_memory_equal(b + 78, h.scope, 16);
	assert_memory_equal(b + 94, h.envelope_hash.b, 32);
	assert_int_equal(be32_get(b + 126), LIMIT_BODY_BYTES);
	assert_memory_equal(b + 130, h.commitment.b, 32);
	assert_int_equal(entry_header_decode(slice_of(b, sizeof b), &got), OK);
	entry_header_encode(&got, again);
	assert_memory_equal(b, again, sizeof b);
}

static void every_length_but_162_is_refused(void **state)
{
	(void)state;
	uint8_t b[ENTRY_HEADER_BYTES + 1] = {0};
	const struct entry_header h = example();
	struct entry_header got;
	entry_header_encode(&h, b);
	for (size_t n = 0; n <= sizeof b; n++)
		assert_int_equal(
			entry_header_decode(slice_of(b, n), &got), n == ENTRY_HEADER_BYTES ? OK : ERR_FORMAT);
}

static void every_flipped_bit_changes_the_id_and_breaks_the_signature(void **state)
{
	(void)state;
	uint8_t b[ENTRY_HEADER_BYTES], sig[ENTRY_SIGNATURE_BYTES];
	const struct entry_header h = example();
	entry_header_encode(&h, b);
	entry_sign(b, device_secret, sig);
	const struct id32 id = entry_id(b);
	assert_int_equal(entry_verify(b, sig, &device_key), OK);
	for (size_t bit = 0; bit < sizeof b * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		const struct id32 other = entry_id(b);
		assert_false(id32_equal(&id, &other));
		assert_int_equal(entry_verify(b, sig, &device_key), ERR_SIGNATURE);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < sizeof sig * 8; bit++) {
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(entry_verify(b, sig, &device_key), ERR_SIGNATURE);
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void expect_header(size_t at, uint64_t v, size_t width, enum err expected)
{
	uint8_t b[ENTRY_HEADER_BYTES];
	const struct entry_header h = example();
	struct entry_header got = {.hour = 77};
	entry_header_encode(&h, b);
	for (size_t i = width; i-- > 0; v >>= 8)
		b[at + i] = (uint8_t)v;
	assert_int_equal(entry_header_decode(slice_of(b, sizeof b), &got), expected);
	if (expected != OK)
		assert_int_equal(got.hour, 77); /* set only on success */
}

static void header_values_beyond_their_limit_are_refused(void **state)
{
	(void)state;
	expect_header(0, 0, 1, ERR_VERSION);
	expect_header(0, 2, 1, ERR_VERSION);
	for (unsigned bit = 2; bit < 8; bit++)
		expect_header(1, 1u << bit, 1, ERR_FORMAT);
	expect_header(34, LIMIT_SEQ, 8, OK);
	expect_header(34, LIMIT_SEQ + 1, 8, ERR_RANGE);
	expect_header(34, UINT64_MAX, 8, ERR_RANGE);
	expect_header(34, 0, 8, ERR_RANGE); /* it has a previous id */
	expect_header(126, 32, 4, ERR_RANGE);
	expect_header(126, 33, 4, OK);
	expect_header(126, 61440, 4, OK);
	expect_header(126, 61441, 4, ERR_RANGE);
	expect_header(126, UINT32_MAX, 4, ERR_RANGE);
}

static void encoding_what_decoding_refuses_aborts(void **state)
{
	(void)state;
	struct entry_header bad[4] = {example(), example(), example(), example()};
	bad[0].flags = 4;
	bad[1].seq = LIMIT_SEQ + 1;
	bad[2].body_bytes = 32;
	bad[3].seq = 0;
	for (size_t i = 0; i < 4; i++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			uint8_t b[ENTRY_HEADER_BYTES];
			(void)signal(SIGABRT, SIG_DFL);
			(void)!freopen("/dev/null", "w", stderr);
			entry_header_encode(&bad[i], b);
			_exit(0);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

/* ---- envelopes */

static struct envelope full_envelope(void)
{
	struct envelope e = {
		.blobs_n = LIMIT_ENVELOPE_BLOBS,
		.has_custodian = true,
		.has_drop_after = true,
		.has_was = true,
		.custodian = {{1}},
		.drop_after_day = UINT32_MAX,
		.was = {.log = {{2}}, .seq = LIMIT_SEQ, .id = {{3}}},
	};
	for (size_t i = 0; i < LIMIT_ENVELOPE_BLOBS; i++)
		e.blobs[i] = (struct envelope_blob){
			.root = {{(uint8_t)(i + 1)}}, .size = (uint64_t)LIMIT_BLOB_CHUNKS * BLOB_CHUNK_BYTES};
	return e;
}

static void an_envelope_reads_back_and_the_fullest_is_within_the_limit(void **state)
{
	(void)state;
	const struct envelope e = full_envelope();
	struct envelope got;
	struct buf b = {0}, again = {0};
	assert_int_equal(envelope_encode(&e, &b), OK);
	assert_true(b.n <= LIMIT_ENVELOPE_BYTES);
	assert_int_equal(envelope_decode(buf_slice(&b), &got), OK);
	assert_int_equal(got.blobs_n, 16);
	assert_true(got.has_custodian && got.has_drop_after && got.has_was);
	assert_int_equal(envelope_encode(&got, &again), OK);
	assert_true(slice_equal(buf_slice(&b), buf_slice(&again)));
	for (size_t n = 1; n < b.n; n++)
		assert_int_equal(envelope_decode(slice_of(b.p, n), &got), ERR_FORMAT);
	for (size_t bit = 0; bit < b.n * 8; bit++) { /* refused, or another envelope: never the same */
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		again.n = 0;
		if (envelope_decode(buf_slice(&b), &got) == OK) {
			assert_int_equal(envelope_encode(&got, &again), OK);
			assert_true(slice_equal(buf_slice(&b), buf_slice(&again)));
		}
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	buf_free(&b);
	buf_free(&again);
}

static void an_absent_envelope_is_empty_and_hashes_to_zeros(void **state)
{
	(void)state;
	struct envelope e = full_envelope();
	struct buf b = {0};
	assert_int_equal(envelope_decode((struct slice){0}, &e), OK);
	assert_int_equal(e.blobs_n, 0);
	assert_false(e.has_custodian || e.has_drop_after || e.has_was);
	assert_int_equal(envelope_encode(&e, &b), OK);
	assert_int_equal(b.n, 0);
	const struct id32 h = entry_envelope_hash((struct slice){0});
	assert_true(id32_is_zero(&h));
}

#define Z8 "\0\0\0\0\0\0\0\0"
#define BIN32 "\xc4\x20" Z8 Z8 Z8 Z8

static void malformed_envelopes_are_refused(void **state)
{
	(void)state;
	struct envelope e;
	assert_int_equal(envelope_decode(BYTES("\x81\x02" BIN32), &e), OK);
	assert_int_equal(envelope_decode(BYTES("\x81\x03\xce\xff\xff\xff\xff"), &e), OK);
	assert_int_equal(envelope_decode(BYTES("\x81\x01\x91\x92" BIN32 "\x05"), &e), OK);
	assert_int_equal(envelope_decode(BYTES("\x81\x04\x93" BIN32 "\x05" BIN32), &e), OK);
	assert_int_equal(envelope_decode(BYTES("\x80"), &e), ERR_FORMAT); /* at least one key */
	assert_int_equal(envelope_decode(BYTES("\x81\x05\x00"), &e), ERR_FORMAT); /* unknown key */
	assert_int_equal(envelope_decode(BYTES("\x81\x00\x00"), &e), ERR_FORMAT);
	assert_int_equal(envelope_decode(BYTES("\x81\xa1\x31\x00"), &e), ERR_FORMAT); /* str key */
	assert_int_equal(envelope_decode(BYTES("\x90"), &e), ERR_FORMAT);
	assert_int_equal(envelope_decode(BYTES("\x82\x03\x05\x02" BIN32), &e), ERR_FORMAT); /* order */
	assert_int_equal(
		envelope_decode(BYTES("\x81\x03\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), &e), ERR_RANGE);
	assert_int_equal(envelope_decode(BYTES("\x81\x03\xff"), &e), ERR_FORMAT);
	assert_int_equal(envelope_decode(BYTES("\x81\x01\x90"), &e), ERR_RANGE); /* no blobs */
	assert_int_equal(envelope_decode(BYTES("\x81\x01\x91\x91" BIN32), &e), ERR_RANGE);
	assert_int_equal(envelope_decode(BYTES("\x81\x01\x91\x93" BIN32 "\x05\x05"), &e), ERR_RANGE);
	assert_int_equal(envelope_decode(BYTES("\x81\x02\xc4\x01\x00"), &e), ERR_RANGE);
	assert_int_equal(
		envelope_decode(BYTES("\x81\x04\x93" BIN32 "\xcf\x00\x00\x00\x01\x00\x00\x00\x00" BIN32), &e),
		ERR_RANGE);
	assert_int_equal(
		envelope_decode(BYTES("\x81\x01\x91\x92" BIN32 "\xcf\x00\x00\x00\x10\x00\x00\x00\x00"), &e),
		OK);
	assert_int_equal(
		envelope_decode(BYTES("\x81\x01\x91\x92" BIN32 "\xcf\x00\x00\x00\x10\x00\x00\x00\x01"), &e),
		ERR_RANGE);

	struct buf b = {0};
	struct mp_out o = mp_out_init(&b);
	mp_put_map(&o, 1);
	mp_put_uint(&o, 1);
	mp_put_array(&o, LIMIT_ENVELOPE_BLOBS + 1);
	for (size_t i = 0; i <= LIMIT_ENVELOPE_BLOBS; i++) {
		mp_put_array(&o, 2);
		mp_put_id(&o, &(struct id32){{(uint8_t)i}});
		mp_put_uint(&o, 1);
	}
	assert_int_equal(envelope_decode(buf_slice(&b), &e), ERR_RANGE);
	buf_free(&b);
	static uint8_t long_one[LIMIT_ENVELOPE_BYTES + 1];
	assert_int_equal(envelope_decode(slice_of(long_one, LIMIT_ENVELOPE_BYTES + 1), &e), ERR_LIMIT);
	assert_int_equal(envelope_decode(slice_of(long_one, LIMIT_ENVELOPE_BYTES), &e), ERR_FORMAT);
}

static void a_body_fits_by_length_and_commitment(void **state)
{
	(void)state;
	uint8_t body[101] = {1};
	struct entry_header h = {.body_bytes = 100, .commitment = entry_body_commitment(slice_of(body, 100))};
	assert_int_equal(entry_body_check(&h, slice_of(body, 100)), OK);
	assert_int_equal(entry_body_check(&h, slice_of(body, 99)), ERR_HASH);
	assert_int_equal(entry_body_check(&h, slice_of(body, 101)), ERR_HASH);
	body[50] ^= 1;
	assert_int_equal(entry_body_check(&h, slice_of(body, 100)), ERR_HASH);
}

/* ---- runs */

static struct fixture {
	uint8_t headers[64][ENTRY_HEADER_BYTES], signature[64], bodies[64][40];
	struct entry_part parts[64];
	struct id32 ids[64];
	struct run run;
} fx;

static const struct slice fx_envelope = {(const uint8_t *)"\x81\x03\x05", 3};

static void sign_last(void)
{
	entry_sign(fx.headers[fx.run.n - 1], device_secret, fx.signature);
}

/* Makes the links from entry i on anew, as one who writes (or forges) them would. */
static void relink(size_t i)
{
	for (; i < fx.run.n; i++) {
		if (i > 0)
			memcpy(fx.headers[i] + 42, fx.ids[i - 1].b, 32);
		fx.ids[i] = entry_id(fx.headers[i]);
	}
	sign_last();
}

static void build(uint64_t first, size_t n)
{
	memset(&fx, 0, sizeof fx);
	fx.run = (struct run){.log = log_id,
		.first = first,
		.n = n,
		.headers = fx.headers[0],
		.signature = fx.signature,
		.parts = fx.parts};
	for (size_t i = 0; i < n; i++) {
		memset(fx.bodies[i], (int)(i + 1), sizeof fx.bodies[i]);
		struct slice body = slice_of(fx.bodies[i], sizeof fx.bodies[i]);
		struct slice envelope = i % 2 ? fx_envelope : (struct slice){0};
		struct entry_header h = {
			.log = log_id,
			.seq = first + i,
			.hour = 5,
			.envelope_hash = entry_envelope_hash(envelope),
			.body_bytes = (uint32_t)body.n,
			.commitment = entry_body_commitment(body),
		};
		if (i == 0 && first > 0)
			h.prev = (struct id32){{0xaa}};
		entry_header_encode(&h, fx.headers[i]);
		fx.parts[i] = (struct entry_part){.envelope = envelope, .kind = BODY_HERE, .bytes = body};
	}
	relink(0);
}

static enum err verify(void)
{
	struct run_ends ends;
	return run_verify(&fx.run, &device_key, &ends);
}

static void a_whole_run_verifies_and_names_its_ends(void **state)
{
	(void)state;
	struct run_ends ends;
	build(64, 64);
	assert_int_equal(run_verify(&fx.run, &device_key, &ends), OK);
	assert_int_equal(ends.prev.b[0], 0xaa);
	assert_true(id32_equal(&ends.last, &fx.ids[63]));
	fx.run.parts = NULL; /* headers alone */
	assert_int_equal(verify(), OK);
	build(0, 1);
	assert_int_equal(run_verify(&fx.run, &device_key, &ends), OK);
	assert_true(id32_is_zero(&ends.prev));
	build(LIMIT_SEQ, 1);
	assert_int_equal(verify(), OK);
}

static void a_run_ends_at_its_interval(void **state)
{
	(void)state;
	assert_int_equal(run_interval_end(0), 64);
	assert_int_equal(run_interval_end(63), 64);
	assert_int_equal(run_interval_end(64), 128);
	build(60, 4);
	assert_int_equal(verify(), OK);
	build(60, 5);
	assert_int_equal(verify(), ERR_RANGE);
	build(1, 64);
	assert_int_equal(verify(), ERR_RANGE);
	build(1, 63);
	assert_int_equal(verify(), OK);
	build(0, 64);
	assert_int_equal(verify(), OK);
	fx.run.n = 65;
	assert_int_equal(verify(), ERR_RANGE);
	fx.run.n = 0;
	assert_int_equal(verify(), ERR_RANGE);
	fx.run.n = 1;
	fx.run.first = LIMIT_SEQ + 1;
	assert_int_equal(verify(), ERR_RANGE);
	fx.run.first = UINT64_MAX;
	assert_int_equal(verify(), ERR_RANGE);
}

static void a_broken_header_or_link_fails_the_run(void **state)
{
	(void)state;
	build(0, 64);
	fx.headers[10][0] = 2;
	relink(10);
	assert_int_equal(verify(), ERR_VERSION);
	build(0, 64);
	fx.headers[10][1] = 4;
	relink(10);
	assert_int_equal(verify(), ERR_FORMAT);
	build(0, 64);
	be32_put(fx.headers[10] + 126, LIMIT_BODY_BYTES + 1);
	relink(10);
	assert_int_equal(verify(), ERR_RANGE);
	build(0, 64);
	be64_put(fx.headers[10] + 34, 11); /* a seq twice */
	relink(10);
	assert_int_equal(verify(), ERR_CHAIN);
	build(0, 64);
	fx.headers[10][2] ^= 1; /* another log */
	relink(10);
	assert_int_equal(verify(), ERR_CHAIN);
	build(0, 64);
	fx.headers[10][42] ^= 1; /* another entry before */
	fx.ids[10] = entry_id(fx.headers[10]);
	relink(11);
	assert_int_equal(verify(), ERR_CHAIN);
	build(0, 64);
	fx.run.first = 64;
	assert_int_equal(verify(), ERR_CHAIN);
	build(0, 64);
	fx.run.log.b[0] ^= 1;
	assert_int_equal(verify(), ERR_CHAIN);
}

static void every_flipped_bit_of_any_header_fails_the_run(void **state)
{
	(void)state;
	build(0, 3);
	for (size_t i = 0; i < 3; i++)
		for (size_t bit = 0; bit < ENTRY_HEADER_BYTES * 8; bit++) {
			fx.headers[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_not_equal(verify(), OK);
			fx.headers[i][bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	assert_int_equal(verify(), OK);
}

static void a_foreign_or_misplaced_signature_fails_the_run(void **state)
{
	(void)state;
	build(0, 64);
	fx.signature[5] ^= 1;
	assert_int_equal(verify(), ERR_SIGNATURE);
	build(0, 64);
	entry_sign(fx.headers[62], device_secret, fx.signature);
	assert_int_equal(verify(), ERR_SIGNATURE);
	build(0, 64);
	struct run_ends ends;
	struct id32 other = {{9}};
	assert_int_equal(run_verify(&fx.run, &other, &ends), ERR_SIGNATURE);
}

static void without_signature_a_run_holds_up_to_the_entry_that_a_closing_or_a_proof_names(void **state)
{
	(void)state;
	build(0, 7);
	fx.run.signature = NULL;
	assert_int_equal(verify(), ERR_SIGNATURE);
	struct run_ends ends;
	struct id32 other = {{9}};
	fx.run.closing = fx.run.fork_prev = &other;
	assert_int_equal(verify(), ERR_SIGNATURE);
	fx.run.closing = &fx.ids[4];
	assert_int_equal(run_verify(&fx.run, &device_key, &ends), OK);
	assert_int_equal(ends.n, 5);
	assert_int_equal(ends.fork_n, 0);
	assert_true(id32_equal(&ends.last, &fx.ids[4]));
	fx.run.fork_prev = &fx.ids[5];
	assert_int_equal(run_verify(&fx.run, &device_key, &ends), OK);
	assert_int_equal(ends.n, 6);
	assert_int_equal(ends.fork_n, 6);
	fx.run.closing = &fx.ids[6];
	assert_int_equal(run_verify(&fx.run, &device_key, &ends), OK);
	assert_int_equal(ends.n, 7);
	fx.run.signature = fx.signature;
	assert_int_equal(run_verify(&fx.run, &device_key, &ends), OK);
	assert_int_equal(ends.n, 7);
	assert_int_equal(ends.fork_n, 6);
	fx.signature[0] ^= 1; /* a signature that is there must hold */
	fx.run.signature = fx.signature;
	assert_int_equal(verify(), ERR_SIGNATURE);
}

static void damaged_envelopes_and_bodies_fail_the_run(void **state)
{
	(void)state;
	build(0, 64);
	fx.parts[1].envelope = (struct slice){0}; /* left out */
	assert_int_equal(verify(), ERR_HASH);
	fx.parts[1].envelope = slice_of("\x81\x03\x06", 3); /* another */
	assert_int_equal(verify(), ERR_HASH);
	build(0, 64);
	fx.parts[2].envelope = fx_envelope; /* where the header has none */
	assert_int_equal(verify(), ERR_HASH);
	build(0, 64);
	fx.parts[1].envelope = slice_of("\x81\x09\x06", 3); /* hashed and signed, but malformed */
	const struct id32 h = entry_envelope_hash(fx.parts[1].envelope);
	memcpy(fx.headers[1] + 94, h.b, 32);
	relink(1);
	assert_int_equal(verify(), ERR_FORMAT);
	build(0, 64);
	fx.bodies[63][39] ^= 1;
	assert_int_equal(verify(), ERR_HASH);
	fx.bodies[63][39] ^= 1;
	fx.parts[63].bytes.n--;
	assert_int_equal(verify(), ERR_HASH);
	build(0, 64);
	be32_put(fx.headers[3] + 126, 41); /* signed with another length */
	relink(3);
	assert_int_equal(verify(), ERR_HASH);
}

static void a_part_without_body_carries_no_bytes(void **state)
{
	(void)state;
	static const uint8_t statement[LIMIT_ERASURE_BYTES];
	static const uint8_t none[] = {BODY_ASK, BODY_ABSENT, BODY_WITHHELD};
	build(0, 8);
	for (size_t i = 0; i < sizeof none; i++) {
		fx.parts[i].kind = none[i];
		assert_int_equal(verify(), ERR_FORMAT);
		fx.parts[i].bytes = (struct slice){0};
		assert_int_equal(verify(), OK);
	}
	fx.parts[4].kind = BODY_ERASED;
	assert_int_equal(verify(), ERR_FORMAT);
	fx.parts[4].bytes = slice_of(statement, sizeof statement);
	assert_int_equal(verify(), OK);
	fx.parts[5].kind = 5;
	assert_int_equal(verify(), ERR_FORMAT);
	fx.parts[5].kind = 255;
	assert_int_equal(verify(), ERR_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_reads_back_from_where_its_fields_belong),
		cmocka_unit_test(every_length_but_162_is_refused),
		cmocka_unit_test(every_flipped_bit_changes_the_id_and_breaks_the_signature),
		cmocka_unit_test(header_values_beyond_their_limit_are_refused),
		cmocka_unit_test(encoding_what_decoding_refuses_aborts),
		cmocka_unit_test(an_envelope_reads_back_and_the_fullest_is_within_the_limit),
		cmocka_unit_test(an_absent_envelope_is_empty_and_hashes_to_zeros),
		cmocka_unit_test(malformed_envelopes_are_refused),
		cmocka_unit_test(a_body_fits_by_length_and_commitment),
		cmocka_unit_test(a_whole_run_verifies_and_names_its_ends),
		cmocka_unit_test(a_run_ends_at_its_interval),
		cmocka_unit_test(a_broken_header_or_link_fails_the_run),
		cmocka_unit_test(every_flipped_bit_of_any_header_fails_the_run),
		cmocka_unit_test(a_foreign_or_misplaced_signature_fails_the_run),
		cmocka_unit_test(
			without_signature_a_run_holds_up_to_the_entry_that_a_closing_or_a_proof_names),
		cmocka_unit_test(damaged_envelopes_and_bodies_fail_the_run),
		cmocka_unit_test(a_part_without_body_carries_no_bytes),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
