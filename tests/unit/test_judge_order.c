/* What is judged depends on the set of facts alone: not on their order, not on duplicates, not on the way by which a node got them.
 * Stories with every conflict mixed are told from a seed; a failure prints it. SPEC.md sections 4.7 and 16.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/support/judge_story.h"

enum { STORIES = 5, PERMUTATIONS = 2400, NODES = 8, ASKED_MAX = 256 };

static struct judge_story *j;
static struct random_source rnd;
static struct seeded_random seed;

static size_t below(size_t n)
{
	uint8_t b[4];
	random_fill(&rnd, b, sizeof b);
	return be32_get(b) % n;
}

/* ---- a story */

struct asked {
	struct entry_ref at;
	bool award;
	struct buf said; /* of the whole case */
};

struct tale {
	struct entry_ref definition[4], appointment[24], review[64], claim[16], award[32];
	struct tell_submission made[16];
	struct entry_ref submission[16], definition_of[16];
	size_t appointments_n, reviews_n, claims_n, submissions_n, awards_n;
	struct reviewed {
		size_t submission;
		unsigned who, level;
		bool meets;
	} reviewed[64];
	struct id32 officer;
	struct asked asked[ASKED_MAX];
	size_t asked_n;
};

static struct pen issuer_pen(void)
{
	struct pen pen = PEN(ISSUER, .device = (unsigned)below(STORY_DEVICES));
	pen.by = below(6) == 0 ? OFFICER : 0;
	pen.erasable = below(20) == 0;
	return pen;
}

static unsigned reviewer(void)
{
	return ANN + (unsigned)below(3);
}

static void tell_end(struct tale *t)
{
	const struct entry_ref *at = &t->appointment[below(t->appointments_n)];
	struct pen pen = issuer_pen();
	if (below(2))
		tell_of(j, pen, "appointment-end", at);
	else
		tell_end_marked(
			j, pen, at, (unsigned)below(STORY_DEVICES), 1 + below(j->people[ISSUER].length[0]));
}

static void tell_one_submission(struct tale *t)
{
	size_t i = t->submissions_n++;
	const struct entry_ref *revises = i && below(4) == 0 ? &t->submission[below(i)] : NULL;
	t->definition_of[i] = t->definition[below(4)];
	t->submission[i] = tell_work(j, PEN(below(8) ? EARNER : STRANGER, .device = (unsigned)below(2)),
		&t->definition_of[i], revises, &t->made[i]);
}

static void tell_one_review(struct tale *t)
{
	static const char *const decisions[] = {"not-yet", "unjudgeable", NULL, NULL, NULL, NULL};
	struct reviewed *of = &t->reviewed[t->reviews_n];
	struct tell_review r = {.decision = decisions[below(6)], .level = {1, 1 + (unsigned)below(2)}};
	r.feedback = below(25) ? NULL : " ";
	r.bad_proof = below(25) == 0;
	*of = (struct reviewed){.submission = below(t->submissions_n),
		.who = below(16) ? reviewer() : STRANGER,
		.level = r.level[1],
		.meets = !r.decision};
	t->review[t->reviews_n++] = tell_review(j, PEN(of->who, .device = (unsigned)below(2)),
		&t->submission[of->submission], &t->definition_of[of->submission], r);
}

/* Most name what an honest issuer would name. */
static void tell_one_award(struct tale *t)
{
	size_t s = below(t->submissions_n);
	struct tell_award a = {.submission = t->submission[s],
		.definition = t->definition_of[s],
		.manifest = t->made[s].manifest,
		.level = {1, 2}};
	bool honest = below(5) > 0;
	unsigned seen = 0;
	for (size_t i = 0; i < t->reviews_n && a.reviews_n < 4; i++) {
		const struct reviewed *r = &t->reviewed[i];
		if (r->submission != s || (honest && (!r->meets || (seen >> r->who & 1))))
			continue;
		seen |= 1u << r->who;
		a.reviews[a.reviews_n++] = t->review[i];
		a.level[1] = r->level < a.level[1] ? r->level : a.level[1];
	}
	if (a.reviews_n == 0)
		a.reviews[a.reviews_n++] = t->review[below(t->reviews_n)];
	a.bad_proof = below(20) == 0;
	t->award[t->awards_n++] = tell_award(j, issuer_pen(), a);
}

