/* daemon/cases.c: what belongs to a judgement is found in what stands in the clear and in what a session can open; nobody hides anybody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cases.h"
#include "daemon/names.h"
#include "protocol/award/facts.h"
#include "tests/support/award_fixture.h"

static void take_store(struct store *s, void *ctx)
{
	*(struct store **)ctx = s;
}

/* Somebody who looks: her book and her cases. */
struct view {
	struct book *book;
	struct cases *cases;
};

static struct view look(const struct keyring *k)
{
	struct view v = {.book = book_new(k)};
	struct store *s = NULL;
	assert_non_null(v.book);
	with_store(take_store, &s);
	assert_int_equal(cases_open(s, v.book, k ? &k->self.identity : NULL, &v.cases), OK);
	return v;
}

static void look_away(struct view *v)
{
	cases_close(v->cases);
	book_free(v->book);
}

/* How many different entries say something of this kind in the case. */
static size_t count(const struct gathered *g, enum fact_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < g->judge.facts_n; i++) {
		bool before = g->judge.facts[i].kind != kind;
		for (size_t k = 0; k < i && !before; k++)
			before = g->judge.facts[k].kind == kind &&
				id32_equal(&g->judge.facts[k].at.id, &g->judge.facts[i].at.id);
		n += !before;
	}
	return n;
}

static enum submission_state state_of(const struct gathered *g, const struct entry_ref *at)
{
	struct submission_judgement *j = malloc(sizeof *j);
	assert_non_null(j);
	assert_int_equal(judge_submission(&g->judge, &at->id, j), OK);
	enum submission_state state = j->state;
	free(j);
	return state;
}

static void a_submission_is_gathered_with_all_that_belongs_to_it(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted s = submit_as(&c, NULL, 3);
	struct gathered g;
	struct entry_ref claim = put_record(
		c.reviewer, readers(c.earner, c.issuer), pointing("claim", &s.submission), false, NULL);
	struct view v = look(c.reviewer);
	assert_int_equal(cases_submission(v.cases, &s.submission, &g), OK);
	assert_int_equal(state_of(&g, &s.submission), SUBMISSION_CLAIMED);
	gathered_free(&g);
	look_away(&v);
	put_record(c.reviewer, readers(c.earner, c.issuer), pointing("release", &claim), false, NULL);
	struct entry_ref review = review_not_yet(c.reviewer, &s.submission, readers(c.earner, c.issuer));
	take_up(c.issuer, &review);
	end_appointment(c.issuer, &c.appointment);
	vouch_for(c.stranger, c.issuer);
	v = look(c.reviewer);
	assert_int_equal(cases_submission(v.cases, &s.submission, &g), OK);
	assert_int_equal(count(&g, FACT_SUBMISSION), 1);
	assert_int_equal(count(&g, FACT_MANIFEST), 1);
	assert_int_equal(count(&g, FACT_REFLECTION), 3);
	assert_int_equal(count(&g, FACT_DEFINITION), 1);
	assert_int_equal(count(&g, FACT_APPOINTMENT), 1);
	assert_int_equal(count(&g, FACT_APPOINTMENT_END), 1);
	assert_int_equal(count(&g, FACT_CLAIM), 1);
	assert_int_equal(count(&g, FACT_RELEASE), 1);
	assert_int_equal(count(&g, FACT_REVIEW), 1);
	assert_int_equal(count(&g, FACT_TAKE_UP), 1);
	assert_int_equal(count(&g, FACT_VOUCH), 1);
	assert_int_equal(g.judge.identities_n, 4);
	assert_false(g.cut_short);
	assert_int_equal(state_of(&g, &s.submission), SUBMISSION_NOT_YET);
	gathered_free(&g);
	look_away(&v);
	end_cast(&c);
}

static void who_cannot_open_it_has_no_case(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted s = submit_as(&c, NULL, 3);
	struct gathered g = {0};
	struct view v = look(c.stranger);
	assert_int_equal(cases_submission(v.cases, &s.submission, &g), ERR_NOT_FOUND);
	assert_int_equal(cases_submission(v.cases, &c.definition, &g), ERR_NOT_FOUND);
	assert_int_equal(cases_award(v.cases, &c.definition, &g), ERR_NOT_FOUND);
	struct entry_ref bent = c.definition;
	bent.id.b[3] ^= 1;
	assert_int_equal(cases_definition(v.cases, &bent, &g), ERR_NOT_FOUND);
	gathered_free(&g);
	look_away(&v);
	v = look(c.issuer);
	assert_int_equal(cases_submission(v.cases, &s.submission, &g), OK);
	assert_int_equal(state_of(&g, &s.submission), SUBMISSION_SUBMITTED);
	gathered_free(&g);
	look_away(&v);
	end_cast(&c);
}

