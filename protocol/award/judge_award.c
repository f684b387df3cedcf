/* judge_award.c -- does an award count? One line for each check, in the order of SPEC.md section 16.8. What state it is in: judge_standing.c. */
#include "protocol/award/credential.h"
#include "protocol/award/judge_int.h"

#include <stdio.h>

enum { NAMED_MAX = 16 };

struct check {
	struct judge_index *ix;
	struct judge_node *award;
	struct judge_subject *s;
	struct judgement *lines;
	enum judge_mark worst;
	bool levels_known;
	size_t levels[DEFINITION_CRITERIA_MAX];
};

/* True: it is good, or only worth saying. */
static bool say(struct check *c, struct judge_reason why)
{
	judgement_add(c->lines, &why);
	if (why.mark > c->worst)
		c->worst = why.mark;
	return why.mark <= JUDGE_NOTE;
}

static bool say_that(struct check *c, enum judge_mark mark, const char *code, const struct judge_node *about,
	const char *text)
{
	return say(c, judge_because(mark, code, about ? &about->f->at.id : &c->award->f->at.id, text));
}

/* ---- 1: the act and the definition */

static bool check_act(struct check *c)
{
	struct judge_reason why = judge_act(c->ix, c->award);
	if (why.mark != JUDGE_GOOD)
		return say(c, why);
	say_that(c, JUDGE_GOOD, "act", NULL, "The issuer made this award.");
	why = judge_definition_named(c->ix, c->award, "definition", &c->s->definition);
	if (why.mark != JUDGE_GOOD)
		return say(c, why);
	if (!id32_equal(&c->s->definition->f->author, &c->award->f->author))
		return say_that(c, JUDGE_WRONG, "award-foreign", NULL,
			"The award is for a definition of somebody else than its issuer.");
	return say_that(c, JUDGE_GOOD, "definition", c->s->definition,
		"The definition is the issuer's own, and sound.");
}

/* ---- 2: the submission, or the manifest that stands for it */

/* Hashed once, however many awards there are. */
static bool is_named_manifest(struct judge_index *ix, struct judge_node *manifest, const char *evidence)
{
	struct manifest_name *name = manifest->evidence
		? NULL
		: (struct manifest_name *)judge_alloc(ix, sizeof *name, 1);
	if (name) {
		*name = credential_manifest_name(manifest->f->data);
		manifest->evidence = name->ni;
	}
	return manifest->evidence && strcmp(manifest->evidence, evidence) == 0;
}

/* Somebody else may have copied the manifest: the one of whom the credential speaks goes first. */
static struct judge_node *find_manifest(struct check *c, const json_t *credential)
{
	const char *evidence = json_string_value(
		json_object_get(json_array_get(json_object_get(credential, "evidence"), 0), "id"));
	struct judge_node *first = NULL;
	struct id32 key;
	bool has_key = judge_document_key(credential, "credentialSubject", &key);
	for (size_t i = 0; evidence && i < c->ix->n; i++) {
		struct judge_node *node = &c->ix->nodes[i];
		if (node->f->kind != FACT_MANIFEST || !is_named_manifest(c->ix, node, evidence))
			continue;
		struct judge_keys *keys = judge_keys_of(c->ix, &node->f->author);
		if (keys && has_key && judge_published_badge(c->ix, keys, &key))
			return node;
		if (!first)
			first = node;
	}
	return first;
}

/* SPEC 16.8: "the manifest that the credential names stands for it" */
static bool check_manifest(struct check *c, const struct judge_node *submission)
{
	struct judge_document doc;
	enum err e = judge_document_open(c->award, "credential", &doc);
	if (e == ERR_MEMORY)
		c->ix->err = e;
	c->s->manifest = e == OK ? find_manifest(c, doc.json) : NULL;
	json_decref(doc.json);
	if (!c->s->manifest)
		return say_that(c, JUDGE_UNKNOWN, "manifest-missing", NULL,
			"Neither the submission nor the list of evidence that the credential names is at hand.");
	c->s->earner = c->s->manifest->f->author;
	const struct definition *d = judge_definition_of(c->ix, c->s->definition);
	if (id32_equal(&c->s->earner, &c->s->issuer))
		return say_that(c, JUDGE_WRONG, "self-award", c->s->manifest,
			"The evidence is the issuer's own: nobody gives a micro-credential to himself.");
	if (d && d->blind)
		return say_that(c, JUDGE_WRONG, "definition-blind", c->s->definition,
			"The definition asks for blind review, which this version of Quire does not carry out.");
	if (submission && !id32_equal(&submission->f->author, &c->s->earner))
		return say_that(c, JUDGE_WRONG, "manifest-foreign", c->s->manifest,
			"The list of evidence is somebody else's.");
	if (!judge_points(c->s->manifest, "for", &c->s->definition->f->at))
		return say_that(c, JUDGE_WRONG, "award-definition", c->s->manifest,
			"The award is for another definition than the list of evidence, or another version of it.");
	struct judge_reason why = judge_manifest(c->ix, c->s->manifest);
	if (why.mark != JUDGE_GOOD)
		return say(c, why);
	return say_that(c, JUDGE_NOTE, "attestations-not-seen", c->s->manifest,
		"The submission was not seen as a whole, nor what the earner attested in it; the list of evidence stands for it.");
}

