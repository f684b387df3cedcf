/* Bodies that no row tells of are looked for in all logs, page by page, whatever stands in a page. SPEC.md section 10.8. */
#include "protocol/peer/reconcile.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PAGES 5

/* The next page is asked for; from: where it has to begin. */
static void answer_page(struct engine *e, uint64_t from, struct store_res *res)
{
	struct engine_out out;
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	assert_int_equal(out.req->op, STORE_ROWS);
	assert_int_equal(out.req->a.seq, from);
	hand_stored(e, out.req, res);
}

/* SPEC 10.8: "it asks the peer with `want-bodies` for bodies that it lacks" */
static void a_page_without_any_leads_to_the_next(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	struct session *s = hand_peer(e, 1);
	struct store_row lacking = {.kind = 1, .log = {{8}}, .identity = {{9}}, .length = 3};
	e->follows = calloc(1, sizeof *e->follows);
	assert_non_null(e->follows);
	e->follows[e->follows_n++] = lacking.identity;
	s->missing_due = true;
	missing_start(s);
	for (uint64_t page = 0; page < PAGES; page++) {
		struct store_res res = {.r = {.more = true, .seq = page + 1}};
		answer_page(e, page, &res);
	}
	struct store_res last = {.r = {.n = 1, .rows = &lacking, .seq = PAGES + 1}};
	answer_page(e, PAGES, &last);
	assert_int_equal(s->pulls_n, 1); /* and with the last the log is worked on */
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_page_without_any_leads_to_the_next)};
	return cmocka_run_group_tests_name("missing", tests, NULL, NULL);
}
