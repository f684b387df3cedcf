/* awards.c -- see awards.h. */
#include "awards.h"

#include "protocol/award/credential.h"
#include "protocol/award/facts.h"
#include "protocol/award/json.h"
#include "protocol/log/entry.h"
#include "protocol/log/hash.h"
#include "protocol/log/record.h"
#include "protocol/log/secret.h"

#include <sodium.h>
#include <time.h>

#define NAMED_MAX 16u /* SPEC 13: "`reviews`! (refs, 1..16)" */
#define MAKING_MAX 64u

/* Submissions for which an award is being made: two desks must not find at once that there is none. Only desks touch it, one at a time. */
static struct {
	size_t n;
	struct id32 submission[MAKING_MAX];
} under_way;

struct making {
	const struct award_wish *wish;
	struct id32 who; /* who asks */
	struct id32 log; /* of the institution, where the award will stand */
	bool has_badge, other_badge; /* other: the one in force is not the one known here */
	struct id32 badge_key;
	uint8_t badge_seed[32];
	struct entry_ref definition;
	size_t n; /* reviews that the award names */
	struct entry_ref reviews[NAMED_MAX];
	struct id32 reviewers[NAMED_MAX];
	struct buf record;
	struct submission_judgement judged;
	struct award_judgement dry;
	struct award_made made;
};

/* ---- may it be awarded? */

static enum err say_state(struct act *a, const struct submission_judgement *j)
{
	switch (j->state) {
	case SUBMISSION_WITHDRAWN:
		return act_say(a, ERR_STATE,
			j->revised_by ? "The submission was revised: only the newest one can be awarded."
				      : "The submission was withdrawn by its earner.");
	case SUBMISSION_UNKNOWN:
		return act_say(a, ERR_STATE, "The submission does not count%s%s", j->why.lines_n ? ": " : ".",
			j->why.lines_n ? j->why.lines[0].text : "");
	case SUBMISSION_AWARDED:
	case SUBMISSION_MET:
	case SUBMISSION_NOT_YET:
	case SUBMISSION_UNJUDGEABLE:
	case SUBMISSION_CLAIMED:
	case SUBMISSION_SUBMITTED: break;
	}
	return act_say(a, ERR_STATE,
		"The submission is %s, not met: %u of the reviews say that it meets the rubric, %u not yet, %u that it cannot be judged; "
		"%u must say that it does, and more than say anything else.",
		submission_state_name(j->state), j->met, j->not_yet, j->unjudgeable, j->needed);
}

/* SPEC 16.7, the line of *met*; of an award that was revoked the reviews still stand. */
static bool is_met(const struct submission_judgement *j)
{
	return j->met >= j->needed && j->met > j->not_yet && j->met > j->unjudgeable;
}

/* *go_on: an award is to be made. */
static enum err check_state(struct catalogue *c, struct making *m, const struct gathered *g, bool *go_on)
{
	const struct submission_judgement *j = &m->judged;
	enum err e = OK;
	*go_on = false;
	if (!id32_equal(&j->issuer, &m->wish->institution) && j->definition)
		return act_say(c->act, ERR_REFUSED,
			"The submission is for a micro-credential of another issuer: only that one awards it.");
	if (j->award) {
		e = judge_award(&g->judge, &j->award->at.id, &m->dry);
		if (e == OK && m->dry.credential_state != AWARD_REVOKED) {
			m->made.at = j->award->at;
			m->made.already = true;
			return OK;
		}
	}
	if (e == OK && j->state != SUBMISSION_MET && !(j->state == SUBMISSION_AWARDED && is_met(j)))
		e = say_state(c->act, j);
	*go_on = e == OK;
	return e;
}

/* ---- what it is made from */

/* Ascending by entry id as they are, of each reviewer one. */
static void pick_reviews(struct making *m)
{
	const struct submission_judgement *j = &m->judged;
	for (size_t i = 0; i < j->reviews_n && m->n < j->needed && m->n < NAMED_MAX; i++) {
		bool seen = j->reviews[i].decision != REVIEW_MEETS;
		for (size_t k = 0; k < m->n && !seen; k++)
			seen = id32_equal(&m->reviewers[k], &j->reviews[i].reviewer);
		if (seen)
			continue;
		m->reviews[m->n] = j->reviews[i].at;
		m->reviewers[m->n++] = j->reviews[i].reviewer;
	}
	m->made.reviews = m->n;
}

