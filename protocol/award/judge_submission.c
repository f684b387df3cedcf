/* judge_submission.c -- manifests and submissions that count. SPEC.md section 16.5. */
#include "protocol/award/judge_int.h"

#include "protocol/log/hash.h"

enum { RESUBMISSIONS_MAX = 50, ITEMS_MAX = 64 };

static struct judge_reason wrong(const char *code, const struct judge_node *node, const char *text)
{
	return judge_because(JUDGE_WRONG, code, &node->f->at.id, text);
}

/* ---- evidence */

/* The artifact or reflection that is this entry, or NULL. */
static struct judge_node *evidence_at(const struct judge_index *ix, const struct entry_ref *at)
{
	struct judge_node *node;
	if (judge_lookup(ix, at, FACT_ARTIFACT, &node) == JUDGE_FOUND ||
		judge_lookup(ix, at, FACT_REFLECTION, &node) == JUDGE_FOUND)
		return node;
	return NULL;
}

/* SPEC 16.5: "`reflection` for reflections, else the artifact's `kind`" */
static struct slice evidence_kind(struct judge_node *node)
{
	struct slice fields, kind = slice_str("reflection");
	if (node->f->kind == FACT_ARTIFACT &&
		(!judge_fields(node, &fields) || record_get_str(fields, "kind", &kind) != OK))
		return (struct slice){0};
	return kind;
}

static struct judge_reason check_evidence(struct judge_index *ix, const struct judge_node *manifest,
	const struct record_item *item, const struct id32 *salt)
{
	struct judge_node *node;
	if (judge_lookup(ix, &item->at, FACT_ARTIFACT, &node) == JUDGE_ABSENT)
		return JUDGE_FINE;
	node = evidence_at(ix, &item->at);
	if (!node)
		return judge_lookup(ix, &item->at, FACT_ARTIFACT, &node) == JUDGE_ERASED
			? JUDGE_FINE
			: wrong("evidence-record", manifest,
				  "What is named as evidence is another kind of record.");
	/* SPEC 16.5: "Evidence that does not lie within what counts of its log is as if it were not at hand." */
	if (judge_stands(node).mark != JUDGE_GOOD)
		return JUDGE_FINE;
	if (!id32_equal(&node->f->author, &manifest->f->author))
		return wrong("evidence-foreign", manifest, "A piece of evidence is somebody else's.");
	if (!slice_equal(evidence_kind(node), item->kind))
		return wrong("evidence-kind", manifest,
			"A piece of evidence is of another kind than the list of evidence says.");
	const struct slice parts[] = {slice_of(salt->b, 32), node->f->data};
	struct id32 digest = hash_parts(HASH_EVIDENCE, parts, 2);
	if (!id32_equal(&digest, &item->digest))
		return wrong("evidence-digest", manifest,
			"A piece of evidence is not what was submitted: it was replaced.");
	return JUDGE_FINE;
}

/* ---- manifest */

struct items {
	struct judge_index *ix;
	struct judge_node *manifest;
	struct id32 salt;
	size_t n;
	struct record_item item[ITEMS_MAX];
};

static bool read_items(struct judge_index *ix, struct judge_node *manifest, struct items *out)
{
	struct slice fields;
	struct mp_in in;
	*out = (struct items){.ix = ix, .manifest = manifest};
	if (!judge_fields(manifest, &fields) || record_get_id(fields, "salt", &out->salt) != OK ||
		record_get(fields, "items", &in) != OK || mp_get_array(&in, 1, ITEMS_MAX, &out->n) != OK)
		return false;
	for (size_t i = 0; i < out->n; i++)
		if (record_get_item(&in, &out->item[i]) != OK)
			return false;
	return true;
}

static struct judge_reason check_place(const struct items *m, size_t i)
{
	const struct record_item *item = &m->item[i];
	for (size_t k = 0; k < i; k++)
		if (id32_equal(&m->item[k].at.id, &item->at.id))
			return wrong("item-twice", m->manifest,
				"One piece of evidence stands twice in the list of evidence.");
	switch (judge_log_is_of(m->ix, &m->manifest->f->author, &item->at.log)) {
	case JUDGE_GOOD:
	case JUDGE_NOTE: return JUDGE_FINE;
	case JUDGE_WRONG:
		return wrong("evidence-foreign", m->manifest, "A piece of evidence is somebody else's.");
	case JUDGE_UNKNOWN: break;
	}
	return judge_because(JUDGE_UNKNOWN, "evidence-log", &m->manifest->f->at.id,
		"It cannot be told if a piece of evidence is the earner's own: that device is not known.");
}

