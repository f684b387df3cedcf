/* daemon/handover_due.c: what comes to the issuer without a reviewer is handed on to him, once, whatever happens in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* The same with less room. */
#include "daemon/handover.h"
#undef HANDOVER_DUE_KEYS_MAX
#define HANDOVER_DUE_KEYS_MAX 8u
#include "daemon/handover_due.c"
#include "tests/support/handover_fixture.h"

#define OPEN_MAX 8

/* ---- the issuer's node */

static struct handover hand_on(const struct submitted *s, size_t n, enum err expected)
{
	struct handover_open open[OPEN_MAX] = {{.done = false}};
	struct handover h = {.keys = 0};
	for (size_t i = 0; i < n; i++)
		open[i].at = s[i].submission;
	assert_int_equal(handover_due(&world.act, f.sessions, f.session, open, n, &h), expected);
	for (size_t i = 0; expected == OK && !h.cut_short && i < n; i++)
		assert_true(open[i].done);
	return h;
}

/* What a session remembers is gone with it. */
static void sign_in_again(void)
{
	session_close(f.sessions, f.session);
	assert_true(sign_in());
}

static void nothing_is_due(const struct submitted *s, size_t n)
{
	uint64_t before = entries_of(f.issuer);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hand_on(s, n, OK).keys, 0);
		assert_int_equal(entries_of(f.issuer), before);
		sign_in_again();
	}
}

/* Sealed to one reviewer and the issuer; it says so, and (other) that it is somebody else's as well. */
static struct submitted submit_naming(
	struct keyring *earner, struct keyring *one, const struct keyring *other, size_t evidence)
{
	const struct submitting in = {.definition = &f.definition,
		.earner = earner,
		.reader = one,
		.other = f.issuer,
		.evidence = evidence,
		.named = {one, other},
		.without_keys = true};
	return submit(&in);
}

static struct entry_ref claim_naming(
	struct keyring *by, const struct entry_ref *of, const struct keyring *one)
{
	const struct keyring *const named[2] = {one, NULL};
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "claim", one ? 2 : 1);
	put_ref_field(&m, "of", of);
	put_to(&m, named);
	assert_int_equal(m.err, OK);
	return put_record(by, readers(f.earner, f.issuer), b, false, NULL);
}

/* ---- as it stands */

struct standing {
	const struct entry_ref *submission;
	struct id32 stand;
};

static enum err find_stand(struct catalogue *c, void *ctx)
{
	struct standing *t = (struct standing *)ctx;
	struct handover_panels panels = {.n = 0};
	struct submission_judgement *j = (struct submission_judgement *)calloc(1, sizeof *j);
	struct gathered g;
	assert_non_null(j);
	assert_int_equal(cases_submission(c->cases, t->submission, &g), OK);
	assert_int_equal(judge_submission(&g.judge, &t->submission->id, j), OK);
	assert_true(handover_is_open(j));
	enum err e = handover_stand(c, &panels, &g, j, &t->stand);
	gathered_free(&g);
	free(j);
	return e;
}

static struct id32 stand_of(const struct submitted *s)
{
	struct standing t = {.submission = &s->submission};
	assert_int_equal(catalogue_ask_in(&world.act, f.sessions, f.session, find_stand, &t), OK);
	return t.stand;
}

/* ---- what is due */

static void what_came_without_him_is_handed_on_once(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, NULL, 3);
	uint64_t before = entries_of(f.issuer);
	assert_false(opens(f.late, &s.submission));
	struct handover h = hand_on(&s, 1, OK);
	assert_int_equal(h.submissions, 1);
	assert_int_equal(h.keys, 5);
	assert_int_equal(entries_of(f.issuer), before + 1);
	assert_true(opens_all(f.late, &s));
	assert_false(opens(f.stranger, &s.submission));
	nothing_is_due(&s, 1);
}

