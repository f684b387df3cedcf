/* notice_effect.c -- notices in the store, those of our own people, and what one for somebody here brings about: guests. SPEC.md section 20.3. */
#include "notices_int.h"

/* ---- in the store ---- */

void notice_written(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	(void)engine_written(e, res, "a notice");
}

struct put {
	struct id32 id;
	bool own;
	uint64_t tag;
};

static void put_done(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct put *p = ctx;
	(void)s;
	struct notice_kept *k = notice_find(e, &p->id);
	if (!engine_written(e, res, "a notice")) {
		notice_forget(e, &p->id);
	} else if (k) {
		k->stored = true;
		notice_spread(e, &p->id);
	}
	if (p->own)
		command_answer(e, p->tag, res->err);
	free(p);
}

void notice_store(struct engine *e, const struct id32 *link, const struct id32 *id, uint32_t expires,
	struct slice bytes, const struct engine_cmd *own, uint64_t tag)
{
	struct put *p = malloc(sizeof *p);
	struct store_req *q = p ? req_new(STORE_NOTICE_PUT) : NULL;
	if (!q || !arena_put(&q->mem, bytes, &q->a.bytes)) {
		free(p);
		free(q);
		notice_forget(e, id);
		if (own)
			command_answer(e, tag, ERR_MEMORY);
		return;
	}
	*p = (struct put){.id = *id, .own = own != NULL, .tag = tag};
	q->a.id = *id;
	q->a.end = expires;
	q->a.node = *link;
	q->a.now_s = e->wall_s;
	if (own) {
		q->a.identity = own->identity;
		q->a.root = own->node;
	}
	emit_store(e, q, NULL, put_done, p);
}

/* ---- of our own people ---- */

void notices_run(struct engine *e, const struct engine_cmd *cmd)
{
	static const struct id32 own;
	struct slice bytes = cmd->body;
	if (bytes.n < LIMIT_NOTICE_BYTES_MIN || bytes.n > LIMIT_NOTICE_BYTES ||
		!notice_is_current(cmd->expires_hour, e->wall_s / 3600)) {
		command_answer(e, cmd->tag, ERR_INPUT);
		return;
	}
	struct id32 id = notice_id(cmd->expires_hour, bytes);
	if (!notices_ready(e))
		command_answer(e, cmd->tag, ERR_MEMORY);
	else if (notice_find(e, &id))
		command_answer(e, cmd->tag, ERR_EXISTS);
	else if (!notice_keep(e, 0, &id, cmd->expires_hour, bytes))
		command_answer(e, cmd->tag, ERR_MEMORY);
	else
		notice_store(e, &own, &id, cmd->expires_hour, bytes, cmd, cmd->tag);
}

/* ---- loading ---- */

static bool load(struct engine *e, const struct store_notice *n)
{
	uint16_t link = notice_link_of(e, &n->link);
	struct notice_kept *k = link == NOTICE_NO_LINK
		? NULL
		: notice_keep(e, link, &n->id, n->expires_hour, n->bytes);
	if (k)
		k->stored = true;
	return k != NULL;
}

bool notices_loaded(struct engine *e, const struct store_res *res)
{
	if (res->r.n == 0)
		return true;
	if (!notices_ready(e))
		return false;
	for (size_t i = 0; i < res->r.n; i++) {
		const struct store_notice *n = &res->r.notices[i];
		if (n->bytes.n >= LIMIT_NOTICE_BYTES_MIN && n->bytes.n <= LIMIT_NOTICE_BYTES && !load(e, n))
			return false;
	}
	return true;
}

/* ---- for somebody here ---- */

struct opened {
	struct notice n;
	struct id32 link, notice;
};

/* The store may have it by now: there it would be taken for one that was tried. */
static void try_again_later(struct engine *e, const struct opened *o)
{
	struct store_req *q = req_new(STORE_NOTICE_DROP);
	struct id32 *id = q ? arena_alloc(&q->mem, sizeof *id) : NULL;
	notice_forget(e, &o->notice);
	if (!id) {
		free(q);
		return;
	}
	*id = o->notice;
	q->a.ids = id;
	q->a.n = 1;
	emit_store(e, q, NULL, notice_written, NULL);
}