static void tell_one_thing(struct tale *t)
{
	switch (below(9)) {
	case 0: tell_end(t); break;
	case 1:
		if (t->claims_n < 16)
			t->claim[t->claims_n++] = tell_of(
				j, PEN(reviewer()), "claim", &t->submission[below(t->submissions_n)]);
		break;
	case 2:
		if (t->claims_n)
			tell_of(j, below(2) ? issuer_pen() : PEN(reviewer()), "release",
				&t->claim[below(t->claims_n)]);
		break;
	case 3: tell_take_up(j, issuer_pen(), &t->review[below(t->reviews_n)], 1); break;
	case 4:
		if (below(4) == 0)
			tell_of(j, PEN(EARNER), "withdraw", &t->submission[below(t->submissions_n)]);
		break;
	case 5:
		if (t->appointments_n < 24)
			t->appointment[t->appointments_n++] = tell_appointment(
				j, issuer_pen(), reviewer(), &t->definition[below(4)]);
		break;
	case 6: tell_of(j, issuer_pen(), "revoke", &t->award[below(t->awards_n)]); break;
	case 7: tell_of(j, PEN(EARNER), "acceptance", &t->award[below(t->awards_n)]); break;
	default: tell_vouch(j, PEN(SCHOOL), EARNER + (unsigned)below(3)); break;
	}
}

static void tell_tale(struct tale *t)
{
	*t = (struct tale){.officer = tell_officer(j, ISSUER, OFFICER, 31)};
	for (unsigned i = 0; i < 4; i++) {
		const struct entry_ref *before = i && below(3) ? &t->definition[below(i)] : NULL;
		t->definition[i] = tell_definition(j, PEN(ISSUER),
			(struct tell_definition){.version = i,
				.reviewers = 1 + i % 2,
				.resubmissions = 2,
				.supersedes = before});
	}
	for (unsigned i = 0; i < 12; i++)
		t->appointment[t->appointments_n++] = tell_appointment(
			j, PEN(ISSUER, .device = i % 2), ANN + i % 3, &t->definition[i / 3]);
	for (unsigned i = 0; i < 8; i++)
		tell_one_submission(t);
	for (unsigned i = 0; i < 40; i++)
		tell_one_review(t);
	for (unsigned i = 0; i < 20; i++)
		tell_one_award(t);
	for (unsigned i = 0; i < 12; i++)
		tell_one_thing(t);
	tell_dismissal(j, ISSUER, &t->officer, below(2) ? 0 : STORY_DEVICES);
	for (unsigned i = 0; i < 36; i++)
		tell_one_thing(t);
	for (unsigned i = 0; i < 6; i++) {
		struct entry_ref at = j->facts[below(j->facts_n)].at;
		if (i < 4)
			story_cut(j, &at);
		else if (j->facts[0].at.seq != at.seq)
			story_erase(j, &at);
	}
}

/* ---- what was said, as bytes */

static void put(struct buf *b, const void *p, size_t n)
{
	if (buf_put(b, p, n) != OK)
		abort();
}

static void put_fact(struct buf *b, const struct fact *f)
{
	static const struct id32 none;
	put(b, f ? f->at.id.b : none.b, 32);
}

static void put_lines(struct buf *b, const struct judgement *lines)
{
	put(b, &lines->lines_n, sizeof lines->lines_n);
	for (size_t i = 0; i < lines->lines_n; i++) {
		const struct judge_line *l = &lines->lines[i];
		put(b, &l->mark, sizeof l->mark);
		put(b, l->code, strlen(l->code) + 1);
		put(b, l->entry.b, 32);
		put(b, l->text, strlen(l->text) + 1);
	}
}

