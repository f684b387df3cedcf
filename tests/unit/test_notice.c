/* The form of a notice: what is sealed opens to the same, at one length whatever it says; what is hostile is refused. SPEC.md section 20.1. */
#include "protocol/log/notice.h"

#include "protocol/log/mp.h"
#include "protocol/log/secret.h"
#include "tests/support/seeded_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

static struct id32 key, other_key;
static uint8_t secret[32], other_secret[32];
static struct seeded_random chance;
static struct random_source rnd;

static int set_up(void **state)
{
	(void)state;
	chance.seed = 20;
	rnd = seeded_random_source(&chance);
	random_fill(&rnd, secret, sizeof secret);
	random_fill(&rnd, other_secret, sizeof other_secret);
	secret_box_public(secret, &key);
	secret_box_public(other_secret, &other_key);
	return sodium_init() < 0;
}

static struct notice example(uint64_t seq, size_t addresses_n, size_t address_bytes)
{
	struct notice n = {.addresses_n = addresses_n};
	random_fill(&rnd, n.to.b, 32);
	random_fill(&rnd, n.from.b, 32);
	random_fill(&rnd, n.node.b, 32);
	random_fill(&rnd, n.entry.log.b, 32);
	random_fill(&rnd, n.entry.id.b, 32);
	n.entry.seq = seq;
	for (size_t i = 0; i < addresses_n; i++) {
		memset(n.addresses[i], 'a' + (int)i, address_bytes - 3);
		memcpy(n.addresses[i] + address_bytes - 3, ":99", 4);
		if (address_bytes - 3 > 20)
			n.addresses[i][20] = '.';
		if (address_bytes - 3 > 40)
			n.addresses[i][40] = '.';
	}
	return n;
}

static void assert_same(const struct notice *a, const struct notice *b)
{
	assert_memory_equal(&a->to, &b->to, 32);
	assert_memory_equal(&a->from, &b->from, 32);
	assert_memory_equal(&a->node, &b->node, 32);
	assert_memory_equal(&a->entry.log, &b->entry.log, 32);
	assert_memory_equal(&a->entry.id, &b->entry.id, 32);
	assert_int_equal(a->entry.seq, b->entry.seq);
}

static void what_is_sealed_opens_for_its_node_and_no_other(void **state)
{
	(void)state;
	uint8_t bytes[LIMIT_NOTICE_BYTES];
	struct notice n = example(7, 1, 20), got;
	assert_int_equal(notice_seal(&n, &key, &rnd, bytes), OK);
	assert_int_equal(notice_open(slice_of(bytes, sizeof bytes), &key, secret, &got), OK);
	assert_same(&n, &got);
	assert_int_equal(got.addresses_n, 1);
	assert_string_equal(got.addresses[0], n.addresses[0]);
	assert_int_equal(
		notice_open(slice_of(bytes, sizeof bytes), &other_key, other_secret, &got), ERR_NOT_FOUND);
	for (size_t i = 0; i < sizeof bytes; i += 13) {
		bytes[i] ^= 1;
		assert_int_equal(
			notice_open(slice_of(bytes, sizeof bytes), &key, secret, &got), ERR_NOT_FOUND);
		bytes[i] ^= 1;
	}
	assert_int_equal(notice_open(slice_of(bytes, sizeof bytes - 1), &key, secret, &got), ERR_NOT_FOUND);
}

static void libsodium_opens_it_too(void **state)
{
	(void)state;
	uint8_t bytes[LIMIT_NOTICE_BYTES], plain[LIMIT_NOTICE_BYTES - crypto_box_SEALBYTES];
	struct notice n = example(1, 0, 0);
	assert_int_equal(notice_seal(&n, &key, &rnd, bytes), OK);
	assert_int_equal(crypto_box_seal_open(plain, bytes, sizeof bytes, key.b, secret), 0);
	assert_int_equal(mp_check(slice_of(plain, sizeof plain), 100), OK);
}

