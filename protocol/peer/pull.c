/* pull.c -- rows of a peer's listing, worked on side by side until they are settled; then the cursor moves. SPEC.md sections 10.3 and 10.4. */
#include "engine_int.h"

/* ---- batches and the cursor ---- */

static void cursor_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res);

static void put_cursor(struct session *s, uint64_t number)
{
	struct store_req *q = req_new(STORE_CURSOR_PUT);
	if (q) {
		q->a.node = s->node;
		memcpy(q->a.instance, s->cursor_instance, 16);
		q->a.number = number;
	}
	s->cursor_busy = true;
	emit_store(s->e, q, s, cursor_stored, NULL);
}

static void cursor_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)e, (void)ctx;
	s->cursor_busy = false;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK)
		peer_close(s, res->err, "the store did not keep the cursor");
	else if (!s->cursor_lazy_ms)
		pull_cursor(s);
}

void pull_cursor(struct session *s)
{
	s->cursor_lazy_ms = 0;
	if (s->cursor_busy || s->cursor_held || s->cursor_done == s->cursor_put)
		return;
	s->cursor_put = s->cursor_done;
	put_cursor(s, s->cursor_done);
}

static void synced(struct session *s)
{
	if (!s->synced) {
		s->synced = true;
		own_synced(s->e);
		listing_free(s);
		seek_serve_free(s);
		ranges_serve_over(s);
		missing_start(s);
	}
	struct engine_event ev = {
		.kind = ENGINE_EVENT_SYNCED, .conn = s->conn, .node = s->node, .count = s->taken};
	emit_event(s->e, &ev);
}

/* Batches are settled in order: a cursor vouches for everything below it. */
static void batches_done(struct session *s)
{
	bool last = false, any = false, listed = false;
	while (s->batches && s->batches->left == 0) {
		struct batch *b = s->batches;
		s->batches = b->next;
		if (!s->batches)
			s->batches_tail = &s->batches;
		if (b->number > s->cursor_done || !b->live)
			s->cursor_done = b->number;
		last = last || (b->last && !b->live);
		any = true;
		listed = listed || !b->live;
		if (!b->last)
			emit_message(s, MESSAGE_MORE, &(struct message_more){.number = b->number});
		free(b);
	}
	if (listed)
		pull_cursor(s);
	else if (any && !s->cursor_lazy_ms)
		s->cursor_lazy_ms = s->e->now_ms + LIST_LAZY_MS; /* not one more commit for each live entry */
	if (last)
		synced(s);
	missing_pump(s);
}

static struct batch *batch_new(struct session *s, uint64_t number, bool last, bool live)
{
	struct batch *b = calloc(1, sizeof *b);
	if (!b) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return NULL;
	}
	*b = (struct batch){.number = number, .last = last, .live = live};
	*s->batches_tail = b;
	s->batches_tail = &b->next;
	return b;
}

static struct pull *pull_new(struct session *s, struct batch *b, const struct message_row *row)
{
	struct pull *p = calloc(1, sizeof *p);
	if (!p) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return NULL;
	}
	*p = (struct pull){.s = s, .batch = b, .row = *row};
	p->runs_tail = &p->runs;
	b->left++;
	*s->pulls_tail = p;
	s->pulls_tail = &p->next;
	s->pulls_n++;
	s->identities_n += row->kind == 0;
	return p;
}

static void pull_free(struct pull *p)
{
	while (p->runs) {
		struct pull_run *r = p->runs;
		p->runs = r->next;
		if (r->work)
			engine_work_free(r->work);
		free(r);
	}
	if (p->theirs)
		engine_work_free(p->theirs);
	p->s->keys_bytes -= p->events_bytes;
	free(p->headers);
	free(p->events);
	arena_free(&p->mem);
	free(p);
}

void pull_ask(struct pull *p, enum message_type type, void *msg, enum message_type answer,
	ask_message_fn on_message, ask_done_fn on_done)
{
	p->asks++;
	ask_send(p->s, type, msg, answer, on_message, on_done, p);
}

bool pull_ended(struct session *s, struct pull *p)
{
	p->asks--;
	if (s->state == SESSION_OPEN && p->finished && p->asks == 0) {
		pull_finish(p);
		return true;
	}
	return s->state != SESSION_OPEN || p->finished;
}

void pull_finish(struct pull *p)
{
	struct session *s = p->s;
	p->finished = true;
	if (p->asks)
		return;
	for (struct pull **at = &s->pulls; *at; at = &(*at)->next) {
		if (*at == p) {
			*at = p->next;
			if (s->pulls_tail == &p->next)
				s->pulls_tail = at;
			break;
		}
	}
	s->pulls_n--;
	s->identities_n -= p->row.kind == 0;
	s->pulls_active--;
	s->runs_at[p->row.log.b[1] % RUNS_AT] -= p->in_order;
	p->batch->left--;
	pull_free(p);
	if (s->state != SESSION_OPEN)
		return;
	batches_done(s);
	pull_pump(s);
}