static enum err say_submission(const struct judge_case *c, const struct id32 *at, struct buf *b)
{
	static struct submission_judgement s;
	enum err e = judge_submission(c, at, &s);
	if (e != OK)
		return e;
	const uint8_t numbers[] = {(uint8_t)s.state, (uint8_t)s.needed, (uint8_t)s.met, (uint8_t)s.not_yet,
		(uint8_t)s.unjudgeable};
	put(b, numbers, sizeof numbers);
	put_fact(b, s.submission);
	put_fact(b, s.manifest);
	put_fact(b, s.definition);
	put_fact(b, s.award);
	put_fact(b, s.revised_by);
	put(b, &s.issuer, 32);
	put(b, &s.earner, 32);
	for (size_t i = 0; i < s.reviews_n; i++) {
		const unsigned flags[] = {(unsigned)s.reviews[i].decision, s.reviews[i].taken_up};
		put_fact(b, s.reviews[i].fact);
		put(b, flags, sizeof flags);
	}
	for (size_t i = 0; i < s.claims_n; i++)
		put_fact(b, s.claims[i]);
	put_lines(b, &s.why);
	return OK;
}

static enum err say_award(const struct judge_case *c, const struct id32 *at, struct buf *b)
{
	static struct award_judgement a;
	enum err e = judge_award(c, at, &a);
	if (e != OK)
		return e;
	const uint8_t numbers[] = {(uint8_t)a.state, (uint8_t)a.credential_state};
	const struct fact *facts[] = {
		a.award, a.definition, a.submission, a.manifest, a.acceptance, a.revoke, a.standing};
	put(b, numbers, sizeof numbers);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		put_fact(b, facts[i]);
	put(b, &a.issuer, 32);
	put(b, &a.earner, 32);
	put_lines(b, &a.verdict);
	return OK;
}

static enum err say(const struct judge_case *c, const struct asked *q, struct buf *b)
{
	b->n = 0;
	return q->award ? say_award(c, &q->at.id, b) : say_submission(c, &q->at.id, b);
}

static bool is_at_hand(const struct entry_ref *at)
{
	for (size_t i = 0; i < j->facts_n; i++)
		if (id32_equal(&j->facts[i].at.id, &at->id))
			return true;
	return false;
}

static void ask(struct tale *t, const struct judge_case *c, const struct entry_ref *at, bool award)
{
	if (!is_at_hand(at))
		return;
	struct asked *q = &t->asked[t->asked_n++];
	*q = (struct asked){.at = *at, .award = award};
	assert_int_equal(say(c, q, &q->said), OK);
}

static void ask_all(struct tale *t)
{
	struct judge_case c = judge_story_case(j);
	for (size_t i = 0; i < t->submissions_n; i++)
		ask(t, &c, &t->submission[i], false);
	for (size_t i = 0; i < t->awards_n; i++)
		ask(t, &c, &t->award[i], true);
}

/* ---- other orders */

/* A case of its own with copies in another order; some facts twice, some with data at another place. */
struct mixed {
	struct fact facts[JUDGE_FACTS_MAX];
	struct judge_identity identities[STORY_PEOPLE * 2];
	struct id32 erased[64];
	struct judge_case c;
};

static void swap(void *a, void *b, size_t n)
{
	uint8_t t[sizeof(struct fact)];
	memcpy(t, a, n);
	memcpy(a, b, n);
	memcpy(b, t, n);
}

static void shuffle(void *array, size_t n, size_t size)
{
	uint8_t *p = (uint8_t *)array;
	for (size_t i = n; i > 1; i--) {
		size_t k = below(i);
		if (k != i - 1)
			swap(p + k * size, p + (i - 1) * size, size);
	}
}

static void mix(struct mixed *m, struct arena *copies)
{
	struct judge_case c = judge_story_case(j);
	size_t n = c.facts_n, twice = below(40);
	memcpy(m->facts, c.facts, n * sizeof *c.facts);
	for (size_t i = 0; i < twice; i++) {
		m->facts[n] = c.facts[below(c.facts_n)];
		if (copies)
			m->facts[n].data = arena_copy(copies, m->facts[n].data);
		n++;
	}
	memcpy(m->identities, c.identities, c.identities_n * sizeof *c.identities);
	m->identities[c.identities_n] = c.identities[below(c.identities_n)];
	memcpy(m->erased, c.erased, c.erased_n * sizeof *c.erased);
	m->c = c;
	m->c.facts = m->facts;
	m->c.facts_n = n;
	m->c.identities = m->identities;
	m->c.identities_n = c.identities_n + 1;
	m->c.erased = m->erased;
	shuffle(m->facts, n, sizeof m->facts[0]);
	shuffle(m->identities, m->c.identities_n, sizeof m->identities[0]);
	shuffle(m->erased, c.erased_n, sizeof m->erased[0]);
}