static void every_seq_and_number_of_addresses_has_the_same_length(void **state)
{
	(void)state;
	static const uint64_t seqs[] = {0, 127, 128, 255, 256, 65535, 65536, LIMIT_SEQ};
	for (size_t s = 0; s < sizeof seqs / sizeof *seqs; s++)
		for (size_t k = 0; k <= LIMIT_ADDRESSES; k++)
			for (size_t bytes_n = 4; bytes_n <= LIMIT_ADDRESS_BYTES; bytes_n++) {
				uint8_t bytes[LIMIT_NOTICE_BYTES];
				struct notice n = example(seqs[s], k, bytes_n), got;
				assert_int_equal(notice_seal(&n, &key, &rnd, bytes), OK);
				assert_int_equal(
					notice_open(slice_of(bytes, sizeof bytes), &key, secret, &got), OK);
				assert_same(&n, &got);
				assert_in_range(got.addresses_n, k < 3 ? k : 3, k);
			}
	uint8_t bytes[LIMIT_NOTICE_BYTES];
	struct notice n = example(LIMIT_SEQ + 1, 0, 0);
	assert_int_equal(notice_seal(&n, &key, &rnd, bytes), ERR_RANGE);
}

static void what_is_no_address_is_left_out(void **state)
{
	(void)state;
	uint8_t bytes[LIMIT_NOTICE_BYTES];
	struct notice n = example(1, 3, 20), got;
	snprintf(n.addresses[1], sizeof n.addresses[1], "no port");
	assert_int_equal(notice_seal(&n, &key, &rnd, bytes), OK);
	assert_int_equal(notice_open(slice_of(bytes, sizeof bytes), &key, secret, &got), OK);
	assert_int_equal(got.addresses_n, 2);
	assert_string_equal(got.addresses[1], n.addresses[2]);
}

static void a_key_of_small_order_is_refused(void **state)
{
	(void)state;
	uint8_t bytes[LIMIT_NOTICE_BYTES];
	static const struct id32 zero;
	struct notice n = example(1, 0, 0);
	assert_int_equal(notice_seal(&n, &zero, &rnd, bytes), ERR_DECRYPT);
}

/* ---- maps that others seal */

enum field {
	LEAVE_OUT,
	WRONG_TYPE,
	WRONG_VALUE,
	EXTRA,
	MANY_ADDRESSES,
	BAD_ADDRESS,
	TRAILING,
	UNSORTED,
	NOTHING
};

static const char *const ids[] = {"from", "id", "log", "node", "to"};

static void put(struct mp_out *o, const char *name, enum field how, const char *which)
{
	bool here = strcmp(name, which) == 0;
	if (how == LEAVE_OUT && here)
		return;
	mp_put_cstr(o, name);
	if (how == WRONG_TYPE && here)
		mp_put_bool(o, true);
	else if (strcmp(name, "kind") == 0)
		mp_put_uint(o, how == WRONG_VALUE && here ? 2 : 1);
	else if (strcmp(name, "seq") == 0)
		mp_put_uint(o, how == WRONG_VALUE && here ? LIMIT_SEQ + 1 : 5);
	else
		mp_put_bin(o, slice_of(key.b, how == WRONG_VALUE && here ? 31 : 32));
}

static void put_addresses(struct mp_out *o, enum field how)
{
	size_t n = how == MANY_ADDRESSES ? 5 : 1;
	mp_put_cstr(o, "addresses");
	mp_put_array(o, n);
	for (size_t i = 0; i < n; i++)
		mp_put_cstr(o, how == BAD_ADDRESS ? "../etc" : "a:1");
}

