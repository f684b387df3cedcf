/* quire_cases.c -- see quire_cases.h. Whatever fails here aborts: it is a fault of the generator. */
#include "quire_cases.h"
#include "protocol/log/blobtree.h"
#include "protocol/log/entry.h"
#include "protocol/log/erasure.h"
#include "protocol/log/hash.h"
#include "protocol/log/invitation.h"
#include "protocol/log/record.h"
#include "protocol/log/recovery.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"
#include "seeded_random.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>

static struct seeded_random seed;
static struct random_source rnd;
static json_t *cases;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void draw(void *out, size_t n)
{
	random_fill(&rnd, out, n);
}

static struct id32 draw_id(void)
{
	struct id32 id;
	draw(id.b, 32);
	return id;
}

static json_t *hex(const void *p, size_t n)
{
	char *text = malloc(2 * n + 1);
	must(text != NULL);
	sodium_bin2hex(text, 2 * n + 1, p, n);
	json_t *v = json_string(text);
	free(text);
	return v;
}

static json_t *hex_id(const struct id32 *id)
{
	return hex(id->b, 32);
}

static json_t *hex_slice(struct slice s)
{
	return hex(s.p, s.n);
}

static void set(json_t *c, const char *field, json_t *value)
{
	must(json_object_set_new(c, field, value) == 0);
}

static void set_int(json_t *c, const char *field, uint64_t v)
{
	set(c, field, json_integer((json_int_t)v));
}

static json_t *begin(const char *name)
{
	json_t *c = json_object();
	set_int(c, "id", json_array_size(cases) + 1);
	set(c, "case", json_string(name));
	must(json_array_append_new(cases, c) == 0);
	return c;
}

static json_t *begin_refused(const char *name, const char *note)
{
	json_t *c = begin(name);
	set(c, "valid", json_false());
	set(c, "note", json_string(note));
	return c;
}

/* ---- sections 1 and 2 */

static void make_hashes(void)
{
	static const char *const names[] = {HASH_KEYEVENT, HASH_LOG, HASH_ENTRY, HASH_ENVELOPE, HASH_BODY,
		HASH_LEAF, HASH_NODE, HASH_ROOT, HASH_WRAP, HASH_HINT, HASH_SLOT, HASH_CODE, HASH_CODESUM,
		HASH_INVITE, HASH_INVITESUM};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		uint8_t x[300];
		size_t n = i * 20;
		draw(x, n);
		const struct id32 h = hash_bytes(names[i], x, n);
		json_t *c = begin("hash");
		set(c, "personal", json_string(names[i]));
		set(c, "input", hex(x, n));
		set(c, "output", hex_id(&h));
	}
	for (size_t n = 0; n < 5; n++) {
		struct id32 sum = {{0}};
		json_t *c = begin("sum"), *list = json_array();
		for (size_t i = 0; i < n; i++) {
			const struct id32 id = draw_id();
			sum_add(&sum, &id);
			json_array_append_new(list, hex_id(&id));
		}
		set(c, "ids", list);
		set(c, "sum", hex_id(&sum));
	}
}

static void make_keys(void)
{
	static const char *const domains[] = {"quire key event v1", "quire device consent v1",
		"quire hosting consent v1", "quire entry v1", "quire erasure v1"};
	for (size_t i = 0; i < 6; i++) {
		uint8_t s[32], secret[64], sig[64], message[400];
		struct id32 key;
		size_t n = i * 77;
		draw(s, sizeof s);
		draw(message, n);
		secret_sign_pair(s, &key, secret);
		secret_sign(secret, domains[i % 5], slice_of(message, n), sig);
		json_t *c = i < 5 ? begin("sign") : begin_refused("sign", "one bit of S is another");
		if (i == 5)
			sig[40] ^= 4;
		set(c, "seed", hex(s, 32));
		set(c, "key", hex_id(&key));
		set(c, "domain", json_string(domains[i % 5]));
		set(c, "message", hex(message, n));
		set(c, "signature", hex(sig, 64));
	}
	uint8_t a[32], b[32], shared[32];
	struct id32 pa, pb;
	draw(a, 32);
	draw(b, 32);
	secret_box_public(a, &pa);
	secret_box_public(b, &pb);
	must(secret_dh(a, &pb, shared) == OK);
	json_t *c = begin("box");
	set(c, "secret", hex(a, 32));
	set(c, "key", hex_id(&pa));
	set(c, "other", hex_id(&pb));
	set(c, "shared", hex(shared, 32));
}