static void compare(const struct judge_case *c, const struct asked *q, struct buf *said)
{
	enum err e = say(c, q, said);
	if (e != OK || !slice_equal(buf_slice(said), buf_slice(&q->said)))
		printf("seed %llu: another order, another judgement\n", (unsigned long long)seed.seed);
	assert_int_equal(e, OK);
	assert_int_equal(said->n, q->said.n);
	assert_memory_equal(said->p, q->said.p, said->n);
}

static void permute(const struct tale *t, struct mixed *m, size_t times)
{
	struct buf said = {0};
	for (size_t i = 0; i < times; i++) {
		mix(m, NULL);
		if (i % 400 == 399)
			m->c.proofs = NULL; /* and every signature is checked again */
		compare(&m->c, &t->asked[below(t->asked_n)], &said);
	}
	buf_free(&said);
}

/* Each node gets the facts in an order of its own, piece by piece, and judges what it has at any time. */
static void spread(const struct tale *t, struct mixed *m)
{
	struct buf said = {0};
	for (size_t node = 0; node < NODES; node++) {
		struct arena copies = {0};
		mix(m, &copies);
		size_t all = m->c.facts_n, people = m->c.identities_n;
		for (m->c.facts_n = 0; m->c.facts_n < all; m->c.facts_n += 1 + below(30)) {
			m->c.identities_n = below(people + 1);
			enum err e = say(&m->c, &t->asked[below(t->asked_n)], &said);
			assert_true(e == OK || e == ERR_NOT_FOUND);
		}
		m->c.facts_n = all;
		m->c.identities_n = people;
		for (size_t i = 0; i < t->asked_n; i++)
			compare(&m->c, &t->asked[i], &said);
		arena_free(&copies);
	}
	buf_free(&said);
}

static void no_order_of_arrival_changes_a_judgement(void **state)
{
	(void)state;
	struct tale *t = (struct tale *)calloc(1, sizeof *t);
	struct mixed *m = (struct mixed *)calloc(1, sizeof *m);
	j = (struct judge_story *)calloc(1, sizeof *j);
	assert_true(t && m && j);
	unsigned states[16] = {0};
	size_t facts = 0;
	for (uint64_t s = 1; s <= STORIES; s++) {
		seed = (struct seeded_random){.seed = 1600 + s};
		rnd = seeded_random_source(&seed);
		judge_story_begin(j, s);
		tell_tale(t);
		facts += j->facts_n;
		ask_all(t);
		for (size_t i = 0; i < t->asked_n; i++)
			states[t->asked[i].said.p[0] + (t->asked[i].award ? 8 : 0)]++;
		permute(t, m, PERMUTATIONS);
		spread(t, m);
		for (size_t i = 0; i < t->asked_n; i++)
			buf_free(&t->asked[i].said);
		judge_story_end(j);
	}
	printf("seeds 1601 to %d: %zu facts, %d permutations, %d nodes\n", 1600 + STORIES, facts,
		STORIES * PERMUTATIONS, STORIES * NODES);
	/* the stories are rich: submissions and awards in many states */
	for (size_t i = 0; i < 16; i++)
		if (states[i])
			printf("  %s %s: %u\n", i < 8 ? "submission" : "award",
				i < 8 ? submission_state_name((enum submission_state)i)
				      : award_state_name((enum award_state)(i - 8)),
				states[i]);
	assert_true(states[SUBMISSION_UNKNOWN] && states[SUBMISSION_AWARDED] && states[SUBMISSION_CLAIMED] &&
		states[SUBMISSION_WITHDRAWN] && states[8 + AWARD_UNKNOWN] && states[8 + AWARD_REVOKED] &&
		states[8 + AWARD_ACCEPTED] && states[8 + AWARD_COUNTERSIGNED]);
	free(t);
	free(m);
	free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_order_of_arrival_changes_a_judgement)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
