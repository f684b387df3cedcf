/* people.c -- identities, entries and blobs for the small world. */
#include "protocol/log/blobtree.h"
#include "protocol/log/entry.h"
#include "protocol/log/erasure.h"
#include "protocol/log/hash.h"
#include "protocol/log/mp.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"
#include "store/blobfile.h"
#include "tools/sim/world.h"

#include <stdio.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sim: %s\n", what);
	abort();
}

static enum err put_events(
	struct world_node *n, const struct id32 *identity, const struct store_keyevent *ev, size_t count)
{
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_KEYS, .identity = *identity, .events = ev, .events_n = count};
	return world_command(n, &cmd).err;
}

static enum err put_set(struct world_node *n, const struct keyset *ks)
{
	size_t count = keyset_count(ks);
	struct store_keyevent ev[64];
	must(count <= 64, "a large key set");
	for (size_t i = 0; i < count; i++) {
		const struct keyevent *k = keyset_at(ks, i);
		ev[i] = (struct store_keyevent){.bytes = k->bytes, .signatures = k->signatures, .id = k->id};
	}
	return put_events(n, keyset_identity(ks), ev, count);
}

enum err world_follow(struct world_node *n, const struct id32 *identity)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_FOLLOW, .identity = *identity, .flag = true};
	return world_command(n, &cmd).err;
}

static struct engine_cmd append_command(struct world_node *n, const struct world_person *p, uint8_t flags,
	struct slice record, struct slice envelope, struct buf *body)
{
	struct random_source rnd = world_random_source(n->world);
	must(seal_clear_body(&rnd, record, body) == OK, "a body");
	return (struct engine_cmd){.kind = ENGINE_CMD_APPEND,
		.log = p->log,
		.flags = flags,
		.envelope = envelope,
		.body = buf_slice(body),
		.device_secret = p->device_secret};
}

static struct engine_event append_record(struct world_node *n, struct world_person *p, uint8_t flags,
	struct slice record, struct slice envelope)
{
	struct buf body = {0};
	struct engine_cmd cmd = append_command(n, p, flags, record, envelope, &body);
	struct engine_event ev = world_command(n, &cmd);
	if (ev.err == OK)
		p->length = ev.seq + 1;
	buf_free(&body);
	return ev;
}

/* The log of p's device becomes this node's, with its entry 0. */
static enum err begin_log(struct world_node *n, struct world_person *p, const struct id32 *device_event)
{
	struct id32 device_key;
	secret_sign_pair(p->device.sign_seed, &device_key, p->device_secret);
	p->log = entry_log_id(&p->id, &device_key);
	struct engine_cmd own = {
		.kind = ENGINE_CMD_OWN, .log = p->log, .identity = p->id, .device_key = device_key};
	enum err e = world_command(n, &own).err;
	if (e != OK)
		return e;
	struct buf record = {0};
	struct mp_out o = mp_out_init(&record);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, "device");
	mp_put_map(&o, 1);
	mp_put_cstr(&o, "event");
	mp_put_id(&o, device_event);
	must(o.err == OK, "out of memory");
	e = append_record(n, p, ENTRY_FLAG_KEEP, buf_slice(&record), (struct slice){0}).err;
	buf_free(&record);
	return e;
}

static void device_secrets(struct world_node *n, struct world_person *p)
{
	struct random_source rnd = world_random_source(n->world);
	random_fill(&rnd, p->device.sign_seed, 32);
	random_fill(&rnd, p->device.box_secret, 32);
}

static enum err follow_hosted(struct world_node *n, const struct id32 *identity)
{
	struct engine_cmd follow = {
		.kind = ENGINE_CMD_FOLLOW, .identity = *identity, .flag = true, .hosted = true};
	return world_command(n, &follow).err;
}

enum err world_person_new(struct world_node *n, struct world_person *p)
{
	struct random_source rnd = world_random_source(n->world);
	struct keyset *ks = NULL;
	struct keyset_view v;
	*p = (struct world_person){0};
	random_fill(&rnd, p->entropy, sizeof p->entropy);
	device_secrets(n, p);
	must(identity_create(&rnd, IDENTITY_PERSON, p->entropy, RECOVERY_IDENTITY, &p->device, NULL, 0, &ks,
		     &p->secrets) == OK,
		"an identity");
	p->id = *keyset_identity(ks);
	must(keyset_resolve(ks, &v) == OK && v.devices_n == 1, "key events");
	enum err e = put_set(n, ks);
	if (e == OK)
		e = follow_hosted(n, &p->id);
	if (e == OK)
		e = begin_log(n, p, &v.devices[0].event);
	keyset_view_deinit(&v);
	keyset_free(ks);
	return e;
}

