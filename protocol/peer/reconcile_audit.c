/* reconcile_audit.c -- when to reconcile without need, and bodies that no row tells of. SPEC.md sections 10.8 and 10.9. */
#include "reconcile.h"

/* ---- audits, SPEC 10.9 ---- */

/* Half to one and a half of the time between two: nodes that start together do not audit together. */
static void set_audit(struct engine *e)
{
	uint64_t ms = e->config.audit_ms ? e->config.audit_ms : RECONCILE_AUDIT_MS;
	e->audit_ms = e->now_ms + ms / 2 + engine_chance(e, ms);
}

static bool may_audit(const struct session *s)
{
	return s->state == SESSION_OPEN && s->list.ready && s->list.last_sent && !s->reconcile;
}

static void audit(struct engine *e)
{
	uint64_t n = 0;
	for (struct session *s = e->sessions; s; s = s->next)
		n += may_audit(s);
	uint64_t nth = n ? engine_chance(e, n) : 0;
	for (struct session *s = e->sessions; s && n; s = s->next)
		if (may_audit(s) && nth-- == 0) {
			(void)reconcile_start(s, true);
			return;
		}
}

uint64_t reconcile_deadline(const struct engine *e)
{
	return e->sessions && e->audit_ms ? e->audit_ms : UINT64_MAX;
}

void reconcile_time(struct engine *e)
{
	if (!e->sessions)
		return;
	if (e->audit_ms && e->now_ms >= e->audit_ms) {
		e->audit_ms = 0;
		audit(e);
	}
	if (!e->audit_ms)
		set_audit(e);
}

/* ---- missing bodies ---- */

static void missing_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)ctx;
	if (s->state != SESSION_OPEN)
		return;
	s->missing_reading = false;
	if (res->err != OK) {
		s->missing = false;
		return;
	}
	size_t n = 0;
	for (size_t i = 0; i < res->r.n; i++) {
		const struct own_log *o = own_find(e, &res->r.rows[i].log);
		if (!o || (o->state != OWN_ACTIVE && !res->r.rows[i].own_held))
			res->r.rows[n++] = res->r.rows[i];
	}
	s->missing_at = res->r.seq;
	s->missing = res->r.more;
	pull_missing(s, res->r.rows, n);
	if (s->state == SESSION_OPEN)
		missing_pump(s);
}

void missing_pump(struct session *s)
{
	if (!s->missing || s->missing_reading || s->batches || s->state != SESSION_OPEN)
		return;
	struct store_req *q = req_new(STORE_ROWS);
	if (q) {
		q->a.node = s->node;
		q->a.id = s->e->config.network;
		q->a.device_key = s->e->config.node;
		q->a.flag = true;
		q->a.seq = s->missing_at;
		q->a.max = MISSING_PAGE;
	}
	s->missing_reading = true;
	emit_store(s->e, q, s, missing_read, NULL);
}

void missing_start(struct session *s)
{
	if (!s->missing_due || s->missing)
		return;
	s->missing_due = false;
	s->missing = true;
	s->missing_at = 0;
	missing_pump(s);
}
