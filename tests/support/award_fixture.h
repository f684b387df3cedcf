/* award_fixture.h -- records of micro-credentials, as their writers write them, on desk_fixture.h. Included by one test program each. */
#ifndef QUIRE_TESTS_AWARD_FIXTURE_H
#define QUIRE_TESTS_AWARD_FIXTURE_H

#include "protocol/award/definition.h"
#include "protocol/log/hash.h"
#include "tests/support/desk_fixture.h"

#define EVIDENCE_MAX 8

static const char definition_text[] =
	"{\"title\":\"Wait time\",\"competency\":\"Waits after a question.\",\"key_method\":\"Count to five.\","
	"\"research\":[\"An example of a citation\"],"
	"\"requirements\":[{\"id\":\"story\",\"kind\":\"reflection\",\"prompt\":\"What changed?\",\"min\":1,\"max\":8}],"
	"\"rubric\":[{\"id\":\"pauses\",\"name\":\"Pauses\",\"levels\":[{\"id\":\"no\",\"name\":\"No\",\"description\":\"None\"},"
	"{\"id\":\"yes\",\"name\":\"Yes\",\"description\":\"Some\"}],\"required_level\":\"yes\"}],"
	"\"review\":{\"reviewers\":1}}";

/* supersedes may be NULL. */
static inline struct buf microcredential(const struct entry_ref *supersedes)
{
	struct buf b = {0}, canonical = {0};
	struct definition d;
	assert_int_equal(definition_read(slice_str(definition_text), &d, &canonical), OK);
	definition_deinit(&d);
	struct mp_out m = begin_record(&b, "microcredential", supersedes ? 2 : 1);
	mp_put_cstr(&m, "definition");
	mp_put_str(&m, buf_slice(&canonical));
	if (supersedes)
		put_ref_field(&m, "supersedes", supersedes);
	assert_int_equal(m.err, OK);
	buf_free(&canonical);
	return b;
}

static inline struct entry_ref publish(struct keyring *issuer, const struct entry_ref *supersedes)
{
	return put_record(issuer, everybody(), microcredential(supersedes), true, NULL);
}

static inline struct entry_ref appoint(
	struct keyring *issuer, const struct entry_ref *definition, const struct keyring *reviewer)
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "appointment", 2);
	put_ref_field(&m, "for", definition);
	mp_put_cstr(&m, "reviewer");
	mp_put_id(&m, &reviewer->self.identity);
	assert_int_equal(m.err, OK);
	return put_record(issuer, everybody(), b, true, NULL);
}

static inline struct entry_ref end_appointment(struct keyring *issuer, const struct entry_ref *appointment)
{
	return put_record(issuer, everybody(), pointing("appointment-end", appointment), true, NULL);
}

/* A submission with all that belongs to it. */
struct submitted {
	struct entry_ref submission, manifest, evidence[EVIDENCE_MAX];
	size_t n;
};

struct submitting {
	const struct entry_ref *definition, *revises; /* revises may be NULL */
	struct keyring *earner, *reader, *other; /* other may be NULL */
	size_t evidence;
	const struct keyring *named[2]; /* in its `to`; NULL: nobody */
	bool without_keys; /* evidence and manifest are sealed as the submission is, which hands no keys on */
};

static inline size_t named_n(const struct keyring *const named[2])
{
	return named[0] ? (named[1] ? 2 : 1) : 0;
}

/* The field `to`, if anybody is named: the last of its record. */
static inline void put_to(struct mp_out *m, const struct keyring *const named[2])
{
	if (named_n(named) == 0)
		return;
	const bool swap = named[1] && id32_cmp(&named[0]->self.identity, &named[1]->self.identity) > 0;
	mp_put_cstr(m, "to");
	mp_put_array(m, named_n(named));
	for (size_t i = 0; i < named_n(named); i++)
		mp_put_id(m, &named[swap ? 1 - i : i]->self.identity);
}