static void make_recovery(void)
{
	for (unsigned i = 0; i < 4; i++) {
		uint8_t entropy[RECOVERY_ENTROPY_BYTES], root_seed[32], root_secret[64], recovery_secret[32];
		struct id32 root_key, recovery_key;
		char text[RECOVERY_TEXT_BYTES];
		draw(entropy, sizeof entropy);
		recovery_format(entropy, text);
		recovery_keys(
			entropy, i % 2 ? RECOVERY_NETWORK : RECOVERY_IDENTITY, root_seed, recovery_secret);
		secret_sign_pair(root_seed, &root_key, root_secret);
		secret_box_public(recovery_secret, &recovery_key);
		json_t *c = begin("recovery");
		set(c, "entropy", hex(entropy, sizeof entropy));
		set(c, "code", json_string(text));
		set_int(c, "label", i % 2);
		set(c, "root_seed", hex(root_seed, 32));
		set(c, "root_key", hex_id(&root_key));
		set(c, "recovery_secret", hex(recovery_secret, 32));
		set(c, "recovery_key", hex_id(&recovery_key));
		text[20] = text[20] == '7' ? '8' : '7';
		set(begin_refused("recovery", "one letter is another"), "code", json_string(text));
	}
}

static void make_wraps(void)
{
	for (unsigned i = 0; i < 3; i++) {
		uint8_t r[32], s[32], e[32], box[WRAP_BYTES];
		struct id32 recipient, context = draw_id();
		draw(r, 32);
		draw(s, 32);
		secret_box_public(r, &recipient);
		struct seeded_random same = seed;
		struct random_source again = seeded_random_source(&same);
		random_fill(&again, e, 32);
		must(secret_wrap(&rnd, &recipient, &context, s, box) == OK);
		json_t *c = i < 2 ? begin("wrap") : begin_refused("wrap", "another context");
		if (i == 2)
			context.b[0] ^= 1;
		set(c, "recipient_secret", hex(r, 32));
		set(c, "recipient", hex_id(&recipient));
		set(c, "context", hex_id(&context));
		set(c, "ephemeral_secret", hex(e, 32));
		set(c, "secret", hex(s, 32));
		set(c, "box", hex(box, sizeof box));
	}
}

/* ---- section 4 */

struct writer {
	uint8_t seed[32], secret[64];
	struct id32 identity, key, log;
};

static struct writer draw_writer(void)
{
	struct writer w = {.identity = draw_id()};
	draw(w.seed, sizeof w.seed);
	secret_sign_pair(w.seed, &w.key, w.secret);
	w.log = entry_log_id(&w.identity, &w.key);
	return w;
}

