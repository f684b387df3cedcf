/* api_review_decide.c -- a decision: checked against the rubric, endorsed with the badge key where it meets, written for panel and earner. SPEC.md sections 16.6 and 17.6. */
#include "acting.h"
#include "compose.h"
#include "findings.h"
#include "submission.h"
#include "writing.h"

#include "protocol/award/credential.h"
#include "protocol/award/json.h"
#include "protocol/log/record.h"
#include "protocol/log/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

enum { FEEDBACK_MAX = 16384, ENDORSEMENT_MAX = 16384 };

struct deciding {
	struct entry_ref at; /* the submission */
	enum review_decision decision;
	struct slice feedback;
	struct slice scores_text; /* as it was written; n 0: none */
	char *owned; /* of an object, as text */
	struct entry_ref definition;
	struct id32 earner;
	size_t found_n;
	struct finding found[DEFINITION_FINDINGS_MAX];
	json_t *disagree; /* findings: a decision that does not follow from the levels */
	struct buf scores; /* as a record has them */
	size_t levels[DEFINITION_CRITERIA_MAX];
	struct buf endorsement;
	const char *state; /* after it was written */
};

static const char *const decisions[] = {"meets", "not-yet", "unjudgeable"};

static void deciding_free(struct deciding *w)
{
	buf_free(&w->scores);
	buf_free(&w->endorsement);
	json_decref(w->disagree);
	free(w->owned);
	free(w);
}

/* ---- the request */

static enum err read_scores(struct act *a, struct deciding *w)
{
	const json_t *v = json_object_get(a->rq->body, "scores");
	if (json_is_object(v)) {
		w->owned = json_dumps(v, JSON_INDENT(2));
		w->scores_text = slice_str(w->owned ? w->owned : "");
		return w->owned ? OK : ERR_MEMORY;
	}
	if (json_is_string(v))
		w->scores_text = slice_of(json_string_value(v), json_string_length(v));
	else if (v)
		return act_say(a, ERR_INPUT, "\"scores\" is the text of a file of scores.");
	if (!w->scores_text.n && w->decision != REVIEW_UNJUDGEABLE)
		return act_say(
			a, ERR_INPUT, "The scores are missing: each criterion gets one of its levels.");
	return OK;
}

static enum err read_request(struct act *a, struct deciding *w)
{
	const char *decision;
	enum err e = acting_entry(a, api_param(a->rq, "ref"), &w->at);
	if (e == OK)
		e = act_need(a, "decision", &decision);
	if (e != OK)
		return e;
	unsigned i = 0;
	while (i < 3 && strcmp(decision, decisions[i]) != 0)
		i++;
	if (i == 3)
		return act_say(a, ERR_INPUT, "\"decision\" is one of meets, not-yet, unjudgeable.");
	w->decision = (enum review_decision)i;
	const json_t *feedback = json_object_get(a->rq->body, "feedback");
	if (json_is_string(feedback))
		w->feedback = slice_of(json_string_value(feedback), json_string_length(feedback));
	/* SPEC 16.6: "**A decision without feedback does not count.**" */
	if (definition_blank(w->feedback))
		return act_say(a, ERR_REFUSED,
			"A decision without feedback does not count: say what you looked for, what you found, and what would help.");
	if (w->feedback.n > FEEDBACK_MAX)
		return act_say(a, ERR_LIMIT, "The feedback is longer than %d bytes.", FEEDBACK_MAX);
	return read_scores(a, w);
}

/* ---- may I, and does it follow from the levels? */

static enum err check_reviewer(struct catalogue *c, const struct submission *s)
{
	char why[ACT_WHY_BYTES] = "";
	enum err e = submission_bar(c, s, &c->act->keys->self.identity, why);
	return e == OK && *why ? act_say(c->act, ERR_REFUSED, "%s", why) : e;
}

