/* judge_records.c -- the records of judge_story.h. */
#include "tests/support/judge_story.h"

#include <stdio.h>

#include "protocol/award/credential.h"
#include "protocol/award/json.h"
#include "protocol/log/hash.h"
#include "protocol/log/record.h"

#define VALID_FROM "2026-01-31T12:00:00Z"

static void must(enum err e, const char *what)
{
	if (e == OK)
		return;
	fprintf(stderr, "judge story: %s: %s\n", what, err_name(e));
	abort();
}

/* A record under way. */
struct page {
	struct buf b;
	struct mp_out o;
};

static void page_begin(struct page *p, const char *kind, size_t fields)
{
	*p = (struct page){0};
	p->o = mp_out_init(&p->b);
	mp_put_array(&p->o, 2);
	mp_put_cstr(&p->o, kind);
	mp_put_map(&p->o, fields);
}

static void put_text(struct page *p, const char *field, const char *text)
{
	mp_put_cstr(&p->o, field);
	mp_put_cstr(&p->o, text);
}

static void put_ref(struct page *p, const char *field, const struct entry_ref *ref)
{
	mp_put_cstr(&p->o, field);
	record_put_ref(&p->o, ref);
}

static void put_id(struct page *p, const char *field, const struct id32 *id)
{
	mp_put_cstr(&p->o, field);
	mp_put_id(&p->o, id);
}

static void put_refs(struct page *p, const char *field, const struct entry_ref *refs, size_t n)
{
	mp_put_cstr(&p->o, field);
	mp_put_array(&p->o, n);
	for (size_t i = 0; i < n; i++)
		record_put_ref(&p->o, &refs[i]);
}

static struct entry_ref page_tell(struct judge_story *j, struct pen pen, struct page *p)
{
	must(p->o.err, "record");
	struct entry_ref at = tell(j, pen, buf_slice(&p->b));
	buf_free(&p->b);
	return at;
}

/* Kept, unless the pen says otherwise, and asked for by its officer. */
static struct entry_ref act_tell(struct judge_story *j, struct pen pen, struct page *p)
{
	struct page full = {0};
	const struct entry_ref asked = {.log = {{7}}, .seq = 7, .id = {{7}}};
	must(p->o.err, "act");
	must(record_with_by(buf_slice(&p->b), pen.by ? &j->people[pen.by].id : NULL, &asked, &full.b), "by");
	buf_free(&p->b);
	pen.kept = !pen.erasable;
	return page_tell(j, pen, &full);
}

/* ---- definitions and appointments */

static void definition_text(struct tell_definition d, char *out, size_t n)
{
	static const char level[] =
		"\"levels\":[{\"id\":\"low\",\"name\":\"Low\",\"description\":\"Not there.\"},"
		"{\"id\":\"mid\",\"name\":\"Middle\",\"description\":\"There.\"},"
		"{\"id\":\"high\",\"name\":\"High\",\"description\":\"Beyond.\"}],\"required_level\":\"mid\"";
	snprintf(out, n,
		"{\"title\":\"Asking questions %u\",\"competency\":\"Asks open questions.\",\"key_method\":\"Wait.\","
		"\"research\":[\"Example, 1972\"]%s,"
		"\"requirements\":[{\"id\":\"plan\",\"kind\":\"artifact\",\"prompt\":\"A plan.\",\"evidence_kinds\":[\"lesson-plan\"],\"max\":2},"
		"{\"id\":\"thoughts\",\"kind\":\"reflection\",\"prompt\":\"What came of it?\"}],"
		"\"rubric\":[{\"id\":\"clarity\",\"name\":\"Clarity\",%s},{\"id\":\"depth\",\"name\":\"Depth\",%s}],"
		"\"review\":{\"reviewers\":%u,\"blind\":%s,\"same_school\":%s,\"resubmissions_max\":%u}}",
		d.version, d.unsound ? ",\"nonsense\":1" : "", level, level, d.reviewers ? d.reviewers : 1,
		d.blind ? "true" : "false", d.same_school ? "true" : "false", d.resubmissions);
}

