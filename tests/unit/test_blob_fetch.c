/* When a blob that is being fetched is looked at again. SPEC.md section 11.2. */
#include "protocol/peer/blob_fetch.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct fetch *begin(struct engine *e)
{
	const struct store_blob blob = {.root = {{6}}, .owner = {{7}}, .size = 300000, .no = 1, .pins = 1};
	struct fetch *f = fetch_new(e, &blob, 0);
	assert_non_null(f);
	return f;
}

/* Others hear of chunks five times a second, also of those that are synced already. */
static void what_came_is_told_in_time(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	struct fetch *f = begin(e);
	blob_time(e);
	assert_true(blob_deadline(e) > e->now_ms + 200);
	f->untold = 1;
	f->told_ms = e->now_ms;
	blob_time(e);
	assert_int_equal(blob_deadline(e), e->now_ms + 200);
	engine_free(e);
}

/* Who has it in part gets more of it, perhaps: he is waited for, whichever of the sources he is. */
static void one_that_has_a_part_is_waited_for(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	struct session *s = hand_peer(e, 1);
	struct fetch *f = begin(e);
	f->sources[1] = (struct source){.state = SOURCE_READY, .s = s, .part = true};
	s->fetches_n++;
	blob_settle(e);
	assert_ptr_equal(e->fetches, f);
	e->now_ms += 60000;
	fetch_stir(f);
	blob_settle(e);
	assert_null(e->fetches);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_is_told_in_time),
		cmocka_unit_test(one_that_has_a_part_is_waited_for),
	};
	return cmocka_run_group_tests_name("blob fetch", tests, NULL, NULL);
}
