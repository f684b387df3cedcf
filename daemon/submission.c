/* submission.c -- see submission.h. As JSON: submission_json.c. */
#include "submission.h"

#include "protocol/log/record.h"

#include <stdio.h>
#include <time.h>

enum { HOURS_OF_DAY = 24, HOUR_S = 3600 };

/* ---- one */

static const struct fact *find_fact(const struct judge_case *c, const struct id32 *id)
{
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].kind == FACT_SUBMISSION && id32_equal(&c->facts[i].at.id, id))
			return &c->facts[i];
	return NULL;
}

/* A definition that does not count is no use to anybody; one that is sound is shown whatever else is wrong. */
static enum err read_definition(struct catalogue *c, struct submission *s)
{
	struct fact_list found;
	enum err e = catalogue_find(c, &s->definition_at, FACT_DEFINITION, &found);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	e = catalogue_read(&found.facts[0], &s->d);
	s->defined = e == OK;
	if (e == OK)
		s->j.issuer = found.facts[0].author;
	fact_list_free(&found);
	return e == ERR_FORMAT ? OK : e;
}

enum err submission_open(struct catalogue *c, const struct entry_ref *at, struct submission **out)
{
	struct submission *s = (struct submission *)calloc(1, sizeof *s);
	if (!s)
		return ERR_MEMORY;
	s->at = *at;
	s->now = (uint32_t)(time(NULL) / HOUR_S);
	enum err e = cases_submission(c->cases, at, &s->g);
	if (e == OK) {
		e = judge_submission(&s->g.judge, &at->id, &s->j);
		s->fact = find_fact(&s->g.judge, &at->id);
		if (e == OK && !s->fact)
			e = ERR_NOT_FOUND;
	}
	if (e == OK && cases_ref(s->fact, "for", &s->definition_at) == OK)
		e = read_definition(c, s);
	if (e == OK) {
		*out = s;
		return OK;
	}
	submission_close(s);
	return e == ERR_NOT_FOUND
		? act_say(c->act, e, "This entry is no submission, or it cannot be opened here.")
		: e;
}

void submission_close(struct submission *s)
{
	if (!s)
		return;
	if (s->defined)
		definition_deinit(&s->d);
	gathered_free(&s->g);
	free(s);
}

static bool is_open(const struct submission *s)
{
	return s->j.state == SUBMISSION_SUBMITTED || s->j.state == SUBMISSION_CLAIMED;
}

static uint64_t due(const struct submission *s)
{
	return (uint64_t)s->fact->hour + (uint64_t)s->d.days * HOURS_OF_DAY;
}

bool submission_overdue(const struct submission *s)
{
	return s->defined && is_open(s) && s->now >= due(s);
}

const char *submission_shown(const struct submission *s)
{
	return submission_overdue(s) ? "overdue" : submission_state_name(s->j.state);
}

int64_t submission_days_left(const struct submission *s)
{
	if (!s->defined)
		return 0;
	int64_t hours = (int64_t)due(s) - (int64_t)s->now;
	return hours >= 0 ? hours / HOURS_OF_DAY : -((-hours + HOURS_OF_DAY - 1) / HOURS_OF_DAY);
}

const struct judge_review *submission_review_of(const struct submission *s, const struct id32 *reviewer)
{
	for (size_t i = 0; i < s->j.reviews_n; i++)
		if (id32_equal(&s->j.reviews[i].reviewer, reviewer))
			return &s->j.reviews[i];
	return NULL;
}

const struct fact *submission_claim_of(const struct submission *s, const struct id32 *reviewer)
{
	for (size_t i = 0; i < s->j.claims_n; i++)
		if (id32_equal(&s->j.claims[i]->author, reviewer))
			return s->j.claims[i];
	return NULL;
}

unsigned submission_at_work(const struct submission *s)
{
	unsigned n = 0;
	for (size_t i = 0; i < s->j.claims_n; i++)
		n += submission_claim_of(s, &s->j.claims[i]->author) == s->j.claims[i];
	return n;
}