struct entry_ref tell_definition(struct judge_story *j, struct pen pen, struct tell_definition d)
{
	char text[4096];
	struct buf canonical = {0};
	json_t *doc;
	struct page p;
	definition_text(d, text, sizeof text);
	must(json_parse(slice_str(text), &doc, NULL), "definition");
	must(json_canonical(doc, &canonical), "definition");
	json_decref(doc);
	page_begin(&p, "microcredential", d.supersedes ? 2 : 1);
	mp_put_cstr(&p.o, "definition");
	mp_put_str(&p.o, buf_slice(&canonical));
	if (d.supersedes)
		put_ref(&p, "supersedes", d.supersedes);
	buf_free(&canonical);
	return act_tell(j, pen, &p);
}

static void load_definition(struct judge_story *j, const struct entry_ref *at, struct definition *d)
{
	struct slice kind, fields, text;
	must(record_open(story_fact(j, at)->data, &kind, &fields), "open");
	must(record_get_str(fields, "definition", &text), "definition");
	must(definition_read(text, d, NULL), "read");
}

struct entry_ref tell_appointment(
	struct judge_story *j, struct pen pen, unsigned reviewer, const struct entry_ref *definition)
{
	struct page p;
	page_begin(&p, "appointment", 2);
	put_ref(&p, "for", definition);
	put_id(&p, "reviewer", &j->people[reviewer].id);
	return act_tell(j, pen, &p);
}

struct entry_ref tell_of(struct judge_story *j, struct pen pen, const char *kind, const struct entry_ref *of)
{
	struct page p;
	bool revoke = strcmp(kind, "revoke") == 0, plain = strcmp(kind, "claim") == 0;
	page_begin(&p, kind, revoke ? 2 : 1);
	put_ref(&p, "of", of);
	if (revoke)
		put_text(&p, "why", "A mistake.");
	return plain ? page_tell(j, pen, &p) : act_tell(j, pen, &p);
}

struct entry_ref tell_end_marked(struct judge_story *j, struct pen pen, const struct entry_ref *appointment,
	unsigned device, uint64_t length)
{
	struct page p;
	struct record_mark mark = {.log = j->people[pen.who].log[device], .last = {{1}}, .length = length};
	page_begin(&p, "appointment-end", 2);
	mp_put_cstr(&p.o, "marks");
	mp_put_array(&p.o, 1);
	record_put_mark(&p.o, &mark);
	put_ref(&p, "of", appointment);
	return act_tell(j, pen, &p);
}

/* ---- evidence and submissions */

struct entry_ref tell_artifact(struct judge_story *j, struct pen pen, const char *kind, const char *title)
{
	struct page p;
	page_begin(&p, "artifact", 3);
	put_text(&p, "depicts", "nobody");
	put_text(&p, "kind", kind);
	put_text(&p, "title", title);
	return page_tell(j, pen, &p);
}

struct entry_ref tell_reflection(struct judge_story *j, struct pen pen, const char *text)
{
	struct page p;
	page_begin(&p, "reflection", 1);
	put_text(&p, "text", text);
	return page_tell(j, pen, &p);
}

struct entry_ref tell_manifest(struct judge_story *j, struct pen pen, const struct entry_ref *definition,
	const struct tell_item *items, size_t n)
{
	struct page p;
	struct id32 salt = {{42}};
	page_begin(&p, "manifest", 3);
	put_ref(&p, "for", definition);
	mp_put_cstr(&p.o, "items");
	mp_put_array(&p.o, n);
	for (size_t i = 0; i < n; i++) {
		const struct slice parts[] = {slice_of(salt.b, 32),
			items[i].altered ? slice_str("else") : story_fact(j, &items[i].at)->data};
		struct record_item item = {.requirement = slice_str(items[i].requirement),
			.kind = slice_str(items[i].kind),
			.at = items[i].at,
			.digest = hash_parts(HASH_EVIDENCE, parts, 2)};
		record_put_item(&p.o, &item);
	}
	put_id(&p, "salt", &salt);
	return page_tell(j, pen, &p);
}

