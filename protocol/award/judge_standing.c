/* judge_standing.c -- what state an award is in, and which of several stands for the credential. SPEC.md section 16.8. */
#include "protocol/award/judge_int.h"

const char *award_state_name(enum award_state s)
{
	static const char *const names[] = {"unknown", "countersigned", "accepted", "revoked"};
	return names[s];
}

/* SPEC 16.8: "An award is *revoked* if a `revoke` of I that counts names it" */
static const struct fact *revoke_of(struct judge_index *ix, const struct judge_node *award)
{
	struct judge_range r = judge_about(ix, &award->f->at.id, FACT_REVOKE);
	for (size_t i = 0; i < r.n; i++)
		if (id32_equal(&r.first[i]->f->author, &award->f->author) &&
			judge_points(r.first[i], "of", &award->f->at) &&
			judge_act(ix, r.first[i]).mark == JUDGE_GOOD)
			return r.first[i]->f;
	return NULL;
}

static const struct fact *acceptance_of(
	struct judge_index *ix, const struct judge_node *award, const struct id32 *earner)
{
	struct judge_range r = judge_about(ix, &award->f->at.id, FACT_ACCEPTANCE);
	for (size_t i = 0; i < r.n; i++)
		if (id32_equal(&r.first[i]->f->author, earner) &&
			judge_points(r.first[i], "of", &award->f->at) &&
			judge_kept(r.first[i]).mark == JUDGE_GOOD)
			return r.first[i]->f;
	return NULL;
}

enum award_state judge_award_state(struct judge_index *ix, struct judge_node *award,
	const struct id32 *earner, const struct fact **acceptance, const struct fact **revoke)
{
	*revoke = revoke_of(ix, award);
	*acceptance = acceptance_of(ix, award, earner);
	return *revoke ? AWARD_REVOKED : *acceptance ? AWARD_ACCEPTED : AWARD_COUNTERSIGNED;
}

struct candidate {
	struct judge_node *node;
	enum award_state state;
};

/* SPEC 16.8: "accepted before countersigned before revoked" */
static int rank(enum award_state s)
{
	return s == AWARD_ACCEPTED ? 0 : s == AWARD_COUNTERSIGNED ? 1 : 2;
}

static int candidate_compare(const void *x, const void *y)
{
	const struct candidate *a = (const struct candidate *)x, *b = (const struct candidate *)y;
	int c = rank(a->state) - rank(b->state);
	return c ? c : id32_cmp(&a->node->f->at.id, &b->node->f->at.id);
}

static size_t find_candidates(struct judge_index *ix, const struct judge_subject *s, struct candidate *out,
	const struct judge_range *r, struct judgement *why)
{
	const struct fact *acceptance, *revoke;
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++) {
		struct judge_node *node = r->first[i];
		if (!id32_equal(&node->f->author, &s->issuer)) {
			if (why)
				judgement_say(why, JUDGE_NOTE, "award-foreign", &node->f->at.id,
					"Somebody else than the issuer wrote an award for it.", 0);
		} else if (judge_points(node, "submission", &s->submission) &&
			judge_points(node, "definition", &s->definition->f->at)) {
			out[n].node = node;
			out[n++].state = judge_award_state(ix, node, &s->earner, &acceptance, &revoke);
		} else if (why) {
			judgement_say(why, JUDGE_WRONG, "award-definition", &node->f->at.id,
				"The award is for another definition than the submission, or another version of it.",
				0);
		}
	}
	if (n)
		qsort(out, n, sizeof *out, candidate_compare);
	return n;
}

/* The best come first, so that nearly always one is checked. */
struct judge_node *judge_standing(struct judge_index *ix, const struct judge_subject *s,
	const struct judge_node *known, bool counts, enum award_state *state, struct judgement *why)
{
	struct judge_range r = judge_about(ix, &s->submission.id, FACT_AWARD);
	struct candidate *all = (struct candidate *)judge_alloc(ix, r.n, sizeof *all);
	struct judgement *lines = (struct judgement *)judge_alloc(ix, 1, sizeof *lines);
	struct judge_subject other;
	*state = AWARD_UNKNOWN;
	size_t n = all && lines ? find_candidates(ix, s, all, &r, why) : 0;
	for (size_t i = 0; i < n; i++) {
		bool good = counts;
		lines->lines_n = 0;
		if (all[i].node != known)
			good = judge_award_counts(ix, all[i].node, &other, lines) &&
				id32_equal(&other.earner, &s->earner);
		if (good) {
			*state = all[i].state;
			return all[i].node;
		}
		if (why && lines->lines_n)
			judgement_add_line(why, judgement_first_worst(lines));
	}
	return NULL;
}
