/* judge_vouch.c -- vouches that count, and who may claim. SPEC.md sections 16.6 and 16.9. */
#include "protocol/award/judge_int.h"

/* SPEC 16.9: "if a `vouch-end` of the same identity, that counts as an act, names it" */
static bool is_ended(struct judge_index *ix, const struct judge_node *vouch)
{
	struct judge_range r = judge_about(ix, &vouch->f->at.id, FACT_VOUCH_END);
	for (size_t i = 0; i < r.n; i++)
		if (id32_equal(&r.first[i]->f->author, &vouch->f->author) &&
			judge_points(r.first[i], "of", &vouch->f->at) &&
			judge_act(ix, r.first[i]).mark == JUDGE_GOOD)
			return true;
	return false;
}

/* All that stand for this person, ascending by entry id. */
static size_t standing_vouches(
	struct judge_index *ix, const struct id32 *who, const struct fact **out, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < ix->n && n < max; i++) {
		struct judge_node *node = &ix->nodes[i];
		if (node->f->kind == FACT_VOUCH && id32_equal(&node->f->party, who) &&
			judge_act(ix, node).mark == JUDGE_GOOD && !is_ended(ix, node))
			out[n++] = node->f;
	}
	return n;
}

size_t judge_vouches(const struct judge_case *c, const struct id32 *who, const struct fact **out, size_t max)
{
	struct judge_index *ix;
	if (judge_index_new(c, &ix) != OK)
		return 0;
	size_t n = standing_vouches(ix, who, out, max);
	if (ix->err != OK)
		n = 0;
	judge_index_free(ix);
	return n;
}

static int author_compare(const void *x, const void *y)
{
	return id32_cmp(&(*(const struct fact *const *)x)->author, &(*(const struct fact *const *)y)->author);
}

/* SPEC 16.6: "whom some identity vouches for (section 16.9) that vouches for the earner too" */
static bool share_a_voucher(struct judge_index *ix, const struct id32 *a, const struct id32 *b)
{
	const struct fact **of_a = (const struct fact **)judge_alloc(ix, ix->n, sizeof(const struct fact *)),
			  **of_b = (const struct fact **)judge_alloc(ix, ix->n, sizeof(const struct fact *));
	if (!of_a || !of_b)
		return true;
	size_t n = standing_vouches(ix, a, of_a, ix->n), m = standing_vouches(ix, b, of_b, ix->n);
	if (n)
		qsort(of_a, n, sizeof(const struct fact *), author_compare);
	for (size_t i = 0; n && i < m; i++)
		if (bsearch(&of_b[i], of_a, n, sizeof(const struct fact *), author_compare))
			return true;
	return false;
}

static bool may_claim(struct judge_index *ix, struct judge_node *submission, const struct id32 *reviewer)
{
	struct judge_node *definition;
	if (judge_submission_counts(ix, submission).mark != JUDGE_GOOD ||
		id32_equal(&submission->f->author, reviewer) ||
		judge_definition_named(ix, submission, "for", &definition).mark != JUDGE_GOOD)
		return false;
	const struct definition *d = judge_definition_of(ix, definition);
	if (!d || judge_appointed(judge_covering(ix, definition), reviewer, reviewer).mark != JUDGE_GOOD)
		return false;
	d = judge_definition_of(ix, definition); /* others may have been asked for meanwhile */
	return d && (d->same_school || !share_a_voucher(ix, reviewer, &submission->f->author));
}

bool judge_may_claim(const struct judge_case *c, const struct id32 *submission, const struct id32 *reviewer)
{
	struct judge_index *ix;
	if (judge_index_new(c, &ix) != OK)
		return false;
	struct judge_node *node = judge_find(ix, submission, FACT_SUBMISSION);
	bool may = node && may_claim(ix, node, reviewer) && ix->err == OK;
	judge_index_free(ix);
	return may;
}