/* SPEC 16.5: "Each item names a requirement of the definition" */
static struct judge_reason check_items(const struct items *m, const struct definition *d)
{
	unsigned count[DEFINITION_REQUIREMENTS_MAX] = {0};
	for (size_t i = 0; i < m->n; i++) {
		size_t r = definition_requirement(d, m->item[i].requirement);
		if (r == SIZE_MAX)
			return wrong("requirement-unknown", m->manifest,
				"A piece of evidence is for a requirement that the definition does not have.");
		count[r]++;
		if (!definition_kind_fits(&d->requirements[r], m->item[i].kind))
			return wrong("requirement-kind", m->manifest,
				"A piece of evidence is of a kind that its requirement does not allow.");
	}
	for (unsigned r = 0; r < d->requirements_n; r++) {
		struct judge_reason why = JUDGE_FINE;
		if (count[r] < d->requirements[r].min)
			why = wrong("requirement-missing", m->manifest,
				"There is too little evidence for requirement # of the definition.");
		else if (count[r] > d->requirements[r].max)
			why = wrong("requirement-excess", m->manifest,
				"There is more evidence for requirement # than the definition allows.");
		why.number = r + 1;
		if (why.mark != JUDGE_GOOD)
			return why;
	}
	return JUDGE_FINE;
}

static struct judge_reason manifest_of(struct judge_index *ix, struct judge_node *node)
{
	struct judge_node *definition;
	struct items m;
	struct judge_reason why = judge_stands(node);
	if (why.mark == JUDGE_GOOD)
		why = judge_definition_named(ix, node, "for", &definition);
	if (why.mark != JUDGE_GOOD)
		return why;
	const struct definition *d = judge_definition_of(ix, definition);
	if (!d || !read_items(ix, node, &m))
		return wrong("malformed", node, "The record is malformed.");
	why = check_items(&m, d);
	for (size_t i = 0; i < m.n && why.mark != JUDGE_WRONG; i++)
		why = judge_worse(why, check_place(&m, i));
	for (size_t i = 0; i < m.n && why.mark != JUDGE_WRONG; i++)
		why = judge_worse(why, check_evidence(ix, node, &m.item[i], &m.salt));
	return why;
}

/* That it is the earner's, and for the same definition as the submission, is for the caller. */
struct judge_reason judge_manifest(struct judge_index *ix, struct judge_node *node)
{
	if (!node->counts.known)
		node->counts = (struct judge_memo){true, manifest_of(ix, node)};
	return node->counts.why;
}

void judge_say_evidence(struct judge_index *ix, struct judge_node *manifest, struct judgement *lines)
{
	struct items m;
	struct judge_node *node;
	unsigned erased = 0, absent = 0;
	if (!read_items(ix, manifest, &m))
		return;
	for (size_t i = 0; i < m.n; i++) {
		enum judge_found found = judge_lookup(ix, &m.item[i].at, FACT_ARTIFACT, &node);
		erased += found == JUDGE_ERASED;
		node = found == JUDGE_ABSENT || found == JUDGE_ERASED ? NULL : evidence_at(ix, &m.item[i].at);
		absent += found == JUDGE_ABSENT || (node && node->f->cut);
	}
	if (erased)
		judgement_say(lines, JUDGE_NOTE, "evidence-erased", &manifest->f->at.id,
			"Pieces of evidence that were erased: #.", erased);
	if (absent)
		judgement_say(lines, JUDGE_NOTE, "evidence-missing", &manifest->f->at.id,
			"Pieces of evidence that are not at hand, so that they could not be compared: #.",
			absent);
}

/* ---- submission */

static struct judge_reason check_for(
	struct judge_index *ix, struct judge_node *node, struct judge_node **definition)
{
	struct judge_reason why = judge_definition_named(ix, node, "for", definition);
	if (why.mark != JUDGE_GOOD)
		return why;
	const struct definition *d = judge_definition_of(ix, *definition);
	if (id32_equal(&(*definition)->f->author, &node->f->author))
		why = wrong("self-award", node,
			"The definition is the earner's own: nobody gives a micro-credential to himself.");
	else if (d && d->blind)
		why = wrong("definition-blind", node,
			"The definition asks for blind review, which this version of Quire does not carry out.");
	return why;
}

static struct judge_reason check_manifest(
	struct judge_index *ix, struct judge_node *node, struct judge_node *definition)
{
	struct entry_ref ref;
	struct judge_node *manifest;
	if (!judge_ref(node, "manifest", &ref))
		return wrong("malformed", node, "The record is malformed.");
	enum judge_found found = judge_lookup(ix, &ref, FACT_MANIFEST, &manifest);
	if (found != JUDGE_FOUND)
		return judge_lost(found, FACT_MANIFEST, &ref.id);
	if (!id32_equal(&manifest->f->author, &node->f->author))
		return wrong("manifest-foreign", node, "The list of evidence is somebody else's.");
	if (definition && !judge_points(manifest, "for", &definition->f->at))
		return wrong("manifest-definition", node,
			"The list of evidence was made for another definition, or another version of it.");
	return judge_manifest(ix, manifest);
}

