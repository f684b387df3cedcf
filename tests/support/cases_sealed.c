/* cases_sealed.c -- bodies, runs, records, blobs, erasures and invitations: see cases_in.h. */
#include "cases_in.h"
#include "protocol/log/blobtree.h"
#include "protocol/log/entry.h"
#include "protocol/log/erasure.h"
#include "protocol/log/hash.h"
#include "protocol/log/invitation.h"
#include "protocol/log/mp.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"

#include <sodium.h>

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
	must(seal_clear_body(&cases_rnd, buf_slice(&record), &body) == OK);
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
	uint8_t salt[32], content_key[32], drawn_key[32], stranger[32];
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
	struct seeded_random same = cases_seed;
	struct random_source again = seeded_random_source(&same);
	random_fill(&again, salt, 32);
	random_fill(&again, drawn_key, 32);
	must(seal_body(&cases_rnd, secrets[0], &log, keys, readers, buf_slice(&record), &body, content_key) ==
		OK);
	must(memcmp(content_key, drawn_key, 32) == 0);
	const struct id32 e = hash_bytes(HASH_EPHEMERAL, content_key, 32);
	if (damage == 1)
		log.b[31] ^= 1;
	if (damage == 2)
		body.p[body.n - 20] ^= 1;
	const struct id32 commitment = entry_body_commitment(buf_slice(&body));
	set(c, "log", hex_id(&log));
	set(c, "author_secret", hex(secrets[0], 32));
	set(c, "reader_secrets", list);
	set(c, "stranger_secret", hex(stranger, 32));
	set(c, "ephemeral_secret", hex_id(&e));
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

void cases_make_sealed(void)
{
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
