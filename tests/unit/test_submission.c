/* daemon/submission.c and the checks of submission_draft.h: days and places at their bounds, who may review, and what is said of evidence that does not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/submission_draft.h"
#include "tests/support/award_fixture.h"

/* ---- somebody who looks */

static void take_store(struct store *s, void *ctx)
{
	*(struct store **)ctx = s;
}

static struct catalogue look(const struct keyring *k)
{
	struct catalogue c = {.act = &world.act, .book = book_new(k)};
	assert_non_null(c.book);
	with_store(take_store, &c.store);
	assert_int_equal(cases_open(c.store, c.book, &k->self.identity, &c.cases), OK);
	c.names = names_new(c.store);
	assert_non_null(c.names);
	return c;
}

static void look_away(struct catalogue *c)
{
	names_free(c->names);
	cases_close(c->cases);
	book_free(c->book);
}

static void bars(
	const struct keyring *looks, const struct entry_ref *at, const struct keyring *who, const char *part)
{
	char why[ACT_WHY_BYTES];
	struct catalogue c = look(looks);
	struct submission *s = NULL;
	assert_int_equal(submission_open(&c, at, &s), OK);
	assert_int_equal(submission_bar(&c, s, &who->self.identity, why), OK);
	if (part ? !strstr(why, part) : *why != 0)
		fail_msg("\"%s\" where \"%s\" was meant", why, part ? part : "");
	submission_close(s);
	look_away(&c);
}

/* ---- one submission */

static void it_is_overdue_when_its_days_have_passed_and_not_before(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted w = submit_as(&c, NULL, 1);
	struct catalogue v = look(c.reviewer);
	struct submission *s = NULL;
	assert_int_equal(submission_open(&v, &w.submission, &s), OK);
	assert_int_equal(s->d.days, 14);
	s->now = s->fact->hour + 14 * 24 - 1;
	assert_false(submission_overdue(s));
	assert_int_equal(submission_days_left(s), 0);
	assert_string_equal(submission_shown(s), "submitted");
	s->now++;
	assert_true(submission_overdue(s));
	assert_int_equal(submission_days_left(s), 0);
	assert_string_equal(submission_shown(s), "overdue");
	s->now++;
	assert_int_equal(submission_days_left(s), -1);
	s->now = s->fact->hour + 15 * 24;
	assert_int_equal(submission_days_left(s), -1);
	s->j.state = SUBMISSION_CLAIMED;
	assert_string_equal(submission_shown(s), "overdue");
	s->j.state = SUBMISSION_NOT_YET;
	assert_string_equal(submission_shown(s), "not-yet");
	s->now = s->fact->hour;
	s->j.state = SUBMISSION_SUBMITTED;
	assert_int_equal(submission_days_left(s), 14);
	submission_close(s);
	look_away(&v);
	end_cast(&c);
}

static void there_is_a_place_for_each_who_is_still_needed(void **state)
{
	static const unsigned said[][5] = {/* needed, met, not yet, unjudgeable: places */
		{1, 0, 0, 0, 1}, {2, 0, 0, 0, 2}, {2, 1, 0, 0, 1}, {2, 1, 1, 0, 1}, {2, 2, 2, 0, 1},
		{3, 1, 1, 1, 2}, {3, 1, 2, 0, 1}, {5, 0, 0, 1, 4}};
	(void)state;
	struct submission *s = calloc(1, sizeof *s);
	assert_non_null(s);
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		s->j.needed = said[i][0];
		s->j.met = said[i][1];
		s->j.not_yet = said[i][2];
		s->j.unjudgeable = said[i][3];
		assert_int_equal(submission_seats(s), said[i][4]);
	}
	free(s);
}

static void who_may_not_review_is_told_why(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted w = submit_as(&c, NULL, 1);
	bars(c.reviewer, &w.submission, c.reviewer, NULL);
	bars(c.reviewer, &w.submission, c.earner, "your own");
	bars(c.reviewer, &w.submission, c.stranger, "not appointed");
	vouch_for(c.issuer, c.reviewer);
	bars(c.reviewer, &w.submission, c.reviewer, NULL);
	vouch_for(c.stranger, c.earner);
	bars(c.reviewer, &w.submission, c.reviewer, NULL);
	vouch_for(c.stranger, c.reviewer);
	bars(c.reviewer, &w.submission, c.reviewer, "Sam vouches for you both");
	end_appointment(c.issuer, &c.appointment);
	bars(c.reviewer, &w.submission, c.reviewer, "not appointed");
	end_cast(&c);
}