static void a_flood_by_one_hides_nobody_elses(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted s = submit_as(&c, NULL, 3);
	struct gathered g;
	for (size_t i = 0; i < 6 * CASES_OF_AUTHOR_MAX; i++)
		put_record(c.stranger, everybody(), pointing("claim", &s.submission), false, NULL);
	put_record(c.reviewer, everybody(), pointing("claim", &s.submission), false, NULL);
	struct view v = look(c.reviewer);
	assert_int_equal(cases_submission(v.cases, &s.submission, &g), OK);
	assert_int_equal(count(&g, FACT_CLAIM), CASES_OF_AUTHOR_MAX + 1);
	assert_true(g.cut_short);
	assert_int_equal(state_of(&g, &s.submission), SUBMISSION_CLAIMED);
	gathered_free(&g);
	struct fact_list l;
	assert_int_equal(cases_about(v.cases, &s.submission.id, FACT_MASK(FACT_CLAIM), &l), OK);
	assert_int_equal(l.n, CASES_OF_AUTHOR_MAX + 1);
	assert_true(l.more);
	fact_list_free(&l);
	look_away(&v);
	end_cast(&c);
}

static void erased_evidence_is_named(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted s = submit_as(&c, NULL, 3);
	struct gathered g;
	erase_entry(c.earner, &s.evidence[1]);
	struct view v = look(c.reviewer);
	assert_int_equal(cases_submission(v.cases, &s.submission, &g), OK);
	assert_int_equal(count(&g, FACT_REFLECTION), 2);
	assert_int_equal(g.judge.erased_n, 1);
	assert_memory_equal(g.judge.erased[0].b, s.evidence[1].id.b, 32);
	assert_int_equal(state_of(&g, &s.submission), SUBMISSION_SUBMITTED);
	gathered_free(&g);
	look_away(&v);
	end_cast(&c);
}

static void revisions_are_followed_both_ways(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted first = submit_as(&c, NULL, 3), second = submit_as(&c, &first.submission, 3),
			 third = submit_as(&c, &second.submission, 3);
	struct gathered g;
	struct view v = look(c.reviewer);
	assert_int_equal(cases_submission(v.cases, &third.submission, &g), OK);
	assert_int_equal(count(&g, FACT_SUBMISSION), 3);
	assert_int_equal(count(&g, FACT_MANIFEST), 3);
	assert_int_equal(count(&g, FACT_REFLECTION), 9);
	assert_int_equal(state_of(&g, &third.submission), SUBMISSION_SUBMITTED);
	gathered_free(&g);
	assert_int_equal(cases_submission(v.cases, &first.submission, &g), OK);
	assert_int_equal(count(&g, FACT_SUBMISSION), 2);
	assert_int_equal(state_of(&g, &first.submission), SUBMISSION_WITHDRAWN);
	gathered_free(&g);
	look_away(&v);
	end_cast(&c);
}

static void an_award_is_gathered_by_whoever_sees_it(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted s = submit_as(&c, NULL, 3);
	struct gathered g;
	struct award_judgement *j = malloc(sizeof *j);
	assert_non_null(j);
	struct entry_ref review = review_not_yet(c.reviewer, &s.submission, everybody());
	struct entry_ref award = award_of(c.issuer, &s.submission, &c.definition, &review);
	put_record(c.earner, everybody(), pointing("acceptance", &award), true, NULL);
	struct view v = look(c.earner);
	assert_int_equal(cases_award(v.cases, &award, &g), OK);
	assert_int_equal(count(&g, FACT_AWARD), 1);
	assert_int_equal(count(&g, FACT_ACCEPTANCE), 1);
	assert_int_equal(count(&g, FACT_SUBMISSION), 1);
	assert_int_equal(count(&g, FACT_REFLECTION), 3);
	assert_int_equal(count(&g, FACT_REVIEW), 1);
	assert_int_equal(judge_award(&g.judge, &award.id, j), OK);
	assert_non_null(j->submission);
	assert_int_equal(j->state, AWARD_UNKNOWN); /* its credential says nothing */
	gathered_free(&g);
	look_away(&v);
	/* who cannot open the submission still has the rest */
	v = look(c.stranger);
	assert_int_equal(cases_award(v.cases, &award, &g), OK);
	assert_int_equal(count(&g, FACT_SUBMISSION), 0);
	assert_int_equal(count(&g, FACT_REVIEW), 1);
	assert_int_equal(count(&g, FACT_APPOINTMENT), 1);
	assert_int_equal(count(&g, FACT_ACCEPTANCE), 1);
	gathered_free(&g);
	look_away(&v);
	free(j);
	end_cast(&c);
}

