/* keys.c -- key events of identities: a cache of sets, and the way of new ones: checked by work, stored, then in force. SPEC.md section 3. */
#include "engine_int.h"

#include "protocol/log/hash.h"

struct keys_wait {
	struct keys_wait *next;
	struct session *s;
	keys_fn got;
	void *ctx;
};

static struct keys *find(struct engine *e, const struct id32 *identity)
{
	for (struct keys *k = e->keys; k; k = k->next)
		if (id32_equal(&k->identity, identity))
			return k;
	return NULL;
}

static void unload(struct keys *k)
{
	if (k->set)
		keyset_view_deinit(&k->view);
	keyset_free(k->set);
	k->set = NULL;
	k->loaded = false;
}

/* Drops what was used longest ago. */
static void evict(struct engine *e)
{
	struct keys **oldest = NULL;
	for (struct keys **k = &e->keys; *k; k = &(*k)->next)
		if (!(*k)->loading && !(*k)->waits && (!oldest || (*k)->used_ms < (*oldest)->used_ms))
			oldest = k;
	if (!oldest)
		return;
	struct keys *k = *oldest;
	*oldest = k->next;
	unload(k);
	free(k);
	e->keys_n--;
}

void keys_deinit(struct engine *e)
{
	while (e->keys) {
		struct keys *k = e->keys;
		e->keys = k->next;
		while (k->waits) {
			struct keys_wait *w = k->waits;
			k->waits = w->next;
			free(w);
		}
		unload(k);
		free(k);
	}
}

/* Builds the set from the store's answer. */
static enum err build(struct keys *k, const struct store_res *res)
{
	if (res->err == ERR_NOT_FOUND)
		return OK;
	if (res->err != OK)
		return res->err;
	struct keyset *ks = keyset_new(&k->identity);
	enum err e = ks ? OK : ERR_MEMORY;
	for (size_t i = 0; i < res->r.n && e == OK; i++)
		e = keyset_load(ks, res->r.events[i].bytes, res->r.events[i].signatures);
	if (e == OK)
		e = keyset_resolve(ks, &k->view);
	if (e != OK)
		keyset_free(ks);
	else
		k->set = ks;
	return e;
}

static void loaded(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct keys *k = ctx;
	(void)s;
	k->loading = false;
	if (!k->loaded) {
		k->err = build(k, res);
		k->loaded = k->err == OK;
	}
	if (!k->loaded) {
		struct store_res failed = {.err = k->err};
		(void)engine_written(e, &failed, "an identity's key events");
	}
	struct keys_wait *w = k->waits;
	k->waits = NULL;
	while (w) {
		struct keys_wait *next = w->next;
		w->got(e, w->s, w->ctx, k);
		if (w->s)
			peer_release(w->s);
		free(w);
		w = next;
	}
}

static struct keys *keys_new(struct engine *e, const struct id32 *identity)
{
	if (e->keys_n >= KEYS_CACHED_MAX)
		evict(e);
	struct keys *k = calloc(1, sizeof *k);
	if (!k)
		return NULL;
	k->identity = *identity;
	k->next = e->keys;
	e->keys = k;
	e->keys_n++;
	return k;
}

void keys_get(struct engine *e, const struct id32 *identity, struct session *s, keys_fn got, void *ctx)
{
	struct keys *k = find(e, identity);
	if (!k)
		k = keys_new(e, identity);
	static struct keys none = {.err = ERR_MEMORY};
	if (!k || k->loaded) {
		if (k)
			k->used_ms = e->now_ms;
		got(e, s, ctx, k ? k : &none);
		return;
	}
	k->used_ms = e->now_ms;
	struct keys_wait *w = calloc(1, sizeof *w);
	if (!w) {
		got(e, s, ctx, &none);
		return;
	}
	if (s)
		peer_hold(s);
	*w = (struct keys_wait){.next = k->waits, .s = s, .got = got, .ctx = ctx};
	k->waits = w;
	if (!k->loading) {
		struct store_req *q = req_new(STORE_IDENTITY_GET);
		if (q)
			q->a.identity = *identity;
		k->loading = true;
		emit_store(e, q, NULL, loaded, k);
	}
}

static int by_id(const void *a, const void *b)
{
	return id32_cmp(a, b);
}

struct id32 keys_hash(const struct keyset *ks)
{
	size_t n = keyset_count(ks);
	struct id32 *ids = malloc((n ? n : 1) * sizeof *ids);
	if (!ids)
		return (struct id32){0};
	for (size_t i = 0; i < n; i++) {
		const struct keyevent *ev = keyset_at(ks, i);
		if (!ev) {
			free(ids);
			return (struct id32){0};
		}
		ids[i] = ev->id;
	}
	qsort(ids, n, sizeof *ids, by_id);
	struct id32 h = hash_bytes(HASH_KEYSET, ids, n * sizeof *ids);
	free(ids);
	return h;
}

/* ---- new events ---- */

struct keys_op {
	struct id32 identity;
	struct arena mem;
	struct store_keyevent *events;
	size_t n;
	uint32_t version;
	keys_put_fn done;
	void *ctx;
};

static void op_end(struct engine *e, struct session *s, struct keys_op *op, enum err err, bool changed)
{
	op->done(e, s, op->ctx, err, changed);
	arena_free(&op->mem);
	free(op);
}