struct keyset *world_keyset(struct world_node *n, const struct id32 *identity)
{
	struct store_req q = {.op = STORE_IDENTITY_GET};
	struct store_res res;
	q.a.identity = *identity;
	world_store(n, &q, &res);
	struct keyset *ks = res.err == OK ? keyset_new(identity) : NULL;
	for (size_t i = 0; ks && i < res.r.n; i++)
		must(keyset_load(ks, res.r.events[i].bytes, res.r.events[i].signatures) == OK,
			"a stored key event");
	store_res_free(&res);
	return ks;
}

static enum err put_made(struct world_node *n, const struct id32 *identity, const struct identity_event *ev)
{
	struct store_keyevent k = {
		.bytes = buf_slice(&ev->bytes), .signatures = identity_event_signatures(ev), .id = ev->id};
	return put_events(n, identity, &k, 1);
}

enum err world_person_direct(struct world_node *n, const struct world_person *of, const struct id32 *nodes,
	size_t nodes_n, struct world_person *p)
{
	struct random_source rnd = world_random_source(n->world);
	struct identity_request request;
	struct identity_event ev = {0};
	struct keyset *ks = world_keyset(n, &of->id);
	if (!ks)
		return ERR_NOT_FOUND;
	*p = *of;
	p->length = 0;
	device_secrets(n, p);
	enum err e = identity_request_make(&p->id, &p->device, nodes, nodes_n, &request);
	if (e == OK)
		e = identity_add_device(&rnd, ks, &p->secrets, &request, &ev);
	if (e == OK)
		e = put_made(n, &p->id, &ev);
	if (e == OK)
		e = follow_hosted(n, &p->id);
	if (e == OK)
		e = begin_log(n, p, &ev.id);
	identity_event_deinit(&ev);
	keyset_free(ks);
	return e;
}

enum err world_person_device(struct world_node *n, const struct world_person *of, struct world_person *p)
{
	return world_person_direct(n, of, NULL, 0, p);
}

enum err world_person_close(struct world_node *n, const struct world_person *p, const struct id32 *log,
	uint64_t length, const struct id32 *last)
{
	struct random_source rnd = world_random_source(n->world);
	struct identity_event ev = {0};
	struct keyset *ks = world_keyset(n, &p->id);
	enum err e = ks ? identity_close_device(&rnd, ks, &p->secrets, log, length, last, &ev)
			: ERR_NOT_FOUND;
	if (e == OK)
		e = put_made(n, &p->id, &ev);
	identity_event_deinit(&ev);
	keyset_free(ks);
	return e;
}

static void put_text_record(struct world_node *n, struct buf *record, size_t bytes)
{
	char *text = malloc(bytes + 1);
	must(text != NULL, "out of memory");
	for (size_t i = 0; i < bytes; i++)
		text[i] = (char)('a' + world_random(n->world, 26));
	struct mp_out o = mp_out_init(record);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, n->kind ? n->kind : "reflection");
	mp_put_map(&o, n->kind ? 2 : 1);
	mp_put_cstr(&o, "text");
	mp_put_str(&o, slice_of(text, bytes));
	if (n->kind) {
		mp_put_cstr(&o, "texture");
		mp_put_array(&o, 0);
	}
	must(o.err == OK, "out of memory");
	free(text);
}

struct engine_event world_append(struct world_node *n, struct world_person *p, size_t bytes)
{
	struct buf record = {0};
	put_text_record(n, &record, bytes);
	struct engine_event ev = append_record(n, p, 0, buf_slice(&record), (struct slice){0});
	buf_free(&record);
	return ev;
}

uint64_t world_append_begin(struct world_node *n, const struct world_person *p, size_t bytes)
{
	struct buf record = {0}, body = {0};
	put_text_record(n, &record, bytes);
	struct engine_cmd cmd = append_command(n, p, 0, buf_slice(&record), (struct slice){0}, &body);
	uint64_t tag = world_command_begin(n, &cmd);
	buf_free(&record);
	buf_free(&body);
	return tag;
}

