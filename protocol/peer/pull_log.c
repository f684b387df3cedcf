/* pull_log.c -- one log of a peer's listing: asks for runs, has them verified, stores them in order. SPEC.md sections 4.3 and 10.4. */
#include "engine_int.h"

#include "protocol/log/record.h"

/* ---- loading ---- */

static void log_loaded(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err == OK) {
		p->log = res->r.logs[0];
	} else if (res->err == ERR_NOT_FOUND) {
		p->log = (struct store_log){
			.log = p->row.log, .identity = p->row.identity, .held_from = UINT64_MAX};
	} else {
		peer_close(s, res->err, "the store did not find a log");
		return;
	}
	pull_log_decide(p);
}

static void load(struct pull *p)
{
	struct store_req *q = req_new(STORE_LOG_GET);
	if (q)
		q->a.log = p->row.log;
	emit_store(p->s->e, q, p->s, log_loaded, p);
}

static void device_known(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	struct pull *p = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (!k->loaded) {
		peer_close(s, k->err, "the store did not give key events");
		return;
	}
	const struct keyset_device *d = k->set ? keyset_view_device(&k->view, &p->row.log) : NULL;
	if (!d && !p->keys_asked && !p->run) {
		pull_ask_keys(p);
		return;
	}
	if (!d) { /* SPEC 10.4: "a log whose device event is unknown is not fetched" */
		pull_finish(p);
		return;
	}
	p->device_key = d->sign_key;
	p->closed = d->closed;
	p->closed_length = d->closed_length;
	p->closed_last = d->closed_last;
	load(p);
}

/* An unasked run names no identity: the store knows whose log it is. */
static void owner_found(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK && res->err != ERR_NOT_FOUND) {
		peer_close(s, res->err, "the store did not find a log");
		return;
	}
	if (res->err != OK || !engine_follows(e, &res->r.logs[0].identity)) {
		pull_pass(p);
		return;
	}
	p->row.identity = res->r.logs[0].identity;
	if (id32_is_zero(&p->row.sum))
		p->row.sum = res->r.logs[0].erased_sum; /* a run says nothing of erasures */
	keys_get(e, &p->row.identity, s, device_known, p);
}

void pull_log_start(struct pull *p)
{
	p->asked = p->stale = p->moved = false;
	if (!p->run || !id32_is_zero(&p->row.identity)) {
		keys_get(p->s->e, &p->row.identity, p->s, device_known, p);
		return;
	}
	struct store_req *q = req_new(STORE_LOG_GET);
	if (q)
		q->a.log = p->row.log;
	emit_store(p->s->e, q, p->s, owner_found, p);
}

/* ---- what is next ---- */

static void ask_runs(struct pull *p)
{
	struct message_want_run m = {.log = p->row.log, .first = p->expected};
	m.end = p->target - p->expected > PULL_RUN_WINDOW ? p->expected + PULL_RUN_WINDOW : p->target;
	p->asked = true;
	p->moved = false;
	pull_ask(p, MESSAGE_WANT_RUN, &m, MESSAGE_RUN, pull_got_run, pull_runs_end);
}

static void ids_compared(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK)
		peer_close(s, res->err, "the store did not give an entry's id");
	else if (!p->met && res->r.n && !id32_is_zero(&res->r.ids[0]) &&
		!id32_equal(&res->r.ids[0], &p->row.last))
		fork_probe(p);
	else
		pull_bodies(p);
}

static void own_compared(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK) {
		peer_close(s, res->err, "the store did not give an entry's id");
		return;
	}
	p->own_same = res->r.n && id32_equal(&res->r.ids[0], &p->row.last);
	pull_log_decide(p);
}

static void compare_at(struct pull *p, uint64_t seq, stored_fn done)
{
	struct store_req *q = req_new(STORE_IDS);
	uint64_t *seqs = q ? arena_alloc(&q->mem, sizeof *seqs) : NULL;
	if (seqs) {
		*seqs = seq;
		q->a.log = p->row.log;
		q->a.seqs = seqs;
		q->a.n = 1;
	} else {
		free(q);
		q = NULL;
	}
	emit_store(p->s->e, q, p->s, done, p);
}