static inline struct buf manifest_of(const struct submitting *in, const struct submitted *s)
{
	static const uint8_t salt[32] = {5};
	struct buf b = {0}, record = reflection("what changed");
	struct slice parts[] = {slice_of(salt, 32), buf_slice(&record)};
	struct mp_out m = begin_record(&b, "manifest", 3);
	put_ref_field(&m, "for", in->definition);
	mp_put_cstr(&m, "items");
	mp_put_array(&m, s->n);
	for (size_t i = 0; i < s->n; i++) {
		const struct record_item item = {.requirement = slice_str("story"),
			.kind = slice_str("reflection"),
			.at = s->evidence[i],
			.digest = hash_parts(HASH_EVIDENCE, parts, 2)};
		record_put_item(&m, &item);
	}
	mp_put_cstr(&m, "salt");
	mp_put_bin(&m, slice_of(salt, 32));
	assert_int_equal(m.err, OK);
	buf_free(&record);
	return b;
}

static inline struct buf submission_of(
	const struct submitting *in, const struct submitted *s, uint8_t keys[EVIDENCE_MAX + 1][32])
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "submission",
		(in->revises ? 6u : 4u) + (named_n(in->named) ? 1u : 0u) - (in->without_keys ? 1u : 0u));
	mp_put_cstr(&m, "attests");
	mp_put_array(&m, 3);
	mp_put_cstr(&m, "own-work");
	mp_put_cstr(&m, "consents-held");
	mp_put_cstr(&m, "no-names");
	if (in->revises) {
		mp_put_cstr(&m, "changed");
		mp_put_cstr(&m, "more patience");
	}
	put_ref_field(&m, "for", in->definition);
	if (!in->without_keys) {
		mp_put_cstr(&m, "keys");
		mp_put_array(&m, s->n + 1);
		record_put_key(&m, &s->manifest, keys[EVIDENCE_MAX]);
		for (size_t i = 0; i < s->n; i++)
			record_put_key(&m, &s->evidence[i], keys[i]);
	}
	put_ref_field(&m, "manifest", &s->manifest);
	if (in->revises)
		put_ref_field(&m, "revises", in->revises);
	put_to(&m, in->named);
	assert_int_equal(m.err, OK);
	return b;
}

static inline struct audience *readers_of_parts(const struct submitting *in)
{
	return in->without_keys ? readers(in->reader, in->other) : readers(NULL, NULL);
}

/* Evidence and manifest are sealed for the earner alone, if not said otherwise; the submission, for its readers, hands their keys on. */
static inline struct submitted submit(const struct submitting *in)
{
	struct submitted s = {.n = in->evidence};
	uint8_t keys[EVIDENCE_MAX + 1][32];
	for (size_t i = 0; i < s.n; i++)
		s.evidence[i] = put_record(
			in->earner, readers_of_parts(in), reflection("what changed"), false, keys[i]);
	s.manifest = put_record(
		in->earner, readers_of_parts(in), manifest_of(in, &s), false, keys[EVIDENCE_MAX]);
	s.submission = put_record(
		in->earner, readers(in->reader, in->other), submission_of(in, &s, keys), false, NULL);
	return s;
}

static inline struct entry_ref review_not_yet(
	struct keyring *reviewer, const struct entry_ref *of, struct audience *to)
{
	const struct record_score score = {.criterion = slice_str("pauses"), .level = slice_str("no")};
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "review", 4);
	mp_put_cstr(&m, "decision");
	mp_put_cstr(&m, "not-yet");
	mp_put_cstr(&m, "feedback");
	mp_put_cstr(&m, "Wait a little longer.");
	put_ref_field(&m, "of", of);
	mp_put_cstr(&m, "scores");
	mp_put_array(&m, 1);
	record_put_score(&m, &score);
	assert_int_equal(m.err, OK);
	return put_record(reviewer, to, b, false, NULL);
}

static inline struct entry_ref take_up(struct keyring *issuer, const struct entry_ref *review)
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "take-up", 1);
	mp_put_cstr(&m, "reviews");
	mp_put_array(&m, 1);
	record_put_ref(&m, review);
	assert_int_equal(m.err, OK);
	return put_record(issuer, everybody(), b, true, NULL);
}