static void make_entries(void)
{
	static const uint64_t seqs[] = {0, 1, 63, LIMIT_SEQ};
	struct writer w = draw_writer();
	json_t *c = begin("log");
	set(c, "identity", hex_id(&w.identity));
	set(c, "device_key", hex_id(&w.key));
	set(c, "log", hex_id(&w.log));
	uint8_t b[ENTRY_HEADER_BYTES], sig[64];
	for (unsigned i = 0; i < 4; i++) {
		struct entry_header h = {.flags = (uint8_t)i,
			.log = w.log,
			.seq = seqs[i],
			.hour = 0x70000 + i,
			.commitment = draw_id()};
		h.body_bytes = i == 3 ? LIMIT_BODY_BYTES : LIMIT_BODY_BYTES_MIN + i;
		if (i > 0)
			h.prev = draw_id();
		if (i > 1)
			h.envelope_hash = draw_id();
		if (i > 2)
			draw(h.scope, sizeof h.scope);
		entry_header_encode(&h, b);
		entry_sign(b, w.secret, sig);
		const struct id32 id = entry_id(b);
		c = begin("entry");
		set(c, "device_seed", hex(w.seed, 32));
		set(c, "device_key", hex_id(&w.key));
		set_int(c, "flags", h.flags);
		set(c, "log", hex_id(&h.log));
		set_int(c, "seq", h.seq);
		set(c, "prev", hex_id(&h.prev));
		set_int(c, "hour", h.hour);
		set(c, "scope", hex(h.scope, sizeof h.scope));
		set(c, "envelope_hash", hex_id(&h.envelope_hash));
		set_int(c, "body_bytes", h.body_bytes);
		set(c, "commitment", hex_id(&h.commitment));
		set(c, "header", hex(b, sizeof b));
		set(c, "entry", hex_id(&id));
		set(c, "signature", hex(sig, 64));
	}
	static const struct {
		const char *note;
		size_t at;
		uint8_t value;
	} bad[] = {{"version 2", 0, 2}, {"an unknown flag", 1, 4}, {"seq over the limit", 37, 1},
		{"body too short", 129, 32}, {"body too long", 127, 0xff}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t damaged[ENTRY_HEADER_BYTES];
		memcpy(damaged, b, sizeof b);
		damaged[bad[i].at] = bad[i].value;
		if (bad[i].at == 129)
			memset(damaged + 126, 0, 3);
		set(begin_refused("entry", bad[i].note), "header", hex(damaged, sizeof damaged));
	}
	memset(b + 34, 0, 8);
	set(begin_refused("entry", "a previous entry at seq 0"), "header", hex(b, sizeof b));
	set(begin_refused("entry", "cut by a byte"), "header", hex(b, sizeof b - 1));
}

static void make_envelopes(void)
{
	for (unsigned i = 1; i < 16; i++) {
		struct envelope e = {.has_custodian = i & 2, .has_drop_after = i & 4, .has_was = i & 8};
		struct buf b = {0};
		json_t *c = begin("envelope"), *blobs = json_array();
		e.blobs_n = i & 1 ? i + 1 : 0;
		for (size_t k = 0; k < e.blobs_n; k++) {
			e.blobs[k] = (struct envelope_blob){.root = draw_id(), .size = (1ull << (2 * k)) - 1};
			json_array_append_new(blobs,
				json_pack("{sosI}", "root", hex_id(&e.blobs[k].root), "size",
					(json_int_t)e.blobs[k].size));
		}
		set(c, "blobs", blobs);
		if (e.has_custodian) {
			e.custodian = draw_id();
			set(c, "custodian", hex_id(&e.custodian));
		}
		if (e.has_drop_after) {
			e.drop_after_day = 1u << i;
			set_int(c, "drop_after", e.drop_after_day);
		}
		if (e.has_was) {
			e.was = (struct entry_ref){.log = draw_id(), .seq = 1u << i, .id = draw_id()};
			set(c, "was",
				json_pack("{sosIso}", "log", hex_id(&e.was.log), "seq", (json_int_t)e.was.seq,
					"entry", hex_id(&e.was.id)));
		}
		must(envelope_encode(&e, &b) == OK);
		const struct id32 hash = entry_envelope_hash(buf_slice(&b));
		set(c, "envelope", hex_slice(buf_slice(&b)));
		set(c, "hash", hex_id(&hash));
		buf_free(&b);
	}
	set(begin_refused("envelope", "no key"), "envelope", json_string("80"));
	set(begin_refused("envelope", "an unknown key"), "envelope", json_string("810500"));
	set(begin_refused("envelope", "no blobs in blobs"), "envelope", json_string("810190"));
	set(begin_refused("envelope", "a longer form than needed"), "envelope", json_string("8103cc05"));
	set(begin_refused("envelope", "a key twice"), "envelope", json_string("8203050305"));
}

/* ---- records and bodies */

static void make_record(struct buf *b, size_t text_bytes)
{
	char *text = malloc(text_bytes);
	must(text != NULL);
	memset(text, 'q', text_bytes);
	struct mp_out o = mp_out_init(b);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, "reflection");
	mp_put_map(&o, 1);
	mp_put_cstr(&o, "text");
	mp_put_str(&o, slice_of(text, text_bytes));
	must(o.err == OK);
	free(text);
}