/* SPEC 10.5: the peer holds entries of a log that we write and that we do not have, or others than those we never announced. */
static bool own_is_old(const struct pull *p)
{
	const struct own_log *o = own_find(p->s->e, &p->row.log);
	if (!o || p->log.own == OWN_NONE || (o->state != OWN_ACTIVE && p->log.held_from >= p->log.length))
		return false;
	uint64_t announced = p->log.held_from < p->log.length ? p->log.held_from : p->log.length;
	return p->row.count > announced && !p->own_same &&
		(p->row.count > p->log.length || !id32_equal(&p->row.last, &p->log.last));
}

static void ask_or_take(struct pull *p)
{
	if (p->run && p->run->first == p->expected)
		pull_run_take(p, p->run);
	else
		ask_runs(p);
	p->run = NULL;
}

/* A row is only a claim, and whoever believed it would give up its log for every lie: the peer must show entries. */
static void doubt(struct pull *p)
{
	p->expected = p->put = p->log.held_from < p->log.length ? p->log.held_from : p->log.length;
	p->target = p->row.count;
	p->doubted = true;
	ask_or_take(p);
}

/* A run that holds is signed by our own key. How far does it reach, and is the entry in it that the row named? */
static void look_at(struct pull *p, const struct engine_work *w)
{
	uint64_t at = p->row.count - 1;
	p->shown_end = w->first + w->n;
	if (at < w->first || at >= w->first + w->n)
		return;
	struct id32 id = entry_id(w->headers + (at - w->first) * ENTRY_HEADER_BYTES);
	p->shown_last = id32_equal(&id, &p->row.last);
}

/* Against the log as it is now: it may have grown, and the peer have shown what it got from us. */
static bool shown(const struct pull *p)
{
	return p->shown_end > p->log.length || p->shown_last;
}

static void fork_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull *p = ctx;
	struct entry_header h;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK && res->err != ERR_NOT_FOUND) {
		peer_close(s, res->err, "the store did not give the proof of a fork");
		return;
	}
	if (res->err == OK && res->r.bytes.n >= ENTRY_HEADER_BYTES &&
		entry_header_decode(slice_of(res->r.bytes.p, ENTRY_HEADER_BYTES), &h) == OK)
		p->fork_prev = h.prev;
	pull_log_decide(p);
}

static void read_fork(struct pull *p)
{
	struct store_req *q = req_new(STORE_FORK_GET);
	if (q)
		q->a.log = p->row.log;
	emit_store(p->s->e, q, p->s, fork_read, p);
}

/* SPEC 4.4: "A node that does not hold that chain whole keeps the log as if there were no closing" -- but first it fetches what may be the chain. */
static void set_target(struct pull *p)
{
	const struct store_log *l = &p->log;
	p->target = p->row.count;
	if (p->closed && p->closed_length < p->target && (p->met || l->length < p->closed_length))
		p->target = p->closed_length;
	p->fork_limit = UINT64_MAX;
	if (l->fork_seq1 && !p->met && !pull_shows_closing(p))
		p->fork_limit = l->fork_seq1 - 1;
	if (p->target > p->fork_limit)
		p->target = p->fork_limit;
	p->passed_limit = false;
	p->expected = p->put = l->length;
	p->last = l->last;
}

void pull_log_decide(struct pull *p)
{
	if (own_is_old(p) && p->row.count <= p->log.length && !p->own_compared) {
		p->own_compared = true; /* a copy of this home may have told of what is ours */
		compare_at(p, p->row.count - 1, own_compared);
		return;
	}
	if (own_is_old(p) && !shown(p)) {
		doubt(p);
		return;
	}
	if (own_is_old(p)) {
		own_old(p->s->e, own_find(p->s->e, &p->row.log), &p->log);
		load(p); /* behind the requests of own_old: the log as it is then */
		return;
	}
	bool news = p->row.fork_seq1 && (!p->log.fork_seq1 || p->row.fork_seq1 < p->log.fork_seq1);
	if ((news || p->vouch_asked) && !p->fork_tried) {
		p->fork_tried = true;
		fork_want(p); /* and then here again */
		return;
	}
	if (p->log.fork_seq1 && !p->fork_known) {
		p->fork_known = true;
		read_fork(p);
		return;
	}
	p->met = p->closed && p->log.end == p->closed_length && id32_equal(&p->log.end_last, &p->closed_last);
	set_target(p);
	if (p->log.length < p->target) {
		if (!trees_hold(p))
			ask_or_take(p);
		return;
	}
	p->run = NULL;
	pull_run_next(p);
	if (p->unasked) {
		p->unasked = false;
		trees_nothing_new(p);
	}
	if (p->row.count == 0 || p->row.count > p->log.length)
		pull_bodies(p); /* the rest does not count here */
	else
		compare_at(p, p->row.count - 1, ids_compared);
}

