/* seek_serve.c -- a peer seeks an entry by its id, wherever in its log it lies. SPEC.md section 10.10. */
#include "seek_int.h"

/* SPEC 10.5: "answers no request on it, until the peer's first listing" */
static bool is_early(const struct session *s, const struct store_res *res)
{
	const struct store_log *log = res->err == OK ? &res->r.logs[0] : NULL;
	return log && log->own == OWN_ACTIVE && (!s->synced || log->held_from != UINT64_MAX);
}

static bool has_it(const struct store_res *res)
{
	return res->err == OK && res->r.flag && res->r.parts && res->r.sig.n &&
		(res->r.parts[0].kind == BODY_HERE || res->r.parts[0].kind == BODY_ERASED);
}

static void read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)e, (void)ctx;
	s->reads_n--;
	s->sought_busy = false;
	if (s->state != SESSION_OPEN)
		return;
	/* SPEC 10.10: "it answers as soon as it may" */
	if (is_early(s, res)) {
		s->sought_early = true;
		return;
	}
	struct message_found m = {.id = s->sought.id};
	struct buf parts = {0};
	struct mp_out o = mp_out_init(&parts);
	if (has_it(res)) {
		const struct store_part *p = &res->r.parts[0];
		message_put_part(&o,
			&(struct message_part){.envelope = p->envelope, .kind = p->kind, .bytes = p->bytes});
		m.headers = res->r.bytes;
		m.signature = res->r.sig;
		m.parts = (struct message_list){.n = 1, .raw = buf_slice(&parts)};
	}
	if (o.err != OK)
		peer_close(s, ERR_MEMORY, "out of memory");
	else
		emit_message(s, MESSAGE_FOUND, &m);
	buf_free(&parts);
}

void seek_serve_pump(struct session *s)
{
	if (!s->sought_due || s->queued >= SERVE_QUEUE_BYTES || s->reads_n >= SERVE_READS_MAX)
		return;
	s->sought_due = false;
	s->sought_busy = true;
	s->reads_n++;
	emit_store(s->e, seek_req(&s->sought, &s->node), s, read, NULL);
}

void seek_serve_free(struct session *s)
{
	s->sought_due = s->sought_due || s->sought_early;
	s->sought_early = false;
	seek_serve_pump(s);
}

void seek_take(struct session *s, const struct message_seek *m)
{
	if (s->sought_due || s->sought_busy || s->sought_early) {
		/* SPEC 10.10: "a second one before the answer closes the connection with LIMIT" */
		peer_close(s, ERR_LIMIT, "it seeks two entries at once");
		return;
	}
	s->sought = (struct entry_ref){.log = m->log, .seq = m->seq, .id = m->id};
	s->sought_due = true;
	seek_serve_pump(s);
}