/* So an earner takes no more room of a reviewer's book for keys that the issuer hands on than one key for each submission. */
static void what_the_submission_hands_on_itself_is_left_out(void **state)
{
	(void)state;
	const struct submitting in = {.definition = &f.definition,
		.earner = f.earner,
		.reader = f.before,
		.other = f.issuer,
		.evidence = 8};
	struct submitted s = submit(&in);
	assert_int_equal(hand_on(&s, 1, OK).keys, 1);
	assert_true(opens_all(f.late, &s));
	nothing_is_due(&s, 1);
}

/* The earner's node wrote keys that open nothing, or open something else than for those who have slots. */
static void wrong_keys_in_a_submission_are_no_hindrance(void **state)
{
	(void)state;
	const struct submitting in = {.definition = &f.definition,
		.earner = f.earner,
		.reader = f.before,
		.other = f.issuer,
		.evidence = 1};
	uint8_t keys[EVIDENCE_MAX + 1][32] = {{0}};
	struct submitted s = {.n = 1};
	s.evidence[0] = put_record(
		f.earner, readers(f.before, f.issuer), reflection("what changed"), false, NULL);
	s.manifest = put_record(f.earner, readers(f.before, f.issuer), manifest_of(&in, &s), false, NULL);
	s.submission = put_record(
		f.earner, readers(f.before, f.issuer), submission_of(&in, &s, keys), false, NULL);
	assert_int_equal(hand_on(&s, 1, OK).keys, 3);
	assert_true(opens_all(f.late, &s));
	nothing_is_due(&s, 1);
}

static void who_is_named_gets_nothing(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, f.late, 1);
	nothing_is_due(&s, 1);
	assert_false(opens(f.late, &s.submission));
}

/* Its writer does not say to whom it is sealed. */
static void what_says_nothing_is_handed_on_to_all_in_one_record(void **state)
{
	(void)state;
	struct submitted s = submit_to(&f.definition, f.earner, 1);
	appoint(f.issuer, &f.definition, f.stranger);
	uint64_t before = entries_of(f.issuer);
	assert_int_equal(hand_on(&s, 1, OK).keys, 3);
	assert_int_equal(entries_of(f.issuer), before + 1);
	assert_true(opens_all(f.late, &s));
	assert_true(opens_all(f.stranger, &s));
	nothing_is_due(&s, 1);
}

static void what_is_said_of_it_is_handed_on(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, f.late, 1);
	struct entry_ref claim = claim_naming(f.before, &s.submission, f.before);
	struct entry_ref own = claim_naming(f.late, &s.submission, f.before);
	struct entry_ref of_nobody = claim_naming(f.stranger, &s.submission, f.before);
	assert_int_equal(hand_on(&s, 1, OK).keys, 1);
	assert_true(opens(f.late, &claim));
	assert_true(opens(f.late, &own));
	assert_false(opens(f.late, &of_nobody));
	nothing_is_due(&s, 1);
	struct entry_ref release = put_record(
		f.before, readers(f.earner, f.issuer), pointing("release", &claim), false, NULL);
	assert_int_equal(hand_on(&s, 1, OK).keys, 1);
	assert_true(opens(f.late, &release));
	nothing_is_due(&s, 1);
}

/* Whoever was dismissed makes nobody write by claiming; what he had decided may still count. */
static void of_who_was_dismissed_only_reviews_are_handed_on(void **state)
{
	(void)state;
	struct entry_ref appointment = appoint(f.issuer, &f.definition, f.stranger);
	struct submitted s = submit_naming(f.earner, f.before, f.late, 1);
	assert_int_equal(hand_on(&s, 1, OK).keys, 3);
	end_appointment(f.issuer, &appointment);
	struct entry_ref claim = claim_naming(f.stranger, &s.submission, f.before);
	nothing_is_due(&s, 1);
	struct entry_ref review = review_not_yet(f.stranger, &s.submission, readers(f.issuer, f.before));
	assert_int_equal(hand_on(&s, 1, OK).keys, 1);
	assert_true(opens(f.late, &review));
	assert_false(opens(f.late, &claim));
	appoint(f.issuer, &f.definition, f.stranger);
	hand_on(&s, 1, OK);
	assert_true(opens(f.late, &claim));
	nothing_is_due(&s, 1);
}

