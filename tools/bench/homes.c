/* homes.c -- homes that hold what is to be synced: made in this process, entry by entry as SPEC.md has them. */
#include "tools/bench/bench.h"

#include "daemon/offline.h"
#include "protocol/award/facts.h"
#include "protocol/log/identity.h"
#include "protocol/log/mp.h"
#include "protocol/log/secret.h"

#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const struct id32 bench_network = {{'q', 'u', 'i', 'r', 'e', '-', 'b', 'e', 'n', 'c', 'h'}};

void bench_batch(struct store *s, struct store_req *reqs, size_t n)
{
	struct store_req *list[BENCH_BATCH] = {NULL};
	struct store_res res[BENCH_BATCH];
	for (size_t i = 0; i < n; i++)
		list[i] = &reqs[i];
	store_exec(s, list, res, n);
	for (size_t i = 0; i < n; i++) {
		bench_must(res[i].err, "the store");
		store_res_free(&res[i]);
		store_req_free(&reqs[i]);
	}
}

static void put_meta(struct store *s, const char *key, struct slice value)
{
	struct store_req q = {.op = STORE_META_PUT, .a.key = slice_str(key), .a.value = value};
	bench_batch(s, &q, 1);
}

struct store *bench_open(const struct bench_home *h, bool read_only)
{
	const struct store_options o = {.home = h->path,
		.create = !read_only,
		.read_only = read_only,
		.facts = facts_make,
		.facts_made_late = FACTS_MADE_LATE};
	struct store *s = NULL;
	bench_must(store_open(&o, &s), "the database");
	return s;
}

uint64_t bench_database_bytes(const struct bench_home *h)
{
	char path[BENCH_PATH_BYTES + 16];
	struct stat st;
	snprintf(path, sizeof path, "%s/quire.db", h->path);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void bench_home_make(const struct bench_options *o, const char *name, struct bench_home *h)
{
	char why[HOME_WHY_BYTES];
	*h = (struct bench_home){0};
	if (snprintf(h->path, sizeof h->path, "%s/%s", o->dir, name) >= (int)sizeof h->path)
		bench_fail(o->dir, "too long");
	if (home_create(h->path, why) != OK || home_keys(h->path, &h->keys, why) != OK)
		bench_fail("a home", why);
	struct store *s = bench_open(h, false);
	put_meta(s, "network", slice_of(bench_network.b, 32));
	put_meta(s, "name", slice_str(name));
	store_close(s);
	h->empty_bytes = bench_database_bytes(h);
}

void bench_admit(struct bench_home *h, const struct bench_home *peer, const char *address)
{
	struct store *s = bench_open(h, false);
	struct store_peer p = {.node = peer->keys.node_key, .origin = PEER_ADMITTED};
	if (address) {
		p.addresses_n = 1;
		snprintf(p.addresses[0], sizeof p.addresses[0], "%s", address);
	}
	struct store_req q = {.op = STORE_PEER_PUT, .a.node = peer->keys.node_key, .a.peer = &p};
	bench_batch(s, &q, 1);
	store_close(s);
}

/* ---- identities */

static void put_set(struct desk *d, const struct keyset *ks)
{
	struct store_keyevent ev[16];
	size_t n = keyset_count(ks);
	if (n > 16)
		abort();
	for (size_t i = 0; i < n; i++) {
		const struct keyevent *k = keyset_at(ks, i);
		ev[i] = (struct store_keyevent){.bytes = k->bytes, .signatures = k->signatures, .id = k->id};
	}
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_KEYS, .identity = *keyset_identity(ks), .events = ev, .events_n = n};
	bench_must(desk_command(d, &cmd, NULL), "key events");
}

static void make_identity(struct desk *d, struct bench_log *l)
{
	struct identity_device device;
	struct identity_secrets secrets;
	struct keyset *ks = NULL;
	struct keyset_view v;
	uint8_t entropy[RECOVERY_ENTROPY_BYTES];
	randombytes_buf(entropy, sizeof entropy);
	randombytes_buf(&device, sizeof device);
	bench_must(identity_create(&desk_random, IDENTITY_PERSON, entropy, RECOVERY_IDENTITY, &device, NULL,
			   0, &ks, &secrets),
		"an identity");
	bench_must(keyset_resolve(ks, &v), "an identity");
	*l = (struct bench_log){.identity = *keyset_identity(ks), .event = v.devices[0].event};
	secret_sign_pair(device.sign_seed, &l->device_key, l->device_secret);
	l->log = entry_log_id(&l->identity, &l->device_key);
	put_set(d, ks);
	keyset_view_deinit(&v);
	keyset_free(ks);
}