/* SPEC 16.6: "That is no part of any state, since a vouch may come later." */
static void who_has_claimed_is_not_kept_from_deciding_by_a_vouch_that_came_later(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted w = submit_as(&c, NULL, 1);
	put_record(c.reviewer, readers(c.earner, c.issuer), pointing("claim", &w.submission), false, NULL);
	vouch_for(c.stranger, c.earner);
	vouch_for(c.stranger, c.reviewer);
	bars(c.reviewer, &w.submission, c.reviewer, NULL);
	end_appointment(c.issuer, &c.appointment);
	bars(c.reviewer, &w.submission, c.reviewer, "not appointed");
	end_cast(&c);
}

static void who_claims_twice_takes_one_place(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted w = submit_as(&c, NULL, 1);
	struct catalogue v;
	struct submission *s = NULL;
	appoint(c.issuer, &c.definition, c.stranger);
	for (unsigned i = 0; i < 3; i++)
		put_record(c.reviewer, readers(c.earner, c.issuer), pointing("claim", &w.submission), false,
			NULL);
	v = look(c.issuer);
	assert_int_equal(submission_open(&v, &w.submission, &s), OK);
	assert_int_equal(s->j.claims_n, 3);
	assert_int_equal(submission_at_work(s), 1);
	submission_close(s);
	look_away(&v);
	put_record(c.stranger, readers(c.earner, c.issuer), pointing("claim", &w.submission), false, NULL);
	v = look(c.issuer);
	assert_int_equal(submission_open(&v, &w.submission, &s), OK);
	assert_int_equal(submission_at_work(s), 2);
	submission_close(s);
	look_away(&v);
	end_cast(&c);
}

static void a_review_is_replaced_by_its_writer_until_another_attempt_is_there(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted w = submit_as(&c, NULL, 1);
	appoint(c.issuer, &c.definition, c.stranger);
	struct entry_ref review = review_not_yet(c.reviewer, &w.submission, readers(c.earner, c.stranger));
	bars(c.earner, &w.submission, c.stranger, "has been decided");
	bars(c.reviewer, &w.submission, c.reviewer, NULL);
	take_up(c.issuer, &review);
	bars(c.reviewer, &w.submission, c.reviewer, NULL);
	struct submitted next = submit_as(&c, &w.submission, 1);
	bars(c.reviewer, &w.submission, c.reviewer, "has been decided");
	bars(c.reviewer, &next.submission, c.reviewer, NULL);
	put_record(
		c.earner, readers(c.reviewer, c.issuer), pointing("withdraw", &next.submission), true, NULL);
	bars(c.reviewer, &next.submission, c.reviewer, "withdrawn");
	end_cast(&c);
}

static void readers_are_named_once_each_with_what_they_are(void **state)
{
	static const char *const roles[] = {"issuer", "earner", "reviewer"};
	(void)state;
	struct cast c = begin_cast();
	appoint(c.issuer, &c.definition, c.reviewer);
	struct catalogue v = look(c.earner);
	json_t *in = NULL, *out = NULL;
	const struct id32 issuer = id_of(c.issuer), earner = id_of(c.earner);
	assert_int_equal(submission_readers(&v, &c.definition, &issuer, &earner, &in, &out), OK);
	assert_int_equal(json_array_size(in), 3);
	assert_int_equal(json_array_size(out), 0);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(
			json_string_value(json_object_get(json_array_get(in, i), "role")), roles[i]);
	json_decref(in);
	json_decref(out);
	look_away(&v);
	end_cast(&c);
}

/* ---- drafts */

static struct submission_draft *draft_for(struct catalogue *v, const struct cast *c, const char *words_max)
{
	char text[1024];
	struct submission_draft *d = calloc(1, sizeof *d);
	(void)v;
	assert_non_null(d);
	snprintf(text, sizeof text, "%s", definition_text);
	char *at = strstr(text, "\"min\":1,\"max\":8");
	assert_non_null(at);
	char tail[1024];
	snprintf(tail, sizeof tail, "%s", at + strlen("\"min\":1,\"max\":8"));
	snprintf(at, sizeof text - (size_t)(at - text), "\"min\":1,\"max\":2%s%s%s",
		*words_max ? ",\"words_max\":" : "", words_max, tail);
	assert_int_equal(definition_read(slice_str(text), &d->d, NULL), OK);
	d->defined = true;
	d->definition_at = c->definition;
	d->findings = json_array();
	d->notes = json_array();
	return d;
}

