/* serve.c -- a peer's requests, all but blobs: read from the store, answered in order. SPEC.md sections 9.3, 10.4, 10.7. */
#include "engine_int.h"

#define ERASED_PER_MESSAGE 256
#define SERVE_READS 4 /* runs read ahead for one request */
#define BODIES_AT_ONCE 8 /* read for one request: what its peer does not take is held here */

/* One unanswered request of the peer. */
struct serve {
	struct serve *next;
	struct session *s;
	uint32_t req;
	enum message_type type;
	struct id32 log;
	uint64_t first, end; /* want-run: what is left; of others, `end` is that of the log */
	unsigned reads;
	bool pumping; /* a read that fails at once must not free it */
	bool ready; /* the log was found */
	size_t n;
	uint64_t seqs[64];
};

static struct serve *serve_new(struct session *s, uint64_t req, enum message_type type)
{
	for (struct serve *v = s->serves; v; v = v->next) {
		if (v->req == req) {
			peer_close(s, ERR_WIRE, "a request number that is in use");
			return NULL;
		}
	}
	if (s->serves_n >= LIMIT_REQUESTS) {
		peer_close(s, ERR_LIMIT, "too many requests");
		return NULL;
	}
	struct serve *v = calloc(1, sizeof *v);
	if (!v) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return NULL;
	}
	*v = (struct serve){.next = s->serves, .s = s, .req = (uint32_t)req, .type = type};
	s->serves = v;
	s->serves_n++;
	return v;
}

static void serve_free(struct serve *v)
{
	for (struct serve **at = &v->s->serves; *at; at = &(*at)->next) {
		if (*at == v) {
			*at = v->next;
			v->s->serves_n--;
			break;
		}
	}
	free(v);
}

void serve_deinit(struct session *s)
{
	while (s->serves)
		serve_free(s->serves);
}

void serve_done(struct session *s, uint64_t req, enum err code, bool bulk)
{
	struct message_done m = {.req = req, .code = (uint64_t)message_code_out(code)};
	emit_message_class(s, MESSAGE_DONE, &m, bulk);
}

/* Trouble of our own is no answer: the peer would take it for a refusal, and its cursor would pass what it asked for. */
static void end_answer(struct session *s, uint64_t req, enum err code)
{
	if (code == ERR_MEMORY || code == ERR_IO || code == ERR_FULL || code == ERR_BUSY)
		peer_close(s, code, "a peer's request could not be answered");
	else
		serve_done(s, req, code, false);
}

static void finish(struct serve *v, enum err code)
{
	end_answer(v->s, v->req, code);
	serve_free(v);
}

/* ---- what the peer may ask of a log ---- */

/* SPEC 9.3: "one that it may not answer yet (section 10.5) `done` STATE" */
static enum err may_serve(const struct session *s, const struct store_res *res)
{
	if (res->err != OK)
		return res->err;
	const struct store_log *log = &res->r.logs[0];
	if (!res->r.flag && log->direct)
		return ERR_NOT_FOUND;
	if (log->own == OWN_ACTIVE && (!s->synced || log->held_from != UINT64_MAX))
		return ERR_STATE;
	return OK;
}

static void ask_log(struct serve *v, stored_fn done)
{
	struct store_req *q = req_new(STORE_LOG_GET);
	if (q) {
		q->a.log = v->log;
		q->a.node = v->s->node; /* direct logs: is this node named? */
	}
	emit_store(v->s->e, q, v->s, done, v);
}

/* ---- runs ---- */

bool serve_run(
	struct session *s, uint32_t req, uint64_t number, const struct id32 *log, const struct store_res *res)
{
	struct buf headers = {0}, parts = {0};
	struct mp_out o = mp_out_init(&parts);
	enum err e = buf_reserve(&headers, res->r.n * ENTRY_HEADER_BYTES);
	if (e == OK)
		e = buf_reserve(&parts, SERVE_RUN_BYTES / 4);
	for (size_t i = 0; i < res->r.n && e == OK; i++) {
		const struct store_part *p = &res->r.parts[i];
		e = buf_put(&headers, p->header, ENTRY_HEADER_BYTES);
		struct message_part part = {.envelope = p->envelope, .kind = p->kind, .bytes = p->bytes};
		message_put_part(&o, &part);
	}
	if (e != OK || o.err == ERR_MEMORY)
		peer_close(s, ERR_MEMORY, "out of memory");
	bool fits = e == OK && o.err == OK && headers.n + parts.n + 256 <= LIMIT_MESSAGE_BODY_BYTES;
	if (fits) {
		struct message_run m = {.req = req,
			.number = number,
			.log = *log,
			.first = res->r.first,
			.headers = buf_slice(&headers),
			.signature = res->r.sig,
			.parts = {.n = res->r.n, .raw = buf_slice(&parts)}};
		emit_message(s, MESSAGE_RUN, &m);
	}
	buf_free(&headers);
	buf_free(&parts);
	return fits;
}