/* The peer thinks that we follow this. It may never learn that we did not, and so not tell us again when we do. */
void pull_pass(struct pull *p)
{
	p->s->cursor_held = true;
	pull_finish(p);
}

void pull_deinit(struct session *s)
{
	while (s->pulls) {
		struct pull *p = s->pulls;
		s->pulls = p->next;
		pull_free(p);
	}
	while (s->batches) {
		struct batch *b = s->batches;
		s->batches = b->next;
		free(b);
	}
}

/* ---- key events ---- */

static void keys_stored(struct engine *e, struct session *s, void *ctx, enum err err, bool changed)
{
	struct pull *p = ctx;
	(void)e, (void)changed;
	if (s->state != SESSION_OPEN)
		return;
	if (err != OK) {
		bool ours = err == ERR_IO || err == ERR_FULL || err == ERR_MEMORY || err == ERR_BUSY;
		peer_close(s, ours ? err : ERR_WIRE,
			ours ? "key events were not kept" : "key events that are not valid");
		return;
	}
	if (p->row.kind == 0)
		pull_finish(p);
	else
		pull_log_start(p);
}

bool pull_room(struct pull *p, size_t bytes)
{
	p->events_bytes += bytes;
	p->s->keys_bytes += bytes;
	if (p->s->keys_bytes <= KEYS_BYTES_MAX)
		return true;
	peer_close(p->s, ERR_LIMIT, "more than can be kept before it is checked");
	return false;
}

static void got_keys(struct session *s, void *ctx, const union message *m)
{
	struct pull *p = ctx;
	const struct message_list *l = &m->keys.events;
	struct slice raw;
	if (!pull_room(p, l->raw.n))
		return;
	if (!id32_equal(&m->keys.identity, &p->row.identity) || p->events_n + l->n > LIMIT_KEYEVENTS) {
		peer_close(s, ERR_WIRE, "key events that were not asked for");
		return;
	}
	if (p->events_n + l->n > p->events_cap) {
		size_t cap = (p->events_n + l->n) * 2;
		struct store_keyevent *ev = realloc(p->events, cap * sizeof *ev);
		if (!ev) {
			peer_close(s, ERR_MEMORY, "out of memory");
			return;
		}
		p->events = ev;
		p->events_cap = cap;
	}
	if (!arena_put(&p->mem, l->raw, &raw)) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	struct message_list copy = {.n = l->n, .raw = raw};
	struct mp_in in = message_list_open(&copy);
	for (size_t i = 0; i < l->n; i++) {
		struct store_keyevent *ev = &p->events[p->events_n++];
		message_next_event(&in, &ev->bytes, &ev->signatures);
	}
}

static void keys_end(struct session *s, void *ctx, enum err code)
{
	struct pull *p = ctx;
	if (pull_ended(s, p))
		return;
	if (code != OK || p->events_n == 0) {
		if (p->row.kind == 0)
			pull_finish(p);
		else
			pull_log_start(p);
		return;
	}
	keys_put(s->e, &p->row.identity, p->events, p->events_n, s, keys_stored, p);
}

void pull_ask_keys(struct pull *p)
{
	struct message_want_keys m = {.by = 0, .key = p->row.identity};
	p->keys_asked = true;
	p->events_n = 0;
	pull_ask(p, MESSAGE_WANT_KEYS, &m, MESSAGE_KEYS, got_keys, keys_end);
}

static void identity_known(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	struct pull *p = ctx;
	(void)e;
	if (s->state != SESSION_OPEN)
		return;
	if (!k->loaded) {
		peer_close(s, k->err, "the store did not give key events");
		return;
	}
	bool same = false;
	if (k->set && keyset_count(k->set) == p->row.count) {
		struct id32 h = keys_hash(k->set);
		same = id32_equal(&h, &p->row.sum);
	}
	if (same)
		pull_finish(p);
	else
		pull_ask_keys(p);
}

uint64_t peer_to_come(const struct session *s)
{
	uint64_t n = 0;
	for (const struct pull *p = s->pulls; p; p = p->next)
		if (p->row.kind == 1 && p->target > p->put)
			n += p->target - p->put;
	return n;
}

/* ---- rows ---- */

static void start(struct pull *p)
{
	p->active = true;
	p->s->pulls_active++;
	if (p->unasked && !p->in_order) {
		p->in_order = true;
		p->s->runs_at[p->row.log.b[1] % RUNS_AT]++;
	}
	if (!p->run && !engine_follows(p->s->e, &p->row.identity))
		pull_pass(p); /* nobody asked for it */
	else if (p->row.kind == 0)
		keys_get(p->s->e, &p->row.identity, p->s, identity_known, p);
	else
		pull_log_start(p);
}