struct entry_ref tell_submission(struct judge_story *j, struct pen pen, struct tell_submission s)
{
	static const char *const attests[] = {"consents-held", "no-names", "own-work"};
	struct page p;
	bool changed = s.revises && !s.no_change;
	page_begin(&p, "submission", 3u + (s.revises != NULL) + changed);
	mp_put_cstr(&p.o, "attests");
	mp_put_array(&p.o, s.unattested ? 2 : 3);
	for (size_t i = 0; i < (s.unattested ? 2 : 3); i++)
		mp_put_cstr(&p.o, attests[i]);
	if (changed)
		put_text(&p, "changed", "More of it.");
	put_ref(&p, "for", &s.definition);
	put_ref(&p, "manifest", &s.manifest);
	if (s.revises)
		put_ref(&p, "revises", s.revises);
	return page_tell(j, pen, &p);
}

struct entry_ref tell_work(struct judge_story *j, struct pen pen, const struct entry_ref *definition,
	const struct entry_ref *revises, struct tell_submission *made)
{
	struct tell_item items[] = {
		{"plan", "lesson-plan", tell_artifact(j, pen, "lesson-plan", "A plan"), false},
		{"thoughts", "reflection", tell_reflection(j, pen, "I waited longer."), false}};
	struct tell_submission s = {.definition = *definition,
		.manifest = tell_manifest(j, pen, definition, items, 2),
		.revises = revises};
	if (made)
		*made = s;
	return tell_submission(j, pen, s);
}

/* ---- signed documents */

static struct slice signed_text(
	struct judge_story *j, json_t *doc, const struct judge_person *signer, bool altered, bool bad_proof)
{
	char why[PROOF_WHY_BYTES];
	struct buf text = {0};
	if (altered)
		json_object_set_new(doc, "name", json_string("Something grander"));
	must(credential_sign(doc, &signer->keys.badge_key, signer->keys.badge_secret, why), "sign");
	if (bad_proof) {
		json_t *proof = json_array_get(json_object_get(doc, "proof"), 0);
		json_object_set(proof, "proofValue",
			json_object_get(json_array_get(json_object_get(doc, "proof"), 1), "proofValue"));
	}
	must(json_canonical(doc, &text), "canonical");
	struct slice kept = arena_copy(&j->arena, buf_slice(&text));
	buf_free(&text);
	json_decref(doc);
	return kept;
}

/* The record of the manifest that a submission names; empty if it is no such submission. */
static struct slice manifest_of(struct judge_story *j, const struct entry_ref *submission)
{
	struct slice kind, fields;
	struct mp_in in;
	struct entry_ref at;
	const struct fact *f = story_fact(j, submission), *m;
	if (!f || record_open(f->data, &kind, &fields) != OK || record_get(fields, "manifest", &in) != OK ||
		record_get_ref(&in, &at) != OK)
		return (struct slice){0};
	m = story_fact(j, &at);
	return m ? m->data : (struct slice){0};
}

static struct slice endorsement(struct judge_story *j, unsigned reviewer, const struct entry_ref *submission,
	const struct entry_ref *definition, const struct tell_review *r)
{
	struct definition d;
	json_t *doc;
	const struct judge_person *p = &j->people[r->foreign_key ? STRANGER : reviewer];
	size_t levels[] = {r->other_levels ? 2 : r->level[0], r->level[1]};
	load_definition(j, definition, &d);
	struct endorsement_source src = {.definition = &d,
		.award = credential_award_id(&submission->id, &definition->id),
		.reviewer = j->people[reviewer].id,
		.reviewer_key = p->keys.badge_key,
		.reviewer_name = "A. Example",
		.valid_from = VALID_FROM,
		.manifest = manifest_of(j, submission),
		.levels = levels};
	must(credential_endorsement_build(&src, &doc), "endorsement");
	definition_deinit(&d);
	return signed_text(j, doc, p, r->altered, r->bad_proof);
}