/* SPEC 16.5: "`attests` contains `own-work`, `consents-held` and `no-names`." */
static struct judge_reason check_attests(struct judge_node *node, struct slice fields)
{
	static const char *const needed[] = {"own-work", "consents-held", "no-names"};
	unsigned seen = 0;
	size_t n;
	struct mp_in in;
	struct slice s;
	if (record_get(fields, "attests", &in) != OK || mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return wrong("malformed", node, "The record is malformed.");
	while (n-- > 0 && mp_get_str(&in, 0, SIZE_MAX, &s) == OK)
		for (unsigned i = 0; i < 3; i++)
			if (slice_equal(s, slice_str(needed[i])))
				seen |= 1u << i;
	return seen == 7
		? JUDGE_FINE
		: wrong("attestation-missing", node,
			  "The earner did not attest own work, consents held and no names of children.");
}

/* ---- revisions */

/* The submission that this one revises, if it is at hand. */
static enum judge_found revised(struct judge_index *ix, struct judge_node *node, struct judge_node **before)
{
	struct entry_ref ref;
	*before = NULL;
	return judge_ref(node, "revises", &ref) ? judge_lookup(ix, &ref, FACT_SUBMISSION, before)
						: JUDGE_ABSENT;
}

/* SPEC 16.5: "for the same definition or one that this one descends from, or one that descends from it" */
static struct judge_reason check_relation(struct judge_index *ix, struct judge_node *node,
	struct judge_node *before, struct judge_node *definition)
{
	struct judge_node *other;
	struct judge_reason why = judge_definition_named(ix, before, "for", &other);
	if (why.mark != JUDGE_GOOD)
		return why;
	enum judge_mark up = judge_descends(ix, definition, other),
			down = judge_descends(ix, other, definition);
	if (up == JUDGE_GOOD || down == JUDGE_GOOD)
		return JUDGE_FINE;
	if (up == JUDGE_UNKNOWN || down == JUDGE_UNKNOWN)
		return judge_because(JUDGE_UNKNOWN, "definition-gap", &node->f->at.id,
			"A version of the definition between this submission's and the revised one's is not at hand.");
	return wrong("revision-definition", node,
		"The submission that it revises was for another micro-credential.");
}

/* SPEC 16.5: "following `revises` leads through at most `resubmissions_max` submissions" */
static bool chain_is_short(struct judge_index *ix, struct judge_node *node, unsigned max)
{
	struct judge_node *at = node;
	for (unsigned i = 0; i <= max; i++)
		if (revised(ix, at, &at) != JUDGE_FOUND)
			return true;
	return false;
}

/* That the revised one counts is known by now. */
static struct judge_reason check_revision(
	struct judge_index *ix, struct judge_node *node, struct slice fields, struct judge_node *definition)
{
	struct mp_in in;
	struct judge_node *before;
	bool revises = record_get(fields, "revises", &in) == OK;
	if (revises != (record_get(fields, "changed", &in) == OK))
		return wrong("revision-unexplained", node,
			"A revision must name the submission that it revises, and say what changed.");
	if (!revises)
		return JUDGE_FINE;
	const struct definition *d = definition ? judge_definition_of(ix, definition) : NULL;
	if (d && !chain_is_short(ix, node, d->resubmissions_max)) {
		struct judge_reason why = wrong("revisions-exceeded", node,
			"It has been revised more often than the definition allows: # times.");
		why.number = d->resubmissions_max;
		return why;
	}
	enum judge_found found = revised(ix, node, &before);
	if (found != JUDGE_FOUND) {
		struct judge_reason why = judge_lost(found, FACT_SUBMISSION, &node->f->at.id);
		if (why.mark == JUDGE_UNKNOWN)
			why = judge_because(JUDGE_UNKNOWN, "revised-missing", &node->f->at.id,
				"The submission that it revises is not at hand.");
		return why;
	}
	if (!id32_equal(&before->f->author, &node->f->author))
		return wrong("revision-foreign", node, "It revises somebody else's submission.");
	struct judge_reason why = definition ? check_relation(ix, node, before, definition) : JUDGE_FINE;
	if (before->counts.known && before->counts.why.mark != JUDGE_GOOD)
		why = judge_worse(why,
			judge_because(before->counts.why.mark, "revised-not-counting", &node->f->at.id,
				"The submission that it revises does not count."));
	return why;
}

/* ---- all of it */

static struct judge_reason submission_of(struct judge_index *ix, struct judge_node *node)
{
	struct judge_node *definition = NULL;
	struct slice fields;
	struct judge_reason why = judge_stands(node);
	if (why.mark != JUDGE_GOOD || !judge_fields(node, &fields))
		return why;
	why = check_for(ix, node, &definition);
	if (why.mark != JUDGE_GOOD)
		definition = NULL;
	why = judge_worse(why, check_attests(node, fields));
	why = judge_worse(why, check_revision(ix, node, fields, definition));
	return judge_worse(why, check_manifest(ix, node, definition));
}

/* The oldest first, so that nothing is called deeper however long the chain is. What is revised more often than any definition allows is found out by its length
 * alone; nothing is concluded then about those before it. */
struct judge_reason judge_submission_counts(struct judge_index *ix, struct judge_node *node)
{
	struct judge_node *chain[RESUBMISSIONS_MAX + 1], *at = node;
	size_t n = 0;
	while (at && !at->counts.known && n <= RESUBMISSIONS_MAX) {
		chain[n++] = at;
		(void)revised(ix, at, &at);
	}
	if (at && !at->counts.known)
		n = 1;
	while (n-- > 0)
		chain[n]->counts = (struct judge_memo){true, submission_of(ix, chain[n])};
	return node->counts.why;
}