static enum err read_levels(const struct definition *d, struct deciding *w)
{
	struct mp_in in = mp_open(buf_slice(&w->scores));
	struct record_score score;
	size_t n = 0;
	enum err e = mp_get_array(&in, 0, DEFINITION_CRITERIA_MAX, &n);
	for (size_t i = 0; e == OK && i < n; i++) {
		e = record_get_score(&in, &score);
		size_t k = e == OK ? definition_criterion(d, score.criterion) : SIZE_MAX;
		if (k == SIZE_MAX)
			return ERR_FORMAT;
		w->levels[k] = definition_level(&d->criteria[k], score.level);
	}
	return e;
}

static enum err disagree(struct deciding *w, const char *field, const char *what)
{
	json_t *one = json_pack("{s:o, s:o}", "field", api_clean(field), "what", api_clean(what));
	return one && json_array_append_new(w->disagree, one) == 0 ? OK : ERR_MEMORY;
}

/* SPEC 16.6: "If the decision is `meets`, each level is the required one or a higher one" */
static enum err check_levels(const struct definition *d, struct deciding *w)
{
	char what[512];
	size_t low = 0;
	enum err e = read_levels(d, w);
	for (size_t i = 0; e == OK && i < d->criteria_n; i++) {
		const struct definition_criterion *k = &d->criteria[i];
		if (w->levels[i] >= k->required)
			continue;
		low++;
		if (w->decision != REVIEW_MEETS)
			continue;
		snprintf(what, sizeof what,
			"\"%.100s\" is below the required level \"%.100s\": so the decision is not-yet",
			k->levels[w->levels[i]].id, k->levels[k->required].id);
		e = disagree(w, k->id, what);
	}
	return e == OK && w->decision == REVIEW_NOT_YET && low == 0
		? disagree(w, "", "every criterion has its required level: so the decision is meets")
		: e;
}

/* ---- endorsement */

static enum err sign(
	struct catalogue *c, const struct identity_secrets *secrets, json_t *doc, struct buf *out)
{
	struct id32 public_key;
	uint8_t secret[64];
	char why[PROOF_WHY_BYTES] = "";
	secret_sign_pair(secrets->badge_seed, &public_key, secret);
	enum err e = credential_sign(doc, &public_key, secret, why);
	sodium_memzero(secret, sizeof secret);
	if (e == OK)
		e = json_canonical(doc, out);
	if (e == OK && out->n > ENDORSEMENT_MAX)
		return act_say(
			c->act, ERR_LIMIT, "The endorsement is too long: the names in the rubric are.");
	return e == OK
		? OK
		: act_say(c->act, e, "The endorsement cannot be signed: %s.", *why ? why : err_text(e));
}

static enum err endorse(struct catalogue *c, const struct submission *s, struct deciding *w)
{
	const struct owner *me = &c->act->keys->self;
	char at[CREDENTIAL_TIME_BYTES], name[CREDENTIAL_NAME_MAX + 1];
	json_t *doc = NULL;
	if (!me->secrets.has_badge)
		return act_say(c->act, ERR_LOCKED,
			"Your badge key, which signs the endorsement, is not known on this device: use the recovery code here first.");
	const char *shown = names_text(c->names, &me->identity);
	bool named = *shown && strlen(shown) < sizeof name;
	snprintf(name, sizeof name, "%s", named ? shown : "Reviewer");
	credential_time_format((uint64_t)time(NULL), at);
	const struct endorsement_source src = {.definition = &s->d,
		.award = credential_award_id(&s->at.id, &s->definition_at.id),
		.reviewer = me->identity,
		.reviewer_key = me->secrets.badge_key,
		.reviewer_name = name,
		.valid_from = at,
		.manifest = s->j.manifest->data,
		.levels = w->levels};
	enum err e = credential_endorsement_build(&src, &doc);
	if (e == OK)
		e = sign(c, &me->secrets, doc, &w->endorsement);
	json_decref(doc);
	return e;
}

static enum err check_scores(struct submission *s, struct deciding *w)
{
	if (!w->scores_text.n)
		return OK;
	enum err e = definition_scores(
		&s->d, w->scores_text, w->decision != REVIEW_UNJUDGEABLE, w->found, &w->found_n, &w->scores);
	return e == OK && !w->found_n && w->decision != REVIEW_UNJUDGEABLE ? check_levels(&s->d, w) : e;
}