static void add_text(struct submission_draft *d, const char *requirement, const char *text)
{
	d->items[d->n++] = (struct draft_item){.requirement = requirement, .text = slice_str(text)};
}

static void add_entry(struct submission_draft *d, const char *given, const struct entry_ref *at,
	const struct keyring *owner)
{
	d->items[d->n++] = (struct draft_item){
		.requirement = "story", .given = given, .at = *at, .owner = owner->self.identity};
}

/* The findings, a line each. */
static const char *found(struct catalogue *v, struct submission_draft *d, const struct keyring *me)
{
	static char all[4096];
	assert_int_equal(submission_check_evidence(v, d, &me->self.identity), OK);
	*all = 0;
	for (size_t i = 0; i < json_array_size(d->findings); i++) {
		const json_t *one = json_array_get(d->findings, i);
		size_t n = strlen(all);
		snprintf(all + n, sizeof all - n, "%s: %s\n",
			json_string_value(json_object_get(one, "requirement")),
			json_string_value(json_object_get(one, "what")));
	}
	json_array_clear(d->findings);
	return all;
}

static void words_are_counted_to_the_last(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct catalogue v = look(c.earner);
	struct submission_draft *d = draft_for(&v, &c, "3");
	add_text(d, "story", "  one\ttwo\n\nthree ");
	assert_string_equal(found(&v, d, c.earner), "");
	d->items[0].text = slice_str("one two three f");
	assert_string_equal(found(&v, d, c.earner), "story: has 4 words, and at most 3 are allowed\n");
	d->items[0].text = slice_str(" \n");
	assert_non_null(strstr(found(&v, d, c.earner), "blank"));
	d->items[0].text = slice_str("");
	assert_non_null(strstr(found(&v, d, c.earner), "empty"));
	submission_draft_free(d);
	look_away(&v);
	end_cast(&c);
}

static void each_requirement_gets_as_many_as_it_asks_for(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct catalogue v = look(c.earner);
	struct submission_draft *d = draft_for(&v, &c, "");
	assert_string_equal(found(&v, d, c.earner),
		"story: is missing: 1 reflection is needed, 0 given\n: there is no evidence at all\n");
	add_text(d, "tale", "once");
	assert_string_equal(found(&v, d, c.earner),
		"tale: this micro-credential has no such requirement\nstory: is missing: 1 reflection is needed, 0 given\n");
	d->items[0].requirement = "story";
	add_text(d, "story", "twice");
	assert_string_equal(found(&v, d, c.earner), "");
	add_text(d, "story", "thrice");
	assert_string_equal(found(&v, d, c.earner), "story: has too many: at most 2, and 3 were given\n");
	submission_draft_free(d);
	look_away(&v);
	end_cast(&c);
}

static void evidence_is_ones_own_at_hand_and_used_once(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct entry_ref mine = put_record(c.earner, readers(NULL, NULL), reflection("mine"), false, NULL),
			 theirs = put_record(c.stranger, everybody(), reflection("theirs"), false, NULL),
			 gone = put_record(c.earner, readers(NULL, NULL), reflection("gone"), false, NULL);
	erase_entry(c.earner, &gone);
	struct catalogue v = look(c.earner);
	struct submission_draft *d = draft_for(&v, &c, "");
	add_entry(d, "MINE", &mine, c.earner);
	assert_string_equal(found(&v, d, c.earner), "");
	assert_true(d->items[0].sealed);
	buf_free(&d->items[0].record);
	add_entry(d, "MINE", &mine, c.earner);
	assert_non_null(strstr(found(&v, d, c.earner), "story: MINE is given twice"));
	for (size_t i = 0; i < 2; i++)
		buf_free(&d->items[i].record);
	d->n = 0;
	add_entry(d, "THEIRS", &theirs, c.stranger);
	assert_string_equal(
		found(&v, d, c.earner), "story: THEIRS is somebody else's: evidence is your own\n");
	d->n = 0;
	add_entry(d, "GONE", &gone, c.earner);
	assert_string_equal(found(&v, d, c.earner), "story: GONE was erased\n");
	d->n = 0;
	add_entry(d, "DEFINITION", &c.definition, c.earner);
	assert_non_null(strstr(found(&v, d, c.earner), "DEFINITION is neither an artifact nor a reflection"));
	submission_draft_free(d);
	look_away(&v);
	end_cast(&c);
}

