/* daemon/handover.c: a reviewer who was appointed late opens what is open, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "daemon/handover.h"
#include "tests/support/award_fixture.h"

static struct {
	uv_loop_t loop;
	struct sessions *sessions;
	bool closed;
	struct session *session; /* the issuer's */
	struct keyring *issuer, *earner, *before, *late, *stranger;
	struct entry_ref definition;
} f;

static void leave(struct keyring *k)
{
	(void)k; /* finish() frees it */
}

static int begin(void **state)
{
	const struct session_caller caller = {.over_socket = true, .uid = 7};
	uint8_t token[SESSION_TOKEN_BYTES];
	memset(&f, 0, sizeof f);
	if (open_world(state) != 0 || uv_loop_init(&f.loop) != 0)
		return -1;
	f.sessions = sessions_new(&f.loop);
	f.issuer = make_identity("Example University", IDENTITY_ISSUER);
	f.earner = make_identity("Ada", IDENTITY_PERSON);
	f.before = make_identity("Rei", IDENTITY_PERSON);
	f.late = make_identity("Lea", IDENTITY_PERSON);
	f.stranger = make_identity("Sam", IDENTITY_PERSON);
	f.definition = publish(f.issuer, NULL);
	appoint(f.issuer, &f.definition, f.before);
	appoint(f.issuer, &f.definition, f.late);
	enum err e = session_open(
		f.sessions, &f.issuer->self.identity, false, &caller, 60, f.issuer, leave, token, &f.session);
	return e == OK ? 0 : -1;
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static int finish(void **state)
{
	sessions_close(f.sessions, on_closed, &f.closed);
	while (!f.closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	sessions_free(f.sessions);
	keyring_free(f.issuer);
	keyring_free(f.earner);
	keyring_free(f.before);
	keyring_free(f.late);
	keyring_free(f.stranger);
	return uv_loop_close(&f.loop) == 0 ? close_world(state) : -1;
}

static struct submitted submit_to(const struct entry_ref *definition, struct keyring *earner, size_t evidence)
{
	const struct submitting in = {.definition = definition,
		.earner = earner,
		.reader = f.before,
		.other = f.issuer,
		.evidence = evidence};
	return submit(&in);
}

static struct handover hand_over(const struct keyring *to)
{
	struct handover h;
	assert_int_equal(
		handover_write(&world.act, f.sessions, f.session, &f.definition, &to->self.identity, &h), OK);
	assert_false(h.cut_short);
	return h;
}

/* ---- what somebody opens */

struct opening {
	struct book *book;
	const struct entry_ref *at;
	enum err err;
};

static void open_one(struct store *s, void *ctx)
{
	struct opening *o = (struct opening *)ctx;
	struct buf record = {0};
	assert_int_equal(book_catch_up(o->book, s), OK);
	o->err = book_record(o->book, s, o->at, &record);
	buf_free(&record);
}

static bool opens(const struct keyring *who, const struct entry_ref *at)
{
	struct opening o = {.book = book_new(who), .at = at};
	assert_non_null(o.book);
	with_store(open_one, &o);
	book_free(o.book);
	assert_true(o.err == OK || o.err == ERR_LOCKED);
	return o.err == OK;
}

static bool opens_all(const struct keyring *who, const struct submitted *s)
{
	bool all = opens(who, &s->submission) && opens(who, &s->manifest);
	for (size_t i = 0; i < s->n; i++)
		all = all && opens(who, &s->evidence[i]);
	return all;
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