/* SPEC 17.5: "The level achieved in a criterion is the lowest that the reviews named by the award give it." */
static enum err lower_levels(
	const struct definition *d, const struct fact *review, size_t levels[DEFINITION_CRITERIA_MAX])
{
	struct slice kind, fields;
	struct mp_in in;
	struct record_score score;
	size_t n = 0;
	if (record_open(review->data, &kind, &fields) != OK || record_get(fields, "scores", &in) != OK ||
		mp_get_array(&in, 1, DEFINITION_CRITERIA_MAX, &n) != OK)
		return ERR_FORMAT;
	for (; n > 0 && record_get_score(&in, &score) == OK; n--) {
		size_t criterion = definition_criterion(d, score.criterion);
		size_t level = criterion == SIZE_MAX ? SIZE_MAX
						     : definition_level(&d->criteria[criterion], score.level);
		if (level == SIZE_MAX)
			return ERR_FORMAT;
		if (level < levels[criterion])
			levels[criterion] = level;
	}
	return n == 0 ? OK : ERR_FORMAT;
}

static enum err find_levels(
	struct making *m, const struct definition *d, size_t levels[DEFINITION_CRITERIA_MAX])
{
	enum err e = OK;
	for (size_t i = 0; i < d->criteria_n; i++)
		levels[i] = SIZE_MAX;
	for (size_t i = 0; e == OK && i < m->judged.reviews_n; i++)
		for (size_t k = 0; e == OK && k < m->n; k++)
			if (id32_equal(&m->judged.reviews[i].at.id, &m->reviews[k].id))
				e = lower_levels(d, m->judged.reviews[i].fact, levels);
	return e;
}

/* The name that it shows, or what stands for one; at most what the credential takes. */
static void find_name(struct catalogue *c, const struct id32 *issuer, char out[CREDENTIAL_NAME_MAX + 1])
{
	const char *name = names_text(c->names, issuer);
	size_t n = strlen(name);
	if (n == 0) {
		sodium_bin2hex(out, 17, issuer->b, 8);
		return;
	}
	if (n > CREDENTIAL_NAME_MAX)
		for (n = CREDENTIAL_NAME_MAX; n && ((uint8_t)name[n] & 0xc0) == 0x80;)
			n--;
	memcpy(out, name, n);
	out[n] = 0;
}

static enum err build(
	struct catalogue *c, struct making *m, const struct definition *d, const size_t *levels, json_t **doc)
{
	char name[CREDENTIAL_NAME_MAX + 1], at[CREDENTIAL_TIME_BYTES], why[PROOF_WHY_BYTES] = "";
	struct judge_identity issuer, earner;
	uint8_t secret[64];
	struct id32 public_key;
	enum err e = cases_identity(c->cases, &m->judged.issuer, &issuer);
	if (e == OK)
		e = cases_identity(c->cases, &m->judged.earner, &earner);
	if (e != OK)
		return e == ERR_NOT_FOUND ? act_say(c->act, e, "The earner's keys are not on this node.") : e;
	m->other_badge = !m->has_badge || !id32_equal(&m->badge_key, &issuer.view->badge_key);
	if (m->other_badge)
		return act_say(c->act, ERR_LOCKED,
			"The issuer's badge key in force is not known on this node: lock and unlock the issuer here.");
	find_name(c, &m->judged.issuer, name);
	credential_time_format((uint64_t)time(NULL), at);
	const struct credential_source src = {.definition = d,
		.definition_at = m->definition,
		.submission = m->wish->submission.id,
		.manifest = m->judged.manifest->data,
		.issuer_key = m->badge_key,
		.earner_key = earner.view->badge_key,
		.issuer_name = name,
		.valid_from = at,
		.levels = levels};
	e = credential_award_build(&src, doc);
	if (e != OK)
		return e;
	secret_sign_pair(m->badge_seed, &public_key, secret);
	e = credential_sign(*doc, &public_key, secret, why);
	sodium_memzero(secret, sizeof secret);
	if (e == OK)
		return OK;
	json_decref(*doc);
	return act_say(c->act, e, "The credential cannot be signed: %s", *why ? why : err_text(e));
}

static enum err put_record(struct making *m, const json_t *doc)
{
	struct buf text = {0};
	struct mp_out o = mp_out_init(&m->record);
	enum err e = json_canonical(doc, &text);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, "award");
	mp_put_map(&o, 4);
	mp_put_cstr(&o, "credential");
	mp_put_str(&o, buf_slice(&text));
	mp_put_cstr(&o, "definition");
	record_put_ref(&o, &m->definition);
	mp_put_cstr(&o, "reviews");
	mp_put_array(&o, m->n);
	for (size_t i = 0; i < m->n; i++)
		record_put_ref(&o, &m->reviews[i]);
	mp_put_cstr(&o, "submission");
	record_put_ref(&o, &m->wish->submission);
	buf_free(&text);
	return e == OK ? o.err : e;
}

