/* admission.c -- the network's log says who belongs to it. SPEC.md section 8.2. */
#include "engine_int.h"

#include "protocol/log/record.h"

static bool clear_record(const struct store_part *p, struct slice *kind, struct slice *fields)
{
	return p->header && p->kind == BODY_HERE && !(p->header[1] & ENTRY_FLAG_SEALED) &&
		p->bytes.n > ENTRY_SALT_BYTES &&
		mp_check(slice_of(p->bytes.p + ENTRY_SALT_BYTES, p->bytes.n - ENTRY_SALT_BYTES),
			LIMIT_MP_NODES) == OK &&
		record_check(slice_of(p->bytes.p + ENTRY_SALT_BYTES, p->bytes.n - ENTRY_SALT_BYTES), NULL) ==
		OK &&
		record_open(slice_of(p->bytes.p + ENTRY_SALT_BYTES, p->bytes.n - ENTRY_SALT_BYTES), kind,
			fields) == OK;
}

/* Entries of one of the network's logs, on their way to the store. */
struct reading {
	struct id32 log;
	uint64_t seq, end;
	uint64_t marked, mark; /* at a start: before it all have been read */
	bool start, missing; /* missing: there is one without its body before seq */
	bool old; /* they may have been read by a version that kept less of them */
};

static void failed(struct engine *e, enum err err)
{
	struct store_res res = {.err = err};
	(void)engine_written(e, &res, "an admission");
}

/* ---- admissions and their ends ---- */

static void put(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err != OK) {
		failed(e, res->err);
		return;
	}
	for (size_t i = 0; i < res->r.n; i++)
		for (struct session *o = e->sessions; o; o = o->next)
			if (id32_equal(&o->node, &res->r.ids[i]))
				peer_close(o, ERR_REFUSED, "the network ended its admission");
	members_load(e);
}

static void put_admission(struct engine *e, const struct reading *at, uint64_t seq, const struct id32 *node,
	struct slice name, struct slice fields)
{
	struct store_req *q = req_new(STORE_ADMISSION_PUT);
	struct store_peer *p = q ? arena_alloc(&q->mem, sizeof *p) : NULL;
	if (p) {
		*p = (struct store_peer){.node = *node};
		memcpy(p->name, name.p, name.n <= LIMIT_NAME_BYTES ? name.n : 0);
		q->a.log = at->log;
		q->a.seq = seq;
		q->a.node = *node;
		q->a.peer = p;
		q->a.flag = id32_equal(node, &e->config.node);
		q->a.number = at->old;
		if (record_get_id(fields, "introducer", &q->a.id) != OK)
			q->a.id = (struct id32){{0}};
	} else {
		free(q);
		q = NULL;
	}
	emit_store(e, q, NULL, put, NULL);
}

/* Whose admission it was, the store knows, or knows when it comes that it is ended. */
static void put_end(struct engine *e, const struct reading *at, const struct entry_ref *of)
{
	struct store_req *q = req_new(STORE_ADMISSION_END);
	if (q) {
		q->a.log = of->log;
		q->a.seq = of->seq;
		q->a.number = at->old;
	}
	emit_store(e, q, NULL, put, NULL);
}

/* ---- how far each log was read at a start ---- */

static struct store_req *mark_req(enum store_op op, const struct id32 *log)
{
	static const char name[] = "admissions";
	struct store_req *q = req_new(op);
	uint8_t *key = q ? arena_alloc(&q->mem, sizeof name + sizeof *log) : NULL;
	if (!key) {
		free(q);
		return NULL;
	}
	memcpy(key, name, sizeof name);
	memcpy(key + sizeof name, log->b, sizeof log->b);
	q->a.key = slice_of(key, sizeof name + sizeof *log);
	return q;
}

static void mark_kept(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err != OK)
		failed(e, res->err);
}

/* The store takes it behind all that was read. */
static void put_mark(struct engine *e, const struct reading *at)
{
	struct store_req *q = mark_req(STORE_META_PUT, &at->log);
	uint8_t *value = q ? arena_alloc(&q->mem, 8) : NULL;
	if (value) {
		be64_put(value, at->mark);
		q->a.value = slice_of(value, 8);
	}
	emit_store(e, q, NULL, mark_kept, NULL);
}

/* ---- the network's log ---- */

