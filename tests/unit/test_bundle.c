/* Proof bundles: they read back, every fault has its place and words, logs end where closings and forks say, and no bytes do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

#include "protocol/award/json.h"
#include "protocol/log/secret.h"
#include "tests/support/award_world.h"

static struct award_world world; /* large, so not on the stack */
static struct buf text;
static json_t *doc;

static void begin(const struct award_twist *twist)
{
	award_world_init(&world, 3, twist);
	text.n = 0;
	award_world_bundle(&world, &text);
	assert_int_equal(json_parse(buf_slice(&text), &doc, NULL), OK);
}

static void end(void)
{
	json_decref(doc);
	buf_free(&text);
	award_world_deinit(&world);
}

static enum err read_doc(struct bundle **b, char why[256])
{
	return bundle_read_json(doc, b, why);
}

/* ---- what was written */

static size_t facts_of(const struct bundle *b, enum fact_kind kind, bool cut)
{
	const struct judge_case *c = bundle_case(b);
	size_t n = 0;
	for (size_t i = 0; i < c->facts_n; i++)
		n += c->facts[i].kind == kind && c->facts[i].cut == cut;
	return n;
}

static void what_was_written_is_read(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	const struct bundle_mark *marks;
	begin(&(struct award_twist){.erased = true, .ended_later = true});
	assert_int_equal(bundle_read(buf_slice(&text), &b, why), OK);
	struct entry_ref award = bundle_award(b);
	assert_memory_equal(&award, &world.award, sizeof award);
	assert_true(json_is_object(bundle_credential(b)));
	assert_int_equal(bundle_hour(b), world.hour);
	assert_int_equal(bundle_marks(b, &marks), 1);
	assert_true(id32_equal(&marks[0].log, &world.person[AWARD_ISSUER].log));
	assert_int_equal(marks[0].length, world.person[AWARD_ISSUER].n);
	assert_int_equal(marks[0].hour, world.hour - 1);
	assert_int_equal(bundle_left_out(b), 0);
	const struct judge_case *c = bundle_case(b);
	assert_int_equal(c->identities_n, AWARD_PERSONS);
	assert_int_equal(c->erased_n, 1);
	assert_true(id32_equal(&c->erased[0], &world.evidence[0].id));
	static const struct {
		enum fact_kind kind;
		size_t n;
	} facts[] = {{FACT_DEFINITION, 2}, {FACT_APPOINTMENT, 2}, {FACT_APPOINTMENT_END, 1},
		{FACT_MANIFEST, 1}, {FACT_SUBMISSION, 1}, {FACT_REVIEW, 2}, {FACT_AWARD, 1}, {FACT_NAMED, 2},
		{FACT_ACCEPTANCE, 1}, {FACT_VOUCH, 1}, {FACT_ARTIFACT, 0}, {FACT_REFLECTION, 0}};
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		assert_int_equal(facts_of(b, facts[i].kind, false), facts[i].n);
		assert_int_equal(facts_of(b, facts[i].kind, true), 0);
	}
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].kind == FACT_MANIFEST) {
			assert_true(slice_equal(c->facts[i].data, buf_slice(&world.manifest_record)));
			assert_true(id32_equal(&c->facts[i].author, &world.person[AWARD_EARNER].id));
			assert_int_equal(c->facts[i].at.seq, world.manifest.seq);
		}
	bundle_free(b);
	end();
}

static void the_text_is_canonical_and_always_the_same(void **state)
{
	(void)state;
	struct buf again = {0};
	begin(&(struct award_twist){0});
	assert_int_equal(json_canonical(doc, &again), OK);
	assert_true(slice_equal(buf_slice(&again), buf_slice(&text)));
	again.n = 0;
	award_world_bundle(&world, &again);
	assert_true(slice_equal(buf_slice(&again), buf_slice(&text)));
	buf_free(&again);
	end();
}

/* ---- faults */

/* The object or list that holds the last part of a path like "runs.1.first". */
static json_t *holder(const char *path, const char **last)
{
	json_t *v = doc;
	const char *dot;
	for (; (dot = strchr(path, '.')) != NULL; path = dot + 1)
		v = json_is_array(v) ? json_array_get(v, strtoul(path, NULL, 10))
				     : json_object_getn(v, path, (size_t)(dot - path));
	*last = path;
	assert_non_null(v);
	return v;
}