/* ---- judged before it is written */

static enum err judge_dry(
	struct catalogue *c, struct making *m, const struct gathered *g, struct slice record)
{
	struct fact *facts = (struct fact *)calloc(g->judge.facts_n + FACTS_OF_ENTRY_MAX, sizeof *facts);
	struct fact_words words;
	struct buf keep = {0};
	const struct fact_source src = {
		.at = {.log = m->log, .seq = LIMIT_SEQ, .id = hash_bytes(HASH_BODY, record.p, record.n)},
		.author = m->wish->institution,
		.flags = ENTRY_FLAG_KEEP | ENTRY_FLAG_SEALED,
		.record = record};
	if (!facts)
		return ERR_MEMORY;
	memcpy(facts, g->judge.facts, g->judge.facts_n * sizeof *facts);
	struct judge_case with = g->judge;
	with.facts = facts;
	with.facts_n += facts_make(&src, facts + with.facts_n, &words, &keep);
	enum err e = judge_award(&with, &src.at.id, &m->dry);
	if (e == OK && m->dry.state != AWARD_COUNTERSIGNED) {
		const struct judge_line *worst = NULL;
		for (size_t i = 0; i < m->dry.verdict.lines_n; i++)
			if (!worst || m->dry.verdict.lines[i].mark > worst->mark)
				worst = &m->dry.verdict.lines[i];
		e = act_say(c->act, ERR_STATE, "Such an award would not count: %s",
			worst ? worst->text : "nobody can tell why.");
	}
	buf_free(&keep);
	free(facts);
	return e;
}

/* As it will stand, if an officer asks: with `by`. */
static enum err check_award(struct catalogue *c, struct making *m, const struct gathered *g)
{
	struct buf with = {0};
	const struct entry_ref asked = {.log = m->log};
	const char *field = NULL;
	enum err e = record_check(buf_slice(&m->record), &field);
	if (e == ERR_RANGE)
		return act_say(c->act, ERR_LIMIT,
			"The credential of this micro-credential is too long for one entry: its definition must be shorter.");
	if (e == OK && !id32_equal(&m->who, &m->wish->institution))
		e = record_with_by(buf_slice(&m->record), &m->who, &asked, &with);
	if (e == OK)
		e = judge_dry(c, m, g, buf_slice(with.n ? &with : &m->record));
	buf_free(&with);
	return e;
}

/* ---- on the pool */

static enum err make_from(
	struct catalogue *c, struct making *m, const struct gathered *g, const struct definition *d)
{
	size_t levels[DEFINITION_CRITERIA_MAX];
	json_t *doc = NULL;
	if (m->wish->only_automatic && !d->automatic)
		return act_say(c->act, ERR_STATE, "An officer must countersign it.");
	pick_reviews(m);
	enum err e = find_levels(m, d, levels);
	if (e == OK)
		e = build(c, m, d, levels, &doc);
	if (e == OK) {
		e = put_record(m, doc);
		json_decref(doc);
	}
	return e == OK ? check_award(c, m, g) : e;
}

static enum err make_record(struct catalogue *c, struct making *m, const struct gathered *g)
{
	struct definition d;
	bool go_on = false;
	enum err e = judge_submission(&g->judge, &m->wish->submission.id, &m->judged);
	if (e == OK)
		e = check_state(c, m, g, &go_on);
	m->made.earner = m->judged.earner;
	if (e != OK || !m->judged.definition)
		return e;
	m->definition = m->judged.definition->at;
	const struct id32 award = credential_award_id(&m->wish->submission.id, &m->definition.id);
	credential_award_urn(&award, m->made.urn);
	if (!go_on)
		return OK;
	e = m->judged.manifest ? catalogue_read(m->judged.definition, &d) : ERR_NOT_FOUND;
	if (e != OK)
		return e;
	e = make_from(c, m, g, &d);
	definition_deinit(&d);
	return e;
}

static enum err prepare(struct catalogue *c, void *ctx)
{
	struct making *m = (struct making *)ctx;
	struct gathered g;
	enum err e = cases_submission(c->cases, &m->wish->submission, &g);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, e,
			"This entry is not a submission that the issuer can read on this node: is its earner followed here?");
	if (e != OK)
		return e;
	e = make_record(c, m, &g);
	gathered_free(&g);
	return e;
}