static void nobody_gets_his_own_submission(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.late, f.before, NULL, 1);
	claim_naming(f.before, &s.submission, f.before);
	nothing_is_due(&s, 1);
}

static void whose_appointment_has_ended_gets_nothing(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, NULL, 1);
	end_appointment(f.issuer, &f.appointment);
	nothing_is_due(&s, 1);
	assert_false(opens(f.late, &s.submission));
}

static void what_is_decided_stays_closed(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, NULL, 1);
	review_not_yet(f.before, &s.submission, readers(f.earner, f.issuer));
	nothing_is_due(&s, 1);
	assert_false(opens(f.late, &s.submission));
}

static void what_was_handed_on_at_the_appointment_is_not_due(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, NULL, 1);
	struct handover h;
	const struct id32 *late = &f.late->self.identity;
	assert_int_equal(handover_write(&world.act, f.sessions, f.session, &f.definition, late, &h), OK);
	assert_int_equal(h.keys, 3);
	nothing_is_due(&s, 1);
	assert_int_equal(handover_write(&world.act, f.sessions, f.session, &f.definition, late, &h), OK);
	assert_int_equal(h.submissions, 1);
	assert_int_equal(h.keys, 0);
}

/* Otherwise he would go on waiting for a decision, or make one. */
static void who_has_got_it_gets_the_decision(void **state)
{
	(void)state;
	struct submitted decided = submit_naming(f.earner, f.before, NULL, 1);
	struct submitted withdrawn = submit_naming(f.earner, f.before, f.late, 1);
	struct submitted s[] = {decided, withdrawn};
	assert_int_equal(hand_on(s, 2, OK).keys, 3);
	struct entry_ref review = review_not_yet(f.before, &decided.submission, readers(f.earner, f.issuer));
	struct entry_ref withdraw = put_record(f.earner, readers(f.issuer, f.before),
		pointing("withdraw", &withdrawn.submission), true, NULL);
	struct entry_ref of_nobody = put_record(f.stranger, readers(f.issuer, f.before),
		pointing("withdraw", &withdrawn.submission), true, NULL);
	sign_in_again();
	assert_int_equal(hand_on(s, 2, OK).keys, 2);
	assert_true(opens(f.late, &review));
	assert_true(opens(f.late, &withdraw));
	assert_false(opens(f.late, &of_nobody));
	nothing_is_due(s, 2);
}

/* ---- officers */

static void an_officer_who_comes_late_gets_what_is_open(void **state)
{
	(void)state;
	struct submitted s[] = {
		submit_naming(f.earner, f.before, f.late, 1), submit_naming(f.earner, f.before, f.late, 1)};
	struct entry_ref claim = claim_naming(f.before, &s[1].submission, f.late);
	nothing_is_due(s, 2);
	struct id32 stand = stand_of(&s[0]);
	name_officer(f.issuer, f.stranger, KEYSET_RIGHT_COUNTERSIGN);
	struct id32 next = stand_of(&s[0]);
	assert_false(id32_equal(&stand, &next));
	assert_int_equal(hand_on(s, 2, OK).keys, 7);
	assert_true(opens_all(f.stranger, &s[0]));
	assert_true(opens_all(f.stranger, &s[1]));
	assert_true(opens(f.stranger, &claim));
	nothing_is_due(s, 2);
}

static void an_officer_who_is_named_gets_nothing(void **state)
{
	(void)state;
	name_officer(f.issuer, f.late, KEYSET_RIGHT_APPOINT);
	struct submitted s = submit_naming(f.earner, f.before, f.late, 1);
	nothing_is_due(&s, 1);
	assert_false(opens(f.late, &s.submission));
}