static bool check_submission(struct check *c)
{
	struct judge_node *node;
	struct entry_ref ref;
	if (!judge_ref(c->award, "submission", &c->s->submission))
		return say_that(c, JUDGE_WRONG, "malformed", NULL, "The record is malformed.");
	enum judge_found found = judge_lookup(c->ix, &c->s->submission, FACT_SUBMISSION, &node);
	if (found == JUDGE_OTHER)
		return say(c, judge_lost(found, FACT_SUBMISSION, &c->award->f->at.id));
	if (found == JUDGE_FOUND && !judge_points(node, "for", &c->s->definition->f->at))
		return say_that(c, JUDGE_WRONG, "award-definition", NULL,
			"The award is for another definition than the submission, or another version of it.");
	struct judge_reason why = found == JUDGE_FOUND
		? judge_submission_counts(c->ix, node)
		: judge_lost(found, FACT_SUBMISSION, &c->award->f->at.id);
	if (why.mark == JUDGE_WRONG)
		return say(c, why);
	if (why.mark != JUDGE_GOOD)
		return check_manifest(c, node);
	c->s->submission_node = node;
	c->s->earner = node->f->author;
	if (!judge_ref(node, "manifest", &ref) ||
		judge_lookup(c->ix, &ref, FACT_MANIFEST, &c->s->manifest) != JUDGE_FOUND)
		return say(c, judge_lost(JUDGE_ABSENT, FACT_MANIFEST, &node->f->at.id));
	return say_that(c, JUDGE_GOOD, "submission", node,
		"The submission has the evidence that the definition asks for, and the earner attested to it.");
}

/* ---- 3: the reviews */

static void add_levels(struct check *c, struct judge_node *review, bool first)
{
	size_t levels[DEFINITION_CRITERIA_MAX];
	const struct definition *d = judge_definition_of(c->ix, c->s->definition);
	if (!d || !judge_levels(review, d, levels)) {
		c->levels_known = false;
		return;
	}
	for (size_t i = 0; i < d->criteria_n; i++)
		if (first || levels[i] < c->levels[i])
			c->levels[i] = levels[i];
}

static bool check_review(struct check *c, const struct entry_ref *ref, struct judge_node **node)
{
	enum judge_found found = judge_lookup(c->ix, ref, FACT_REVIEW, node);
	if (found != JUDGE_FOUND)
		return say(c, judge_lost(found, FACT_REVIEW, &ref->id));
	struct judge_reason why = judge_review(c->ix, *node, c->s);
	if (why.mark != JUDGE_GOOD)
		return say(c, why);
	if (judge_decision(*node) != REVIEW_MEETS)
		return say_that(c, JUDGE_WRONG, "review-not-meets", *node,
			"The award names a review that does not decide that it meets the rubric.");
	return say_that(c, JUDGE_GOOD, "review", *node,
		"A reviewer appointed by the issuer found that it meets the rubric, and gave feedback and a signed endorsement.");
}

/* SPEC 16.8: "`reviews` names at least N reviews" */
static bool check_reviews(struct check *c)
{
	struct slice fields;
	struct mp_in in;
	struct entry_ref ref;
	struct judge_node *nodes[NAMED_MAX];
	size_t n = 0, seen = 0;
	bool good = true;
	if (!judge_fields(c->award, &fields) || record_get(fields, "reviews", &in) != OK ||
		mp_get_array(&in, 1, NAMED_MAX, &n) != OK)
		return say_that(c, JUDGE_WRONG, "malformed", NULL, "The record is malformed.");
	c->levels_known = true;
	for (size_t i = 0; i < n && record_get_ref(&in, &ref) == OK; i++) {
		if (!check_review(c, &ref, &nodes[seen])) {
			good = c->levels_known = false;
			continue;
		}
		for (size_t k = 0; k < seen; k++)
			if (id32_equal(&nodes[k]->f->author, &nodes[seen]->f->author))
				good = say_that(c, JUDGE_WRONG, "reviewer-twice", nodes[seen],
					"The award names two reviews by the same reviewer.");
		add_levels(c, nodes[seen], seen == 0);
		seen++;
	}
	const struct definition *d = judge_definition_of(c->ix, c->s->definition);
	if (!d || n >= d->reviewers)
		return good;
	struct judge_reason why = judge_because(JUDGE_WRONG, "reviews-too-few", &c->award->f->at.id,
		"The award names fewer reviews than the definition asks for, which is #.");
	why.number = d->reviewers;
	return say(c, why);
}