/* ---- runs: received, verified, stored ---- */

static bool copy_parts(struct engine_work *w, const struct message_list *list)
{
	struct slice raw;
	w->parts = arena_alloc(&w->mem, list->n * sizeof *w->parts);
	if (!w->parts || !arena_put(&w->mem, list->raw, &raw))
		return false;
	struct message_list copy = {.n = list->n, .raw = raw};
	struct mp_in in = message_list_open(&copy);
	for (size_t i = 0; i < list->n; i++) {
		struct message_part part = message_next_part(&in);
		w->parts[i] = (struct entry_part){
			.envelope = part.envelope, .kind = part.kind, .bytes = part.bytes};
		if (part.kind == BODY_ERASED) { /* its statement comes, checked, by want-erased */
			w->parts[i].kind = BODY_ABSENT;
			w->parts[i].bytes = (struct slice){0};
		}
	}
	return true;
}

struct engine_work *pull_run_copy(struct pull *p, const struct message_run *m)
{
	struct session *s = p->s;
	if (m->headers.n != m->parts.n * ENTRY_HEADER_BYTES ||
		(m->signature.n != 0 && m->signature.n != ENTRY_SIGNATURE_BYTES)) {
		peer_close(s, ERR_WIRE, "a run of unequal parts");
		return NULL;
	}
	struct engine_work *w = work_new(WORK_RUN);
	struct slice headers = {0}, signature = {0};
	if (!w || !arena_put(&w->mem, m->headers, &headers) ||
		!arena_put(&w->mem, m->signature, &signature) || !copy_parts(w, &m->parts)) {
		if (w)
			engine_work_free(w);
		peer_close(s, ERR_MEMORY, "out of memory");
		return NULL;
	}
	w->log = m->log;
	w->device_key = p->device_key;
	w->closing = p->closed ? p->closed_last : (struct id32){{0}};
	w->fork_prev = p->fork_prev;
	w->first = m->first;
	w->n = m->parts.n;
	w->headers = headers.p;
	w->signature = m->signature.n ? signature.p : NULL;
	return w;
}

static void run_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res);

/* The next in order is verified: to the store with it. The work's memory becomes the request's. */
static struct store_req *put_request(struct pull *p, struct engine_work *w)
{
	struct store_req *q = req_new(STORE_RUN_PUT);
	struct store_part *parts = q ? arena_alloc(&w->mem, w->n * sizeof *parts) : NULL;
	struct store_pin *pins = parts ? arena_alloc(&w->mem, w->n * LIMIT_ENVELOPE_BLOBS * sizeof *pins)
				       : NULL;
	if (!pins) {
		free(q);
		return NULL;
	}
	for (size_t i = 0; i < w->n; i++) {
		struct envelope env;
		parts[i] = (struct store_part){.header = w->headers + i * ENTRY_HEADER_BYTES,
			.envelope = w->parts[i].envelope,
			.kind = w->parts[i].kind == BODY_HERE ? BODY_HERE : BODY_ABSENT,
			.bytes = w->parts[i].bytes};
		if (w->parts[i].envelope.n && envelope_decode(w->parts[i].envelope, &env) == OK)
			for (size_t k = 0; k < env.blobs_n; k++)
				pins[q->a.pins_n++] = (struct store_pin){.seq = w->first + i,
					.root = env.blobs[k].root,
					.size = env.blobs[k].size};
	}
	q->a.log = p->row.log;
	q->a.identity = p->row.identity;
	q->a.device_key = p->device_key;
	q->a.first = w->first;
	q->a.prev = w->prev;
	q->a.n = w->n;
	q->a.parts = parts;
	q->a.pins = pins;
	q->a.sig = slice_of(w->signature, w->signature ? ENTRY_SIGNATURE_BYTES : 0);
	q->a.id = w->last;
	q->a.own = OWN_NONE; /* as it is: an own log that peers add to was retired before */
	q->a.now_s = p->s->e->wall_s;
	q->mem = w->mem;
	w->mem = (struct arena){0};
	return q;
}