static void small_pump(struct serve *v);
static void run_pump(struct serve *v);

static void run_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	v->reads--;
	s->reads_n--;
	if (s->state == SESSION_OPEN && v->type != MESSAGE_COUNT) {
		if (res->err != OK || !serve_run(s, v->req, 0, &v->log, res)) {
			end_answer(s, v->req, res->err != OK ? res->err : ERR_LIMIT);
			v->type = MESSAGE_COUNT; /* answered; reads under way are dropped */
			v->ready = false;
		} else {
			run_pump(v);
			return;
		}
	}
	if (v->reads == 0 && v->type == MESSAGE_COUNT && !v->pumping)
		serve_free(v);
}

static void run_pump(struct serve *v)
{
	struct session *s = v->s;
	v->pumping = true;
	while (v->ready && v->first < v->end && v->reads < SERVE_READS && s->reads_n < SERVE_READS_MAX &&
		s->queued < SERVE_QUEUE_BYTES) {
		struct store_req *q = req_new(STORE_RUN_GET);
		uint64_t next = run_interval_end(v->first);
		if (q) {
			q->a.log = v->log;
			q->a.first = v->first;
			q->a.end = next;
			q->a.max = SERVE_RUN_BYTES;
		}
		v->reads++;
		s->reads_n++;
		v->first = next;
		emit_store(s->e, q, s, run_read, v);
	}
	v->pumping = false;
	if (v->type == MESSAGE_COUNT && v->reads == 0)
		serve_free(v);
	else if (v->ready && v->first >= v->end && v->reads == 0)
		finish(v, OK);
}

void serve_pump(struct session *s)
{
	struct serve *next;
	for (struct serve *v = s->serves; v && s->state == SESSION_OPEN; v = next) {
		next = v->next;
		if (v->ready && v->type == MESSAGE_WANT_RUN)
			run_pump(v);
		else if (v->ready)
			small_pump(v);
	}
	if (s->state == SESSION_OPEN)
		ranges_serve_pump(s);
	if (s->state == SESSION_OPEN)
		seek_serve_pump(s);
	if (s->state == SESSION_OPEN)
		blob_serve_pump(s);
}

static void run_log(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	enum err err = may_serve(s, res);
	if (err == OK && (v->end <= v->first || v->end - v->first > LIMIT_WANT_RUN_ENTRIES))
		err = ERR_LIMIT;
	if (err != OK || v->first >= res->r.logs[0].end) {
		finish(v, err);
		return;
	}
	const struct store_log *log = &res->r.logs[0];
	if (v->end > log->end)
		v->end = log->end;
	uint64_t n = v->end - v->first;
	struct message_total total = {
		.req = v->req, .entries = n, .bytes = log->length ? log->bytes / log->length * n : 0};
	emit_message(s, MESSAGE_TOTAL, &total);
	v->ready = true;
	run_pump(v);
}

/* ---- bodies, ids, erasures, forks ---- */

static void bodies_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	s->reads_n--;
	if (s->state != SESSION_OPEN)
		return;
	for (size_t i = 0; i < res->r.n && res->err == OK; i++) {
		const struct store_part *p = &res->r.parts[i];
		uint64_t seq = v->seqs[v->first + i];
		uint8_t kind = p->header && p->kind && seq < v->end ? p->kind : BODY_ABSENT;
		struct message_body m = {.req = v->req, .log = v->log, .seq = seq, .kind = kind};
		if (kind == BODY_HERE || kind == BODY_ERASED)
			m.bytes = p->bytes;
		emit_message(s, MESSAGE_BODY, &m);
	}
	v->first += res->r.n;
	if (res->err == OK && res->r.n && v->first < v->n) {
		v->ready = true;
		small_pump(v);
		return;
	}
	finish(v, res->err);
}

