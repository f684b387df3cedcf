/* award_story.c -- how a micro-credential is awarded, from the definition to the acceptance, with the twists of award_world.h. */
#include "tests/support/award_story.h"

#include "protocol/award/json.h"
#include "protocol/log/erasure.h"
#include "protocol/log/hash.h"
#include "protocol/log/record.h"
#include "protocol/log/secret.h"

#include <sodium.h>

#define DEFINITION(title) \
	"{\"title\": \"" title "\", \"competency\": \"Uses gestures to check understanding.\"," \
	" \"key_method\": \"Agree on gestures with the class and read them.\", \"research\": [\"An example of research\"]," \
	" \"valid_months\": 36, \"language\": \"en\"," \
	" \"requirements\": [{\"id\": \"video\", \"kind\": \"artifact\", \"prompt\": \"A video of a lesson\"}," \
	"  {\"id\": \"reflection\", \"kind\": \"reflection\", \"prompt\": \"What did you see?\"}]," \
	" \"rubric\": [{\"id\": \"use\", \"name\": \"Use\", \"required_level\": \"shown\", \"levels\": [" \
	"  {\"id\": \"begun\", \"name\": \"Begun\", \"description\": \"Begins.\", \"points\": 1}," \
	"  {\"id\": \"shown\", \"name\": \"Shown\", \"description\": \"Shows.\", \"points\": 2}]}]," \
	" \"review\": {\"reviewers\": 2, \"same_school\": true}}"

enum { BEGUN, SHOWN };

/* ---- records */

static struct mp_out begin(struct buf *out, const char *kind, size_t fields)
{
	struct mp_out o = mp_out_init(out);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, kind);
	mp_put_map(&o, fields);
	return o;
}

static void put_ref(struct mp_out *o, const char *field, const struct entry_ref *ref)
{
	mp_put_cstr(o, field);
	record_put_ref(o, ref);
}

static void put_text(struct mp_out *o, const char *field, const char *text)
{
	mp_put_cstr(o, field);
	mp_put_cstr(o, text);
}

void award_record_of(struct buf *out, const char *kind, const struct entry_ref *of)
{
	struct mp_out o = begin(out, kind, 1);
	put_ref(&o, "of", of);
	award_must(o.err, kind);
}

/* Writes it and forgets it. */
static struct entry_ref write_out(
	struct award_world *w, enum award_person_index who, uint8_t flags, bool sealed, struct buf *record)
{
	const char *field;
	award_must(record_check(buf_slice(record), &field), "record");
	struct entry_ref at = award_write(w, who, flags, sealed, record);
	buf_free(record);
	return at;
}

struct entry_ref award_write_by_officer(struct award_world *w, const struct buf *record)
{
	struct buf asked = {0}, with = {0};
	struct id32 digest = hash_bytes(HASH_ACT, record->p, record->n);
	struct mp_out o = begin(&asked, "act", 2);
	mp_put_cstr(&o, "digest");
	mp_put_id(&o, &digest);
	mp_put_cstr(&o, "institution");
	mp_put_id(&o, &w->person[AWARD_ISSUER].id);
	award_must(o.err, "act");
	struct entry_ref act = write_out(w, AWARD_OFFICER, ENTRY_FLAG_KEEP, false, &asked);
	award_must(record_with_by(buf_slice(record), &w->person[AWARD_OFFICER].id, &act, &with), "by");
	return write_out(w, AWARD_ISSUER, ENTRY_FLAG_KEEP, true, &with);
}

/* ---- issuer and district */

static struct entry_ref publish(
	struct award_world *w, const char *text, const struct entry_ref *supersedes, struct definition *d)
{
	struct buf canonical = {0}, record = {0};
	award_must(definition_read(slice_str(text), d, &canonical), "definition");
	struct mp_out o = begin(&record, "microcredential", supersedes ? 2 : 1);
	mp_put_cstr(&o, "definition");
	mp_put_str(&o, buf_slice(&canonical));
	if (supersedes)
		put_ref(&o, "supersedes", supersedes);
	award_must(o.err, "microcredential");
	buf_free(&canonical);
	return write_out(w, AWARD_ISSUER, ENTRY_FLAG_KEEP, false, &record);
}