void pull_run_next(struct pull *p)
{
	if (!p->in_order)
		return;
	p->in_order = false;
	p->s->runs_at[p->row.log.b[1] % RUNS_AT]--;
	pull_pump(p->s);
}

static bool may_start(const struct pull *p)
{
	const struct session *s = p->s;
	if (p->row.kind == 1 && s->identities_n) /* logs need the key events first */
		return false;
	/* Else the second run of a log would not fit yet, and be asked for. */
	return !p->unasked || s->pulls_n > RUNS_IN_ORDER_MAX || s->runs_at[p->row.log.b[1] % RUNS_AT] == 0;
}

void pull_pump(struct session *s)
{
	bool again = true;
	while (again && s->state == SESSION_OPEN && s->pulls_active < PULL_ACTIVE_MAX && ask_room(s, false)) {
		again = false;
		for (struct pull *p = s->pulls; p; p = p->next) {
			if (!p->active && may_start(p)) {
				again = true;
				start(p); /* may finish at once, which pumps again: the list has changed */
				break;
			}
		}
	}
}

static void note_position(struct session *s, const struct message_row *r)
{
	struct position *p = peer_position(s, &r->log, true);
	if (p)
		*p = (struct position){.log = r->log,
			.last = r->last,
			.sum = r->sum,
			.length = r->count,
			.fork_seq1 = r->fork_seq1,
			.whole = r->whole};
}

void pull_changes(struct session *s, const struct message_changes *m)
{
	struct batch *b = s->pulls_n < 8 * LIMIT_CHANGES_ROWS ? batch_new(s, m->number, m->last, false)
							      : NULL;
	if (!b) {
		peer_close(s, ERR_LIMIT, "changes that nobody asked for");
		return;
	}
	struct mp_in in = message_list_open(&m->rows);
	b->left++; /* until all rows are in */
	for (size_t i = 0; i < m->rows.n && s->state == SESSION_OPEN; i++) {
		struct message_row row = message_next_row(&in);
		if (row.kind == 1)
			note_position(s, &row);
		struct pull *p = pull_new(s, b, &row);
		if (p)
			p->live = m->last && s->synced;
	}
	b->left--;
	if (s->state != SESSION_OPEN)
		return;
	pull_pump(s);
	if (s->state == SESSION_OPEN)
		batches_done(s);
}

/* SPEC 10.8: "it asks the peer with `want-bodies` for bodies that it lacks" */
void pull_missing(struct session *s, const struct store_row *rows, size_t n)
{
	struct batch *b = n ? batch_new(s, 0, true, true) : NULL;
	for (size_t i = 0; b && i < n && s->state == SESSION_OPEN; i++) {
		struct message_row row = {.kind = rows[i].kind,
			.identity = rows[i].identity,
			.log = rows[i].log,
			.sum = rows[i].sum,
			.last = rows[i].last,
			.count = rows[i].length,
			.fork_seq1 = rows[i].fork_seq1};
		(void)pull_new(s, b, &row);
	}
	if (b && s->state == SESSION_OPEN)
		pull_pump(s);
}

/* SPEC 10.6: a run that nobody asked for, with its number. */
void pull_run_unasked(struct session *s, const struct message_run *m)
{
	const uint8_t *last = m->headers.p + m->headers.n - ENTRY_HEADER_BYTES;
	struct position *pos = peer_position(s, &m->log, true);
	struct mp_in parts = message_list_open(&m->parts);
	struct message_row row = {
		.kind = 1, .log = m->log, .count = m->first + m->parts.n, .last = entry_id(last)};
	if (m->headers.n != m->parts.n * ENTRY_HEADER_BYTES) {
		peer_close(s, ERR_WIRE, "a run of unequal parts");
		return;
	}
	if (pos) {
		row.sum = pos->sum;
		row.fork_seq1 = pos->fork_seq1;
		pos->length = row.count;
		pos->last = row.last;
		pos->whole = true;
		for (size_t i = 0; i < m->parts.n; i++)
			pos->whole = message_next_part(&parts).kind == BODY_HERE && pos->whole;
	}
	struct batch *b = s->pulls_n < 8 * LIMIT_CHANGES_ROWS ? batch_new(s, m->number, true, true) : NULL;
	if (!b) {
		peer_close(s, ERR_LIMIT, "more runs than can be worked on");
		return;
	}
	struct pull *p = pull_new(s, b, &row);
	if (!p)
		return;
	p->unasked = true;
	p->run = arena_alloc(&p->mem, sizeof *p->run);
	if (p->run)
		*p->run = *m;
	if (!p->run || !arena_put(&p->mem, m->headers, &p->run->headers) ||
		!arena_put(&p->mem, m->parts.raw, &p->run->parts.raw) ||
		!arena_put(&p->mem, m->signature, &p->run->signature)) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	pull_pump(s);
	if (s->state == SESSION_OPEN)
		batches_done(s);
}