static bool copy_events(
	struct arena *a, const struct store_keyevent *in, size_t n, struct store_keyevent **out)
{
	struct store_keyevent *ev = arena_alloc(a, (n ? n : 1) * sizeof *ev);
	*out = ev;
	for (size_t i = 0; ev && i < n; i++) {
		ev[i] = in[i];
		if (!arena_put(a, in[i].bytes, &ev[i].bytes) ||
			!arena_put(a, in[i].signatures, &ev[i].signatures))
			return false;
	}
	return ev != NULL;
}

/* The whole set of `ks` in sending order, in arena a. */
static bool set_events(struct arena *a, const struct keyset *ks, struct store_keyevent **out, size_t *n)
{
	*n = ks ? keyset_count(ks) : 0;
	struct store_keyevent *ev = arena_alloc(a, (*n ? *n : 1) * sizeof *ev);
	*out = ev;
	for (size_t i = 0; ev && i < *n; i++) {
		const struct keyevent *k = keyset_at(ks, i);
		if (!k)
			return false;
		ev[i].id = k->id;
		if (!arena_put(a, k->bytes, &ev[i].bytes) || !arena_put(a, k->signatures, &ev[i].signatures))
			return false;
	}
	return ev != NULL;
}

static struct store_device *view_devices(struct arena *a, const struct keyset_view *v)
{
	struct store_device *d = arena_alloc(a, (v->devices_n ? v->devices_n : 1) * sizeof *d);
	for (size_t i = 0; d && i < v->devices_n; i++) {
		const struct keyset_device *k = &v->devices[i];
		d[i] = (struct store_device){.log = k->log,
			.device_key = k->sign_key,
			.direct = k->direct,
			.direct_n = k->direct_n,
			.closed = k->closed,
			.closed_length = k->closed_length,
			.closed_last = k->closed_last};
		memcpy(d[i].direct_nodes, k->direct_nodes, sizeof d[i].direct_nodes);
	}
	return d;
}

static struct store_req *put_request(struct keys *k)
{
	struct store_req *q = req_new(STORE_IDENTITY_PUT);
	if (!q)
		return NULL;
	struct store_keyevent *ev;
	q->a.identity = k->identity;
	q->a.identity_kind = k->view.kind;
	q->a.root_key = k->view.root_key;
	q->a.count = keyset_count(k->set);
	q->a.sum = keys_hash(k->set);
	q->a.devices = view_devices(&q->mem, &k->view);
	q->a.devices_n = k->view.devices_n;
	if (!q->a.devices || id32_is_zero(&q->a.sum) || !set_events(&q->mem, k->set, &ev, &q->a.events_n)) {
		store_req_free(q);
		free(q);
		return NULL;
	}
	q->a.events = ev;
	return q;
}

/* SPEC 19.1: "to another node that the device event names" */
static bool names_nodes(const struct keyset_view *v)
{
	bool named = v->hostings_n > 0;
	for (size_t i = 0; i < v->devices_n; i++)
		named = named || v->devices[i].direct;
	return named;
}

static void stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct keys_op *op = ctx;
	struct keys *k = find(e, &op->identity);
	if (engine_written(e, res, "key events")) {
		struct engine_event ev = {.kind = ENGINE_EVENT_KEYS, .identity = op->identity};
		emit_event(e, &ev);
		introductions_keys(e, &op->identity);
		if (k && k->set && names_nodes(&k->view))
			members_look(e);
	} else if (k) {
		unload(k);
	}
	if (id32_equal(&op->identity, &e->config.network))
		admissions_settle(e);
	op_end(e, s, op, res->err, res->err == OK);
}

static void check(struct engine *e, struct session *s, void *ctx, struct keys *k);

static void checked(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct keys_op *op = ctx;
	struct keys *k = find(e, &op->identity);
	if (w->err != OK || w->added == 0) {
		op_end(e, s, op, w->err, false);
		return;
	}
	if (!k || !k->loaded ||
		k->version != op->version) { /* the set changed meanwhile: once more from what is held now */
		keys_get(e, &op->identity, s, check, op);
		return;
	}
	struct keyset_view view;
	enum err err = keyset_resolve(w->keys, &view);
	if (err != OK) {
		op_end(e, s, op, err, false);
		return;
	}
	unload(k);
	k->set = w->keys;
	w->keys = NULL;
	k->view = view;
	k->loaded = true;
	k->version++;
	emit_store(e, put_request(k), s, stored, op);
}

static void check(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	struct keys_op *op = ctx;
	struct engine_work *w = k->loaded ? work_new(WORK_KEYS) : NULL;
	struct store_keyevent *held = NULL, *events = NULL;
	if (!w || !set_events(&w->mem, k->set, &held, &w->held_n) ||
		!copy_events(&w->mem, op->events, op->n, &events)) {
		if (w)
			engine_work_free(w);
		op_end(e, s, op, k->loaded ? ERR_MEMORY : k->err, false);
		return;
	}
	op->version = k->version;
	w->identity = op->identity;
	w->held = held;
	w->events = events;
	w->events_n = op->n;
	emit_work(e, w, s, checked, op);
}

void keys_put(struct engine *e, const struct id32 *identity, const struct store_keyevent *events, size_t n,
	struct session *s, keys_put_fn done, void *ctx)
{
	struct keys_op *op = calloc(1, sizeof *op);
	if (!op || !copy_events(&op->mem, events, n, &op->events)) {
		if (op)
			arena_free(&op->mem);
		free(op);
		done(e, s, ctx, ERR_MEMORY, false);
		return;
	}
	op->identity = *identity;
	op->n = n;
	op->done = done;
	op->ctx = ctx;
	keys_get(e, identity, s, check, op);
}
