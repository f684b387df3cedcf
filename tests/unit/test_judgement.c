/* The lines of a judgement: bounded, and the worst are kept in their order. See protocol/award/judge.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "protocol/award/judge_int.h"

static struct judgement j;

static void say(enum judge_mark mark, unsigned number)
{
	judgement_say(&j, mark, "code", NULL, "Line # of many, #.", number);
}

static void the_number_stands_in_its_place_once(void **state)
{
	(void)state;
	j = (struct judgement){0};
	assert_int_equal(judgement_worst(&j), JUDGE_GOOD);
	assert_null(judgement_first_worst(&j));
	say(JUDGE_NOTE, 17);
	assert_string_equal(j.lines[0].text, "Line 17 of many, #.");
	assert_string_equal(j.lines[0].code, "code");
	assert_int_equal(judgement_worst(&j), JUDGE_NOTE);
}

static void the_last_of_the_least_bad_lines_makes_room_for_a_worse_one(void **state)
{
	(void)state;
	j = (struct judgement){0};
	say(JUDGE_GOOD, 1);
	say(JUDGE_UNKNOWN, 2);
	say(JUDGE_GOOD, 3);
	for (unsigned i = 4; i <= JUDGE_LINES_MAX; i++)
		say(JUDGE_NOTE, i);
	assert_int_equal(j.lines_n, JUDGE_LINES_MAX);
	say(JUDGE_GOOD, 1000); /* no better than the least: left out */
	say(JUDGE_WRONG, 1001); /* in the place of line 3 */
	assert_int_equal(j.lines_n, JUDGE_LINES_MAX);
	assert_string_equal(j.lines[0].text, "Line 1 of many, #.");
	assert_string_equal(j.lines[1].text, "Line 2 of many, #.");
	assert_string_equal(j.lines[2].text, "Line 4 of many, #.");
	assert_string_equal(j.lines[JUDGE_LINES_MAX - 1].text, "Line 1001 of many, #.");
	say(JUDGE_NOTE, 1002); /* in the place of line 1 */
	assert_string_equal(j.lines[0].text, "Line 2 of many, #.");
	say(JUDGE_NOTE, 1003); /* all others are as bad: left out */
	assert_string_equal(j.lines[JUDGE_LINES_MAX - 1].text, "Line 1002 of many, #.");
	assert_int_equal(judgement_worst(&j), JUDGE_WRONG);
	assert_string_equal(judgement_first_worst(&j)->text, "Line 1001 of many, #.");
}

static void the_worse_of_two_reasons_and_of_equals_the_first(void **state)
{
	(void)state;
	struct judge_reason a = judge_because(JUDGE_UNKNOWN, "a", NULL, "a"),
			    b = judge_because(JUDGE_WRONG, "b", NULL, "b"),
			    c = judge_because(JUDGE_UNKNOWN, "c", NULL, "c");
	assert_string_equal(judge_worse(a, b).code, "b");
	assert_string_equal(judge_worse(b, a).code, "b");
	assert_string_equal(judge_worse(a, c).code, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_number_stands_in_its_place_once),
		cmocka_unit_test(the_last_of_the_least_bad_lines_makes_room_for_a_worse_one),
		cmocka_unit_test(the_worse_of_two_reasons_and_of_equals_the_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