static struct entry_ref appoint(struct award_world *w, enum award_person_index who)
{
	struct buf record = {0};
	struct mp_out o = begin(&record, "appointment", 2);
	put_ref(&o, "for", &w->definition_at);
	mp_put_cstr(&o, "reviewer");
	mp_put_id(&o, &w->person[who].id);
	award_must(o.err, "appointment");
	return write_out(w, AWARD_ISSUER, ENTRY_FLAG_KEEP, false, &record);
}

static void end_appointment(struct award_world *w)
{
	struct buf record = {0};
	award_record_of(&record, "appointment-end", &w->appointments[0]);
	write_out(w, AWARD_ISSUER, ENTRY_FLAG_KEEP, false, &record);
}

static void vouch(struct award_world *w)
{
	struct buf record = {0};
	struct mp_out o = begin(&record, "vouch", 4);
	put_text(&o, "from", "2020-01-01");
	put_text(&o, "name", "Example School");
	put_text(&o, "until", "2025-12-31");
	mp_put_cstr(&o, "who");
	mp_put_id(&o, &w->person[AWARD_ISSUER].id);
	award_must(o.err, "vouch");
	w->vouch = write_out(w, AWARD_DISTRICT, ENTRY_FLAG_KEEP, false, &record);
}

static void name_officer(struct award_world *w, bool dismissed)
{
	struct award_person *issuer = &w->person[AWARD_ISSUER];
	struct identity_event ev = {0};
	award_must(identity_officer(&w->rnd, issuer->keys, &issuer->secrets, &w->person[AWARD_OFFICER].id,
			   KEYSET_RIGHT_COUNTERSIGN, &ev),
		"officer");
	struct id32 officer = ev.id;
	award_add_event(issuer, &ev);
	if (!dismissed)
		return;
	const struct keyset_mark mark = {
		.log = issuer->log, .length = issuer->n, .last = issuer->entries[issuer->n - 1].at.id};
	award_must(identity_end(&w->rnd, issuer->keys, &issuer->secrets, &officer, &mark, 1, &ev), "end");
	award_add_event(issuer, &ev);
}

static void close_device(struct award_world *w, enum award_person_index who)
{
	struct award_person *p = &w->person[who];
	struct identity_event ev = {0};
	award_must(identity_close_device(
			   &w->rnd, p->keys, &p->secrets, &p->log, p->n, &p->entries[p->n - 1].at.id, &ev),
		"close");
	award_add_event(p, &ev);
}

/* ---- the earner */

static void collect(struct award_world *w)
{
	struct buf record = {0};
	struct mp_out o = begin(&record, "artifact", 3);
	put_text(&o, "depicts", "nobody");
	put_text(&o, "kind", "video");
	put_text(&o, "title", "A lesson with gestures");
	award_must(o.err, "artifact");
	w->evidence[0] = write_out(w, AWARD_EARNER, 0, true, &record);
	o = begin(&record, "reflection", 1);
	put_text(&o, "text", "They understood more than I thought.");
	award_must(o.err, "reflection");
	w->evidence[1] = write_out(w, AWARD_EARNER, 0, true, &record);
	for (size_t i = 0; i < 2; i++)
		award_entry_of(w, &w->evidence[i])->out = true;
}

static void put_item(struct award_world *w, struct mp_out *o, size_t i, bool replaced)
{
	static const char *const requirements[] = {"video", "reflection"},
				 *const kinds[] = {"video", "reflection"};
	const struct award_entry *e = award_entry_of(w, &w->evidence[i]);
	const struct slice parts[] = {
		slice_of(w->salt, 32), replaced ? slice_str("another record") : buf_slice(&e->record)};
	struct record_item item = {.requirement = slice_str(requirements[i]),
		.kind = slice_str(kinds[i]),
		.at = w->evidence[i],
		.digest = hash_parts(HASH_EVIDENCE, parts, 2)};
	record_put_item(o, &item);
}

