/* judge_review.c -- reviews that count. SPEC.md section 16.6. Which of several, and claims: judge_panel.c. */
#include "protocol/award/credential.h"
#include "protocol/award/judge_int.h"

static struct judge_reason wrong(const char *code, const struct judge_node *node, const char *text)
{
	return judge_because(JUDGE_WRONG, code, &node->f->at.id, text);
}

/* ---- taken up */

/* Where the issuer names a review: of each log the lowest seq, ascending by log. */
struct namings {
	size_t n;
	struct naming {
		struct id32 log;
		uint64_t seq;
	} * at;
};

static int naming_compare(const void *x, const void *y)
{
	const struct naming *a = (const struct naming *)x, *b = (const struct naming *)y;
	int c = id32_cmp(&a->log, &b->log);
	return c ? c : (a->seq > b->seq) - (a->seq < b->seq);
}

static void add_namings(struct judge_index *ix, const struct judge_node *review, struct judge_range r,
	const struct id32 *issuer, struct namings *out)
{
	for (size_t i = 0; i < r.n; i++)
		if (id32_equal(&r.first[i]->f->author, issuer) &&
			judge_points_among(r.first[i], "reviews", &review->f->at) &&
			judge_act(ix, r.first[i]).mark == JUDGE_GOOD)
			out->at[out->n++] = (struct naming){r.first[i]->f->at.log, r.first[i]->f->at.seq};
}

/* SPEC 16.6: "some `take-up` or `award` that counts as an act, of the issuer, names the review" */
static struct namings find_namings(
	struct judge_index *ix, const struct judge_node *review, const struct id32 *issuer)
{
	struct judge_range taken = judge_about(ix, &review->f->at.id, FACT_TAKE_UP),
			   named = judge_about(ix, &review->f->at.id, FACT_NAMED);
	struct namings all = {.at = (struct naming *)judge_alloc(ix, taken.n + named.n, sizeof *all.at)};
	size_t kept = 0;
	if (!all.at)
		return all;
	add_namings(ix, review, taken, issuer, &all);
	add_namings(ix, review, named, issuer, &all);
	if (all.n)
		qsort(all.at, all.n, sizeof *all.at, naming_compare);
	for (size_t i = 0; i < all.n; i++)
		if (i == 0 || !id32_equal(&all.at[i].log, &all.at[kept - 1].log))
			all.at[kept++] = all.at[i];
	all.n = kept;
	return all;
}

bool judge_taken_up(struct judge_index *ix, const struct judge_node *review, const struct id32 *issuer)
{
	return find_namings(ix, review, issuer).n > 0;
}

static bool taken_up_before(const struct namings *names, const struct judge_end *end)
{
	for (size_t i = 0; i < names->n; i++)
		if (judge_before(end, &names->at[i].log, names->at[i].seq))
			return true;
	return false;
}

/* SPEC 16.6: "the review was *taken up* before each end of it that counts" */
static struct judge_reason check_appointment(
	struct judge_index *ix, const struct judge_node *node, const struct judge_subject *s)
{
	const struct judge_covering *c = judge_covering(ix, s->definition);
	struct judge_reason why = judge_appointed(c, &node->f->author, &node->f->at.id);
	size_t n;
	const struct judge_appointment *a = judge_appointments_of(c, &node->f->author, &n);
	if (why.mark == JUDGE_GOOD || n == 0)
		return why;
	struct namings names = find_namings(ix, node, &s->issuer);
	for (size_t i = 0; i < n; i++) {
		bool good = a[i].why.mark == JUDGE_GOOD;
		for (size_t k = 0; good && k < a[i].ends_n; k++)
			good = taken_up_before(&names, &a[i].ends[k]);
		if (good)
			return JUDGE_FINE;
		if (a[i].why.mark == JUDGE_GOOD && why.mark == JUDGE_WRONG)
			why = wrong("appointment-ended", node,
				"The reviewer's appointment had ended before the issuer took up this review.");
	}
	return why;
}

/* ---- what the reviewer says */

enum review_decision judge_decision(struct judge_node *review)
{
	struct slice fields, s;
	if (!judge_fields(review, &fields) || record_get_str(fields, "decision", &s) != OK)
		return REVIEW_UNJUDGEABLE;
	if (slice_equal(s, slice_str("meets")))
		return REVIEW_MEETS;
	return slice_equal(s, slice_str("not-yet")) ? REVIEW_NOT_YET : REVIEW_UNJUDGEABLE;
}

/* SPEC 16.6: "`scores` name every criterion of the rubric and no other, each with one of its levels" */
bool judge_levels(struct judge_node *review, const struct definition *d, size_t *levels)
{
	struct slice fields;
	struct mp_in in;
	struct record_score score;
	size_t n;
	if (!judge_fields(review, &fields) || record_get(fields, "scores", &in) != OK ||
		mp_get_array(&in, d->criteria_n, d->criteria_n, &n) != OK)
		return false;
	for (size_t i = 0; i < d->criteria_n; i++)
		levels[i] = SIZE_MAX;
	while (n-- > 0) {
		size_t c = record_get_score(&in, &score) == OK ? definition_criterion(d, score.criterion)
							       : SIZE_MAX;
		if (c == SIZE_MAX || levels[c] != SIZE_MAX)
			return false;
		levels[c] = definition_level(&d->criteria[c], score.level);
		if (levels[c] == SIZE_MAX)
			return false;
	}
	return true;
}