/* ---- 4: the credential */

static bool check_keys(struct check *c, const json_t *doc, struct id32 *issuer, struct id32 *earner)
{
	struct judge_keys *of_issuer = judge_keys_of(c->ix, &c->s->issuer),
			  *of_earner = judge_keys_of(c->ix, &c->s->earner);
	bool good;
	if (!judge_document_key(doc, "issuer", issuer) ||
		!judge_document_key(doc, "credentialSubject", earner))
		return say_that(c, JUDGE_WRONG, "credential", NULL,
			"The credential does not name its issuer and its earner by their keys.");
	if (!of_issuer)
		good = say_that(c, JUDGE_UNKNOWN, "keys-missing", NULL,
			"The issuer's key events are not at hand, so it cannot be told if the key is the issuer's.");
	else if (!judge_published_badge(c->ix, of_issuer, issuer))
		good = say_that(c, JUDGE_WRONG, "credential-key", NULL,
			"The credential is signed with a key that is not the issuer's.");
	else
		good = say_that(c, JUDGE_GOOD, "credential-key", NULL,
			"The key of the credential is one that the issuer published.");
	if (!of_earner)
		return say_that(c, JUDGE_UNKNOWN, "earner-keys-missing", NULL,
			"The earner's key events are not at hand, so it cannot be told if the credential is the earner's.");
	if (!judge_published_badge(c->ix, of_earner, earner))
		return say_that(c, JUDGE_WRONG, "credential-subject", NULL,
			"The credential is given to a key that is not the earner's.");
	return good;
}

static bool check_content(
	struct check *c, const json_t *doc, const struct id32 *issuer, const struct id32 *earner)
{
	const struct definition *d = judge_definition_of(c->ix, c->s->definition);
	struct id32 key;
	char where[96];
	if (!c->levels_known || !d)
		return say_that(c, JUDGE_UNKNOWN, "credential-unchecked", NULL,
			"The credential cannot be compared with the reviews, since not all of them are known to count.");
	struct credential_source src = {.definition = d,
		.definition_at = c->s->definition->f->at,
		.submission = c->s->submission.id,
		.manifest = c->s->manifest->f->data,
		.issuer_key = *issuer,
		.earner_key = *earner,
		.levels = c->levels};
	enum err e = credential_award_matches(doc, &src, &key, where);
	if (e == ERR_MEMORY)
		c->ix->err = e;
	if (e != OK)
		return say_that(c, JUDGE_WRONG, "credential", NULL,
			"The credential does not say what the definition, the evidence and the reviews make.");
	return say_that(c, JUDGE_GOOD, "credential", NULL,
		"The credential says exactly what the definition, the evidence and the reviews make.");
}

static bool check_credential(struct check *c)
{
	struct judge_document doc;
	struct id32 issuer = {0}, earner = {0};
	enum err e = judge_document_open(c->award, "credential", &doc);
	if (e == ERR_MEMORY)
		c->ix->err = e;
	if (e != OK)
		return say_that(c, JUDGE_WRONG, "credential", NULL,
			"The credential is not a JSON document in canonical form.");
	if (check_keys(c, doc.json, &issuer, &earner))
		check_content(c, doc.json, &issuer, &earner);
	if (judge_document_proven(c->ix, &doc, &issuer))
		say_that(c, JUDGE_GOOD, "credential-proofs", NULL,
			"Both signatures of the credential verify.");
	else
		say_that(c, JUDGE_WRONG, "credential-proofs", NULL,
			"The signatures of the credential do not verify.");
	json_decref(doc.json);
	return c->worst <= JUDGE_NOTE;
}

bool judge_award_counts(
	struct judge_index *ix, struct judge_node *award, struct judge_subject *s, struct judgement *lines)
{
	struct check c = {.ix = ix, .award = award, .s = s, .lines = lines};
	*s = (struct judge_subject){.issuer = award->f->author};
	if (!check_act(&c) || !check_submission(&c))
		return false;
	judge_say_evidence(ix, s->manifest, lines);
	bool good = check_reviews(&c);
	return check_credential(&c) && good;
}