static void list_evidence(struct award_world *w, const struct award_twist *twist)
{
	struct buf record = {0};
	size_t n = twist->missing ? 1 : 2;
	random_fill(&w->rnd, w->salt, sizeof w->salt);
	struct mp_out o = begin(&record, "manifest", 3);
	put_ref(&o, "for", &w->definition_at);
	mp_put_cstr(&o, "items");
	mp_put_array(&o, n);
	for (size_t i = 0; i < n; i++)
		put_item(w, &o, i, twist->replaced && i == 0);
	mp_put_cstr(&o, "salt");
	mp_put_bin(&o, slice_of(w->salt, 32));
	award_must(o.err, "manifest");
	award_must(buf_put_slice(&w->manifest_record, buf_slice(&record)), "manifest");
	w->manifest = write_out(w, AWARD_EARNER, 0, true, &record);
	award_entry_of(w, &w->evidence[0])->out = !twist->replaced;
}

static void submit(struct award_world *w, const struct award_twist *twist)
{
	static const char *const attests[] = {"own-work", "consents-held", "no-names"};
	struct buf record = {0};
	struct mp_out o = begin(&record, "submission", 4);
	mp_put_cstr(&o, "attests");
	mp_put_array(&o, 3);
	for (size_t i = 0; i < 3; i++)
		mp_put_cstr(&o, attests[i]);
	put_ref(&o, "for", &w->definition_at);
	mp_put_cstr(&o, "keys");
	mp_put_array(&o, 1);
	record_put_key(&o, &w->manifest, award_entry_of(w, &w->manifest)->key);
	put_ref(&o, "manifest", &w->manifest);
	award_must(o.err, "submission");
	w->submission = write_out(w, AWARD_EARNER, 0, true, &record);
	award_entry_of(w, &w->submission)->out = twist->without_submission;
}

static void accept(struct award_world *w)
{
	struct buf record = {0};
	award_record_of(&record, "acceptance", &w->award);
	w->acceptance = write_out(w, AWARD_EARNER, ENTRY_FLAG_KEEP, false, &record);
}

static void erase_evidence(struct award_world *w)
{
	struct award_person *p = &w->person[AWARD_EARNER];
	struct award_entry *e = award_entry_of(w, &w->evidence[0]);
	struct keyset_view v;
	struct id32 key;
	uint8_t secret[64];
	award_must(keyset_resolve(p->keys, &v), "resolve");
	secret_sign_pair(p->secrets.signing_seed, &key, secret);
	const struct erasure said = {.reason = ERASURE_WISH,
		.by = ERASURE_BY_OWNER,
		.of = e->at,
		.hour = w->hour,
		.generation = v.generation};
	erasure_encode(&said, secret, e->erased);
	e->is_erased = true;
	keyset_view_deinit(&v);
}

/* ---- reviewers */

static void put_json(struct mp_out *o, const char *field, const json_t *doc)
{
	struct buf text = {0};
	award_must(json_canonical(doc, &text), field);
	mp_put_cstr(o, field);
	mp_put_str(o, buf_slice(&text));
	buf_free(&text);
}

static json_t *endorse(struct award_world *w, enum award_person_index who, const size_t *levels)
{
	char why[PROOF_WHY_BYTES], at[CREDENTIAL_TIME_BYTES];
	struct award_person *p = &w->person[who];
	json_t *doc;
	credential_time_format((uint64_t)w->hour * 3600, at);
	const struct endorsement_source src = {.definition = &w->definition,
		.award = credential_award_id(&w->submission.id, &w->definition_at.id),
		.reviewer = p->id,
		.reviewer_key = p->secrets.badge_key,
		.reviewer_name = p->name,
		.valid_from = at,
		.manifest = buf_slice(&w->manifest_record),
		.levels = levels};
	award_must(credential_endorsement_build(&src, &doc), "endorsement");
	award_must(credential_sign(doc, &p->secrets.badge_key, p->badge_secret, why), "endorsement");
	return doc;
}

static struct entry_ref review(
	struct award_world *w, enum award_person_index who, const char *feedback, size_t level)
{
	struct buf record = {0};
	json_t *endorsement = endorse(w, who, &level);
	const struct record_score score = {.criterion = slice_str("use"),
		.level = slice_str(level == SHOWN ? "shown" : "begun"),
		.comment = slice_str("")};
	struct mp_out o = begin(&record, "review", 5);
	put_text(&o, "decision", "meets");
	put_json(&o, "endorsement", endorsement);
	put_text(&o, "feedback", feedback ? feedback : "The gestures are clear, and you read them.");
	put_ref(&o, "of", &w->submission);
	mp_put_cstr(&o, "scores");
	mp_put_array(&o, 1);
	record_put_score(&o, &score);
	award_must(o.err, "review");
	json_decref(endorsement);
	return write_out(w, who, 0, true, &record);
}