bool world_entry_at(struct world_node *n, const struct id32 *log, uint64_t seq, struct id32 *id)
{
	struct store_req q = {.op = STORE_IDS};
	struct store_res res;
	q.a.log = *log;
	q.a.seqs = &seq;
	q.a.n = 1;
	world_store(n, &q, &res);
	bool there = res.err == OK && !id32_is_zero(&res.r.ids[0]);
	if (there)
		*id = res.r.ids[0];
	store_res_free(&res);
	return there;
}

uint64_t world_erase_begin(struct world_node *n, const struct world_person *p, uint64_t seq)
{
	struct erasure er = {.reason = ERASURE_WISH,
		.of = {.log = p->log, .seq = seq},
		.hour = (uint32_t)(n->world->wall_s / 3600)};
	struct keyset_view v;
	struct id32 key;
	uint8_t secret[64], statement[LIMIT_ERASURE_BYTES];
	struct keyset *ks = world_keyset(n, &p->id);
	if (!ks || seq == 0 || !world_entry_at(n, &p->log, seq, &er.of.id)) {
		keyset_free(ks);
		return 0;
	}
	must(keyset_resolve(ks, &v) == OK, "key events");
	er.generation = v.generation;
	secret_sign_pair(p->secrets.signing_seed, &key, secret);
	erasure_encode(&er, secret, statement);
	keyset_view_deinit(&v);
	keyset_free(ks);
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_ERASE, .statement = slice_of(statement, sizeof statement)};
	return world_command_begin(n, &cmd);
}

/* ---- blobs ---- */

struct making {
	int fd;
	uint64_t chunks, size;
	struct id32 *leaves;
	struct buf small;
	uint8_t key[32];
};

static void make_chunks(struct world_node *n, struct making *m)
{
	struct random_source rnd = world_random_source(n->world);
	uint8_t *plain = malloc(BLOB_CHUNK_BYTES), *chunk = malloc(BLOB_CHUNK_STORED_BYTES);
	must(plain && chunk, "out of memory");
	random_fill(&rnd, m->key, 32);
	for (uint64_t i = 0; i < m->chunks; i++) {
		size_t len = blob_chunk_plain_bytes(m->size, i);
		memset(plain, (int)(i & 0xff), len);
		memcpy(plain, &i, len < sizeof i ? len : sizeof i);
		blob_chunk_encrypt(m->key, i, i + 1 == m->chunks, plain, len, chunk);
		m->leaves[i] = blob_leaf(i, chunk, len + BLOB_CHUNK_TAG_BYTES);
		if (m->fd >= 0)
			must(blobfile_write_chunk(m->fd, i, chunk, len + BLOB_CHUNK_TAG_BYTES) == OK,
				"a chunk");
		else
			must(buf_put(&m->small, chunk, len + BLOB_CHUNK_TAG_BYTES) == OK, "out of memory");
	}
	free(plain);
	free(chunk);
}

static enum err make_blob(struct world_node *n, const struct id32 *owner, uint64_t size, struct id32 *root)
{
	struct making m = {.fd = -1, .size = size, .chunks = blob_chunks(size)};
	bool file = blob_stored_bytes(size) > LIMIT_BLOB_INLINE_BYTES;
	struct id32 pages[LIMIT_BLOB_PAGES];
	uint32_t pages_n = blob_pages(size);
	m.leaves = malloc((size_t)m.chunks * sizeof *m.leaves);
	must(m.leaves && (!file || blobfile_temp(n->home, &m.fd) == OK), "a blob's file");
	make_chunks(n, &m);
	for (uint32_t p = 0; p < pages_n; p++)
		pages[p] = blob_page_hash(m.leaves + (size_t)p * BLOB_PAGE_LEAVES, blob_page_leaves(size, p));
	*root = blob_root(pages, pages_n, size, owner);
	if (file) {
		must(blobfile_publish(n->home, root, m.fd) == OK, "a blob's name");
		close(m.fd);
	}
	struct store_req q = {.op = STORE_BLOB_PUT};
	struct store_res res;
	q.a.root = *root;
	q.a.identity = *owner;
	q.a.number = size;
	q.a.bytes = slice_of(pages, pages_n * sizeof *pages);
	q.a.bytes2 = slice_of(m.leaves, (size_t)m.chunks * sizeof *m.leaves);
	q.a.value = buf_slice(&m.small);
	q.a.flag = true;
	world_store(n, &q, &res);
	enum err e = res.err;
	store_res_free(&res);
	buf_free(&m.small);
	free(m.leaves);
	world_power_check(n);
	return e;
}