static void put_at(const char *path, json_t *taken)
{
	const char *last;
	json_t *v = holder(path, &last);
	if (json_is_array(v))
		assert_int_equal(json_array_set_new(v, strtoul(last, NULL, 10), taken), 0);
	else if (taken)
		assert_int_equal(json_object_set_new(v, last, taken), 0);
	else
		assert_int_equal(json_object_del(v, last), 0);
}

/* Reads the document with something else at the path, or nothing of it; then it is as it was. */
static void expect_fault(const char *path, const char *other, enum err e, const char *words)
{
	char why[256] = "";
	struct bundle *b = NULL;
	json_t *kept = doc;
	doc = json_deep_copy(kept);
	put_at(path, other ? json_loads(other, JSON_DECODE_ANY, NULL) : NULL);
	enum err got = read_doc(&b, why);
	if (got != e || !strstr(why, words))
		fail_msg("%s = %s: %s, \"%s\"", path, other ? other : "nothing", err_name(got), why);
	json_decref(doc);
	doc = kept;
}

#define HEX "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\""

static const struct {
	const char *path, *other;
	enum err e;
	const char *words;
} faults[] = {
	{"type", "\"Bundle\"", ERR_FORMAT, "type: it must be"},
	{"type", NULL, ERR_FORMAT, "\"type\" is missing"},
	{"version", "2", ERR_VERSION, "version: "},
	{"version", "\"1\"", ERR_RANGE, "version: "},
	{"credential", "[]", ERR_FORMAT, "credential: "},
	{"more", "1", ERR_FORMAT, "bundle: it has a member"},
	{"award", "[]", ERR_LIMIT, "award: it has 0 elements"},
	{"award.0", "\"00\"", ERR_FORMAT, "award[0]: "},
	{"award.1", "4294967296", ERR_RANGE, "award[1]: "},
	{"award.1", "0.5", ERR_RANGE, "award[1]: "},
	{"award.1", "-1", ERR_RANGE, "award[1]: "},
	{"award.2", "\"000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"", ERR_FORMAT,
		"award[2]: "},
	{"status", "{\"hour\": 1}", ERR_FORMAT, "status: \"logs\" is missing"},
	{"status.hour", "4294967296", ERR_RANGE, "status.hour"},
	{"status.logs.0.1", "2", ERR_FORMAT, "\"status\" says that the log is shorter"},
	{"status.logs.0.2", HEX, ERR_FORMAT, "\"status\" names another last entry"},
	{"identities", "{}", ERR_FORMAT, "identities: it must be a list"},
	{"identities.1.id", HEX, ERR_FORMAT, "identities[1].events[0]"},
	{"identities.1.events", "[]", ERR_LIMIT, "identities[1]: it has 0 elements"},
	{"identities.1.events.1", "[\"AA==\", \"AA==\"]", ERR_FORMAT, "identities[1].events[1]"},
	{"identities.1.events.1.0", "\"AA\"", ERR_FORMAT, "identities[1].events[1]"},
	{"identities.1.events.1.1", "\"AA==\"", ERR_FORMAT, "identities[1].events[1]"},
	{"runs.1.first", "1", ERR_CHAIN, "runs[1]: its headers do not form a chain"},
	{"runs.1.headers", "\"AAAA\"", ERR_LIMIT, "runs[1].headers"},
	{"runs.1.signature", "\"AAAA\"", ERR_LIMIT, "runs[1].signature"},
	{"runs.1.bodies.0.seq", "99", ERR_RANGE, "runs[1].bodies[0].seq"},
	{"runs.1.bodies.1.seq", "1", ERR_RANGE, "runs[1].bodies[1].seq"},
	{"runs.1.bodies.0.body", "\"AAAA\"", ERR_HASH, "runs[1].bodies[0]: the body is not the one"},
	{"runs.1.bodies.0.body", "\"AA*A\"", ERR_FORMAT,
		"runs[1].bodies[0].body: it must be bytes in base64"},
	{"runs.1.bodies.0.body", "\"AB==\"", ERR_FORMAT,
		"runs[1].bodies[0].body: it must be bytes in base64"},
	{"runs.1.bodies.0.body", NULL, ERR_FORMAT, "runs[1].bodies[0]: it must have one of"},
	{"runs.1.bodies.0.erased", "\"AAAA\"", ERR_FORMAT, "runs[1].bodies[0]: it must have one of"},
	{"runs.1.bodies.0.envelope", "\"gQEB\"", ERR_HASH, "runs[1].bodies[0]: the envelope is not"},
	{"runs.1.bodies.0.key", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"", ERR_FORMAT,
		"a key of 32 bytes goes with a sealed body only"},
	{"runs.3.bodies.1.key", "\"AAAA\"", ERR_FORMAT, "a key of 32 bytes"},
	{"runs.3.bodies.1.key", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"", ERR_DECRYPT,
		"runs[3].bodies[1]: the key does not open the body"},
	{"runs.3.bodies.0.erased", "\"AAAA\"", ERR_FORMAT, "runs[3].bodies[0]: the erasure is malformed"},
	{"runs.3.bodies.0.custodian", "1", ERR_FORMAT, "runs[3].bodies[0]: it has a member"},
};