static void an_officer_who_has_no_such_right_gets_nothing(void **state)
{
	(void)state;
	name_officer(f.issuer, f.stranger, KEYSET_RIGHT_PUBLISH | KEYSET_RIGHT_REVOKE | KEYSET_RIGHT_VOUCH);
	struct submitted s = submit_naming(f.earner, f.before, f.late, 1);
	nothing_is_due(&s, 1);
	assert_false(opens(f.stranger, &s.submission));
}

static void an_officer_who_was_ended_gets_nothing_more(void **state)
{
	(void)state;
	struct id32 event = name_officer(f.issuer, f.stranger, KEYSET_RIGHT_APPOINT);
	struct submitted s[] = {submit_naming(f.earner, f.before, f.late, 1)};
	assert_int_equal(hand_on(s, 1, OK).keys, 3);
	end_officer(f.issuer, &event);
	struct entry_ref claim = claim_naming(f.before, &s[0].submission, f.late);
	nothing_is_due(s, 1);
	assert_true(opens(f.stranger, &s[0].submission));
	assert_false(opens(f.stranger, &claim));
}

static void an_officer_gets_nothing_of_his_own_nor_of_what_is_decided(void **state)
{
	(void)state;
	struct submitted decided = submit_naming(f.earner, f.before, f.late, 1);
	struct submitted own = submit_naming(f.stranger, f.before, f.late, 1);
	claim_naming(f.before, &own.submission, f.late);
	review_not_yet(f.before, &decided.submission, readers(f.earner, f.issuer));
	struct submitted s[] = {decided, own};
	hand_on(s, 2, OK);
	name_officer(f.issuer, f.stranger, KEYSET_RIGHT_COUNTERSIGN);
	nothing_is_due(s, 2);
	assert_false(opens(f.stranger, &decided.submission));
}

static void who_is_officer_and_reviewer_gets_it_once(void **state)
{
	(void)state;
	name_officer(f.issuer, f.late, KEYSET_RIGHT_COUNTERSIGN);
	struct submitted s = submit_naming(f.earner, f.before, NULL, 1);
	assert_int_equal(hand_on(&s, 1, OK).keys, 3);
	assert_true(opens_all(f.late, &s));
	nothing_is_due(&s, 1);
}

/* What is met waits for an officer, and for no reviewer any more. */
static void who_is_entitled_depends_on_the_state(void **state)
{
	(void)state;
	static const size_t expected[] = {[SUBMISSION_UNKNOWN] = 0,
		[SUBMISSION_SUBMITTED] = 5,
		[SUBMISSION_CLAIMED] = 5,
		[SUBMISSION_NOT_YET] = 0,
		[SUBMISSION_MET] = 2,
		[SUBMISSION_UNJUDGEABLE] = 0,
		[SUBMISSION_AWARDED] = 0,
		[SUBMISSION_WITHDRAWN] = 0};
	const struct panel p = {.n = 5, .officers_n = 2};
	const struct fact definition = {.cut = false};
	struct submission_judgement j = {.definition = &definition};
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		j.state = (enum submission_state)i;
		assert_int_equal(entitled(&j, &p), expected[i]);
	}
}

/* ---- bounds, and what stops in between */

static void no_more_than_fits_is_written_in_one_go(void **state)
{
	(void)state;
	struct submitted s[3];
	size_t keys[3];
	for (size_t i = 0; i < 3; i++)
		s[i] = submit_naming(f.earner, f.before, NULL, 2);
	for (size_t i = 0; i < 3; i++) {
		struct handover h = hand_on(s, 3, OK);
		keys[i] = h.keys;
		assert_int_equal(h.cut_short, i == 0);
	}
	assert_int_equal(keys[0], HANDOVER_DUE_KEYS_MAX);
	assert_int_equal(keys[1], 12 - HANDOVER_DUE_KEYS_MAX);
	assert_int_equal(keys[2], 0);
	for (size_t i = 0; i < 3; i++)
		assert_true(opens_all(f.late, &s[i]));
	nothing_is_due(s, 3);
}