/* SPEC 4.4: "nothing at or behind that seq counts, is synced or appended": the proof vouches for what lies before it. False: nothing of the run is. */
static bool before_fork(struct pull *p, struct engine_work *w)
{
	if (p->doubted || w->first + w->n <= p->fork_limit)
		return true;
	p->passed_limit = true;
	if (!w->fork_n || w->first + w->fork_n != p->fork_limit)
		return false; /* it parts from the proof's chain before the fork */
	w->n = w->fork_n;
	w->last = p->fork_prev;
	w->signature = NULL;
	return true;
}

static void store_runs(struct pull *p)
{
	struct session *s = p->s;
	while (p->runs && p->runs->work && s->state == SESSION_OPEN) {
		struct pull_run *r = p->runs;
		struct engine_work *w = r->work;
		bool fits = w->first == p->put && id32_equal(&w->prev, &p->last);
		p->runs = r->next;
		if (!p->runs)
			p->runs_tail = &p->runs;
		if (p->passed_limit || !before_fork(p, w)) {
			s->verify_bytes -= r->bytes;
			engine_work_free(w);
			free(r);
			continue;
		}
		if (p->doubted) {
			look_at(p, w);
			p->put += w->n;
			p->moved = true;
			s->verify_bytes -= r->bytes;
			engine_work_free(w);
			free(r);
			continue;
		}
		if (fits && !p->diverged) {
			struct store_req *q = put_request(p, w);
			p->put += w->n;
			p->last = w->last;
			p->puts++;
			r->work = NULL;
			emit_store(s->e, q, s, run_stored, r);
			engine_work_free(w);
			if (p->put >= p->target)
				pull_run_next(p);
			continue;
		}
		/* SPEC 10.7: "If a run's first header does not name the receiver's last entry" */
		if (p->put == p->log.length && w->first == p->put)
			p->diverged = true;
		else if (!p->diverged)
			peer_close(s, ERR_CHAIN, "runs that do not follow one another");
		s->verify_bytes -= r->bytes;
		engine_work_free(w);
		free(r);
	}
}

static void runs_settled(struct pull *p)
{
	if (p->asked || p->runs || p->puts || p->s->state != SESSION_OPEN)
		return;
	if (p->doubted && !shown(p) && p->put < p->target && p->moved && ask_room(p->s, false)) {
		ask_runs(p);
	} else if (p->doubted) {
		p->doubted = false;
		if (shown(p))
			load(p);
		else
			pull_bodies(p); /* it was only said */
	} else if (p->diverged) {
		p->diverged = false;
		fork_probe(p);
	} else if (p->unvouched) {
		p->unvouched = p->fork_tried = p->fork_known = false;
		p->vouch_asked = true;
		pull_ask_keys(p); /* and then from the beginning */
	} else if (p->stale || (p->moved && p->put >= p->target && p->target < p->row.count)) {
		p->stale = p->moved = false;
		load(p);
	} else if (p->put < p->target && p->moved && ask_room(p->s, false)) {
		p->log.length = p->put;
		p->log.last = p->last;
		ask_runs(p);
	} else {
		pull_bodies(p);
	}
}

static void seen(struct engine *e, const struct pull *p, uint64_t first, size_t n, bool pins)
{
	struct engine_event ev = {.kind = ENGINE_EVENT_ENTRY,
		.conn = p->s->conn,
		.node = p->s->node,
		.log = p->row.log,
		.identity = p->row.identity,
		.seq = first,
		.count = n};
	emit_event(e, &ev);
	if (e->now_ms >= p->s->told_ms + PROGRESS_MS) {
		p->s->told_ms = e->now_ms;
		ev = (struct engine_event){.kind = ENGINE_EVENT_PROGRESS,
			.conn = p->s->conn,
			.node = p->s->node,
			.count = peer_to_come(p->s)};
		emit_event(e, &ev);
	}
	if (pins)
		blob_pinned(e);
}

static bool kept(struct engine *e, struct pull *p, const struct pull_run *r, const struct store_res *res)
{
	if (res->err == OK) {
		if (p->unasked)
			trees_brought(p);
		p->unasked = false;
		trees_committed(e, &p->row.log, r->first, r->n, res, p->s->conn);
	}
	return engine_written(e, res, "entries of a peer");
}