static void every_fault_has_its_place_and_words(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	begin(&(struct award_twist){.erased = true});
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		expect_fault(faults[i].path, faults[i].other, faults[i].e, faults[i].words);
	assert_int_equal(read_doc(&b, why), OK);
	bundle_free(b);
	end();
}

static void what_stands_twice_is_refused(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	static const char *const lists[] = {
		"identities", "identities.0.events", "status.logs", "runs.1.bodies"};
	static const char *const words[] = {"the identity stands twice", "the key event stands twice",
		"the log stands twice", "in rising order"};
	begin(&(struct award_twist){0});
	for (size_t i = 0; i < 4; i++) {
		const char *last;
		json_t *in = holder(lists[i], &last), *list = json_object_get(in, last);
		json_array_append(list, json_array_get(list, 0));
		assert_true(read_doc(&b, why) != OK);
		if (!strstr(why, words[i]))
			fail_msg("%s twice: %s", lists[i], why);
		json_array_remove(list, json_array_size(list) - 1);
	}
	/* A run may: it says the same. */
	json_t *runs = json_object_get(doc, "runs");
	json_array_append(runs, json_array_get(runs, 1));
	assert_int_equal(read_doc(&b, why), OK);
	bundle_free(b);
	end();
}

/* Its first event: then nothing shows that the others are good. */
static void an_identity_without_its_inception_is_left_out(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	begin(&(struct award_twist){0});
	json_t *identities = json_object_get(doc, "identities");
	for (size_t i = 0; i < json_array_size(identities); i++) {
		json_t *events = json_object_get(json_array_get(identities, i), "events"),
		       *first = json_incref(json_array_get(events, 0));
		json_array_remove(events, 0);
		assert_int_equal(read_doc(&b, why), OK);
		assert_int_equal(bundle_case(b)->identities_n, AWARD_PERSONS - 1);
		assert_true(bundle_left_out(b) > 0);
		bundle_free(b);
		json_array_insert_new(events, 0, first);
	}
	end();
}

static void limits_hold_at_n_and_n_plus_one(void **state)
{
	(void)state;
	static const struct {
		const char *list;
		size_t max;
		enum err at_max; /* what else is wrong then */
	} lists[] = {{"identities", BUNDLE_IDENTITIES_MAX, ERR_FORMAT}, {"runs", BUNDLE_RUNS_MAX, OK},
		{"status.logs", BUNDLE_MARKS_MAX, ERR_FORMAT}};
	char why[256];
	struct bundle *b;
	begin(&(struct award_twist){0});
	for (size_t i = 0; i < 3; i++) {
		const char *last;
		json_t *in = holder(lists[i].list, &last), *kept = json_copy(json_object_get(in, last));
		json_t *list = json_object_get(in, last);
		while (json_array_size(list) < lists[i].max)
			json_array_append(list, json_array_get(list, 0));
		assert_int_equal(read_doc(&b, why), lists[i].at_max);
		if (lists[i].at_max == OK)
			bundle_free(b);
		json_array_append(list, json_array_get(list, 0));
		assert_int_equal(read_doc(&b, why), ERR_LIMIT);
		assert_non_null(strstr(why, "elements"));
		json_object_set_new(in, last, kept);
	}
	static const struct bundle_parts parts = {.identities_n = BUNDLE_IDENTITIES_MAX + 1};
	static const struct bundle_parts runs = {.runs_n = BUNDLE_RUNS_MAX + 1};
	static const struct bundle_parts marks = {.marks_n = BUNDLE_MARKS_MAX + 1};
	struct buf out = {0};
	assert_int_equal(bundle_write(&parts, &out), ERR_LIMIT);
	assert_int_equal(bundle_write(&runs, &out), ERR_LIMIT);
	assert_int_equal(bundle_write(&marks, &out), ERR_LIMIT);
	end();
}