static enum err open_map(enum field how, const char *which, struct notice *got)
{
	struct buf plain = {0};
	struct mp_out o = mp_out_init(&plain);
	uint8_t sealed[LIMIT_NOTICE_BYTES];
	bool addresses = how == MANY_ADDRESSES || how == BAD_ADDRESS;
	mp_put_map(&o, 7u + addresses + (how == EXTRA) - (how == LEAVE_OUT));
	if (addresses)
		put_addresses(&o, how);
	for (size_t i = 0; i < 2; i++)
		put(&o, ids[how == UNSORTED ? 1 - i : i], how, which);
	put(&o, "kind", how, which);
	put(&o, "log", how, which);
	put(&o, "node", how, which);
	put(&o, "seq", how, which);
	put(&o, "to", how, which);
	if (how == EXTRA) {
		mp_put_cstr(&o, "zebra");
		mp_put_array(&o, 1);
		mp_put_nil(&o);
	}
	if (how == TRAILING)
		mp_put_nil(&o);
	assert_int_equal(o.err, OK);
	assert_int_equal(crypto_box_seal(sealed, plain.p, plain.n, key.b), 0);
	enum err e = notice_open(slice_of(sealed, plain.n + crypto_box_SEALBYTES), &key, secret, got);
	buf_free(&plain);
	return e;
}

static void a_map_that_is_not_as_it_must_be_is_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"from", "id", "kind", "log", "node", "seq", "to"};
	struct notice got;
	assert_int_equal(open_map(NOTHING, "", &got), OK);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (enum field how = LEAVE_OUT; how <= WRONG_VALUE; how++)
			assert_int_equal(open_map(how, names[i], &got), ERR_FORMAT);
	assert_int_equal(open_map(EXTRA, "", &got), OK); /* of a later version */
	assert_int_equal(open_map(MANY_ADDRESSES, "", &got), ERR_FORMAT);
	assert_int_equal(open_map(BAD_ADDRESS, "", &got), OK);
	assert_int_equal(got.addresses_n, 0);
	assert_int_equal(open_map(TRAILING, "", &got), ERR_FORMAT);
	assert_int_equal(open_map(UNSORTED, "", &got), ERR_FORMAT);
}

static void lengths_outside_the_bounds_are_refused(void **state)
{
	(void)state;
	uint8_t bytes[LIMIT_NOTICE_BYTES + 1] = {0};
	struct notice got;
	assert_int_equal(
		notice_open(slice_of(bytes, LIMIT_NOTICE_BYTES_MIN - 1), &key, secret, &got), ERR_FORMAT);
	assert_int_equal(notice_open(slice_of(bytes, sizeof bytes), &key, secret, &got), ERR_FORMAT);
	assert_int_equal(crypto_box_seal(bytes, (const uint8_t *)"\xc0", 1, key.b), 0);
	assert_int_equal(
		notice_open(slice_of(bytes, LIMIT_NOTICE_BYTES_MIN), &key, secret, &got), ERR_FORMAT);
}

static void an_hour_is_good_up_to_2160_ahead(void **state)
{
	(void)state;
	assert_false(notice_is_current(1000, 1000));
	assert_true(notice_is_current(1001, 1000));
	assert_true(notice_is_current(1000 + LIMIT_NOTICE_HOURS, 1000));
	assert_false(notice_is_current(1001 + LIMIT_NOTICE_HOURS, 1000));
	assert_false(notice_is_current(0, UINT32_MAX));
	assert_false(notice_is_current(UINT32_MAX, 0));
}

static void the_id_covers_expiry_and_bytes(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {1, 2, 3};
	struct id32 a = notice_id(5, slice_of(bytes, 3)), b = notice_id(6, slice_of(bytes, 3)),
		    c = notice_id(5, slice_of(bytes, 2));
	assert_memory_not_equal(&a, &b, 32);
	assert_memory_not_equal(&a, &c, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens_for_its_node_and_no_other),
		cmocka_unit_test(libsodium_opens_it_too),
		cmocka_unit_test(every_seq_and_number_of_addresses_has_the_same_length),
		cmocka_unit_test(what_is_no_address_is_left_out),
		cmocka_unit_test(a_key_of_small_order_is_refused),
		cmocka_unit_test(a_map_that_is_not_as_it_must_be_is_refused),
		cmocka_unit_test(lengths_outside_the_bounds_are_refused),
		cmocka_unit_test(an_hour_is_good_up_to_2160_ahead),
		cmocka_unit_test(the_id_covers_expiry_and_bytes),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