static void run_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct pull_run *r = ctx;
	struct pull *p = r->p;
	s->verify_bytes -= r->bytes;
	bool closed = s->state != SESSION_OPEN;
	if (res->err == ERR_CHAIN || (res->err == ERR_FORK && !p->log.fork_seq1)) {
		p->stale = true; /* another peer's copy, or the proof of a fork, came first */
	} else if (kept(e, p, r, res)) {
		s->taken += r->n;
		p->moved = true;
		seen(e, p, r->first, r->n,
			res->r.flag); /* also if the peer has gone: nothing else tells of it */
	} else if (!closed) {
		peer_close(s, res->err, "the store did not keep a run");
	}
	free(r);
	if (closed || s->state != SESSION_OPEN)
		return;
	p->puts--;
	peer_progress(s);
	runs_settled(p);
}

/* SPEC 4.1: "Entry 0 has the `keep` flag and a clear body of kind `device`" */
static bool first_entry_sound(const struct engine_work *w)
{
	if (w->first != 0)
		return true;
	if (w->headers[1] != ENTRY_FLAG_KEEP)
		return false;
	if (w->parts[0].kind != BODY_HERE)
		return true; /* it is asked for apart; what the log is, its header says */
	struct slice record = slice_of(
			     w->parts[0].bytes.p + ENTRY_SALT_BYTES, w->parts[0].bytes.n - ENTRY_SALT_BYTES),
		     kind, fields;
	struct id32 event;
	return record_check(record, NULL) == OK && record_open(record, &kind, &fields) == OK &&
		slice_equal(kind, slice_str("device")) && record_get_id(fields, "event", &event) == OK;
}

static void drop_run(struct pull_run *r)
{
	struct pull *p = r->p;
	for (struct pull_run **at = &p->runs; *at; at = &(*at)->next) {
		if (*at == r) {
			*at = r->next;
			if (p->runs_tail == &r->next)
				p->runs_tail = at;
			break;
		}
	}
	p->s->verify_bytes -= r->bytes;
	free(r);
	p->unvouched = true;
	peer_progress(p->s);
	store_runs(p);
	runs_settled(p);
}

static void run_verified(struct engine *e, struct session *s, void *ctx, struct engine_work *w)
{
	struct pull_run *r = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return; /* the pull frees r */
	if (w->err == ERR_SIGNATURE && !w->signature && !r->p->vouch_asked) {
		/* SPEC 4.3: "is no fault yet" */
		drop_run(r);
		return;
	}
	if (w->err != OK || !first_entry_sound(w)) {
		/* SPEC 4.3: "A run that fails is refused as a whole and charged to the sender" */
		peer_close(s, w->err != OK ? w->err : ERR_SIGNATURE, "a run that does not hold");
		return;
	}
	struct engine_work *kept = malloc(sizeof *kept);
	if (!kept) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	*kept = *w;
	w->mem = (struct arena){0};
	r->work = kept;
	struct pull *p = r->p;
	store_runs(p);
	if (s->state == SESSION_OPEN) {
		peer_progress(s);
		runs_settled(p);
	}
}

void pull_run_take(struct pull *p, const struct message_run *m)
{
	struct session *s = p->s;
	struct engine_work *w = pull_run_copy(p, m);
	struct pull_run *r = w ? calloc(1, sizeof *r) : NULL;
	if (!r) {
		if (w) {
			engine_work_free(w);
			peer_close(s, ERR_MEMORY, "out of memory");
		}
		return;
	}
	*r = (struct pull_run){
		.p = p, .first = m->first, .n = m->parts.n, .bytes = m->headers.n + m->parts.raw.n};
	*p->runs_tail = r;
	p->runs_tail = &r->next;
	p->expected += r->n;
	s->verify_bytes += r->bytes;
	if (s->verify_bytes > PULL_VERIFY_BYTES_MAX && !s->paused) {
		s->paused = true;
		emit_flow(s->e, ENGINE_OUT_PAUSE, s->conn);
	}
	emit_work(s->e, w, s, run_verified, r);
}

void pull_got_run(struct session *s, void *ctx, const union message *m)
{
	struct pull *p = ctx;
	if (!id32_equal(&m->run.log, &p->row.log) || m->run.first != p->expected ||
		m->run.first >= p->target) {
		peer_close(s, ERR_WIRE, "a run that was not asked for");
		return;
	}
	pull_run_take(p, &m->run);
}

void pull_runs_end(struct session *s, void *ctx, enum err code)
{
	struct pull *p = ctx;
	(void)code;
	if (pull_ended(s, p))
		return;
	p->asked = false;
	runs_settled(p);
}