static enum err check(struct catalogue *c, void *ctx)
{
	struct deciding *w = (struct deciding *)ctx;
	struct submission *s = NULL;
	enum err e = submission_open(c, &w->at, &s);
	if (e == OK)
		e = check_reviewer(c, s);
	if (e == OK && !s->defined)
		e = act_say(c->act, ERR_STATE,
			"The micro-credential is not on this node: follow its issuer first.");
	if (e == OK) {
		w->definition = s->definition_at;
		w->earner = s->fact->author;
		e = check_scores(s, w);
	}
	bool good = e == OK && !w->found_n && !json_array_size(w->disagree);
	if (good && w->decision == REVIEW_MEETS)
		e = endorse(c, s, w);
	submission_close(s);
	return e;
}

/* ---- writing */

static enum err put_record(const struct deciding *w, const struct audience *to, struct buf *record)
{
	struct mp_out m = mp_out_init(record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "review");
	mp_put_map(&m, 3u + (w->endorsement.n ? 1u : 0u) + (w->scores.n ? 1u : 0u) + audience_to_fields(to));
	mp_put_cstr(&m, "decision");
	mp_put_cstr(&m, decisions[w->decision]);
	if (w->endorsement.n) {
		mp_put_cstr(&m, "endorsement");
		mp_put_str(&m, buf_slice(&w->endorsement));
	}
	mp_put_cstr(&m, "feedback");
	mp_put_str(&m, w->feedback);
	mp_put_cstr(&m, "of");
	record_put_ref(&m, &w->at);
	if (w->scores.n) {
		mp_put_cstr(&m, "scores");
		mp_put_raw(&m, buf_slice(&w->scores));
	}
	audience_put_to(&m, to);
	return m.err;
}

static enum err look_again(struct catalogue *c, void *ctx)
{
	struct deciding *w = (struct deciding *)ctx;
	struct submission *s = NULL;
	enum err e = submission_open(c, &w->at, &s);
	if (e == OK)
		w->state = submission_shown(s);
	submission_close(s);
	return e;
}

static enum err write_review(struct act *a, struct deciding *w)
{
	struct buf record = {0};
	struct entry_ref ref;
	struct audience *to = audience_new();
	enum err e = to ? audience_panel(a, to, &w->definition, &w->earner) : ERR_MEMORY;
	if (e == OK)
		e = put_record(w, to, &record);
	if (e == OK) {
		const struct writing put = {.to = to, .record = buf_slice(&record)};
		e = writing_put(a, &a->keys->self, &put, &ref, NULL);
	}
	buf_free(&record);
	audience_free(to);
	if (e != OK)
		return e;
	/* It stands; that it could not be looked at again would be no reason to say that it does not. */
	if (catalogue_ask(a, a->rq->session, look_again, w) != OK)
		w->state = submission_state_name(SUBMISSION_UNKNOWN);
	a->status = 201;
	a->reply = json_pack("{s:o, s:o, s:s, s:o, s:s}", "ref", compose_ref_json(&ref.log, ref.seq), "id",
		compose_id_json(&ref.id), "decision", decisions[w->decision], "submission",
		compose_ref_json(&w->at.log, w->at.seq), "state", w->state);
	return OK;
}

static enum err decide(struct act *a)
{
	struct deciding *w = (struct deciding *)calloc(1, sizeof *w);
	if (!w)
		return ERR_MEMORY;
	w->disagree = json_array();
	enum err e = w->disagree ? read_request(a, w) : ERR_MEMORY;
	if (e == OK)
		e = catalogue_ask(a, a->rq->session, check, w);
	if (e == OK && w->found_n)
		e = findings_refuse(a, "scores", w->found, w->found_n);
	else if (e == OK && json_array_size(w->disagree))
		e = findings_problem(a, ERR_REFUSED, "The decision does not follow from the scores.",
			json_incref(w->disagree));
	else if (e == OK)
		e = write_review(a, w);
	deciding_free(w);
	return e;
}

void route_review_decide(struct api_request *rq)
{
	act_begin(rq, decide);
}
