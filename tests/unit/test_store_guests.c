/* store/follows.c: who is a guest, who gives way to whom, and who never does. SPEC.md section 20.3. */
#include "tests/support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define READER 900
#define DAY_S 86400u

static const struct id32 flood = {{1}}, calm = {{2}};

static void host_reader(struct fixture *f)
{
	struct store_req q = {.op = STORE_FOLLOW_ADD, .a.identity = fake_id(60, READER), .a.flag = true};
	assert_int_equal(run(f, &q, NULL), OK);
}

/* gone: who gave way, or zeros. */
static enum err bring(
	struct fixture *f, const struct id32 *link, unsigned from, uint64_t now_s, struct id32 *gone)
{
	struct store_req q = {.op = STORE_FOLLOW_GUEST,
		.a.identity = fake_id(60, from),
		.a.id = fake_id(60, READER),
		.a.node = *link,
		.a.now_s = now_s};
	struct store_res r;
	enum err e = run(f, &q, &r);
	if (gone)
		*gone = r.r.n ? r.r.ids[0] : (struct id32){0};
	store_res_free(&r);
	return e;
}

static size_t guests(struct fixture *f, const struct id32 *link)
{
	struct store_req q = {.op = STORE_FOLLOW_LIST};
	struct store_res r;
	size_t n = 0;
	assert_int_equal(run(f, &q, &r), OK);
	for (size_t i = 0; i < r.r.n; i++)
		n += r.r.follows[i].guest && (!link || id32_equal(&r.r.follows[i].link, link));
	store_res_free(&r);
	return n;
}

static bool is_guest(struct fixture *f, unsigned from)
{
	const struct id32 id = fake_id(60, from);
	struct store_req q = {.op = STORE_FOLLOW_LIST};
	struct store_res r;
	bool there = false;
	assert_int_equal(run(f, &q, &r), OK);
	for (size_t i = 0; i < r.r.n; i++)
		there = there || (r.r.follows[i].guest && id32_equal(&r.r.follows[i].identity, &id));
	store_res_free(&r);
	return there;
}

/* A log of that identity with one entry. */
static void entries_come(struct fixture *f, unsigned from)
{
	struct fake_log *l = fake_log_new(from, 1);
	l->identity = fake_id(60, from);
	assert_int_equal(put(f, l, 0, 1), OK);
	free(l);
}

static void is_opened(struct fixture *f, unsigned from, uint64_t now_s)
{
	struct id32 id = fake_id(60, from);
	struct store_req q = {.op = STORE_GUEST_USED, .a.ids = &id, .a.n = 1, .a.now_s = now_s};
	assert_int_equal(run(f, &q, NULL), OK);
}

static void invented_ones_give_way_and_real_ones_stay(void **state)
{
	struct fixture *f = *state;
	struct id32 gone;
	host_reader(f);
	for (unsigned i = 0; i < LIMIT_GUESTS_PER_LINK; i++)
		assert_int_equal(bring(f, &flood, i, 1000 + i, NULL), OK);
	assert_int_equal(bring(f, &flood, 500, 2000, &gone), OK);
	assert_memory_equal(&gone, &(struct id32[]){fake_id(60, 0)}[0], 32); /* the oldest */
	assert_false(is_guest(f, 0));
	assert_int_equal(guests(f, &flood), LIMIT_GUESTS_PER_LINK);
	/* Its entry comes: a flood of others no longer moves it, within its first day. */
	entries_come(f, 500);
	for (unsigned i = 0; i < 3 * LIMIT_GUESTS_PER_LINK; i++)
		assert_int_equal(bring(f, &flood, 1000 + i, 3000 + i, NULL), OK);
	assert_true(is_guest(f, 500));
	assert_int_equal(guests(f, &flood), LIMIT_GUESTS_PER_LINK);
	/* After it one of whom nothing came goes first. Who was opened never goes. */
	assert_int_equal(bring(f, &flood, 2000, 2000 + DAY_S, NULL), OK);
	assert_true(is_guest(f, 500));
	is_opened(f, 500, 2000 + DAY_S);
	for (unsigned i = 0; i < 2 * LIMIT_GUESTS_PER_LINK; i++)
		assert_int_equal(bring(f, &flood, 3000 + i, 3000 + 2 * DAY_S + i, NULL), OK);
	assert_true(is_guest(f, 500));
}

static void what_brought_something_that_nobody_opened_has_a_day(void **state)
{
	struct fixture *f = *state;
	struct id32 gone;
	host_reader(f);
	for (unsigned i = 0; i < LIMIT_GUESTS_PER_LINK; i++) {
		assert_int_equal(bring(f, &flood, i, 1000 + i, NULL), OK);
		entries_come(f, i);
	}
	assert_int_equal(bring(f, &flood, 500, 1000 + DAY_S - 1, NULL), ERR_LIMIT);
	/* Another notice of it is no reason to stay longer. */
	assert_int_equal(bring(f, &flood, 0, 900 + DAY_S, &gone), OK);
	assert_true(id32_is_zero(&gone));
	assert_int_equal(bring(f, &flood, 500, 1000 + DAY_S, NULL), OK);
	assert_false(is_guest(f, 0));
	assert_int_equal(bring(f, &flood, 501, 1000 + DAY_S, &gone), OK);
	assert_memory_equal(&gone, &(struct id32[]){fake_id(60, 500)}[0], 32); /* of it nothing came */
}

static void a_link_takes_from_those_that_brought_more(void **state)
{
	struct fixture *f = *state;
	struct id32 links[5], gone;
	host_reader(f);
	for (unsigned k = 0; k < 4; k++) {
		links[k] = (struct id32){{(uint8_t)(10 + k)}};
		for (unsigned i = 0; i < LIMIT_GUESTS_PER_LINK; i++)
			assert_int_equal(bring(f, &links[k], 100 * k + i, 1000 + 100 * k + i, NULL), OK);
	}
	assert_int_equal(guests(f, NULL), LIMIT_GUESTS);
	/* Whoever comes now takes from them in turn, until it has its share, and then only from itself. */
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(bring(f, &calm, 1000 + i, 5000 + i, &gone), OK);
	assert_int_equal(guests(f, NULL), LIMIT_GUESTS);
	assert_in_range(guests(f, &calm), 51, 52);
	for (unsigned k = 0; k < 4; k++)
		assert_in_range(guests(f, &links[k]), 51, 52);
	assert_true(id32_equal(&gone, &(struct id32[]){fake_id(60, 1299 - (unsigned)guests(f, &calm))}[0]));
}

static void those_who_were_opened_leave_no_room(void **state)
{
	struct fixture *f = *state;
	host_reader(f);
	for (unsigned i = 0; i < LIMIT_GUESTS; i++) {
		struct id32 link = {{(uint8_t)(10 + i / LIMIT_GUESTS_PER_LINK)}};
		assert_int_equal(bring(f, &link, i, 1000, NULL), OK);
		is_opened(f, i, 1000);
	}
	assert_int_equal(bring(f, &calm, 5000, 1000 + 80 * DAY_S, NULL), ERR_LIMIT);
	fixture_reopen(f);
	assert_int_equal(bring(f, &calm, 5000, 1000 + 80 * DAY_S, NULL), ERR_LIMIT);
	assert_int_equal(guests(f, NULL), LIMIT_GUESTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(invented_ones_give_way_and_real_ones_stay),
		TEST(what_brought_something_that_nobody_opened_has_a_day),
		TEST(a_link_takes_from_those_that_brought_more),
		TEST(those_who_were_opened_leave_no_room),
	};
	return cmocka_run_group_tests_name("store guests", tests, NULL, NULL);
}