void bench_identities(struct bench_home *h, struct bench_log *logs, size_t n)
{
	char why[256];
	struct offline *o = NULL;
	if (offline_open(h->path, false, &h->keys, &bench_network, &o, why) != OK)
		bench_fail("a home", why);
	for (size_t i = 0; i < n; i++)
		make_identity(offline_desk(o), &logs[i]);
	offline_close(o);
}

void bench_follow(struct bench_home *h, const struct bench_log *logs, size_t n)
{
	struct store *s = bench_open(h, false);
	struct store_req reqs[BENCH_BATCH];
	for (size_t i = 0; i < n;) {
		size_t k = 0;
		for (; k < BENCH_BATCH && i < n; k++, i++)
			reqs[k] = (struct store_req){.op = STORE_FOLLOW_ADD, .a.identity = logs[i].identity};
		bench_batch(s, reqs, k);
	}
	store_close(s);
}

/* ---- entries */

/* A record of `bytes` bytes: entry 0's, or a reflection. */
static void put_record(struct buf *b, const struct bench_log *l, size_t bytes)
{
	size_t before = b->n;
	struct mp_out o = mp_out_init(b);
	uint8_t text[LIMIT_BODY_BYTES];
	mp_put_array(&o, 2);
	mp_put_cstr(&o, l->length ? "reflection" : "device");
	mp_put_map(&o, 1);
	mp_put_cstr(&o, l->length ? "text" : "event");
	if (l->length == 0) {
		mp_put_id(&o, &l->event);
	} else {
		size_t used = b->n - before, left = bytes > used ? bytes - used : 1;
		size_t head = left > 256 + 2 ? 3 : left > 32 ? 2 : 1;
		size_t n = left > head ? left - head : 0;
		randombytes_buf(text, n);
		for (size_t i = 0; i < n; i++)
			text[i] = (uint8_t)('a' + text[i] % 26);
		mp_put_str(&o, slice_of(text, n));
	}
	bench_must(o.err, "a record");
}

static void put_salt(struct buf *body)
{
	uint8_t salt[ENTRY_SALT_BYTES];
	randombytes_buf(salt, sizeof salt);
	bench_must(buf_put(body, salt, sizeof salt), "a body");
}

void bench_body(const struct bench_log *l, size_t bytes, struct buf *body)
{
	put_salt(body);
	put_record(body, l, bytes);
}

/* Takes body. */
static void put_entry(struct bench_log *l, uint8_t flags, struct buf *body, struct slice envelope,
	struct arena *mem, struct store_req *q)
{
	struct entry_header h = {.flags = flags,
		.log = l->log,
		.seq = l->length,
		.prev = l->last,
		.hour = (uint32_t)(time(NULL) / 3600),
		.envelope_hash = entry_envelope_hash(envelope),
		.body_bytes = (uint32_t)body->n,
		.commitment = entry_body_commitment(buf_slice(body))};
	uint8_t *header = arena_alloc(mem, ENTRY_HEADER_BYTES),
		*sig = arena_alloc(mem, ENTRY_SIGNATURE_BYTES);
	struct store_part *part = arena_alloc(mem, sizeof *part);
	if (!header || !sig || !part)
		bench_fail("memory", err_text(ERR_MEMORY));
	entry_header_encode(&h, header);
	entry_sign(header, l->device_secret, sig);
	*part = (struct store_part){.header = header,
		.envelope = arena_copy(mem, envelope),
		.kind = BODY_HERE,
		.bytes = arena_copy(mem, buf_slice(body))};
	q->op = STORE_RUN_PUT;
	q->a.log = l->log;
	q->a.identity = l->identity;
	q->a.device_key = l->device_key;
	q->a.first = l->length;
	q->a.prev = l->last;
	q->a.n = 1;
	q->a.parts = part;
	q->a.sig = slice_of(sig, ENTRY_SIGNATURE_BYTES);
	q->a.id = entry_id(header);
	l->last = q->a.id;
	l->length++;
	buf_free(body);
}