static struct judge_reason check_endorsement(struct judge_index *ix, struct judge_node *node,
	const struct judge_subject *s, const struct definition *d, const size_t *levels)
{
	struct judge_document doc;
	struct judge_keys *keys = judge_keys_of(ix, &node->f->author);
	struct endorsement_source src = {.definition = d,
		.award = credential_award_id(&s->submission.id, &s->definition->f->at.id),
		.reviewer = node->f->author,
		.manifest = s->manifest ? s->manifest->f->data : (struct slice){0},
		.levels = levels};
	struct id32 key;
	char where[96];
	struct judge_reason why = JUDGE_FINE;
	if (!s->manifest)
		return judge_lost(JUDGE_ABSENT, FACT_MANIFEST, &node->f->at.id);
	enum err e = judge_document_open(node, "endorsement", &doc);
	if (e == OK)
		e = credential_endorsement_matches(doc.json, &src, &key, where);
	if (e == ERR_MEMORY)
		ix->err = e;
	if (e != OK)
		why = wrong("endorsement", node,
			"The reviewer's signed endorsement is missing, or does not say what the review says.");
	else if (!keys)
		why = judge_because(JUDGE_UNKNOWN, "reviewer-keys-missing", &node->f->at.id,
			"The reviewer's key events are not at hand, so the endorsement cannot be checked.");
	else if (!judge_published_badge(ix, keys, &key))
		why = wrong("endorsement-key", node,
			"The endorsement is signed with a key that is not the reviewer's.");
	else if (!judge_document_proven(ix, &doc, &key))
		why = wrong("endorsement-proofs", node,
			"The signatures of the reviewer's endorsement do not verify.");
	json_decref(doc.json);
	return why;
}

static struct judge_reason check_content(
	struct judge_index *ix, struct judge_node *node, const struct judge_subject *s)
{
	struct slice fields, feedback;
	size_t levels[DEFINITION_CRITERIA_MAX];
	enum review_decision decision = judge_decision(node);
	/* SPEC 16.6: "**A decision without feedback does not count.**" */
	if (!judge_fields(node, &fields) || record_get_str(fields, "feedback", &feedback) != OK ||
		definition_blank(feedback))
		return wrong("feedback-missing", node,
			"The review has no feedback: a decision without feedback does not count.");
	const struct definition *d = judge_definition_of(ix, s->definition);
	if (decision == REVIEW_UNJUDGEABLE || !d)
		return JUDGE_FINE;
	if (!judge_levels(node, d, levels))
		return wrong("scores", node,
			"The review does not give each criterion of the rubric one of its levels.");
	for (unsigned i = 0; decision == REVIEW_MEETS && i < d->criteria_n; i++)
		if (levels[i] < d->criteria[i].required) {
			struct judge_reason why = wrong("level-low", node,
				"The review decides that it meets the rubric, but the level of criterion # is below the required one.");
			why.number = i + 1;
			return why;
		}
	return decision == REVIEW_MEETS ? check_endorsement(ix, node, s, d, levels) : JUDGE_FINE;
}

/* SPEC 16.6: "if an award of the issuer that counts as an act names it" */
static bool named_by_award(struct judge_index *ix, const struct judge_node *review, const struct id32 *issuer)
{
	struct judge_range r = judge_about(ix, &review->f->at.id, FACT_NAMED);
	for (size_t i = 0; i < r.n; i++)
		if (id32_equal(&r.first[i]->f->author, issuer) &&
			judge_points_among(r.first[i], "reviews", &review->f->at) &&
			judge_act(ix, r.first[i]).mark == JUDGE_GOOD)
			return true;
	return false;
}

static struct judge_reason review_of(
	struct judge_index *ix, struct judge_node *node, const struct judge_subject *s)
{
	struct judge_reason why = judge_stands(node);
	struct slice fields;
	if (node->f->cut && judge_fields(node, &fields) && named_by_award(ix, node, &s->issuer))
		why = JUDGE_FINE;
	if (why.mark == JUDGE_GOOD && !judge_points(node, "of", &s->submission))
		why = wrong("review-elsewhere", node, "The review is of another submission.");
	if (why.mark == JUDGE_GOOD)
		why = check_appointment(ix, node, s);
	return why.mark == JUDGE_GOOD ? check_content(ix, node, s) : why;
}

struct judge_reason judge_review(
	struct judge_index *ix, struct judge_node *node, const struct judge_subject *s)
{
	if (id32_equal(&node->f->author, &s->earner))
		return wrong("self-review", node, "It is the earner's own review.");
	/* Another award may speak of another manifest, which the review does not endorse. */
	if (!node->counts.known || node->beside != s->manifest)
		node->counts = (struct judge_memo){true, review_of(ix, node, s)};
	node->beside = s->manifest;
	return node->counts.why;
}
