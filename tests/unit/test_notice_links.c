/* Budgets of neighbours for notices: they outlive connections, and there is room for those who come. SPEC.md section 20.2. */
#include "protocol/peer/notices_int.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct engine *e;

static struct id32 node(unsigned i)
{
	return (struct id32){{(uint8_t)(i >> 8), (uint8_t)i, 5}};
}

/* Each brought something just now. */
static void fill(void)
{
	for (unsigned i = 0; i < NOTICE_LINKS_MAX - 1; i++) {
		struct id32 n = node(i);
		uint16_t link = notice_link_of(e, &n);
		assert_int_not_equal(link, NOTICE_NO_LINK);
		e->notices->links[link].in = (struct notice_bucket){.spent = 3, .ms = e->now_ms};
	}
}

static int begin(void **state)
{
	(void)state;
	e = hand_engine(false);
	assert_true(notices_ready(e));
	fill();
	return 0;
}

static int end(void **state)
{
	(void)state;
	engine_free(e);
	return 0;
}

static void a_budget_is_not_got_back_by_coming_as_another(void **state)
{
	(void)state;
	struct id32 other = node(5000), first = node(0);
	assert_int_equal(notice_link_of(e, &other), NOTICE_NO_LINK);
	e->now_ms += NOTICE_LINK_REST_MS - 1;
	assert_int_equal(notice_link_of(e, &other), NOTICE_NO_LINK);
	assert_int_equal(e->notices->links[notice_link_of(e, &first)].in.spent, 3);
}

static void who_has_rested_and_is_gone_gives_way(void **state)
{
	(void)state;
	struct id32 here = hand_peer(e, 1)->node, kept = node(7);
	e->notices->links[1].node = here;
	e->notices->links[notice_link_of(e, &kept)].kept = 1;
	e->now_ms += NOTICE_LINK_REST_MS;
	for (unsigned i = 0; i < 3 * NOTICE_LINKS_MAX; i++) {
		struct id32 n = node(5000 + i);
		uint16_t link = notice_link_of(e, &n);
		assert_int_not_equal(link, NOTICE_NO_LINK);
		assert_false(link == 0); /* that of this node's own people */
	}
	assert_int_equal(notice_link_of(e, &here), 1);
	assert_int_equal(e->notices->links[notice_link_of(e, &kept)].kept, 1);
	e->notices->links[notice_link_of(e, &kept)].kept = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_budget_is_not_got_back_by_coming_as_another, begin, end),
		cmocka_unit_test_setup_teardown(who_has_rested_and_is_gone_gives_way, begin, end),
	};
	return cmocka_run_group_tests_name("notice links", tests, NULL, NULL);
}