static void make_clear_body(void)
{
	struct buf record = {0}, body = {0};
	make_record(&record, 25);
	must(seal_clear_body(&rnd, buf_slice(&record), &body) == OK);
	const struct id32 commitment = entry_body_commitment(buf_slice(&body));
	json_t *c = begin("clear-body");
	set(c, "salt", hex(body.p, 32));
	set(c, "record", hex_slice(buf_slice(&record)));
	set(c, "body", hex_slice(buf_slice(&body)));
	set(c, "commitment", hex_id(&commitment));
	buf_free(&record);
	buf_free(&body);
}

/* damage: 0 none, 1 another log, 2 a flipped bit of the ciphertext */
static void make_sealed_body(size_t readers, size_t text_bytes, unsigned damage)
{
	static uint8_t secrets[LIMIT_READERS][32];
	static struct id32 keys[LIMIT_READERS];
	struct buf record = {0}, body = {0};
	uint8_t salt[32], content_key[32], drawn_key[32], e[32], stranger[32];
	struct id32 log = draw_id();
	json_t *c = damage
		? begin_refused("sealed-body", damage == 1 ? "copied into another log" : "a flipped bit")
		: begin("sealed-body");
	json_t *list = json_array();
	for (size_t i = 0; i < readers; i++) {
		draw(secrets[i], 32);
		secret_box_public(secrets[i], &keys[i]);
		json_array_append_new(list, hex(secrets[i], 32));
	}
	draw(stranger, 32);
	make_record(&record, text_bytes);
	struct seeded_random same = seed;
	struct random_source again = seeded_random_source(&same);
	random_fill(&again, salt, 32);
	random_fill(&again, drawn_key, 32);
	random_fill(&again, e, 32);
	must(seal_body(&rnd, secrets[0], &log, keys, readers, buf_slice(&record), &body, content_key) == OK);
	must(memcmp(content_key, drawn_key, 32) == 0);
	if (damage == 1)
		log.b[31] ^= 1;
	if (damage == 2)
		body.p[body.n - 20] ^= 1;
	const struct id32 commitment = entry_body_commitment(buf_slice(&body));
	set(c, "log", hex_id(&log));
	set(c, "author_secret", hex(secrets[0], 32));
	set(c, "reader_secrets", list);
	set(c, "stranger_secret", hex(stranger, 32));
	set(c, "ephemeral_secret", hex(e, 32));
	set(c, "salt", hex(salt, 32));
	set(c, "content_key", hex(content_key, 32));
	set(c, "record", hex_slice(buf_slice(&record)));
	set(c, "body", hex_slice(buf_slice(&body)));
	set(c, "commitment", hex_id(&commitment));
	buf_free(&record);
	buf_free(&body);
}

/* damage: 0 none, 1 the signature, 2 a body, 3 a link */
static void make_run(uint64_t first, size_t n, unsigned damage)
{
	static const char *const notes[] = {
		"", "the signature of another entry", "a flipped bit of a body", "a broken link"};
	static uint8_t headers[64][ENTRY_HEADER_BYTES];
	struct writer w = draw_writer();
	struct id32 prev = {{0}}, last = {{0}};
	json_t *c = damage ? begin_refused("run", notes[damage]) : begin("run");
	json_t *envelopes = json_array(), *bodies = json_array();
	if (first > 0)
		prev = draw_id();
	last = prev;
	for (size_t i = 0; i < n; i++) {
		uint8_t body[100], envelope[] = {0x81, 0x03, (uint8_t)i};
		size_t body_n = LIMIT_BODY_BYTES_MIN + i;
		draw(body, body_n);
		struct slice env = slice_of(envelope, i % 3 == 1 ? sizeof envelope : 0);
		const struct entry_header h = {.flags = i % 2,
			.log = w.log,
			.seq = first + i,
			.prev = last,
			.hour = 500000,
			.envelope_hash = entry_envelope_hash(env),
			.body_bytes = (uint32_t)body_n,
			.commitment = entry_body_commitment(slice_of(body, body_n))};
		entry_header_encode(&h, headers[i]);
		last = entry_id(headers[i]);
		if (damage == 3 && i == n / 2)
			last.b[0] ^= 1;
		if (damage == 2 && i == n / 2)
			body[5] ^= 1;
		json_array_append_new(envelopes, hex_slice(env));
		json_array_append_new(bodies, hex(body, body_n));
	}
	uint8_t sig[64];
	entry_sign(headers[damage == 1 ? n - 2 : n - 1], w.secret, sig);
	set(c, "device_key", hex_id(&w.key));
	set(c, "log", hex_id(&w.log));
	set_int(c, "first", first);
	set(c, "headers", hex(headers, n * ENTRY_HEADER_BYTES));
	set(c, "signature", hex(sig, 64));
	set(c, "envelopes", envelopes);
	set(c, "bodies", bodies);
	if (!damage) {
		set(c, "prev", hex_id(&prev));
		set(c, "last", hex_id(&last));
	}
}