struct engine_event world_attach(
	struct world_node *n, struct world_person *p, uint64_t size, struct id32 *root)
{
	enum err e = make_blob(n, &p->id, size, root);
	if (e != OK || !n->engine)
		return (struct engine_event){.err = e != OK ? e : ERR_CLOSED};
	return world_name_blob(n, p, root, size);
}

struct engine_event world_name_blob(
	struct world_node *n, struct world_person *p, const struct id32 *root, uint64_t size)
{
	struct envelope env = {.blobs_n = 1};
	struct buf bytes = {0}, record = {0};
	env.blobs[0] = (struct envelope_blob){.root = *root, .size = size};
	must(envelope_encode(&env, &bytes) == OK, "an envelope");
	put_text_record(n, &record, 40);
	struct engine_event ev = append_record(n, p, 0, buf_slice(&record), buf_slice(&bytes));
	buf_free(&bytes);
	buf_free(&record);
	return ev;
}

/* ---- looking ---- */

enum err world_log(struct world_node *n, const struct id32 *log, struct store_log *out)
{
	struct store_req q = {.op = STORE_LOG_GET};
	struct store_res res;
	q.a.log = *log;
	world_store(n, &q, &res);
	if (res.err == OK)
		*out = res.r.logs[0];
	enum err e = res.err;
	store_res_free(&res);
	return e;
}

static void admit(struct world_node *n, const struct world_node *peer)
{
	struct store_peer p = {.node = peer->key, .origin = PEER_ADMITTED};
	struct store_req q = {.op = STORE_PEER_PUT};
	struct store_res res;
	snprintf(p.name, sizeof p.name, "%s", peer->name);
	q.a.node = peer->key;
	q.a.peer = &p;
	if (!n->store)
		return;
	world_store(n, &q, &res);
	must(res.err == OK || n->world->disks, "a peer"); /* a disk with faults may refuse */
	store_res_free(&res);
	world_power_check(n);
}

/* What was changed beside the engine is read again. */
static void peers_changed(struct world_node *n)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_PEERS};
	if (n->world->gossip)
		(void)world_command_begin(n, &cmd);
}

void world_admit(struct world_node *a, struct world_node *b)
{
	admit(a, b);
	admit(b, a);
	peers_changed(a);
	peers_changed(b);
}

void world_admit_all(struct world_node *n, const struct world_node *others, size_t others_n)
{
	struct store_req reqs[64], *each[64];
	struct store_res res[64];
	struct store_peer rows[64];
	for (size_t from = 0; from < others_n; from += 64) {
		size_t k = others_n - from < 64 ? others_n - from : 64;
		for (size_t i = 0; i < k; i++) {
			rows[i] = (struct store_peer){.node = others[from + i].key, .origin = PEER_ADMITTED};
			reqs[i] = (struct store_req){.op = STORE_PEER_PUT, .a.peer = &rows[i]};
			reqs[i].a.flag = true; /* an origin that is known stays */
			each[i] = &reqs[i];
		}
		store_exec(n->store, each, res, k);
		for (size_t i = 0; i < k; i++) {
			must(res[i].err == OK, "a peer");
			store_res_free(&res[i]);
		}
	}
	peers_changed(n);
}

void world_introduce(struct world_node *a, struct world_node *b)
{
	struct store_peer p = {.node = b->key, .origin = PEER_ADMITTED, .addresses_n = 1};
	struct store_req q = {.op = STORE_PEER_PUT, .a.peer = &p};
	struct store_res res;
	q.a.flag = true;
	world_address(b, p.addresses[0]);
	world_store(a, &q, &res);
	must(res.err == OK, "a peer");
	store_res_free(&res);
	peers_changed(a);
}

const struct engine_event *world_event(struct world_node *n, enum engine_event_kind kind, size_t *from)
{
	for (; *from < n->events_n; ++*from)
		if (n->events[*from].kind == kind)
			return &n->events[(*from)++];
	return NULL;
}
