/* cases_plain.c -- hashes, keys, codes, wraps, headers and envelopes: see cases_in.h. */
#include "cases_in.h"
#include "protocol/log/entry.h"
#include "protocol/log/hash.h"
#include "protocol/log/recovery.h"
#include "protocol/log/secret.h"

/* ---- sections 1 and 2 */

static void make_hashes(void)
{
	static const char *const names[] = {HASH_KEYEVENT, HASH_KEYSET, HASH_LOG, HASH_ENTRY, HASH_ENVELOPE,
		HASH_BODY, HASH_LEAF, HASH_NODE, HASH_ROOT, HASH_WRAP, HASH_HINT, HASH_SLOT, HASH_EPHEMERAL,
		HASH_CODE, HASH_CODESUM, HASH_INVITE, HASH_INVITESUM};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		uint8_t x[400];
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
		struct seeded_random same = cases_seed;
		struct random_source again = seeded_random_source(&same);
		random_fill(&again, e, 32);
		must(secret_wrap(&cases_rnd, &recipient, &context, s, box) == OK);
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

/* ---- all */

void cases_make_plain(void)
{
	make_hashes();
	make_keys();
	make_recovery();
	make_wraps();
	make_entries();
	make_envelopes();
}