static void ids_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	s->reads_n--;
	if (s->state != SESSION_OPEN)
		return;
	enum err err = res->err;
	if (err == OK && res->r.n) {
		struct buf ids = {0};
		struct mp_out o = mp_out_init(&ids);
		for (size_t i = 0; i < res->r.n; i++)
			mp_put_bin(&o,
				id32_is_zero(&res->r.ids[i]) || v->seqs[i] >= v->end
					? (struct slice){0}
					: slice_of(res->r.ids[i].b, 32));
		struct message_ids m = {.req = v->req, .ids = {.n = res->r.n, .raw = buf_slice(&ids)}};
		err = o.err;
		if (err == OK)
			emit_message(s, MESSAGE_IDS, &m);
		buf_free(&ids);
	}
	finish(v, err);
}

static void erased_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	s->reads_n--;
	if (s->state != SESSION_OPEN)
		return;
	enum err err = res->err;
	if (err == OK && res->r.n) {
		struct buf list = {0};
		struct mp_out o = mp_out_init(&list);
		for (size_t i = 0; i < res->r.n; i++)
			mp_put_bin(&o, res->r.parts[i].bytes);
		struct message_erased m = {
			.req = v->req, .log = v->log, .statements = {.n = res->r.n, .raw = buf_slice(&list)}};
		err = o.err;
		if (err == OK)
			emit_message(s, MESSAGE_ERASED, &m);
		buf_free(&list);
	}
	if (err == OK && res->r.n == ERASED_PER_MESSAGE) { /* there may be more */
		v->first = res->r.seqs[res->r.n - 1] + 1;
		v->ready = true;
		small_pump(v);
		return;
	}
	finish(v, err);
}

static void fork_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	s->reads_n--;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err == OK) {
		struct message_fork m = {.req = v->req,
			.log = v->log,
			.seq = res->r.seq,
			.headers_a = res->r.bytes,
			.signature_a = res->r.sig,
			.headers_b = res->r.bytes2,
			.signature_b = res->r.sig2};
		emit_message(s, MESSAGE_FORK, &m);
	}
	finish(v, res->err);
}

/* The answer is read only when there is room for it in the queue. */
static void small_pump(struct serve *v)
{
	struct session *s = v->s;
	if (s->queued >= SERVE_QUEUE_BYTES || s->reads_n >= SERVE_READS_MAX)
		return;
	enum store_op op = v->type == MESSAGE_WANT_BODIES ? STORE_BODY_GET
		: v->type == MESSAGE_PROBE                ? STORE_IDS
		: v->type == MESSAGE_WANT_ERASED          ? STORE_ERASED_GET
							  : STORE_FORK_GET;
	stored_fn done = v->type == MESSAGE_WANT_BODIES ? bodies_read
		: v->type == MESSAGE_PROBE              ? ids_read
		: v->type == MESSAGE_WANT_ERASED        ? erased_read
							: fork_read;
	struct store_req *q = req_new(op);
	if (q) {
		q->a.log = v->log;
		q->a.first = v->first;
		q->a.max = ERASED_PER_MESSAGE;
		q->a.seqs = v->seqs;
		q->a.n = v->n;
	}
	if (q && v->type == MESSAGE_WANT_BODIES) {
		q->a.seqs += v->first;
		q->a.n = v->n - v->first < BODIES_AT_ONCE ? v->n - v->first : BODIES_AT_ONCE;
	}
	v->ready = false;
	s->reads_n++;
	emit_store(s->e, q, s, done, v);
}

static void small_log(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	enum err err = may_serve(s, res);
	if (err != OK) {
		finish(v, err);
		return;
	}
	v->end = res->r.logs[0].end; /* SPEC 4.4: "is sent to nobody but in a proof" */
	v->ready = true;
	small_pump(v);
}

/* ---- key events and follows ---- */

static enum err put_events(struct session *s, struct serve *v, const struct id32 *identity,
	const struct store_keyevent *ev, size_t n)
{
	struct buf list = {0};
	enum err err = OK;
	size_t i = 0;
	while (i < n && err == OK) {
		size_t from = i;
		list.n = 0;
		struct mp_out o = mp_out_init(&list);
		while (i < n && i - from < 1024 &&
			(i == from ||
				list.n + ev[i].bytes.n + ev[i].signatures.n + 32 <
					LIMIT_MESSAGE_BODY_BYTES - 256)) {
			message_put_event(&o, ev[i].bytes, ev[i].signatures);
			i++;
		}
		struct message_keys m = {.req = v->req,
			.identity = *identity,
			.events = {.n = i - from, .raw = buf_slice(&list)}};
		err = o.err;
		if (err == OK)
			emit_message(s, MESSAGE_KEYS, &m);
	}
	buf_free(&list);
	return err;
}

