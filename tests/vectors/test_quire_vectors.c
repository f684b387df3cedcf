/* The formats of SPEC.md against vectors: our own file is reproduced byte for byte, and an independent program's is read.
 * QUIRE_VECTORS_OUT=FILE writes our own file instead. The schema is in tests/vectors/data/quire/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "arena.h"
#include "protocol/log/blobtree.h"
#include "protocol/log/entry.h"
#include "protocol/log/erasure.h"
#include "protocol/log/hash.h"
#include "protocol/log/invitation.h"
#include "protocol/log/record.h"
#include "protocol/log/recovery.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"
#include "tests/support/quire_cases.h"
#include "vectors.h"

/* ---- reading a case; what it holds lives until the next */

static const char *file;
static const json_t *now;
static struct arena mem;

static void hold(bool ok, const char *what)
{
	if (!ok)
		fail_msg("%s: case %d (%s): %s", file, (int)json_integer_value(json_object_get(now, "id")),
			json_string_value(json_object_get(now, "case")), what);
}

static struct slice bytes_of(const json_t *v, const char *field)
{
	const char *text = json_string_value(v);
	hold(text && strlen(text) % 2 == 0, field);
	size_t n = strlen(text) / 2;
	uint8_t *p = arena_alloc(&mem, n + 1);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(vectors_nibble(text[2 * i], field) << 4 |
			vectors_nibble(text[2 * i + 1], field));
	return slice_of(p, n);
}

static struct slice get(const char *field)
{
	return bytes_of(json_object_get(now, field), field);
}

static const uint8_t *get_n(const char *field, size_t n)
{
	struct slice s = get(field);
	hold(s.n == n, field);
	return s.p;
}

static struct id32 get_id(const char *field)
{
	return id32_from(get_n(field, 32));
}

static uint64_t int_of(const json_t *v, const char *field)
{
	hold(json_is_integer(v) && json_integer_value(v) >= 0, field);
	return (uint64_t)json_integer_value(v);
}

static uint64_t get_int(const char *field)
{
	return int_of(json_object_get(now, field), field);
}

static const char *get_text(const char *field)
{
	const char *text = json_string_value(json_object_get(now, field));
	hold(text != NULL, field);
	return text;
}

static json_t *get_list(const char *field)
{
	json_t *list = json_object_get(now, field);
	hold(json_is_array(list), field);
	return list;
}

static void same(const char *field, const void *p, size_t n)
{
	hold(slice_equal(get(field), slice_of(p, n)), field);
}

static void same_id(const char *field, const struct id32 *id)
{
	same(field, id->b, 32);
}

/* Random bytes that the case gives. */
static void fill_given(void *ctx, uint8_t *out, size_t n)
{
	hold(n == 32, "asks for other random bytes");
	memcpy(out, ctx, n);
}

/* ---- one function for each kind */

static void check_hash(bool valid)
{
	struct slice x = get("input");
	const struct id32 h = hash_bytes(get_text("personal"), x.p, x.n);
	hold(valid, "cannot be refused");
	same_id("output", &h);
}

static void check_sum(bool valid)
{
	struct id32 sum = {{0}};
	json_t *ids = get_list("ids"), *v;
	size_t i;
	json_array_foreach(ids, i, v)
	{
		struct slice s = bytes_of(v, "ids");
		hold(s.n == 32, "ids");
		const struct id32 id = id32_from(s.p);
		sum_add(&sum, &id);
	}
	hold(valid, "cannot be refused");
	same_id("sum", &sum);
}

static void check_sign(bool valid)
{
	const struct id32 key = get_id("key");
	struct slice given = get("signature");
	bool ok = given.n == 64 && secret_verify(&key, get_text("domain"), get("message"), given.p) == OK;
	hold(ok == valid, "signature");
	if (!valid)
		return;
	uint8_t secret[64], sig[64];
	struct id32 public_key;
	secret_sign_pair(get_n("seed", 32), &public_key, secret);
	same_id("key", &public_key);
	secret_sign(secret, get_text("domain"), get("message"), sig);
	same("signature", sig, 64);
}

static void check_box(bool valid)
{
	struct id32 key, other = get_id("other");
	uint8_t shared[32];
	secret_box_public(get_n("secret", 32), &key);
	hold(valid, "cannot be refused");
	same_id("key", &key);
	hold(secret_dh(get_n("secret", 32), &other, shared) == OK, "X25519");
	same("shared", shared, 32);
}