static void a_bundle_has_8_MiB_and_no_byte_more(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	begin(&(struct award_twist){0});
	assert_int_equal(buf_reserve(&text, BUNDLE_BYTES_MAX + 1), OK);
	memset(text.p + text.n, ' ', BUNDLE_BYTES_MAX + 1 - text.n);
	assert_int_equal(bundle_read(slice_of(text.p, BUNDLE_BYTES_MAX), &b, why), OK);
	bundle_free(b);
	assert_int_equal(bundle_read(slice_of(text.p, BUNDLE_BYTES_MAX + 1), &b, why), ERR_LIMIT);
	/* What is written is no longer either. */
	struct buf out = {0};
	char *long_text = (char *)malloc(BUNDLE_BYTES_MAX);
	memset(long_text, 'x', BUNDLE_BYTES_MAX - 1);
	long_text[BUNDLE_BYTES_MAX - 1] = 0;
	json_t *credential = json_pack("{s:s}", "x", long_text);
	const struct bundle_parts parts = {.credential = credential};
	assert_int_equal(bundle_write(&parts, &out), ERR_LIMIT);
	assert_int_equal(out.n, 0);
	json_decref(credential);
	free(long_text);
	end();
}

/* ---- how far logs count */

static json_t *bytes_json(const void *p, size_t n)
{
	static char out[ENTRY_HEADER_BYTES * AWARD_ENTRIES_MAX * 2];
	return json_string(
		sodium_bin2base64(out, sizeof out, (const uint8_t *)p, n, sodium_base64_VARIANT_ORIGINAL));
}

/* A run of one's own of this person's log: the headers from first on. Gives the run. */
static json_t *add_run(enum award_person_index who, uint64_t first, size_t n, const uint8_t *headers,
	const uint8_t signature[64])
{
	char identity[65], log[65];
	const struct award_person *p = &world.person[who];
	sodium_bin2hex(identity, sizeof identity, p->id.b, 32);
	sodium_bin2hex(log, sizeof log, p->log.b, 32);
	json_t *run = json_pack("{s:s, s:s, s:I, s:o, s:o, s:[]}", "identity", identity, "log", log, "first",
		(json_int_t)first, "headers", bytes_json(headers, n * ENTRY_HEADER_BYTES), "signature",
		bytes_json(signature, 64), "bodies");
	assert_int_equal(json_array_append_new(json_object_get(doc, "runs"), run), 0);
	return run;
}

/* Another entry in the place of the one at seq, signed by the same device. */
static void fork_at(enum award_person_index who, uint64_t seq)
{
	const struct award_person *p = &world.person[who];
	uint8_t header[ENTRY_HEADER_BYTES], signature[64];
	memcpy(header, p->entries[seq].header, sizeof header);
	header[161] ^= 1;
	entry_sign(header, p->device_secret, signature);
	add_run(who, seq, 1, header, signature);
}

static void nothing_counts_from_a_fork_on(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	begin(&(struct award_twist){0});
	assert_true(world.award.seq > world.definition_at.seq);
	fork_at(AWARD_ISSUER, world.award.seq);
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_AWARD, true), 1);
	assert_int_equal(facts_of(b, FACT_DEFINITION, false), 2);
	bundle_free(b);
	/* A first header that names another entry before it shows the same one entry earlier. */
	const struct award_person *p = &world.person[AWARD_ISSUER];
	uint8_t header[ENTRY_HEADER_BYTES], signature[64];
	memcpy(header, p->entries[3].header, sizeof header);
	header[42] ^= 1;
	entry_sign(header, p->device_secret, signature);
	add_run(AWARD_ISSUER, 3, 1, header, signature);
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_DEFINITION, true), 1);
	assert_int_equal(facts_of(b, FACT_DEFINITION, false), 1);
	assert_int_equal(facts_of(b, FACT_APPOINTMENT, true), 2);
	bundle_free(b);
	end();
}

static void a_closing_decides_against_a_fork(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	begin(&(struct award_twist){.closed_later = true});
	fork_at(AWARD_ISSUER, world.award.seq);
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_AWARD, false), 1);
	assert_int_equal(facts_of(b, FACT_AWARD, true), 0);
	bundle_free(b);
	end();
}