static void events_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	enum err err = res->err;
	if (err == OK)
		err = put_events(s, v, &v->log, res->r.events, res->r.n);
	finish(v, err);
}

static void ask_events(struct serve *v)
{
	struct store_req *q = req_new(STORE_IDENTITY_GET);
	if (q)
		q->a.identity = v->log;
	emit_store(v->s->e, q, v->s, events_read, v);
}

static void root_found(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct serve *v = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK) {
		finish(v, res->err);
		return;
	}
	v->log = res->r.identity;
	ask_events(v);
}

static void find_root(struct serve *v)
{
	struct store_req *q = req_new(STORE_IDENTITY_FIND);
	if (q)
		q->a.id = v->log;
	emit_store(v->s->e, q, v->s, root_found, v);
}

static void serve_follows(struct session *s, const struct message_want_follows *m)
{
	const struct engine *e = s->e;
	for (size_t i = 0; i < e->follows_n; i += LIMIT_FOLLOWS_PER_MESSAGE) {
		size_t n = e->follows_n - i < LIMIT_FOLLOWS_PER_MESSAGE ? e->follows_n - i
									: LIMIT_FOLLOWS_PER_MESSAGE;
		struct buf ids = {0};
		struct mp_out o = mp_out_init(&ids);
		for (size_t k = 0; k < n; k++)
			mp_put_id(&o, &e->follows[i + k]);
		struct message_follows f = {.req = m->req, .ids = {.n = n, .raw = buf_slice(&ids)}};
		if (o.err == OK)
			emit_message(s, MESSAGE_FOLLOWS, &f);
		else
			peer_close(s, ERR_MEMORY, "out of memory");
		buf_free(&ids);
	}
	serve_done(s, m->req, OK, false);
}

/* ---- dispatch ---- */

static void serve_run_request(struct session *s, const struct message_want_run *m)
{
	struct serve *v = serve_new(s, m->req, MESSAGE_WANT_RUN);
	if (!v)
		return;
	v->log = m->log;
	v->first = m->first;
	v->end = m->end;
	ask_log(v, run_log);
}

static void serve_small(struct session *s, enum message_type type, uint64_t req, const struct id32 *log,
	uint64_t first, const struct message_list *seqs)
{
	struct serve *v = serve_new(s, req, type);
	if (!v)
		return;
	v->log = *log;
	v->first = first;
	if (seqs) {
		struct mp_in in = message_list_open(seqs);
		for (v->n = 0; v->n < seqs->n; v->n++) {
			v->seqs[v->n] = message_next_uint(&in);
			if (v->n && v->seqs[v->n] <= v->seqs[v->n - 1]) {
				peer_close(s, ERR_WIRE, "seqs that do not ascend");
				return;
			}
		}
	}
	ask_log(v, small_log);
}

static void serve_keys(struct session *s, const struct message_want_keys *m)
{
	struct serve *v = serve_new(s, m->req, MESSAGE_WANT_KEYS);
	if (!v)
		return;
	v->log = m->key;
	if (m->by == 0)
		ask_events(v);
	else
		find_root(v);
}

void serve_message(struct session *s, enum message_type type, const union message *m)
{
	if (type == MESSAGE_WANT_FOLLOWS)
		serve_follows(s, &m->want_follows);
	else if (type == MESSAGE_WANT_KEYS)
		serve_keys(s, &m->want_keys);
	else if (type == MESSAGE_WANT_RUN)
		serve_run_request(s, &m->want_run);
	else if (type == MESSAGE_WANT_BODIES)
		serve_small(s, type, m->want_bodies.req, &m->want_bodies.log, 0, &m->want_bodies.seqs);
	else if (type == MESSAGE_PROBE)
		serve_small(s, type, m->probe.req, &m->probe.log, 0, &m->probe.seqs);
	else if (type == MESSAGE_WANT_FORK)
		serve_small(s, type, m->want_fork.req, &m->want_fork.log, 0, NULL);
	else if (type == MESSAGE_WANT_ERASED)
		serve_small(s, type, m->want_erased.req, &m->want_erased.log, m->want_erased.first, NULL);
	else if (type == MESSAGE_WANT_BLOB)
		blob_serve_want(s, &m->want_blob);
	else if (type == MESSAGE_WANT_LEAVES)
		blob_serve_leaves(s, &m->want_leaves);
	else
		blob_serve_chunks(s, &m->want_chunks);
}