static void check_recovery(bool valid)
{
	uint8_t entropy[RECOVERY_ENTROPY_BYTES], root_seed[32], root_secret[64], recovery_secret[32];
	struct id32 key;
	char text[RECOVERY_TEXT_BYTES];
	hold((recovery_parse(get_text("code"), entropy) == OK) == valid, "code");
	if (!valid)
		return;
	same("entropy", entropy, sizeof entropy);
	recovery_format(entropy, text);
	hold(strcmp(text, get_text("code")) == 0, "code from entropy");
	recovery_keys(
		entropy, get_int("label") ? RECOVERY_NETWORK : RECOVERY_IDENTITY, root_seed, recovery_secret);
	same("root_seed", root_seed, 32);
	same("recovery_secret", recovery_secret, 32);
	secret_sign_pair(root_seed, &key, root_secret);
	same_id("root_key", &key);
	secret_box_public(recovery_secret, &key);
	same_id("recovery_key", &key);
}

static void check_wrap(bool valid)
{
	const struct id32 context = get_id("context");
	struct id32 recipient;
	uint8_t out[32], box[WRAP_BYTES];
	secret_box_public(get_n("recipient_secret", 32), &recipient);
	struct slice given = get("box");
	hold(!valid || given.n == WRAP_BYTES, "box");
	enum err e = given.n == WRAP_BYTES
		? secret_unwrap(get_n("recipient_secret", 32), &recipient, &context, given.p, out)
		: ERR_FORMAT;
	hold((e == OK) == valid, "opening");
	if (!valid)
		return;
	same_id("recipient", &recipient);
	same("secret", out, 32);
	uint8_t ephemeral[32];
	memcpy(ephemeral, get_n("ephemeral_secret", 32), 32);
	struct random_source rnd = {.fill = fill_given, .ctx = ephemeral};
	hold(secret_wrap(&rnd, &recipient, &context, out, box) == OK, "wrapping");
	same("box", box, sizeof box);
}

static void check_log(bool valid)
{
	const struct id32 identity = get_id("identity"), key = get_id("device_key"),
			  log = entry_log_id(&identity, &key);
	hold(valid, "cannot be refused");
	same_id("log", &log);
}

static void check_entry(bool valid)
{
	struct entry_header got, h = {0};
	hold((entry_header_decode(get("header"), &got) == OK) == valid, "header");
	if (!valid)
		return;
	h.flags = (uint8_t)get_int("flags");
	h.log = get_id("log");
	h.seq = get_int("seq");
	h.prev = get_id("prev");
	h.hour = (uint32_t)get_int("hour");
	memcpy(h.scope, get_n("scope", sizeof h.scope), sizeof h.scope);
	h.envelope_hash = get_id("envelope_hash");
	h.body_bytes = (uint32_t)get_int("body_bytes");
	h.commitment = get_id("commitment");
	uint8_t b[ENTRY_HEADER_BYTES], again[ENTRY_HEADER_BYTES], secret[64], sig[64];
	struct id32 key;
	entry_header_encode(&h, b);
	entry_header_encode(&got, again);
	same("header", b, sizeof b);
	same("header", again, sizeof again);
	const struct id32 id = entry_id(b);
	same_id("entry", &id);
	secret_sign_pair(get_n("device_seed", 32), &key, secret);
	same_id("device_key", &key);
	entry_sign(b, secret, sig);
	same("signature", sig, sizeof sig);
	hold(entry_verify(b, sig, &key) == OK, "verifying");
}

static struct id32 id_in(const json_t *o, const char *field)
{
	struct slice s = bytes_of(json_object_get(o, field), field);
	hold(s.n == 32, field);
	return id32_from(s.p);
}

