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

/* One record of the network's, on its way to the store. */
struct seen {
	struct id32 log;
	uint64_t seq;
};

static struct seen *seen_new(struct engine *e, const struct id32 *log, uint64_t seq)
{
	struct seen *at = malloc(sizeof *at);
	struct store_res failed = {.err = ERR_MEMORY};
	if (at)
		*at = (struct seen){.log = *log, .seq = seq};
	else
		(void)engine_written(e, &failed, "an admission");
	return at;
}

/* ---- admission ---- */

static void admitted(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err != OK)
		(void)engine_written(e, res, "an admission");
	else
		members_load(e);
}

static void put_admission(struct engine *e, const struct seen *at, const struct id32 *node, struct slice name,
	struct slice fields)
{
	struct store_req *q = req_new(STORE_ADMISSION_PUT);
	struct store_peer *p = q ? arena_alloc(&q->mem, sizeof *p) : NULL;
	if (p) {
		*p = (struct store_peer){.node = *node};
		memcpy(p->name, name.p, name.n <= LIMIT_NAME_BYTES ? name.n : 0);
		q->a.log = at->log;
		q->a.seq = at->seq;
		q->a.node = *node;
		q->a.peer = p;
		q->a.flag = id32_equal(node, &e->config.node);
		if (record_get_id(fields, "introducer", &q->a.id) != OK)
			q->a.id = (struct id32){{0}};
	} else {
		free(q);
		q = NULL;
	}
	emit_store(e, q, NULL, admitted, NULL);
}

/* ---- admission-end ---- */

static void ended(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (res->err != OK) {
		(void)engine_written(e, res, "the end of an admission");
		return;
	}
	for (struct session *o = e->sessions; res->r.flag && o; o = o->next)
		if (id32_equal(&o->node, &res->r.ids[0]))
			peer_close(o, ERR_REFUSED, "the network ended its admission");
	members_load(e);
}

/* Whose admission it was. If that is not here yet, the store knows when it comes that it is ended. */
static void ended_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct seen *of = ctx;
	struct slice kind, fields;
	struct store_req *q = req_new(STORE_ADMISSION_END);
	(void)s;
	if (q) {
		q->a.log = of->log;
		q->a.seq = of->seq;
		if (res->err != OK || res->r.n != 1 || !clear_record(&res->r.parts[0], &kind, &fields) ||
			!slice_equal(kind, slice_str("admission")) ||
			record_get_id(fields, "node", &q->a.node) != OK)
			q->a.node = (struct id32){{0}};
	}
	emit_store(e, q, NULL, ended, NULL);
	free(of);
}

static void end_admission(struct engine *e, const struct entry_ref *of)
{
	struct seen *at = seen_new(e, &of->log, of->seq);
	struct store_req *q = at ? req_new(STORE_BODY_GET) : NULL;
	uint64_t *seq = q ? arena_alloc(&q->mem, sizeof *seq) : NULL;
	if (seq) {
		*seq = of->seq;
		q->a.log = of->log;
		q->a.seqs = seq;
		q->a.n = 1;
	}
	if (at)
		emit_store(e, q, NULL, ended_read, at);
}

/* ---- the network's log ---- */

static void take(struct engine *e, const struct seen *at, const struct store_part *p)
{
	struct slice kind, fields, name;
	struct id32 node;
	struct mp_in value;
	struct entry_ref of;
	if (!clear_record(p, &kind, &fields))
		return;
	if (slice_equal(kind, slice_str("admission")) && record_get_id(fields, "node", &node) == OK &&
		record_get_str(fields, "name", &name) == OK)
		put_admission(e, at, &node, name, fields);
	else if (slice_equal(kind, slice_str("admission-end")) && record_get(fields, "of", &value) == OK &&
		record_get_ref(&value, &of) == OK)
		end_admission(e, &of);
}

static void entries_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct seen *at = ctx;
	(void)s;
	for (size_t i = 0; res->err == OK && i < res->r.n; i++, at->seq++)
		take(e, at, &res->r.parts[i]);
	free(at);
}

void admission_seen(
	struct engine *e, const struct id32 *identity, const struct id32 *log, uint64_t first, size_t n)
{
	if (!id32_equal(identity, &e->config.network))
		return;
	struct seen *at = seen_new(e, log, first);
	struct store_req *q = at ? req_new(STORE_RUN_GET) : NULL;
	if (q) {
		q->a.log = *log;
		q->a.first = first;
		q->a.end = first + n;
		q->a.max = UINT32_MAX;
	}
	if (at)
		emit_store(e, q, NULL, entries_read, at);
}