static void entries_behind_a_closing_are_cut(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	begin(&(struct award_twist){.closed = true});
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_AWARD, true), 1);
	assert_int_equal(facts_of(b, FACT_AWARD, false), 0);
	assert_int_equal(facts_of(b, FACT_DEFINITION, false), 2);
	assert_int_equal(bundle_left_out(b), 0);
	bundle_free(b);
	/* It must be signed all the same: without its signature nothing of the run is used. */
	put_at("runs.1.signature", NULL);
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_DEFINITION, false), 0);
	assert_int_equal(bundle_left_out(b), 1);
	bundle_free(b);
	end();
}

static void the_way_to_a_closing_leads_from_run_to_run(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	uint8_t headers[AWARD_ENTRIES_MAX * ENTRY_HEADER_BYTES];
	begin(&(struct award_twist){.closed_later = true});
	const struct award_person *p = &world.person[AWARD_ISSUER];
	size_t half = (size_t)world.award.seq;
	for (size_t i = 0; i < p->n; i++)
		memcpy(headers + i * ENTRY_HEADER_BYTES, p->entries[i].header, ENTRY_HEADER_BYTES);
	json_t *runs = json_object_get(doc, "runs");
	json_t *bodies = json_object_get(json_array_get(runs, AWARD_ISSUER), "bodies");
	json_t *award = json_incref(json_array_get(bodies, json_array_size(bodies) - 1));
	json_array_remove(bodies, json_array_size(bodies) - 1);
	put_at("runs.1.headers", bytes_json(headers, half * ENTRY_HEADER_BYTES));
	put_at("runs.1.signature", bytes_json(p->entries[half - 1].signature, 64));
	/* Without the other half, nothing shows that this one leads to the closing. */
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_DEFINITION, false) + facts_of(b, FACT_DEFINITION, true), 0);
	assert_int_equal(bundle_left_out(b), 4);
	bundle_free(b);
	add_run(AWARD_ISSUER, half, p->n - half, headers + half * ENTRY_HEADER_BYTES,
		p->entries[p->n - 1].signature);
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_DEFINITION, false), 2);
	assert_int_equal(bundle_left_out(b), 0);
	bundle_free(b);
	/* What stands in the other half counts as well. */
	json_object_set_new(
		json_array_get(runs, json_array_size(runs) - 1), "bodies", json_pack("[o]", award));
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_AWARD, false), 1);
	assert_int_equal(bundle_left_out(b), 0);
	bundle_free(b);
	/* A fork below the closing, signed by the device, leads to nothing. */
	json_array_remove(runs, json_array_size(runs) - 1);
	memcpy(headers, p->entries[half].header, ENTRY_HEADER_BYTES);
	headers[161] ^= 1;
	uint8_t signature[64];
	entry_sign(headers, p->device_secret, signature);
	add_run(AWARD_ISSUER, half, 1, headers, signature);
	assert_int_equal(read_doc(&b, why), OK);
	assert_int_equal(facts_of(b, FACT_DEFINITION, false), 0);
	bundle_free(b);
	end();
}

/* ---- erasures */