/* ---- on the desk */

/* Who cannot be sealed to finds the award in the earner's hands. */
static enum err add_reviewers(struct act *a, const struct making *m, struct audience *to)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < m->n; i++) {
		e = audience_add(a, to, &m->reviewers[i]);
		if (e == ERR_NOT_FOUND || e == ERR_STATE || e == ERR_LIMIT) {
			a->why[0] = 0;
			to->skipped_n++;
			e = OK;
		}
	}
	return e;
}

static enum err write_award(struct act *a, struct sessions *ss, struct keyring *who, struct making *m)
{
	struct audience *to = audience_new();
	enum err e = to ? audience_panel(a, to, &m->definition, &m->judged.earner) : ERR_MEMORY;
	if (e == OK)
		e = add_reviewers(a, m, to);
	if (e == OK) {
		const struct institution_act in = {.institution = m->wish->institution,
			.right = KEYSET_RIGHT_COUNTERSIGN,
			.record = buf_slice(&m->record),
			.to = to};
		e = institution_act(a, ss, who, &in, &m->made.at, NULL);
		m->made.readers = to->n;
		m->made.skipped = to->skipped_n;
	}
	audience_free(to);
	return e;
}

static void take_secrets(struct making *m, const struct session *s)
{
	const struct identity_secrets *secrets = &s->keyring->self.secrets;
	m->log = ownlog_id(&s->keyring->self);
	m->has_badge = secrets->has_badge;
	m->badge_key = secrets->badge_key;
	memcpy(m->badge_seed, secrets->badge_seed, sizeof m->badge_seed);
}

static enum err take_badge(struct act *a, struct sessions *ss, struct making *m, struct session **s)
{
	*s = institution_session(ss, &m->wish->institution);
	if (!*s)
		return act_say(a, ERR_LOCKED,
			"The issuer is locked on this node: unlock it here, or let its unattended session run.");
	take_secrets(m, *s);
	return OK;
}

static enum err make_alone(
	struct act *a, struct sessions *ss, struct keyring *who, struct making *m, struct award_made *out)
{
	struct session *s = NULL;
	size_t again;
	enum err e = take_badge(a, ss, m, &s);
	if (e == OK)
		e = catalogue_ask_in(a, ss, s, prepare, m);
	/* It was replaced on another device, or in another session: what was wrapped to this one is taken up. */
	if (e == ERR_LOCKED && m->other_badge && ownlog_ensure(a->desk, &s->keyring->self, &again) == OK) {
		m->n = 0;
		take_secrets(m, s);
		e = catalogue_ask_in(a, ss, s, prepare, m);
	}
	sodium_memzero(m->badge_seed, sizeof m->badge_seed);
	if (e == OK && !m->made.already)
		e = write_award(a, ss, who, m);
	if (e == OK)
		*out = m->made;
	if (s)
		session_release(s);
	return e;
}

static enum err begin_making(struct act *a, const struct id32 *submission)
{
	for (size_t i = 0; i < under_way.n; i++)
		if (id32_equal(&under_way.submission[i], submission))
			return act_say(
				a, ERR_BUSY, "It is being countersigned just now: try again in a moment.");
	if (under_way.n == MAKING_MAX)
		return act_say(
			a, ERR_BUSY, "Too much is being countersigned just now: try again in a moment.");
	under_way.submission[under_way.n++] = *submission;
	return OK;
}

static void end_making(const struct id32 *submission)
{
	for (size_t i = 0; i < under_way.n; i++)
		if (id32_equal(&under_way.submission[i], submission)) {
			under_way.submission[i] = under_way.submission[--under_way.n];
			return;
		}
}

enum err award_make(struct act *a, struct sessions *ss, struct keyring *who, const struct award_wish *wish,
	struct award_made *out)
{
	enum err e = institution_may(a, &who->self.identity, &wish->institution, KEYSET_RIGHT_COUNTERSIGN);
	if (e == OK)
		e = begin_making(a, &wish->submission.id);
	if (e != OK)
		return e;
	struct making *m = (struct making *)sodium_malloc(sizeof *m);
	if (m) {
		memset(m, 0, sizeof *m);
		m->wish = wish;
		m->who = who->self.identity;
		e = make_alone(a, ss, who, m, out);
		buf_free(&m->record);
		sodium_free(m);
	} else {
		e = ERR_MEMORY;
	}
	end_making(&wish->submission.id);
	return e;
}