static void make_records(void)
{
	static const struct {
		bool counts;
		const char *note, *hex;
	} rows[] = {
		{true, "an unknown kind", "92a3666f6f80"},
		{true, "a profile with a field of later times",
			"92a770726f66696c6582a46e616d65a3416461a37a7a7a01"},
		{true, "a reflection", "92aa7265666c656374696f6e81a474657874a26869"},
		{true, "an artifact with what is required",
			"92a8617274696661637484a764657069637473a66e6f626f6479a46b696e64a464617461a474616773"
			"92a161a162a57469746c65a154"},
		{false, "a profile without name", "92a770726f66696c6580"},
		{false, "a name that is a number", "92a770726f66696c6581a46e616d6507"},
		{false, "an empty name", "92a770726f66696c6581a46e616d65a0"},
		{false, "a third element", "93a3666f6f80c0"},
		{false, "fields with integer keys", "92a3666f6f810102"},
		{false, "who is depicted is not one of the words",
			"92a8617274696661637483a764657069637473a3616c6ca46b696e64a464617461a57469746c65a154"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *c = rows[i].counts ? begin("record") : begin_refused("record", rows[i].note);
		set(c, "record", json_string(rows[i].hex));
	}
}

/* ---- sections 6, 8 and 12 */

static void make_blob(uint64_t size, uint8_t fill)
{
	static uint8_t chunk[BLOB_CHUNK_STORED_BYTES];
	struct id32 leaves[8], page, owner = draw_id();
	uint8_t key[32], sha[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state hash;
	size_t chunks = (size_t)blob_chunks(size);
	must(chunks <= 8);
	draw(key, 32);
	crypto_hash_sha256_init(&hash);
	for (size_t i = 0; i < chunks; i++) {
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
	page = blob_page_hash(leaves, chunks);
	const struct id32 root = blob_root(&page, 1, size, &owner);
	json_t *c = begin("blob");
	set(c, "key", hex(key, 32));
	set(c, "owner", hex_id(&owner));
	set_int(c, "size", size);
	set_int(c, "fill", fill);
	set(c, "encrypted_sha256", hex(sha, sizeof sha));
	set(c, "leaves", hex(leaves, chunks * 32));
	set(c, "pages", hex_id(&page));
	set(c, "root", hex_id(&root));
}

static void make_tree(size_t chunks)
{
	static struct id32 leaves[4096];
	struct id32 pages[4], owner = draw_id();
	uint64_t size = (uint64_t)chunks * BLOB_CHUNK_BYTES - 1;
	uint32_t pages_n = blob_pages(size);
	must(chunks <= 4096);
	for (size_t i = 0; i < chunks; i++) {
		uint8_t chunk[8];
		be64_put(chunk, i);
		leaves[i] = blob_leaf(i, chunk, 8);
	}
	for (uint32_t p = 0; p < pages_n; p++)
		pages[p] = blob_page_hash(leaves + (size_t)p * BLOB_PAGE_LEAVES, blob_page_leaves(size, p));
	const struct id32 root = blob_root(pages, pages_n, size, &owner);
	json_t *c = begin("tree");
	set_int(c, "chunks", chunks);
	set_int(c, "size", size);
	set(c, "owner", hex_id(&owner));
	set(c, "pages", hex(pages, pages_n * 32));
	set(c, "root", hex_id(&root));
}

static void make_erasures(void)
{
	for (uint8_t i = 0; i < 10; i++) {
		uint8_t s[32], secret[64], b[LIMIT_ERASURE_BYTES];
		struct id32 key;
		draw(s, 32);
		secret_sign_pair(s, &key, secret);
		const struct erasure e = {.reason = i % 5,
			.by = i / 5,
			.of = {.log = draw_id(), .seq = 1000u * i, .id = draw_id()},
			.hour = 490000u + i,
			.generation = draw_id()};
		erasure_encode(&e, secret, b);
		json_t *c = begin("erasure");
		set(c, "signing_seed", hex(s, 32));
		set(c, "signing_key", hex_id(&key));
		set_int(c, "reason", e.reason);
		set_int(c, "by", e.by);
		set(c, "log", hex_id(&e.of.log));
		set_int(c, "seq", e.of.seq);
		set(c, "entry", hex_id(&e.of.id));
		set_int(c, "hour", e.hour);
		set(c, "generation", hex_id(&e.generation));
		set(c, "statement", hex(b, sizeof b));
		b[i < 4 ? i : 16 * i] ^= 0x80;
		c = begin_refused("erasure", "a flipped bit");
		set(c, "signing_key", hex_id(&key));
		set(c, "statement", hex(b, sizeof b));
	}
}

static void make_invitations(void)
{
	static const char *const addresses[] = {
		"node.example.org:7447", "192.0.2.1:80", "[2001:db8::7]:65535", "a:1"};
	for (size_t n = 1; n <= 4; n++) {
		struct invitation inv = {
			.node = draw_id(), .network = draw_id(), .expires_hour = 600000, .addresses_n = n};
		char text[INVITATION_TEXT_BYTES];
		json_t *c = begin("invitation"), *list = json_array();
		draw(inv.secret, sizeof inv.secret);
		for (size_t i = 0; i < n; i++) {
			memcpy(inv.addresses[i], addresses[i], strlen(addresses[i]) + 1);
			json_array_append_new(list, json_string(addresses[i]));
		}
		must(invitation_encode(&inv, text) == OK);
		const struct id32 hash = invitation_secret_hash(inv.secret);
		set(c, "node", hex_id(&inv.node));
		set(c, "network", hex_id(&inv.network));
		set(c, "secret", hex(inv.secret, sizeof inv.secret));
		set_int(c, "expires", inv.expires_hour);
		set(c, "addresses", list);
		set(c, "text", json_string(text));
		set(c, "secret_hash", hex_id(&hash));
		text[30 * n] = text[30 * n] == 'a' ? 'b' : 'a';
		set(begin_refused("invitation", "one letter is another"), "text", json_string(text));
	}
}

/* ---- all */

static void make_all(void)
{
	make_hashes();
	make_keys();
	make_recovery();
	make_wraps();
	make_entries();
	make_envelopes();
	make_clear_body();
	make_sealed_body(1, 10, 0);
	make_sealed_body(4, 300, 0);
	make_sealed_body(5, 1, 0);
	make_sealed_body(17, 5000, 0);
	make_sealed_body(2, 10, 1);
	make_sealed_body(2, 10, 2);
	make_run(64, 64, 0);
	make_run(0, 3, 0);
	for (unsigned damage = 1; damage <= 3; damage++)
		make_run(61, 3, damage);
	make_blob(0, 1);
	make_blob(1, 2);
	make_blob(65536, 3);
	make_blob(131073, 4);
	make_tree(1024);
	make_tree(1025);
	make_tree(2049);
	make_erasures();
	make_invitations();
	make_records();
}

char *quire_cases_text(void)
{
	seed = (struct seeded_random){.seed = 20260101};
	rnd = seeded_random_source(&seed);
	cases = json_array();
	make_all();
	struct buf out = {0};
	must(buf_put_slice(&out, slice_str("{\"format\":1,\"tests\":[\n")) == OK);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		char *line = json_dumps(json_array_get(cases, i), JSON_COMPACT);
		must(line && (i == 0 || buf_put_slice(&out, slice_str(",\n")) == OK));
		must(buf_put_slice(&out, slice_str(line)) == OK);
		free(line);
	}
	must(buf_put(&out, "\n]}\n", 5) == OK); /* with its NUL */
	json_decref(cases);
	return (char *)out.p;
}