static void an_erasure_must_be_of_the_entry_and_by_its_owner(void **state)
{
	(void)state;
	char why[256];
	struct bundle *b;
	begin(&(struct award_twist){.erased = true});
	struct award_entry *e = award_entry_of(&world, &world.evidence[0]);
	uint8_t other[LIMIT_ERASURE_BYTES];
	static const struct {
		size_t byte;
		enum err e;
		const char *words;
	} cases[] = {{1, ERR_FORMAT, "malformed"}, {4, ERR_FORMAT, "not of this entry"},
		{47, ERR_FORMAT, "not of this entry"}, {48, ERR_FORMAT, "not of this entry"},
		{36, ERR_SIGNATURE, "not signed"}, {175, ERR_SIGNATURE, "not signed"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memcpy(other, e->erased, sizeof other);
		other[cases[i].byte] ^= 0x40;
		put_at("runs.3.bodies.0.erased", bytes_json(other, sizeof other));
		assert_int_equal(read_doc(&b, why), cases[i].e);
		assert_non_null(strstr(why, cases[i].words));
	}
	/* By a generation that is not there, or by a custodian whom the envelope does not name: it cannot be checked. */
	static const size_t unknown[] = {80, 2};
	for (size_t i = 0; i < 2; i++) {
		memcpy(other, e->erased, sizeof other);
		other[unknown[i]] ^= 1;
		put_at("runs.3.bodies.0.erased", bytes_json(other, sizeof other));
		assert_int_equal(read_doc(&b, why), OK);
		assert_int_equal(bundle_left_out(b), 1);
		assert_int_equal(bundle_case(b)->erased_n, 0);
		bundle_free(b);
	}
	end();
}

/* ---- hostile bytes */

/* Some value of the document, by random steps from the top. */
static json_t *anywhere(struct random_source *rnd, json_t **parent)
{
	json_t *v = doc;
	*parent = NULL;
	for (;;) {
		uint32_t r;
		random_fill(rnd, &r, sizeof r);
		size_t n = json_is_array(v) ? json_array_size(v) : json_object_size(v);
		if (n == 0 || (*parent && r % 5 == 0))
			return v;
		*parent = v;
		if (json_is_array(v)) {
			v = json_array_get(v, (r >> 8) % n);
			continue;
		}
		void *it = json_object_iter(v);
		for (size_t i = (r >> 8) % n; i > 0; i--)
			it = json_object_iter_next(v, it);
		v = json_object_iter_value(it);
	}
}

static void replace(json_t *parent, const json_t *old, json_t *with)
{
	for (size_t i = 0; i < json_array_size(parent); i++)
		if (json_array_get(parent, i) == old) {
			json_array_set_new(parent, i, json_deep_copy(with));
			return;
		}
	const char *key;
	json_t *v;
	json_object_foreach(parent, key, v)
	{
		if (v == old) {
			json_object_set_new(parent, key, json_deep_copy(with));
			return;
		}
	}
}

static void no_document_does_harm(void **state)
{
	(void)state;
	begin(&(struct award_twist){.closed_later = true, .erased = true});
	struct seeded_random seed = {.seed = 77};
	struct random_source rnd = seeded_random_source(&seed);
	json_t *original = doc;
	size_t refused = 0;
	for (size_t i = 0; i < 400; i++) {
		char why[256] = "";
		struct bundle *b = NULL;
		json_t *at_parent, *from_parent;
		doc = json_deep_copy(original);
		json_t *from = anywhere(&rnd, &from_parent), *at = anywhere(&rnd, &at_parent);
		json_t *taken = json_deep_copy(from);
		replace(at_parent, at, taken);
		json_decref(taken);
		enum err e = read_doc(&b, why);
		if (e != OK)
			assert_true(*why);
		refused += e != OK;
		bundle_free(b);
		json_decref(doc);
	}
	doc = original;
	assert_true(refused > 200);
	end();
}

static void no_bytes_do_harm(void **state)
{
	(void)state;
	begin(&(struct award_twist){0});
	struct seeded_random seed = {.seed = 78};
	struct random_source rnd = seeded_random_source(&seed);
	for (size_t i = 0; i < 400; i++) {
		char why[256] = "";
		struct bundle *b = NULL;
		uint32_t r[3];
		random_fill(&rnd, r, sizeof r);
		struct buf copy = {0};
		assert_int_equal(buf_put_slice(&copy, buf_slice(&text)), OK);
		if (i % 2)
			copy.n = r[0] % copy.n;
		else
			for (size_t k = 0; k < 1 + r[1] % 8; k++)
				random_fill(&rnd, copy.p + (r[0] + k * r[2]) % copy.n, 1);
		enum err e = bundle_read(buf_slice(&copy), &b, why);
		assert_true(e == OK || *why);
		assert_true(e != OK || !(i % 2));
		bundle_free(b);
		buf_free(&copy);
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(the_text_is_canonical_and_always_the_same),
		cmocka_unit_test(every_fault_has_its_place_and_words),
		cmocka_unit_test(what_stands_twice_is_refused),
		cmocka_unit_test(an_identity_without_its_inception_is_left_out),
		cmocka_unit_test(limits_hold_at_n_and_n_plus_one),
		cmocka_unit_test(a_bundle_has_8_MiB_and_no_byte_more),
		cmocka_unit_test(nothing_counts_from_a_fork_on),
		cmocka_unit_test(a_closing_decides_against_a_fork),
		cmocka_unit_test(entries_behind_a_closing_are_cut),
		cmocka_unit_test(the_way_to_a_closing_leads_from_run_to_run),
		cmocka_unit_test(an_erasure_must_be_of_the_entry_and_by_its_owner),
		cmocka_unit_test(no_document_does_harm),
		cmocka_unit_test(no_bytes_do_harm),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