void bench_entry(
	struct bench_log *l, size_t body, struct slice envelope, struct arena *mem, struct store_req *q)
{
	struct buf b = {0};
	bench_body(l, body, &b);
	put_entry(l, l->length ? 0 : ENTRY_FLAG_KEEP, &b, envelope, mem, q);
}

void bench_record(
	struct bench_log *l, uint8_t flags, struct slice record, struct arena *mem, struct store_req *q)
{
	struct buf b = {0};
	put_salt(&b);
	bench_must(buf_put_slice(&b, record), "a body");
	put_entry(l, flags, &b, (struct slice){0}, mem, q);
}

static void fill_log(struct store *s, struct bench_log *l, uint64_t each, size_t body)
{
	struct store_req reqs[BENCH_BATCH];
	while (l->length < each) {
		size_t k = 0;
		for (; k < BENCH_BATCH && l->length < each; k++) {
			struct arena mem = {0};
			reqs[k] = (struct store_req){0};
			bench_entry(l, body, (struct slice){0}, &mem, &reqs[k]);
			reqs[k].mem = mem;
		}
		bench_batch(s, reqs, k);
	}
}

void bench_fill(struct bench_home *h, struct bench_log *logs, size_t n, uint64_t each, size_t body)
{
	struct store *s = bench_open(h, false);
	for (size_t i = 0; i < n; i++)
		fill_log(s, &logs[i], each, body);
	store_close(s);
}

void bench_pin(struct bench_home *h, struct bench_log *l, const struct id32 *root, uint64_t size)
{
	struct store *s = bench_open(h, false);
	struct envelope env = {.blobs_n = 1};
	struct buf bytes = {0};
	struct store_req q = {0};
	struct arena mem = {0};
	env.blobs[0] = (struct envelope_blob){.root = *root, .size = size};
	bench_must(envelope_encode(&env, &bytes), "an envelope");
	struct store_pin pin = {.seq = l->length, .root = *root, .size = size};
	bench_entry(l, 60, buf_slice(&bytes), &mem, &q);
	q.mem = mem;
	q.a.pins = &pin;
	q.a.pins_n = 1;
	bench_batch(s, &q, 1);
	buf_free(&bytes);
	store_close(s);
}

/* ---- reading back */

static void verify_run(const struct bench_log *l, const struct store_res *res, struct id32 *last)
{
	uint8_t headers[LIMIT_RUN_ENTRIES * ENTRY_HEADER_BYTES];
	struct entry_part parts[LIMIT_RUN_ENTRIES];
	struct run_ends ends;
	for (size_t i = 0; i < res->r.n; i++) {
		const struct store_part *p = &res->r.parts[i];
		memcpy(headers + i * ENTRY_HEADER_BYTES, p->header, ENTRY_HEADER_BYTES);
		parts[i] = (struct entry_part){.envelope = p->envelope, .kind = p->kind, .bytes = p->bytes};
		if (p->kind != BODY_HERE)
			bench_fail("an entry", "its body is not here");
	}
	const struct run r = {.log = l->log,
		.first = res->r.first,
		.n = res->r.n,
		.headers = headers,
		.signature = res->r.sig.p,
		.parts = parts};
	bench_must(run_verify(&r, &l->device_key, &ends), "a run read back");
	if (!id32_equal(&ends.prev, last))
		bench_fail("a run read back", "it does not follow the one before");
	*last = ends.last;
}

void bench_verify(const struct bench_home *h, const struct bench_log *logs, size_t n)
{
	struct store *s = bench_open(h, true);
	for (size_t i = 0; i < n; i++) {
		struct id32 last = {{0}};
		for (uint64_t at = 0; at < logs[i].length;) {
			struct store_req q = {.op = STORE_RUN_GET,
				.a.log = logs[i].log,
				.a.first = at,
				.a.max = UINT64_MAX};
			struct store_res res;
			store_exec_one(s, &q, &res);
			bench_must(res.err, "a run read back");
			verify_run(&logs[i], &res, &last);
			at += res.r.n;
			store_res_free(&res);
		}
		if (!id32_equal(&last, &logs[i].last))
			bench_fail("a log read back", "it ends at another entry");
	}
	store_close(s);
}

/* ---- folders */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	if (type == FTW_DP || type == FTW_D)
		(void)rmdir(path);
	else
		(void)unlink(path);
	return 0;
}

void bench_remove(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