static size_t reviews_in(const struct keyring *who, const struct entry_ref *award,
	struct entry_ref sought[BOOK_SOUGHT_MAX], size_t *n, bool cut)
{
	struct gathered g;
	struct view v = look(who);
	assert_int_equal(cases_award(v.cases, award, &g), OK);
	size_t found = count(&g, FACT_REVIEW);
	for (size_t i = 0; i < g.judge.facts_n; i++)
		assert_int_equal(g.judge.facts[i].cut, cut && g.judge.facts[i].kind == FACT_REVIEW);
	*n = book_sought(v.book, sought);
	gathered_free(&g);
	look_away(&v);
	return found;
}

/* SPEC 16.6: "counts nevertheless if an award of the issuer that counts as an act names it" */
static void a_review_behind_the_end_of_its_log_is_found_or_sought(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted s = submit_as(&c, NULL, 3);
	struct entry_ref sought[BOOK_SOUGHT_MAX];
	size_t n;
	struct entry_ref review = review_not_yet(c.reviewer, &s.submission, readers(c.earner, c.issuer));
	struct entry_ref award = award_of(c.issuer, &s.submission, &c.definition, &review), lost = review,
			 lie = review;
	lost.id.b[0] ^= 1;
	lie.id.b[0] ^= 2;
	struct entry_ref other = award_of(c.issuer, &s.submission, &c.definition, &lost),
			 of_stranger = award_of(c.stranger, &s.submission, &c.definition, &lie);
	/* What a run may still bring is not sought. */
	assert_int_equal(reviews_in(c.earner, &other, sought, &n, false), 1);
	assert_int_equal(n, 0);
	cut_at(&review);
	assert_int_equal(reviews_in(c.earner, &award, sought, &n, true), 1);
	assert_int_equal(n, 1); /* the other award's */
	assert_int_equal(reviews_in(c.earner, &other, sought, &n, true), 1);
	assert_int_equal(n, 1);
	assert_memory_equal(&sought[0], &lost, sizeof lost);
	assert_int_equal(reviews_in(c.earner, &of_stranger, sought, &n, true), 1);
	assert_int_equal(n, 1); /* of the issuer's award, not of the stranger's */
	end_cast(&c);
}

static void lists_say_how_one_stands_to_each(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted s = submit_as(&c, NULL, 3);
	struct entry_ref review = review_not_yet(c.reviewer, &s.submission, everybody());
	award_of(c.issuer, &s.submission, &c.definition, &review);
	const struct {
		const struct keyring *who;
		unsigned roles;
		size_t n;
	} of[] = {{c.earner, CASES_EARNER, 1}, {c.reviewer, CASES_REVIEWER, 1}, {c.issuer, CASES_ISSUER, 1},
		{c.stranger, CASES_OTHER, 0}};
	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		struct cases_list l;
		struct view v = look(of[i].who);
		assert_int_equal(cases_submissions(v.cases, 0, &l), OK);
		assert_int_equal(l.n, of[i].n);
		for (size_t k = 0; k < l.n; k++) {
			assert_int_equal(l.items[k].roles, of[i].roles);
			assert_memory_equal(l.items[k].issuer.b, c.issuer->self.identity.b, 32);
			assert_memory_equal(l.items[k].earner.b, c.earner->self.identity.b, 32);
		}
		cases_list_free(&l);
		assert_int_equal(cases_submissions(v.cases, of[i].roles ^ 15u, &l), OK);
		assert_int_equal(l.n, 0);
		cases_list_free(&l);
		assert_int_equal(cases_awards(v.cases, of[i].roles, &l), OK);
		assert_int_equal(l.n, 1); /* it stands in the clear */
		cases_list_free(&l);
		look_away(&v);
	}
	end_appointment(c.issuer, &c.appointment);
	struct cases_list l;
	struct view v = look(c.reviewer);
	assert_int_equal(cases_submissions(v.cases, CASES_REVIEWER, &l), OK);
	assert_int_equal(l.n, 0);
	cases_list_free(&l);
	look_away(&v);
	end_cast(&c);
}