static void put_scores(struct page *p, const struct tell_review *r)
{
	static const char *const levels[] = {"low", "mid", "high"};
	mp_put_cstr(&p->o, "scores");
	mp_put_array(&p->o, r->few_scores ? 1 : 2);
	for (size_t i = 0; i < (r->few_scores ? 1u : 2u); i++) {
		struct record_score s = {.criterion = slice_str(i == 0  ? "clarity"
							 : r->odd_score ? "luck"
									: "depth"),
			.level = slice_str(i == 0 && r->odd_level ? "top" : levels[r->level[i]]),
			.comment = slice_str("")};
		record_put_score(&p->o, &s);
	}
}

struct entry_ref tell_review(struct judge_story *j, struct pen pen, const struct entry_ref *submission,
	const struct entry_ref *definition, struct tell_review r)
{
	struct page p;
	const char *decision = r.decision ? r.decision : "meets";
	bool endorsed = strcmp(decision, "meets") == 0 && !r.no_endorsement,
	     scored = strcmp(decision, "unjudgeable") != 0;
	page_begin(&p, "review", 3u + endorsed + scored);
	put_text(&p, "decision", decision);
	if (endorsed) {
		mp_put_cstr(&p.o, "endorsement");
		mp_put_str(&p.o, endorsement(j, pen.who, submission, definition, &r));
	}
	put_text(&p, "feedback", r.feedback ? r.feedback : "Well done; wait still longer.");
	put_ref(&p, "of", submission);
	if (scored)
		put_scores(&p, &r);
	return page_tell(j, pen, &p);
}

struct entry_ref tell_take_up(
	struct judge_story *j, struct pen pen, const struct entry_ref *reviews, size_t n)
{
	struct page p;
	page_begin(&p, "take-up", 1);
	put_refs(&p, "reviews", reviews, n);
	return act_tell(j, pen, &p);
}

/* ---- awards */

static struct slice credential(struct judge_story *j, unsigned issuer, const struct tell_award *a)
{
	struct definition d;
	json_t *doc;
	const struct judge_person *p = &j->people[a->foreign_key ? STRANGER : issuer];
	unsigned earner = a->foreign_earner ? STRANGER : a->earner ? a->earner : EARNER;
	bool unset = !a->level[0] && !a->level[1];
	size_t levels[] = {unset ? 1 : a->level[0], unset ? 2 : a->level[1]};
	load_definition(j, &a->definition, &d);
	struct credential_source src = {.definition = &d,
		.definition_at = a->definition,
		.submission = a->submission.id,
		.manifest = story_fact(j, &a->manifest)->data,
		.issuer_key = p->keys.badge_key,
		.earner_key = j->people[earner].keys.badge_key,
		.issuer_name = "Example issuer",
		.valid_from = VALID_FROM,
		.levels = levels};
	must(credential_award_build(&src, &doc), "credential");
	definition_deinit(&d);
	return signed_text(j, doc, p, a->altered, a->bad_proof);
}

struct entry_ref tell_award(struct judge_story *j, struct pen pen, struct tell_award a)
{
	struct page p;
	struct buf spaced = {0};
	struct slice text = a.credential.n ? a.credential : credential(j, pen.who, &a);
	if (a.uncanonical) {
		must(buf_put(&spaced, " ", 1), "memory");
		must(buf_put_slice(&spaced, text), "memory");
		text = buf_slice(&spaced);
	}
	page_begin(&p, "award", 4);
	mp_put_cstr(&p.o, "credential");
	mp_put_str(&p.o, text);
	put_ref(&p, "definition", &a.definition);
	put_refs(&p, "reviews", a.reviews, a.reviews_n);
	put_ref(&p, "submission", &a.submission);
	struct entry_ref at = act_tell(j, pen, &p);
	buf_free(&spaced);
	return at;
}

struct slice credential_in(struct judge_story *j, const struct entry_ref *award)
{
	struct slice kind, fields, text;
	must(record_open(story_fact(j, award)->data, &kind, &fields), "open");
	must(record_get_str(fields, "credential", &text), "credential");
	return text;
}

struct entry_ref tell_vouch(struct judge_story *j, struct pen pen, unsigned who)
{
	struct page p;
	page_begin(&p, "vouch", 1);
	put_id(&p, "who", &j->people[who].id);
	return act_tell(j, pen, &p);
}
