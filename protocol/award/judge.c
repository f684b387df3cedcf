/* judge.c -- what state a submission and an award are in. See judge.h; the rules stand in judge_*.c. */
#include "protocol/award/judge_int.h"

const char *submission_state_name(enum submission_state s)
{
	static const char *const names[] = {
		"unknown", "submitted", "claimed", "not-yet", "met", "unjudgeable", "awarded", "withdrawn"};
	return names[s];
}

/* ---- submissions */

/* SPEC 16.5: "A `withdraw` counts if `of` names a submission of the same identity." */
static bool is_withdrawn(struct judge_index *ix, const struct judge_node *submission)
{
	struct judge_range r = judge_about(ix, &submission->f->at.id, FACT_WITHDRAW);
	for (size_t i = 0; i < r.n; i++)
		if (id32_equal(&r.first[i]->f->author, &submission->f->author) &&
			judge_points(r.first[i], "of", &submission->f->at) &&
			judge_kept(r.first[i]).mark == JUDGE_GOOD)
			return true;
	return false;
}

/* By definition, so that each is parsed once. */
static int revision_compare(const void *x, const void *y)
{
	const struct fact *a = (*(struct judge_node *const *)x)->f, *b = (*(struct judge_node *const *)y)->f;
	int c = id32_cmp(&a->about, &b->about);
	return c ? c : id32_cmp(&a->at.id, &b->at.id);
}

static const struct fact *revised_by(struct judge_index *ix, const struct judge_node *submission)
{
	struct judge_range r = judge_about(ix, &submission->f->at.id, FACT_REVISION);
	struct judge_node **all = (struct judge_node **)judge_alloc(ix, r.n, sizeof(struct judge_node *));
	size_t n = 0;
	for (size_t i = 0; all && i < r.n; i++) {
		struct judge_node *node = judge_find(ix, &r.first[i]->f->at.id, FACT_SUBMISSION);
		if (node && id32_equal(&node->f->author, &submission->f->author) &&
			judge_points(node, "revises", &submission->f->at))
			all[n++] = node;
	}
	if (n)
		qsort(all, n, sizeof(struct judge_node *), revision_compare);
	for (size_t i = 0; i < n; i++)
		if (judge_submission_counts(ix, all[i]).mark == JUDGE_GOOD)
			return all[i]->f;
	return NULL;
}

/* SPEC 16.7: "The first line that holds is the state." */
static enum submission_state state_of(const struct submission_judgement *j, bool withdrawn)
{
	unsigned n = j->needed, m = j->met, y = j->not_yet, u = j->unjudgeable;
	bool met = m >= n && m > y && m > u, not_yet = y >= n && y > m && y > u;
	if (j->award)
		return SUBMISSION_AWARDED;
	if (withdrawn || (j->revised_by && !met && !not_yet))
		return SUBMISSION_WITHDRAWN;
	if (met)
		return SUBMISSION_MET;
	if (not_yet)
		return SUBMISSION_NOT_YET;
	if (u >= n && u > m && u > y)
		return SUBMISSION_UNJUDGEABLE;
	return j->claims_n || m || y || u ? SUBMISSION_CLAIMED : SUBMISSION_SUBMITTED;
}

static void find_parts(struct judge_index *ix, struct judge_node *node, struct judge_subject *s,
	struct submission_judgement *out)
{
	struct entry_ref ref;
	*s = (struct judge_subject){
		.submission = node->f->at, .submission_node = node, .earner = node->f->author};
	out->submission = node->f;
	out->earner = s->earner;
	if (judge_ref(node, "for", &ref) &&
		judge_lookup(ix, &ref, FACT_DEFINITION, &s->definition) == JUDGE_FOUND) {
		out->definition = s->definition->f;
		out->issuer = s->issuer = s->definition->f->author;
	}
	if (judge_ref(node, "manifest", &ref) &&
		judge_lookup(ix, &ref, FACT_MANIFEST, &s->manifest) == JUDGE_FOUND)
		out->manifest = s->manifest->f;
}

