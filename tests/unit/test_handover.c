/* daemon/handover.c: a reviewer who was appointed late opens what is open, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "tests/support/handover_fixture.h"

static struct handover hand_over(const struct keyring *to)
{
	struct handover h;
	assert_int_equal(
		handover_write(&world.act, f.sessions, f.session, &f.definition, &to->self.identity, &h), OK);
	assert_false(h.cut_short);
	return h;
}

static void what_is_open_can_be_opened_by_who_comes_late(void **state)
{
	(void)state;
	struct entry_ref newer = publish(f.issuer, &f.definition);
	struct submitted open = submit_to(&f.definition, f.earner, 3);
	struct submitted of_newer = submit_to(&newer, f.earner, 1);
	assert_true(opens_all(f.before, &open));
	assert_false(opens(f.late, &open.submission));
	struct handover h = hand_over(f.late);
	assert_int_equal(h.submissions, 2);
	assert_int_equal(h.keys, 5 + 3);
	assert_true(opens_all(f.late, &open));
	assert_true(opens_all(f.late, &of_newer));
	assert_false(opens(f.stranger, &open.submission));
	assert_false(opens(f.stranger, &open.evidence[0]));
}

static void what_is_decided_or_under_another_definition_stays_closed(void **state)
{
	(void)state;
	struct entry_ref other = publish(f.issuer, NULL);
	struct submitted decided = submit_to(&f.definition, f.earner, 1);
	struct submitted elsewhere = submit_to(&other, f.earner, 1);
	struct submitted withdrawn = submit_to(&f.definition, f.earner, 1);
	review_not_yet(f.before, &decided.submission, readers(f.earner, f.issuer));
	put_record(
		f.earner, readers(f.issuer, NULL), pointing("withdraw", &withdrawn.submission), true, NULL);
	struct handover h = hand_over(f.late);
	assert_int_equal(h.submissions, 0);
	assert_int_equal(h.keys, 0);
	assert_false(opens(f.late, &decided.submission));
	assert_false(opens(f.late, &elsewhere.submission));
	assert_false(opens(f.late, &withdrawn.submission));
}

static void what_is_claimed_is_still_open(void **state)
{
	(void)state;
	struct submitted s = submit_to(&f.definition, f.earner, 1);
	put_record(f.before, readers(f.earner, f.issuer), pointing("claim", &s.submission), false, NULL);
	assert_int_equal(hand_over(f.late).submissions, 1);
	assert_true(opens_all(f.late, &s));
}

static void nobody_gets_his_own_submission(void **state)
{
	(void)state;
	submit_to(&f.definition, f.late, 1);
	assert_int_equal(hand_over(f.late).submissions, 0);
}

static void many_keys_take_several_records(void **state)
{
	(void)state;
	struct submitted s[9];
	for (size_t i = 0; i < 9; i++)
		s[i] = submit_to(&f.definition, f.earner, 8);
	struct handover h = hand_over(f.late);
	assert_int_equal(h.submissions, 9);
	assert_int_equal(h.keys, 90);
	for (size_t i = 0; i < 9; i++)
		assert_true(opens_all(f.late, &s[i]));
}

/* Anybody whom this node follows can write an award or a revision of what is open, and let it point to what is sealed to the issuer. */
static void what_others_point_to_stays_closed(void **state)
{
	(void)state;
	struct entry_ref other = publish(f.issuer, NULL);
	struct submitted open = submit_to(&f.definition, f.earner, 1);
	struct submitted victim = submit_to(&other, f.stranger, 1);
	struct submitted own = submit_to(&other, f.earner, 1);
	struct entry_ref review = review_not_yet(f.before, &victim.submission, readers(f.issuer, NULL));
	award_of(f.late, &open.submission, &f.definition, &victim.submission);
	award_of(f.late, &open.submission, &f.definition, &victim.manifest);
	award_of(f.late, &open.submission, &f.definition, &own.submission);
	award_of(f.late, &open.submission, &f.definition, &review);
	struct handover h = hand_over(f.late);
	assert_int_equal(h.submissions, 1);
	assert_int_equal(h.keys, 3);
	assert_true(opens_all(f.late, &open));
	assert_false(opens(f.late, &victim.submission));
	assert_false(opens(f.late, &victim.manifest));
	assert_false(opens(f.late, &victim.evidence[0]));
	assert_false(opens(f.late, &own.submission));
	assert_false(opens(f.late, &review));
}

static void whose_revision_points_elsewhere_opens_nothing(void **state)
{
	(void)state;
	struct entry_ref other = publish(f.issuer, NULL);
	struct submitted open = submit_to(&f.definition, f.earner, 1);
	struct submitted victim = submit_to(&other, f.stranger, 1);
	const struct submitting in = {.definition = &f.definition, .revises = &open.submission};
	uint8_t keys[EVIDENCE_MAX + 1][32] = {{0}};
	struct submitted forged = {.manifest = victim.manifest};
	put_record(f.late, everybody(), submission_of(&in, &forged, keys), false, NULL);
	assert_int_equal(hand_over(f.late).keys, 3);
	assert_false(opens(f.late, &victim.manifest));
}

static void who_has_no_keys_here_gets_nothing(void **state)
{
	(void)state;
	struct handover h;
	struct id32 nobody = {{1}};
	submit_to(&f.definition, f.earner, 1);
	assert_int_equal(
		handover_write(&world.act, f.sessions, f.session, &f.definition, &nobody, &h), ERR_NOT_FOUND);
	assert_non_null(strstr(world.act.why, "follow that identity first"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_open_can_be_opened_by_who_comes_late),
		TEST(what_is_decided_or_under_another_definition_stays_closed),
		TEST(what_is_claimed_is_still_open),
		TEST(nobody_gets_his_own_submission),
		TEST(many_keys_take_several_records),
		TEST(what_others_point_to_stays_closed),
		TEST(whose_revision_points_elsewhere_opens_nothing),
		TEST(who_has_no_keys_here_gets_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