unsigned submission_seats(const struct submission *s)
{
	unsigned most = s->j.met;
	most = s->j.not_yet > most ? s->j.not_yet : most;
	most = s->j.unjudgeable > most ? s->j.unjudgeable : most;
	return s->j.needed > most ? s->j.needed - most : 1;
}

/* ---- who may review */

static const char *state_bar(const struct submission *s, const struct id32 *reviewer)
{
	bool mine = submission_review_of(s, reviewer) != NULL;
	switch (s->j.state) {
	case SUBMISSION_SUBMITTED:
	case SUBMISSION_CLAIMED: return NULL;
	case SUBMISSION_MET:
	case SUBMISSION_NOT_YET:
	case SUBMISSION_UNJUDGEABLE:
		if (mine && !s->j.revised_by)
			return NULL;
		return "It has been decided: enough reviewers have said the same.";
	case SUBMISSION_AWARDED: return "It has been awarded.";
	case SUBMISSION_WITHDRAWN:
		return "The earner has withdrawn it, or submitted another one in its place.";
	case SUBMISSION_UNKNOWN: break;
	}
	return "It does not count: quire submission show says why.";
}

static enum err is_appointed(
	struct catalogue *c, const struct submission *s, const struct id32 *reviewer, bool *appointed)
{
	struct id32 *ids = NULL;
	size_t n = 0;
	enum err e = cases_reviewers(c->cases, &s->definition_at, &ids, &n);
	*appointed = false;
	for (size_t i = 0; e == OK && i < n && !*appointed; i++)
		*appointed = id32_equal(&ids[i], reviewer);
	free(ids);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* Somebody who vouches for both; NULL: nobody. */
static const struct id32 *shared_voucher(const struct submission *s, const struct id32 *reviewer)
{
	enum { VOUCHES = 64 };
	const struct fact *mine[VOUCHES], *theirs[VOUCHES];
	size_t n = judge_vouches(&s->g.judge, reviewer, mine, VOUCHES),
	       m = judge_vouches(&s->g.judge, &s->fact->author, theirs, VOUCHES);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++)
			if (id32_equal(&mine[i]->author, &theirs[k]->author))
				return &mine[i]->author;
	return NULL;
}

static void say_school(
	struct catalogue *c, const struct submission *s, const struct id32 *reviewer, char why[ACT_WHY_BYTES])
{
	const struct id32 *both = shared_voucher(s, reviewer);
	const char *name = both ? names_text(c->names, both) : "";
	if (!both)
		snprintf(why, ACT_WHY_BYTES,
			"It cannot be told whether you may review it: something is missing on this node.");
	else
		snprintf(why, ACT_WHY_BYTES,
			"The micro-credential wants reviewers who are not of the earner's school, and %.100s vouches for you both.",
			*name ? name : "one identity");
}

enum err submission_bar(
	struct catalogue *c, const struct submission *s, const struct id32 *reviewer, char why[ACT_WHY_BYTES])
{
	const char *bar = state_bar(s, reviewer);
	bool appointed = false, begun = submission_claim_of(s, reviewer) || submission_review_of(s, reviewer);
	enum err e = OK;
	*why = 0;
	if (id32_equal(&s->fact->author, reviewer))
		bar = "It is your own submission: others review it.";
	if (!bar)
		e = is_appointed(c, s, reviewer, &appointed);
	if (!bar && e == OK && !appointed)
		bar = "You are not appointed to review for this micro-credential (any more): its issuer appoints reviewers.";
	if (bar)
		snprintf(why, ACT_WHY_BYTES, "%s", bar);
	else if (e == OK && !begun && !judge_may_claim(&s->g.judge, &s->at.id, reviewer))
		say_school(c, s, reviewer, why);
	return e;
}

enum err submission_pointing(
	const char *kind, const struct entry_ref *of, const struct audience *to, struct buf *record)
{
	struct mp_out m = mp_out_init(record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, kind);
	mp_put_map(&m, 1 + audience_to_fields(to));
	mp_put_cstr(&m, "of");
	record_put_ref(&m, of);
	audience_put_to(&m, to);
	return m.err;
}