static void check_envelope(bool valid)
{
	struct envelope got, e = {0};
	struct buf b = {0}, again = {0};
	hold((envelope_decode(get("envelope"), &got) == OK) == valid, "envelope");
	if (!valid)
		return;
	json_t *blob, *was = json_object_get(now, "was");
	size_t i;
	json_array_foreach(get_list("blobs"), i, blob)
	{
		hold(i < LIMIT_ENVELOPE_BLOBS, "too many blobs");
		e.blobs[e.blobs_n++] = (struct envelope_blob){
			.root = id_in(blob, "root"), .size = int_of(json_object_get(blob, "size"), "size")};
	}
	e.has_custodian = json_object_get(now, "custodian") != NULL;
	if (e.has_custodian)
		e.custodian = get_id("custodian");
	e.has_drop_after = json_object_get(now, "drop_after") != NULL;
	if (e.has_drop_after)
		e.drop_after_day = (uint32_t)get_int("drop_after");
	e.has_was = was != NULL;
	if (e.has_was)
		e.was = (struct entry_ref){.log = id_in(was, "log"),
			.seq = int_of(json_object_get(was, "seq"), "seq"),
			.id = id_in(was, "entry")};
	hold(envelope_encode(&e, &b) == OK && envelope_encode(&got, &again) == OK, "encoding");
	same("envelope", b.p, b.n);
	same("envelope", again.p, again.n);
	const struct id32 hash = entry_envelope_hash(buf_slice(&b));
	same_id("hash", &hash);
	buf_free(&b);
	buf_free(&again);
}

static void check_clear_body(bool valid)
{
	struct slice body = get("body"), record = get("record"), salt = get("salt");
	hold(valid && salt.n == 32 && body.n == 32 + record.n, "lengths");
	hold(memcmp(body.p, salt.p, 32) == 0 && memcmp(body.p + 32, record.p, record.n) == 0,
		"salt and record");
	const struct id32 c = entry_body_commitment(body);
	same_id("commitment", &c);
}

static void check_sealed_open(
	const json_t *secret, const struct id32 *author, const struct id32 *log, bool valid)
{
	struct slice s = bytes_of(secret, "reader_secrets"), body = get("body");
	struct seal_pair p;
	struct buf record = {0};
	uint8_t key[32];
	hold(s.n == 32 && seal_pair_init(&p, s.p, author) == OK, "pair");
	enum err e = seal_open(&p, log, body, &record, key);
	hold((e == OK) == valid, "opening");
	if (valid) {
		hold(seal_hint_matches(&p, body), "hint");
		same("record", record.p, record.n);
		same("content_key", key, 32);
	}
	buf_free(&record);
}

static void check_sealed_body(bool valid)
{
	struct id32 author, ephemeral, log = get_id("log");
	struct slice body = get("body");
	size_t i, authors = 0;
	json_t *secret;
	secret_box_public(get_n("author_secret", 32), &author);
	json_array_foreach(get_list("reader_secrets"), i, secret)
	{
		check_sealed_open(secret, &author, &log, valid);
		authors += slice_equal(bytes_of(secret, "reader_secrets"), get("author_secret"));
	}
	if (!valid)
		return;
	hold(authors == 1, "the author is a reader");
	struct seal_pair stranger;
	struct buf record = {0};
	hold(seal_pair_init(&stranger, get_n("stranger_secret", 32), &author) == OK, "stranger");
	hold(!seal_hint_matches(&stranger, body) && seal_open(&stranger, &log, body, &record, NULL) != OK,
		"opens for a stranger");
	hold(seal_open_key(get_n("content_key", 32), &log, body, &record) == OK, "content key");
	same("record", record.p, record.n);
	same("salt", body.p, 32);
	secret_box_public(get_n("ephemeral_secret", 32), &ephemeral);
	hold(memcmp(body.p + 34, ephemeral.b, 32) == 0, "ephemeral key");
	const struct slice key = get("content_key");
	const struct id32 e = hash_bytes(HASH_EPHEMERAL, key.p, key.n);
	same_id("ephemeral_secret", &e);
	const struct id32 c = entry_body_commitment(body);
	same_id("commitment", &c);
	buf_free(&record);
}

static void check_run(bool valid)
{
	const struct id32 key = get_id("device_key");
	json_t *envelopes = get_list("envelopes"), *bodies = get_list("bodies");
	struct entry_part parts[LIMIT_RUN_ENTRIES];
	struct run_ends ends;
	struct slice headers = get("headers"), sig = get("signature");
	size_t n = headers.n / ENTRY_HEADER_BYTES;
	bool lengths = headers.n % ENTRY_HEADER_BYTES == 0 && n <= LIMIT_RUN_ENTRIES && sig.n == 64 &&
		json_array_size(envelopes) == n && json_array_size(bodies) == n;
	hold(lengths || !valid, "lengths");
	if (!lengths)
		return;
	for (size_t i = 0; i < n; i++)
		parts[i] = (struct entry_part){
			.envelope = bytes_of(json_array_get(envelopes, i), "envelopes"),
			.kind = BODY_HERE,
			.bytes = bytes_of(json_array_get(bodies, i), "bodies")};
	const struct run r = {.log = get_id("log"),
		.first = get_int("first"),
		.n = n,
		.headers = headers.p,
		.signature = sig.p,
		.parts = parts};
	hold((run_verify(&r, &key, &ends) == OK) == valid, "verifying");
	if (!valid)
		return;
	same_id("prev", &ends.prev);
	same_id("last", &ends.last);
}

