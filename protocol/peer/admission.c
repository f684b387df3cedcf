/* admission.c -- the network's log says who belongs to it. SPEC.md section 8.2. */
#include "engine_int.h"

#include "protocol/log/record.h"

static void put_peer(struct engine *e, const struct id32 *node, struct slice name)
{
	struct store_req *q = req_new(STORE_PEER_PUT);
	struct store_peer *p = q ? arena_alloc(&q->mem, sizeof *p) : NULL;
	if (!p) {
		free(q);
		return;
	}
	*p = (struct store_peer){.node = *node, .origin = PEER_ADMITTED};
	memcpy(p->name, name.p, name.n <= LIMIT_NAME_BYTES ? name.n : 0);
	q->a.node = *node;
	q->a.peer = p;
	q->a.flag = true; /* a join of our own stays one */
	emit_store(e, q, NULL, NULL, NULL);
	members_load(e);
}

static void end_peer(struct engine *e, const struct id32 *node)
{
	struct store_req *q = req_new(STORE_PEER_REMOVE);
	if (q)
		q->a.node = *node;
	emit_store(e, q, NULL, NULL, NULL);
	members_load(e);
	for (struct session *s = e->sessions; s; s = s->next)
		if (id32_equal(&s->node, node))
			peer_close(s, ERR_REFUSED, "the network ended its admission");
}

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

static void ended_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct slice kind, fields;
	struct id32 node;
	(void)s, (void)ctx;
	if (res->err == OK && res->r.n == 1 && clear_record(&res->r.parts[0], &kind, &fields) &&
		slice_equal(kind, slice_str("admission")) && record_get_id(fields, "node", &node) == OK)
		end_peer(e, &node);
}

static void read_one(struct engine *e, const struct id32 *log, uint64_t seq, stored_fn done)
{
	struct store_req *q = req_new(STORE_BODY_GET);
	uint64_t *at = q ? arena_alloc(&q->mem, sizeof *at) : NULL;
	if (at) {
		*at = seq;
		q->a.log = *log;
		q->a.seqs = at;
		q->a.n = 1;
	}
	emit_store(e, q, NULL, done, NULL);
}

static void take(struct engine *e, const struct store_part *p)
{
	struct slice kind, fields, name;
	struct id32 node;
	struct mp_in value;
	struct entry_ref of;
	if (!clear_record(p, &kind, &fields))
		return;
	if (slice_equal(kind, slice_str("admission")) && record_get_id(fields, "node", &node) == OK &&
		record_get_str(fields, "name", &name) == OK && !id32_equal(&node, &e->config.node))
		put_peer(e, &node, name);
	else if (slice_equal(kind, slice_str("admission-end")) && record_get(fields, "of", &value) == OK &&
		record_get_ref(&value, &of) == OK)
		read_one(e, &of.log, of.seq, ended_read);
}

static void entries_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	for (size_t i = 0; res->err == OK && i < res->r.n; i++)
		take(e, &res->r.parts[i]);
}

void admission_seen(
	struct engine *e, const struct id32 *identity, const struct id32 *log, uint64_t first, size_t n)
{
	if (!id32_equal(identity, &e->config.network))
		return;
	struct store_req *q = req_new(STORE_RUN_GET);
	if (q) {
		q->a.log = *log;
		q->a.first = first;
		q->a.end = first + n;
		q->a.max = UINT32_MAX;
	}
	emit_store(e, q, NULL, entries_read, NULL);
}