static void what_was_not_written_is_still_due(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, NULL, 1);
	uint64_t before = entries_of(f.issuer);
	f.session->open = false;
	hand_on(&s, 1, ERR_LOCKED);
	f.session->open = true;
	assert_int_equal(entries_of(f.issuer), before);
	assert_int_equal(hand_on(&s, 1, OK).keys, 3);
	assert_true(opens_all(f.late, &s));
	nothing_is_due(&s, 1);
}

/* As if the device had been lost before: what it wrote behind the closing reaches nobody. */
static void close_log_at(const struct entry_ref *last)
{
	struct keyset *ks = NULL;
	struct identity_event ev;
	size_t again;
	assert_int_equal(desk_keyset(world.desk, &f.issuer->self.identity, &ks), OK);
	enum err e = identity_close_device(
		&desk_random, ks, &f.issuer->self.secrets, &last->log, last->seq + 1, &last->id, &ev);
	assert_int_equal(ownlog_put_event(world.desk, ks, &ev, e), OK);
	keyset_free(ks);
	assert_int_equal(ownlog_ensure(world.desk, &f.issuer->self, &again), OK);
}

static void what_was_handed_on_behind_an_end_is_due_again(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, NULL, 1);
	struct entry_ref last = appoint(f.issuer, &f.definition, f.stranger);
	assert_int_equal(hand_on(&s, 1, OK).keys, 3);
	assert_int_equal(hand_on(&s, 1, OK).keys, 0);
	struct id32 stand = stand_of(&s), next;
	close_log_at(&last);
	next = stand_of(&s);
	assert_false(id32_equal(&stand, &next));
	assert_int_equal(hand_on(&s, 1, OK).keys, 3);
	assert_true(opens_all(f.late, &s));
	nothing_is_due(&s, 1);
}

static void it_stands_otherwise_when_something_has_come(void **state)
{
	(void)state;
	struct submitted s = submit_naming(f.earner, f.before, NULL, 1);
	struct id32 stand = stand_of(&s), next;
	hand_on(&s, 1, OK);
	next = stand_of(&s);
	assert_true(id32_equal(&stand, &next));
	claim_naming(f.before, &s.submission, f.before);
	next = stand_of(&s);
	assert_false(id32_equal(&stand, &next));
	stand = next;
	appoint(f.issuer, &f.definition, f.stranger);
	next = stand_of(&s);
	assert_false(id32_equal(&stand, &next));
	stand = next;
	end_appointment(f.issuer, &f.appointment);
	next = stand_of(&s);
	assert_false(id32_equal(&stand, &next));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_came_without_him_is_handed_on_once),
		TEST(what_the_submission_hands_on_itself_is_left_out),
		TEST(wrong_keys_in_a_submission_are_no_hindrance),
		TEST(who_is_named_gets_nothing),
		TEST(what_says_nothing_is_handed_on_to_all_in_one_record),
		TEST(what_is_said_of_it_is_handed_on),
		TEST(of_who_was_dismissed_only_reviews_are_handed_on),
		TEST(nobody_gets_his_own_submission),
		TEST(whose_appointment_has_ended_gets_nothing),
		TEST(what_is_decided_stays_closed),
		TEST(what_was_handed_on_at_the_appointment_is_not_due),
		TEST(who_has_got_it_gets_the_decision),
		TEST(an_officer_who_comes_late_gets_what_is_open),
		TEST(an_officer_who_is_named_gets_nothing),
		TEST(an_officer_who_has_no_such_right_gets_nothing),
		TEST(an_officer_who_was_ended_gets_nothing_more),
		TEST(an_officer_gets_nothing_of_his_own_nor_of_what_is_decided),
		TEST(who_is_officer_and_reviewer_gets_it_once),
		TEST(who_is_entitled_depends_on_the_state),
		TEST(no_more_than_fits_is_written_in_one_go),
		TEST(what_was_not_written_is_still_due),
		TEST(what_was_handed_on_behind_an_end_is_due_again),
		TEST(it_stands_otherwise_when_something_has_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