static void take(struct engine *e, const struct reading *at, uint64_t seq, const struct store_part *p)
{
	struct slice kind, fields, name;
	struct id32 node;
	struct mp_in value;
	struct entry_ref of;
	if (!clear_record(p, &kind, &fields))
		return;
	if (slice_equal(kind, slice_str("admission")) && record_get_id(fields, "node", &node) == OK &&
		record_get_str(fields, "name", &name) == OK)
		put_admission(e, at, seq, &node, name, fields);
	else if (slice_equal(kind, slice_str("admission-end")) && record_get(fields, "of", &value) == OK &&
		record_get_ref(&value, &of) == OK)
		put_end(e, at, &of);
}

static void read_on(struct engine *e, struct reading *at);
static void entries_over(struct engine *e, struct reading *at);

static void entries_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct reading *at = ctx;
	(void)s;
	for (size_t i = 0; res->err == OK && i < res->r.n; i++, at->seq++) {
		at->missing = at->missing || res->r.parts[i].kind == BODY_ABSENT;
		at->mark = at->missing ? at->mark : at->seq + 1;
		take(e, at, at->seq, &res->r.parts[i]);
	}
	if (res->err == OK && res->r.n > 0 && at->seq < at->end) {
		read_on(e, at);
		return;
	}
	if (res->err == OK || res->err == ERR_NOT_FOUND) { /* cut behind a fork meanwhile */
		entries_over(e, at);
		return;
	}
	failed(e, res->err);
	free(at);
}

static void read_on(struct engine *e, struct reading *at)
{
	struct store_req *q = req_new(STORE_RUN_GET);
	if (q) {
		q->a.log = at->log;
		q->a.first = at->seq;
		q->a.end = at->end;
		q->a.max = UINT32_MAX;
	}
	emit_store(e, q, NULL, entries_read, at);
}

static struct reading *reading_new(struct engine *e, const struct id32 *log, uint64_t seq, uint64_t end)
{
	struct reading *at = malloc(sizeof *at);
	if (at)
		*at = (struct reading){.log = *log, .seq = seq, .end = end};
	else
		failed(e, ERR_MEMORY);
	return at;
}

void admission_seen(
	struct engine *e, const struct id32 *identity, const struct id32 *log, uint64_t first, size_t n)
{
	if (!id32_equal(identity, &e->config.network))
		return;
	struct reading *at = reading_new(e, log, first, first + n);
	if (!at)
		return;
	if (first == 0) /* no log of an older version's, whatever the next start finds read */
		put_mark(e, at);
	read_on(e, at);
}

/* ---- at each start, what the last one had not read: an entry is committed before what it says is, and a crash may come between ---- */

static void reading_over(struct engine *e)
{
	if (--e->readings == 0 && !e->booted)
		engine_ready(e);
}

static void entries_over(struct engine *e, struct reading *at)
{
	if (at->start && (at->old || at->mark != at->marked))
		put_mark(e, at);
	if (at->start)
		reading_over(e);
	free(at);
}

static void mark_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct reading *at = ctx;
	(void)s;
	if (res->err != OK && res->err != ERR_NOT_FOUND) {
		failed(e, res->err);
		free(at);
		return;
	}
	at->old = res->err == ERR_NOT_FOUND;
	if (!at->old && res->r.bytes.n == 8)
		at->marked = be64_get(res->r.bytes.p);
	at->mark = at->seq = at->marked < at->end ? at->marked : at->end; /* a log that was cut grows again */
	if (at->seq < at->end)
		read_on(e, at);
	else
		entries_over(e, at);
}

static void logs_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err != OK) {
		failed(e, res->err);
		return;
	}
	for (size_t i = 0; i < res->r.n; i++) {
		const struct store_log *l = &res->r.logs[i];
		struct reading *at = reading_new(e, &l->log, 0, l->end);
		if (!at)
			return;
		at->start = true;
		e->readings++;
		emit_store(e, mark_req(STORE_META_GET, &l->log), NULL, mark_read, at);
	}
	reading_over(e);
}

void admissions_start(struct engine *e)
{
	struct store_req *q = req_new(STORE_LOG_LIST);
	if (q)
		q->a.identity = e->config.network;
	e->readings++;
	emit_store(e, q, NULL, logs_read, NULL);
}