static bool is_connected(const struct engine *e, const struct id32 *node)
{
	for (const struct session *s = e->sessions; s; s = s->next)
		if (s->state == SESSION_OPEN && id32_equal(&s->node, node))
			return true;
	return false;
}

static void followers_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct opened *o = ctx;
	(void)s;
	bool near = is_connected(e, &o->n.node) || id32_equal(&o->n.node, &e->config.node);
	for (size_t i = 0; res->err == OK && i < res->r.n; i++)
		near = near || is_connected(e, &res->r.ids[i]);
	struct slice addresses[LIMIT_ADDRESSES];
	for (size_t i = 0; i < o->n.addresses_n; i++)
		addresses[i] = slice_str(o->n.addresses[i]);
	/* SPEC 20.3: "dials `node` if no connected peer follows `from`" */
	if (!near && !e->closing)
		members_heard(e, &o->n.node, addresses, o->n.addresses_n, false, 0);
	free(o);
}

static void guest_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct opened *o = ctx;
	(void)s;
	bool ours = res->err == ERR_NOT_FOUND || res->err == ERR_REFUSED || res->err == ERR_LIMIT;
	if (ours || !engine_written(e, res, "a guest")) {
		if (!ours && !e->closing)
			try_again_later(e, o);
		free(o);
		return;
	}
	for (size_t i = 0; i < res->r.n; i++)
		(void)command_followed(e, &res->r.ids[i], false); /* what ends needs no memory */
	if (res->r.flag) {
		struct engine_event ev = {
			.kind = ENGINE_EVENT_GUEST, .node = o->link, .identity = o->n.from, .id = o->n.to};
		e->guests = true;
		if (command_followed(e, &o->n.from, true) == OK)
			emit_event(e, &ev);
	}
	struct store_req *q = req_new(STORE_FOLLOWERS);
	if (q) {
		q->a.ids = &o->n.from; /* o lives until the answer */
		q->a.n = 1;
		q->a.max = LIMIT_PEERS;
	}
	emit_store(e, q, NULL, followers_read, o);
}

void notice_try(struct engine *e, const struct id32 *link, const struct id32 *id, struct slice bytes)
{
	if (!e->config.notice_secret)
		return;
	struct opened *o = malloc(sizeof *o);
	if (!o) {
		notice_forget(e, id);
		return;
	}
	o->link = *link;
	o->notice = *id;
	if (notice_open(bytes, &e->config.notice_key, e->config.notice_secret, &o->n) != OK) {
		free(o);
		return;
	}
	struct store_req *q = req_new(STORE_FOLLOW_GUEST);
	if (q) {
		q->a.identity = o->n.from;
		q->a.id = o->n.to;
		q->a.node = *link;
		q->a.now_s = e->wall_s;
	}
	emit_store(e, q, NULL, guest_stored, o);
}

/* ---- time ---- */

static void guests_ended(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	if (engine_written(e, res, "the end of a guest"))
		for (size_t i = 0; i < res->r.n; i++)
			(void)command_followed(e, &res->r.ids[i], false); /* what ends needs no memory */
}

void notices_time(struct engine *e)
{
	notices_expire(e);
	if (!e->guests || e->now_ms < e->guests_ms)
		return;
	e->guests_ms = e->now_ms + NOTICE_SWEEP_MS;
	struct store_req *q = req_new(STORE_GUEST_END);
	if (q)
		q->a.now_s = e->wall_s;
	emit_store(e, q, NULL, guests_ended, NULL);
}

uint64_t notices_deadline(const struct engine *e)
{
	uint64_t d = e->notices && e->notices->n ? e->notices->sweep_ms : UINT64_MAX;
	return e->guests && e->guests_ms < d ? e->guests_ms : d;
}