static void review_twice(struct award_world *w, const struct award_twist *twist)
{
	uint32_t now = w->hour;
	if (twist->reviewer_closed)
		close_device(w, AWARD_REVIEWER);
	if (twist->ended || twist->backdated)
		end_appointment(w);
	if (twist->backdated)
		w->hour = now - 1;
	w->reviews[0] = review(w, AWARD_REVIEWER, twist->feedback, SHOWN);
	w->hour = now + 2;
	w->reviews[1] = review(w, AWARD_SECOND, NULL, twist->low_level ? BEGUN : SHOWN);
}

/* ---- the award */

static void make_credential(struct award_world *w, const struct award_twist *twist)
{
	char why[PROOF_WHY_BYTES], at[CREDENTIAL_TIME_BYTES];
	const struct award_person *issuer = &w->person[twist->wrong_badge ? AWARD_EARNER : AWARD_ISSUER];
	const size_t level = twist->low_level ? BEGUN : SHOWN;
	credential_time_format((uint64_t)w->hour * 3600, at);
	const struct credential_source src = {.definition = twist->other_version ? &w->later : &w->definition,
		.definition_at = twist->other_version ? w->later_at : w->definition_at,
		.submission = w->submission.id,
		.manifest = buf_slice(&w->manifest_record),
		.issuer_key = issuer->secrets.badge_key,
		.earner_key = w->person[AWARD_EARNER].secrets.badge_key,
		.issuer_name = w->person[AWARD_ISSUER].name,
		.valid_from = at,
		.levels = &level};
	award_must(credential_award_build(&src, &w->credential), "credential");
	award_must(credential_sign(w->credential, &issuer->secrets.badge_key, issuer->badge_secret, why),
		"sign");
}

static void countersign(struct award_world *w, const struct award_twist *twist)
{
	struct buf record = {0};
	size_t n = twist->one_review ? 1 : 2;
	make_credential(w, twist);
	struct mp_out o = begin(&record, "award", 4);
	put_json(&o, "credential", w->credential);
	put_ref(&o, "definition", twist->other_version ? &w->later_at : &w->definition_at);
	mp_put_cstr(&o, "reviews");
	mp_put_array(&o, n);
	for (size_t i = 0; i < n; i++)
		record_put_ref(&o, &w->reviews[i]);
	put_ref(&o, "submission", &w->submission);
	award_must(o.err, "award");
	if (twist->by_officer)
		w->award = award_write_by_officer(w, &record);
	else
		w->award = award_write(w, AWARD_ISSUER, ENTRY_FLAG_KEEP, true, &record);
	buf_free(&record);
}

static void revoke(struct award_world *w)
{
	struct buf record = {0};
	struct mp_out o = begin(&record, "revoke", 2);
	put_ref(&o, "of", &w->award);
	put_text(&o, "why", "It was awarded by mistake.");
	award_must(o.err, "revoke");
	write_out(w, AWARD_ISSUER, ENTRY_FLAG_KEEP, false, &record);
}

void award_tell(struct award_world *w, const struct award_twist *twist)
{
	vouch(w);
	w->definition_at = publish(w, DEFINITION("Checking for Understanding"), NULL, &w->definition);
	w->later_at = publish(
		w, DEFINITION("Checking for Understanding, Revised"), &w->definition_at, &w->later);
	w->appointments[0] = appoint(w, AWARD_REVIEWER);
	w->appointments[1] = appoint(w, AWARD_SECOND);
	collect(w);
	list_evidence(w, twist);
	submit(w, twist);
	review_twice(w, twist);
	if (twist->by_officer)
		name_officer(w, twist->dismissed);
	if (twist->closed)
		close_device(w, AWARD_ISSUER);
	countersign(w, twist);
	if (!twist->not_accepted)
		accept(w);
	if (twist->ended_later)
		end_appointment(w);
	if (twist->revoked)
		revoke(w);
	if (twist->erased)
		erase_evidence(w);
	if (twist->closed_later)
		close_device(w, AWARD_ISSUER);
}
