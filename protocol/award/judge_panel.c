/* judge_panel.c -- all reviews and claims of one submission: which of several counts, and who is at work. SPEC.md section 16.6. */
#include "protocol/award/judge_int.h"

/* Nodes of one kind that point to the submission, by writer, log, then the latest first. */
struct pile {
	size_t n;
	struct judge_node **node;
};

static int pile_compare(const void *x, const void *y)
{
	const struct fact *a = (*(struct judge_node *const *)x)->f, *b = (*(struct judge_node *const *)y)->f;
	int c = id32_cmp(&a->author, &b->author);
	if (c == 0)
		c = id32_cmp(&a->at.log, &b->at.log);
	if (c == 0)
		c = (a->at.seq < b->at.seq) - (a->at.seq > b->at.seq);
	return c ? c : id32_cmp(&a->at.id, &b->at.id);
}

static int id_compare(const void *x, const void *y)
{
	return id32_cmp(
		&(*(struct judge_node *const *)x)->f->at.id, &(*(struct judge_node *const *)y)->f->at.id);
}

static struct pile pile_of(struct judge_index *ix, const struct judge_subject *s, enum fact_kind kind)
{
	struct judge_range r = judge_about(ix, &s->submission.id, kind);
	struct pile p = {.node = (struct judge_node **)judge_alloc(ix, r.n, sizeof(struct judge_node *))};
	if (!p.node)
		return p;
	p.n = r.n;
	if (r.n) {
		memcpy(p.node, r.first, r.n * sizeof(struct judge_node *));
		qsort(p.node, p.n, sizeof(struct judge_node *), pile_compare);
	}
	return p;
}

static bool same_author(const struct judge_node *a, const struct judge_node *b)
{
	return id32_equal(&a->f->author, &b->f->author);
}

/* ---- reviews */

/* SPEC 16.6: "those are not *heard* that have a later one in the same log; of what is left, the one with the lowest entry id is heard" */
static struct judge_node *heard_of(struct judge_index *ix, const struct judge_subject *s,
	struct judge_node *const *node, size_t n, struct judgement *why)
{
	struct judge_node *heard = NULL, *last = NULL;
	for (size_t i = 0; i < n; i++) {
		if (last && id32_equal(&last->f->at.log, &node[i]->f->at.log)) {
			judgement_say(why, JUDGE_NOTE, "review-replaced", &node[i]->f->at.id,
				"The same reviewer wrote a later review, which stands in its place.", 0);
			continue;
		}
		struct judge_reason r = judge_review(ix, node[i], s);
		if (r.mark != JUDGE_GOOD) {
			judgement_add(why, &r);
			continue;
		}
		last = node[i];
		struct judge_node *other = heard;
		if (!heard || id32_cmp(&node[i]->f->at.id, &heard->f->at.id) < 0)
			heard = node[i];
		else
			other = node[i];
		if (other)
			judgement_say(why, JUDGE_NOTE, "review-second", &other->f->at.id,
				"The same reviewer wrote another review on another device; of the two, that one is heard.",
				0);
	}
	return heard;
}

static void tally(struct judge_index *ix, const struct judge_subject *s, struct judge_node *const *heard,
	size_t n, struct submission_judgement *out)
{
	for (size_t i = 0; i < n; i++) {
		enum review_decision d = judge_decision(heard[i]);
		out->met += d == REVIEW_MEETS;
		out->not_yet += d == REVIEW_NOT_YET;
		out->unjudgeable += d == REVIEW_UNJUDGEABLE;
		if (out->reviews_n == JUDGE_REVIEWS_MAX)
			continue;
		out->reviews[out->reviews_n++] = (struct judge_review){.at = heard[i]->f->at,
			.reviewer = heard[i]->f->author,
			.decision = d,
			.taken_up = judge_taken_up(ix, heard[i], &s->issuer),
			.fact = heard[i]->f};
	}
}

/* ---- claims */

/* SPEC 16.6: "A `release` counts if `of` names a claim, and it is the claim's writer's, or an act of the issuer." */
static bool is_released(struct judge_index *ix, const struct judge_node *claim, const struct id32 *issuer)
{
	struct judge_range r = judge_about(ix, &claim->f->at.id, FACT_RELEASE);
	for (size_t i = 0; i < r.n; i++) {
		struct judge_node *release = r.first[i];
		if (!judge_points(release, "of", &claim->f->at))
			continue;
		if (same_author(release, claim) && judge_stands(release).mark == JUDGE_GOOD)
			return true;
		if (id32_equal(&release->f->author, issuer) && judge_act(ix, release).mark == JUDGE_GOOD)
			return true;
	}
	return false;
}

static struct judge_reason check_claim(
	struct judge_index *ix, struct judge_node *claim, const struct judge_subject *s)
{
	struct judge_reason why = judge_stands(claim);
	if (why.mark != JUDGE_GOOD)
		return why;
	if (!judge_points(claim, "of", &s->submission))
		return judge_because(JUDGE_WRONG, "claim-elsewhere", &claim->f->at.id,
			"The claim is of another submission.");
	if (id32_equal(&claim->f->author, &s->earner))
		return judge_because(JUDGE_WRONG, "self-review", &claim->f->at.id,
			"The earner cannot review the earner's own submission.");
	return judge_appointed(judge_covering(ix, s->definition), &claim->f->author, &claim->f->at.id);
}

/* Is this identity among those heard, who stand by author? */
static bool has_reviewed(const struct id32 *who, struct judge_node *const *heard, size_t n)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = id32_cmp(&heard[mid]->f->author, who);
		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* SPEC 16.6: "A claim is *active* while no release of it counts" */
static void add_claims(struct judge_index *ix, const struct judge_subject *s, struct judge_node *const *heard,
	size_t heard_n, struct submission_judgement *out)
{
	struct pile p = pile_of(ix, s, FACT_CLAIM);
	if (p.n)
		qsort(p.node, p.n, sizeof(struct judge_node *), id_compare);
	for (size_t i = 0; i < p.n; i++) {
		struct judge_reason why = check_claim(ix, p.node[i], s);
		if (why.mark != JUDGE_GOOD)
			judgement_add(&out->why, &why);
		else if (is_released(ix, p.node[i], &s->issuer))
			judgement_say(&out->why, JUDGE_NOTE, "claim-released", &p.node[i]->f->at.id,
				"The claim was released.", 0);
		else if (!has_reviewed(&p.node[i]->f->author, heard, heard_n) &&
			out->claims_n < JUDGE_REVIEWS_MAX)
			out->claims[out->claims_n++] = p.node[i]->f;
		judge_say_idle(ix, &p.node[i]->f->at, FACT_RELEASE, &s->issuer, true, &out->why);
	}
}

void judge_reviews(struct judge_index *ix, const struct judge_subject *s, struct submission_judgement *out)
{
	struct pile p = pile_of(ix, s, FACT_REVIEW);
	size_t heard = 0;
	for (size_t i = 0, n; i < p.n; i += n) {
		for (n = 1; i + n < p.n && same_author(p.node[i], p.node[i + n]); n++)
			;
		struct judge_node *one = heard_of(ix, s, p.node + i, n, &out->why);
		if (one)
			p.node[heard++] = one; /* never beyond what was looked at */
	}
	add_claims(ix, s, p.node, heard, out);
	if (heard)
		qsort(p.node, heard, sizeof(struct judge_node *), id_compare);
	tally(ix, s, p.node, heard, out);
}
