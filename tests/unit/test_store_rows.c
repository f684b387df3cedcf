/* test_store_rows.c -- all rows that a peer may be told, page by page: those of CHANGES, and which of them both nodes follow. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct id32 node = {{7}}, here = {{6}}, network = {{8}};

static struct store_res rows_of(struct fixture *f, uint64_t from, uint64_t max, bool flag)
{
	struct store_req q = {.op = STORE_ROWS,
		.a.node = node,
		.a.id = network,
		.a.device_key = here,
		.a.seq = from,
		.a.max = max,
		.a.flag = flag};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	return r;
}

/* Both follow a, the peer alone b, nobody c; all with an identity row and a log. */
static void set_up(struct fixture *f, struct fake_log *l[3])
{
	struct store_peer p = {.node = node, .origin = PEER_INVITED};
	struct store_req peer = {.op = STORE_PEER_PUT, .a.node = node, .a.peer = &p};
	assert_int_equal(run(f, &peer, NULL), OK);
	for (unsigned i = 0; i < 3; i++) {
		l[i] = fake_log_new(i + 1, 4);
		struct store_req q = {.op = STORE_IDENTITY_PUT, .a.identity = l[i]->identity, .a.count = 2};
		assert_int_equal(run(f, &q, NULL), OK);
		assert_int_equal(put(f, l[i], 0, 4), OK);
	}
	const struct id32 both[] = {l[0]->identity, l[1]->identity};
	struct store_req follows = {.op = STORE_PEER_FOLLOWS,
		.a.node = node,
		.a.ids = both,
		.a.n = 2,
		.a.flag = true,
		.a.number = 1};
	assert_int_equal(run(f, &follows, NULL), OK);
	struct store_req follow = {.op = STORE_FOLLOW_ADD, .a.identity = l[0]->identity};
	assert_int_equal(run(f, &follow, NULL), OK);
}

static void expect_row(const struct store_row *r, const struct fake_log *l, bool log, bool common)
{
	assert_int_equal(r->kind, log);
	assert_true(id32_equal(&r->identity, &l->identity));
	assert_int_equal(r->common, common);
	if (log) {
		assert_true(id32_equal(&r->log, &l->log));
		assert_int_equal(r->length, 4);
	} else {
		assert_int_equal(r->count, 2);
	}
}

static void each_row_comes_once_whatever_the_page(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l[3];
	set_up(f, l);
	for (uint64_t max = 1; max <= 5; max++) {
		struct store_row got[8];
		size_t n = 0;
		uint64_t at = 0;
		bool more = true;
		while (more) {
			struct store_res r = rows_of(f, at, max, false);
			assert_true(r.r.n <= max && n + r.r.n <= 8);
			if (r.r.n)
				memcpy(got + n, r.r.rows, r.r.n * sizeof *got);
			n += r.r.n;
			at = r.r.seq;
			more = r.r.more;
			assert_true(r.r.number > 0);
			store_res_free(&r);
		}
		assert_int_equal(n, 4);
		expect_row(&got[0], l[0], false, true);
		expect_row(&got[1], l[1], false, false);
		expect_row(&got[2], l[0], true, true);
		expect_row(&got[3], l[1], true, false);
	}
	for (int i = 0; i < 3; i++)
		free(l[i]);
}

static void rows_are_found_again_by_their_refs(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l[3];
	set_up(f, l);
	struct store_res all = rows_of(f, 0, 0, false);
	uint64_t refs[] = {all.r.rows[3].ref, 0, UINT64_MAX, all.r.rows[0].ref};
	struct store_req q = {.op = STORE_ROWS,
		.a.node = node,
		.a.id = network,
		.a.device_key = here,
		.a.seqs = refs,
		.a.n = 4};
	struct store_res r;
	assert_int_equal(run(f, &q, &r), OK);
	assert_int_equal(r.r.n, 2);
	expect_row(&r.r.rows[0], l[1], true, false);
	expect_row(&r.r.rows[1], l[0], false, true);
	store_res_free(&r);
	store_res_free(&all);
	for (int i = 0; i < 3; i++)
		free(l[i]);
}

static void logs_that_lack_bodies_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l[3], *gaps = fake_log_new(9, 2);
	static const uint8_t kinds[] = {1, 3};
	set_up(f, l);
	struct store_res r = rows_of(f, 0, 0, true);
	assert_int_equal(r.r.n, 0);
	store_res_free(&r);
	gaps->identity = l[0]->identity;
	assert_int_equal(put_kinds(f, gaps, 0, 2, kinds), OK);
	r = rows_of(f, 0, 0, true);
	assert_int_equal(r.r.n, 1);
	assert_true(id32_equal(&r.r.rows[0].log, &gaps->log));
	store_res_free(&r);
	free(gaps);
	for (int i = 0; i < 3; i++)
		free(l[i]);
}

static void of_a_direct_log_both_must_be_named(void **state)
{
	struct fixture *f = *state;
	struct fake_log *l[3], *own = fake_log_new(9, 2);
	set_up(f, l);
	own->identity = l[0]->identity;
	struct store_device d = {.log = own->log,
		.device_key = own->device_key,
		.direct = true,
		.direct_n = 1,
		.direct_nodes = {node}};
	struct store_req q = {
		.op = STORE_IDENTITY_PUT, .a.identity = l[0]->identity, .a.devices = &d, .a.devices_n = 1};
	assert_int_equal(run(f, &q, NULL), OK);
	assert_int_equal(put(f, own, 0, 2), OK);
	struct store_res r = rows_of(f, 0, 0, false);
	const struct store_row *row = &r.r.rows[r.r.n - 1];
	assert_true(id32_equal(&row->log, &d.log) && !row->common);
	store_res_free(&r);
	d.direct_n = 2;
	d.direct_nodes[0] = here;
	d.direct_nodes[1] = node;
	assert_int_equal(run(f, &q, NULL), OK);
	r = rows_of(f, 0, 0, false);
	row = &r.r.rows[r.r.n - 1];
	assert_true(id32_equal(&row->log, &d.log) && row->common);
	store_res_free(&r);
	d.direct_n = 1;
	assert_int_equal(run(f, &q, NULL), OK);
	r = rows_of(f, 0, 0, false);
	for (size_t i = 0; i < r.r.n; i++)
		assert_false(id32_equal(&r.r.rows[i].log, &d.log));
	store_res_free(&r);
	free(own);
	for (int i = 0; i < 3; i++)
		free(l[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_row_comes_once_whatever_the_page, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			rows_are_found_again_by_their_refs, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			logs_that_lack_bodies_are_told_apart, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			of_a_direct_log_both_must_be_named, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