static inline struct entry_ref award_of(struct keyring *issuer, const struct entry_ref *submission,
	const struct entry_ref *definition, const struct entry_ref *review)
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "award", 4);
	mp_put_cstr(&m, "credential");
	mp_put_cstr(&m, "{}");
	put_ref_field(&m, "definition", definition);
	mp_put_cstr(&m, "reviews");
	mp_put_array(&m, 1);
	record_put_ref(&m, review);
	put_ref_field(&m, "submission", submission);
	assert_int_equal(m.err, OK);
	return put_record(issuer, everybody(), b, true, NULL);
}

static inline struct entry_ref vouch_for(struct keyring *by, const struct keyring *who)
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "vouch", 1);
	mp_put_cstr(&m, "who");
	mp_put_id(&m, &who->self.identity);
	assert_int_equal(m.err, OK);
	return put_record(by, everybody(), b, true, NULL);
}

/* As if a fork of its log were proven at that seq. */
static inline void cut_at(const struct entry_ref *at)
{
	struct store_req cut = {.op = STORE_FORK_PUT,
		.a.log = at->log,
		.a.seq = at->seq,
		.a.bytes = slice_str("one"),
		.a.sig = slice_str("a"),
		.a.bytes2 = slice_str("other"),
		.a.sig2 = slice_str("b")};
	assert_int_equal(desk_put(world.desk, &cut), OK);
}

/* ---- officers */

/* The event that names him. */
static inline struct id32 name_officer(
	struct keyring *institution, const struct keyring *officer, uint32_t rights)
{
	struct keyset *ks = NULL;
	struct identity_event ev = {0};
	assert_int_equal(desk_keyset(world.desk, &institution->self.identity, &ks), OK);
	enum err e = identity_officer(
		&desk_random, ks, &institution->self.secrets, &officer->self.identity, rights, &ev);
	const struct id32 id = ev.id;
	assert_int_equal(ownlog_put_event(world.desk, ks, &ev, e), OK);
	keyset_free(ks);
	return id;
}

static inline void end_officer(struct keyring *institution, const struct id32 *event)
{
	struct keyset *ks = NULL;
	struct identity_event ev = {0};
	assert_int_equal(desk_keyset(world.desk, &institution->self.identity, &ks), OK);
	enum err e = identity_end(&desk_random, ks, &institution->self.secrets, event, NULL, 0, &ev);
	assert_int_equal(ownlog_put_event(world.desk, ks, &ev, e), OK);
	keyset_free(ks);
}

/* ---- the usual four: an issuer with a definition and a reviewer, an earner, and somebody else */

struct cast {
	struct keyring *issuer, *earner, *reviewer, *stranger;
	struct entry_ref definition, appointment;
};

static inline struct cast begin_cast(void)
{
	struct cast c = {.issuer = make_identity("Example University", IDENTITY_ISSUER),
		.earner = make_identity("Ada", IDENTITY_PERSON),
		.reviewer = make_identity("Rei", IDENTITY_PERSON),
		.stranger = make_identity("Sam", IDENTITY_PERSON)};
	c.definition = publish(c.issuer, NULL);
	c.appointment = appoint(c.issuer, &c.definition, c.reviewer);
	return c;
}

static inline void end_cast(struct cast *c)
{
	keyring_free(c->issuer);
	keyring_free(c->earner);
	keyring_free(c->reviewer);
	keyring_free(c->stranger);
}

static inline struct submitted submit_as(
	const struct cast *c, const struct entry_ref *revises, size_t evidence)
{
	const struct submitting in = {.definition = &c->definition,
		.revises = revises,
		.earner = c->earner,
		.reader = c->reviewer,
		.other = c->issuer,
		.evidence = evidence};
	return submit(&in);
}

/* Entries in all its logs. */
static inline uint64_t entries_of(const struct keyring *who)
{
	struct store_req req = {.op = STORE_LOG_LIST, .a.identity = who->self.identity};
	struct store_res res;
	uint64_t n = 0;
	assert_int_equal(desk_store(world.desk, &req, &res), OK);
	for (size_t i = 0; i < res.r.n; i++)
		n += res.r.logs[i].length;
	store_res_free(&res);
	return n;
}

#endif