/* ---- earlier attempts */

static const char *attempts(const struct cast *c, const struct entry_ref *revises, unsigned max)
{
	static char all[2048];
	struct catalogue v = look(c->earner);
	struct submission_draft *d = draft_for(&v, c, "");
	d->d.resubmissions_max = max;
	d->revises = revises != NULL;
	if (revises) {
		d->revised = *revises;
		d->changed = slice_str("more patience");
	}
	assert_int_equal(submission_check_attempts(&v, d, &c->earner->self.identity), OK);
	*all = 0;
	for (size_t i = 0; i < json_array_size(d->findings); i++) {
		size_t n = strlen(all);
		snprintf(all + n, sizeof all - n, "%s\n",
			json_string_value(json_object_get(json_array_get(d->findings, i), "what")));
	}
	submission_draft_free(d);
	look_away(&v);
	return all;
}

static void another_attempt_revises_what_is_open_and_not_too_often(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	assert_string_equal(attempts(&c, NULL, 5), "");
	struct submitted first = submit_as(&c, NULL, 1);
	assert_non_null(strstr(attempts(&c, NULL, 5), "submitted for it already"));
	assert_string_equal(attempts(&c, &first.submission, 1), "");
	assert_non_null(strstr(attempts(&c, &first.submission, 0), "takes no second attempt"));
	review_not_yet(c.reviewer, &first.submission, readers(c.earner, c.issuer));
	assert_non_null(strstr(attempts(&c, NULL, 5), "has come back"));
	struct submitted second = submit_as(&c, &first.submission, 1);
	assert_non_null(strstr(attempts(&c, &first.submission, 5), "revised already"));
	assert_string_equal(attempts(&c, &second.submission, 2), "");
	assert_non_null(strstr(attempts(&c, &second.submission, 1), "anew 1 times"));
	put_record(c.earner, readers(c.reviewer, NULL), pointing("withdraw", &second.submission), true, NULL);
	assert_string_equal(attempts(&c, NULL, 5), "");
	end_cast(&c);
}

static void the_keys_of_earlier_attempts_go_along(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted first = submit_as(&c, NULL, 1);
	struct entry_ref review = review_not_yet(c.reviewer, &first.submission, readers(c.earner, c.issuer));
	struct submitted second = submit_as(&c, &first.submission, 1);
	struct catalogue v = look(c.earner);
	struct submission_draft *d = draft_for(&v, &c, "");
	d->revises = true;
	d->revised = second.submission;
	d->changed = slice_str("more patience");
	assert_int_equal(submission_check_attempts(&v, d, &c.earner->self.identity), OK);
	const struct id32 *const wanted[] = {&first.submission.id, &first.manifest.id, &first.evidence[0].id,
		&review.id, &second.submission.id, &second.manifest.id, &second.evidence[0].id};
	assert_int_equal(d->earlier_n, sizeof wanted / sizeof wanted[0]);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		size_t k = 0;
		while (k < d->earlier_n && !id32_equal(&d->earlier[k].at.id, wanted[i]))
			k++;
		assert_true(k < d->earlier_n);
	}
	submission_draft_free(d);
	look_away(&v);
	end_cast(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(it_is_overdue_when_its_days_have_passed_and_not_before),
		cmocka_unit_test(there_is_a_place_for_each_who_is_still_needed),
		DESK_TEST(who_has_claimed_is_not_kept_from_deciding_by_a_vouch_that_came_later),
		DESK_TEST(who_claims_twice_takes_one_place),
		DESK_TEST(who_may_not_review_is_told_why),
		DESK_TEST(a_review_is_replaced_by_its_writer_until_another_attempt_is_there),
		DESK_TEST(readers_are_named_once_each_with_what_they_are),
		DESK_TEST(words_are_counted_to_the_last),
		DESK_TEST(each_requirement_gets_as_many_as_it_asks_for),
		DESK_TEST(evidence_is_ones_own_at_hand_and_used_once),
		DESK_TEST(another_attempt_revises_what_is_open_and_not_too_often),
		DESK_TEST(the_keys_of_earlier_attempts_go_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