static void room_for_key_events_is_made_between_judgements(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct view v = look(c.reviewer);
	struct judge_identity out;
	struct id32 nobody = {.b = {7}};
	for (unsigned i = 0; i < CASES_IDENTITIES_MAX; i++) {
		be32_put(nobody.b + 4, i);
		assert_int_equal(cases_identity(v.cases, &nobody, &out), ERR_NOT_FOUND);
	}
	assert_int_equal(cases_identity(v.cases, &c.earner->self.identity, &out), ERR_LIMIT);
	cases_tidy(v.cases);
	assert_int_equal(cases_identity(v.cases, &c.earner->self.identity, &out), OK);
	look_away(&v);
	end_cast(&c);
}

static void appointments_reach_what_descends(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct entry_ref next = publish(c.issuer, &c.definition), other = publish(c.stranger, &c.definition);
	struct keyring *second = make_identity("Rio", IDENTITY_PERSON);
	struct entry_ref late = appoint(c.issuer, &next, second);
	appoint(c.stranger, &next, c.stranger); /* not his to appoint for */
	struct id32 *ids = NULL;
	size_t n = 0;
	struct gathered g;
	struct view v = look(NULL);
	assert_int_equal(cases_reviewers(v.cases, &c.definition, &ids, &n), OK);
	assert_int_equal(n, 1);
	assert_memory_equal(ids[0].b, c.reviewer->self.identity.b, 32);
	free(ids);
	assert_int_equal(cases_reviewers(v.cases, &next, &ids, &n), OK);
	assert_int_equal(n, 2);
	free(ids);
	assert_int_equal(cases_reviewers(v.cases, &other, &ids, &n), OK);
	assert_int_equal(n, 0);
	free(ids);
	assert_int_equal(cases_definition(v.cases, &c.definition, &g), OK);
	assert_int_equal(count(&g, FACT_DEFINITION), 2);
	assert_int_equal(count(&g, FACT_APPOINTMENT), 2);
	gathered_free(&g);
	look_away(&v);
	end_appointment(c.issuer, &late);
	v = look(NULL);
	assert_int_equal(cases_reviewers(v.cases, &next, &ids, &n), OK);
	assert_int_equal(n, 1);
	free(ids);
	look_away(&v);
	keyring_free(second);
	end_cast(&c);
}

static void names_come_from_the_newest_clear_profile(void **state)
{
	(void)state;
	struct keyring *ada = make_identity("Ada", IDENTITY_SCHOOL);
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "profile", 1);
	mp_put_cstr(&m, "name");
	mp_put_cstr(&m, "Ada \x1b[31mRed");
	assert_int_equal(m.err, OK);
	put_record(ada, everybody(), b, false, NULL);
	struct store *s = NULL;
	const struct id32 nobody = {{1}};
	with_store(take_store, &s);
	struct names *n = names_new(s);
	assert_non_null(n);
	json_t *shown = names_json(n, &ada->self.identity), *unknown = names_json(n, &nobody);
	assert_null(strchr(names_text(n, &ada->self.identity), '\x1b'));
	assert_memory_equal(names_text(n, &ada->self.identity), "Ada ", 4);
	assert_string_equal(json_string_value(json_object_get(shown, "kind")), "school");
	assert_memory_equal(json_string_value(json_object_get(shown, "did")), "did:key:z6Mk", 12);
	assert_int_equal(strlen(json_string_value(json_object_get(shown, "id"))), 64);
	assert_string_equal(json_string_value(json_object_get(unknown, "name")), "");
	assert_string_equal(json_string_value(json_object_get(unknown, "did")), "");
	json_decref(shown);
	json_decref(unknown);
	names_free(n);
	keyring_free(ada);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_submission_is_gathered_with_all_that_belongs_to_it),
		DESK_TEST(who_cannot_open_it_has_no_case),
		DESK_TEST(a_flood_by_one_hides_nobody_elses),
		DESK_TEST(erased_evidence_is_named),
		DESK_TEST(revisions_are_followed_both_ways),
		DESK_TEST(an_award_is_gathered_by_whoever_sees_it),
		DESK_TEST(a_review_behind_the_end_of_its_log_is_found_or_sought),
		DESK_TEST(lists_say_how_one_stands_to_each),
		DESK_TEST(room_for_key_events_is_made_between_judgements),
		DESK_TEST(appointments_reach_what_descends),
		DESK_TEST(names_come_from_the_newest_clear_profile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