static void check_blob(bool valid)
{
	static uint8_t chunk[BLOB_CHUNK_STORED_BYTES];
	uint64_t size = get_int("size"), fill = get_int("fill"), chunks = blob_chunks(size);
	uint32_t pages_n = blob_pages(size);
	hold(valid && chunks <= 4096, "cannot be refused, or is long");
	struct id32 *leaves = arena_alloc(&mem, (size_t)chunks * 32), pages[4], owner = get_id("owner");
	const uint8_t *key = get_n("key", 32);
	uint8_t sha[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state hash;
	crypto_hash_sha256_init(&hash);
	assert_non_null(leaves);
	for (uint64_t i = 0; i < chunks; i++) {
		size_t n = blob_chunk_plain_bytes(size, i);
		for (size_t k = 0; k < n; k++) {
			uint64_t j = i * BLOB_CHUNK_BYTES + k;
			chunk[k] = (uint8_t)(7 * j + 13 * (j / 256) + fill);
		}
		blob_chunk_encrypt(key, i, i + 1 == chunks, chunk, n, chunk);
		leaves[i] = blob_leaf(i, chunk, n + BLOB_CHUNK_TAG_BYTES);
		crypto_hash_sha256_update(&hash, chunk, n + BLOB_CHUNK_TAG_BYTES);
	}
	crypto_hash_sha256_final(&hash, sha);
	same("encrypted_sha256", sha, sizeof sha);
	same("leaves", leaves, (size_t)chunks * 32);
	for (uint32_t p = 0; p < pages_n; p++)
		pages[p] = blob_page_hash(leaves + (size_t)p * BLOB_PAGE_LEAVES, blob_page_leaves(size, p));
	same("pages", pages, pages_n * sizeof *pages);
	const struct id32 root = blob_root(pages, pages_n, size, &owner);
	same_id("root", &root);
}

static void check_tree(bool valid)
{
	static struct id32 leaves[BLOB_PAGE_LEAVES];
	uint64_t chunks = get_int("chunks"), size = get_int("size");
	struct id32 pages[16], owner = get_id("owner");
	uint32_t pages_n = blob_pages(size);
	hold(valid && pages_n <= 16 && blob_chunks(size) == chunks, "chunks and size");
	for (uint32_t p = 0; p < pages_n; p++) {
		uint32_t n = blob_page_leaves(size, p);
		for (uint32_t i = 0; i < n; i++) {
			uint8_t chunk[8];
			be64_put(chunk, (uint64_t)p * BLOB_PAGE_LEAVES + i);
			leaves[i] = blob_leaf((uint64_t)p * BLOB_PAGE_LEAVES + i, chunk, 8);
		}
		pages[p] = blob_page_hash(leaves, n);
	}
	same("pages", pages, pages_n * sizeof *pages);
	const struct id32 root = blob_root(pages, pages_n, size, &owner);
	same_id("root", &root);
}

static void check_erasure(bool valid)
{
	const struct id32 signing_key = get_id("signing_key");
	struct erasure got, e = {0};
	bool ok = erasure_decode(get("statement"), &got) == OK &&
		erasure_verify(get("statement"), &signing_key) == OK;
	hold(ok == valid, "statement");
	if (!valid)
		return;
	uint8_t secret[64], b[LIMIT_ERASURE_BYTES];
	struct id32 key;
	secret_sign_pair(get_n("signing_seed", 32), &key, secret);
	same_id("signing_key", &key);
	e.reason = (uint8_t)get_int("reason");
	e.by = (uint8_t)get_int("by");
	e.of = (struct entry_ref){.log = get_id("log"), .seq = get_int("seq"), .id = get_id("entry")};
	e.hour = (uint32_t)get_int("hour");
	e.generation = get_id("generation");
	erasure_encode(&e, secret, b);
	same("statement", b, sizeof b);
	erasure_encode(&got, secret, b);
	same("statement", b, sizeof b);
}

static void check_invitation(bool valid)
{
	struct invitation got, inv = {0};
	char text[INVITATION_TEXT_BYTES];
	hold((invitation_decode(get_text("text"), &got) == OK) == valid, "text");
	if (!valid)
		return;
	json_t *list = get_list("addresses"), *a;
	size_t i;
	inv.node = get_id("node");
	inv.network = get_id("network");
	memcpy(inv.secret, get_n("secret", sizeof inv.secret), sizeof inv.secret);
	inv.expires_hour = (uint32_t)get_int("expires");
	json_array_foreach(list, i, a)
	{
		const char *s = json_string_value(a);
		hold(i < LIMIT_ADDRESSES && s && strlen(s) <= LIMIT_ADDRESS_BYTES, "addresses");
		memcpy(inv.addresses[inv.addresses_n++], s, strlen(s));
	}
	hold(invitation_encode(&inv, text) == OK && strcmp(text, get_text("text")) == 0, "text from fields");
	hold(invitation_encode(&got, text) == OK && strcmp(text, get_text("text")) == 0, "text again");
	const struct id32 hash = invitation_secret_hash(inv.secret);
	same_id("secret_hash", &hash);
}

static void check_record(bool valid)
{
	hold((record_check(get("record"), NULL) == OK) == valid, "record");
}

/* ---- files */

static const struct {
	const char *name;
	void (*check)(bool valid);
} kinds[] = {
	{"hash", check_hash},
	{"sum", check_sum},
	{"sign", check_sign},
	{"box", check_box},
	{"recovery", check_recovery},
	{"wrap", check_wrap},
	{"log", check_log},
	{"entry", check_entry},
	{"envelope", check_envelope},
	{"clear-body", check_clear_body},
	{"sealed-body", check_sealed_body},
	{"run", check_run},
	{"blob", check_blob},
	{"tree", check_tree},
	{"erasure", check_erasure},
	{"invitation", check_invitation},
	{"record", check_record},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static void check_file(const char *name)
{
	size_t i, seen[KINDS] = {0};
	json_t *doc = vectors_load(name), *test;
	file = name;
	json_array_foreach(json_object_get(doc, "tests"), i, test)
	{
		now = test;
		const char *kind = json_string_value(json_object_get(test, "case"));
		bool valid = !json_is_false(json_object_get(test, "valid"));
		size_t k = 0;
		while (k < KINDS && (!kind || strcmp(kinds[k].name, kind) != 0))
			k++;
		hold(k < KINDS, "an unknown kind");
		kinds[k].check(valid);
		seen[k] += valid;
		arena_free(&mem);
	}
	for (size_t k = 0; k < KINDS; k++)
		if (!seen[k])
			fail_msg("%s has no valid case of %s", name, kinds[k].name);
	json_decref(doc);
}

static FILE *open_data(const char *name)
{
	char path[4096];
	const char *dir = getenv("QUIRE_TEST_DATA");
	(void)snprintf(path, sizeof path, "%s/%s", dir ? dir : "tests/vectors/data", name);
	return fopen(path, "rb");
}

static void our_own_file_is_reproduced_byte_for_byte(void **state)
{
	(void)state;
	char *text = quire_cases_text();
	FILE *f = open_data("quire/c.json");
	assert_non_null(f);
	for (size_t i = 0; text[i]; i++)
		if (fgetc(f) != (unsigned char)text[i])
			fail_msg("c.json differs at byte %zu", i);
	assert_int_equal(fgetc(f), EOF);
	assert_int_equal(fclose(f), 0);
	free(text);
}

static void our_own_file_is_accepted(void **state)
{
	(void)state;
	check_file("quire/c.json");
}

static void the_file_of_an_independent_program_is_accepted(void **state)
{
	(void)state;
	check_file("quire/python.json");
}

static int write_out(const char *path)
{
	char *text = quire_cases_text();
	FILE *f = fopen(path, "wb");
	int failed = !f || fputs(text, f) < 0;
	if (f && fclose(f) != 0)
		failed = 1;
	free(text);
	return failed;
}

int main(void)
{
	const char *out = getenv("QUIRE_VECTORS_OUT");
	if (out)
		return write_out(out);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_file_is_reproduced_byte_for_byte),
		cmocka_unit_test(our_own_file_is_accepted),
		cmocka_unit_test(the_file_of_an_independent_program_is_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