static void judge_one(struct judge_index *ix, struct judge_node *node, struct submission_judgement *out)
{
	struct judge_subject s;
	enum award_state state;
	find_parts(ix, node, &s, out);
	struct judge_reason why = judge_submission_counts(ix, node);
	bool awardable = why.mark != JUDGE_WRONG && s.definition &&
		judge_definition(ix, s.definition).mark == JUDGE_GOOD;
	if (why.mark == JUDGE_GOOD)
		why = judge_because(JUDGE_GOOD, "submission", &node->f->at.id,
			"The submission has the evidence that the definition asks for, and the earner attested to it.");
	judgement_add(&out->why, &why);
	if (s.manifest)
		judge_say_evidence(ix, s.manifest, &out->why);
	if (awardable) {
		const struct judge_node *award = judge_standing(ix, &s, NULL, false, &state, &out->why);
		const struct definition *d = judge_definition_of(ix, s.definition);
		out->award = award ? award->f : NULL;
		out->needed = d ? d->reviewers : 0;
	}
	out->state = out->award ? SUBMISSION_AWARDED : SUBMISSION_UNKNOWN;
	if (why.mark != JUDGE_GOOD)
		return;
	judge_reviews(ix, &s, out);
	out->revised_by = revised_by(ix, node);
	judge_say_idle(ix, &node->f->at, FACT_WITHDRAW, &s.earner, false, &out->why);
	out->state = state_of(out, is_withdrawn(ix, node));
}

enum err judge_submission(
	const struct judge_case *c, const struct id32 *submission, struct submission_judgement *out)
{
	struct judge_index *ix;
	*out = (struct submission_judgement){0};
	enum err e = judge_index_new(c, &ix);
	if (e != OK)
		return e;
	struct judge_node *node = judge_find(ix, submission, FACT_SUBMISSION);
	if (node)
		judge_one(ix, node, out);
	e = node ? ix->err : ERR_NOT_FOUND;
	judge_index_free(ix);
	if (e != OK)
		*out = (struct submission_judgement){0};
	return e;
}

/* ---- awards */

static void say_state(const struct award_judgement *j, struct judgement *lines)
{
	const struct id32 *id = &j->award->at.id;
	if (j->revoke)
		judgement_say(lines, JUDGE_WRONG, "revoked", id, "The issuer revoked this award.", 0);
	if (j->state == AWARD_ACCEPTED)
		judgement_say(lines, JUDGE_GOOD, "accepted", id, "The earner accepted this award.", 0);
	if (j->state == AWARD_COUNTERSIGNED)
		judgement_say(
			lines, JUDGE_NOTE, "countersigned", id, "The earner has not accepted this award.", 0);
	if (j->standing && j->standing != j->award)
		judgement_say(lines, JUDGE_NOTE, "awarded-anew", &j->standing->at.id,
			"The issuer awarded the same once more, and that award stands for the credential.",
			0);
}

static void judge_this(struct judge_index *ix, struct judge_node *node, struct award_judgement *out)
{
	struct judge_subject s;
	bool counts = judge_award_counts(ix, node, &s, &out->verdict);
	out->award = node->f;
	out->issuer = s.issuer;
	out->earner = s.earner;
	out->definition = s.definition ? s.definition->f : NULL;
	out->submission = s.submission_node ? s.submission_node->f : NULL;
	out->manifest = s.manifest ? s.manifest->f : NULL;
	enum award_state state = judge_award_state(ix, node, &s.earner, &out->acceptance, &out->revoke);
	out->state = counts ? state : AWARD_UNKNOWN;
	if (s.definition && s.manifest) {
		const struct judge_node *standing = judge_standing(
			ix, &s, node, counts, &out->credential_state, NULL);
		out->standing = standing ? standing->f : NULL;
	}
	say_state(out, &out->verdict);
	judge_say_idle(ix, &node->f->at, FACT_REVOKE, &s.issuer, true, &out->verdict);
	judge_say_idle(ix, &node->f->at, FACT_ACCEPTANCE, &s.earner, false, &out->verdict);
}

enum err judge_award(const struct judge_case *c, const struct id32 *award, struct award_judgement *out)
{
	struct judge_index *ix;
	*out = (struct award_judgement){0};
	enum err e = judge_index_new(c, &ix);
	if (e != OK)
		return e;
	struct judge_node *node = judge_find(ix, award, FACT_AWARD);
	if (node)
		judge_this(ix, node, out);
	e = node ? ix->err : ERR_NOT_FOUND;
	judge_index_free(ix);
	if (e != OK)
		*out = (struct award_judgement){0};
	return e;
}
