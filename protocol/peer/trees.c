/* trees.c -- see trees.h. */
#include "engine_int.h"

static uint8_t bit(const struct id32 *log)
{
	return (uint8_t)(1u << log->b[0] % TREES);
}

bool trees_lazy(const struct session *s, const struct id32 *log)
{
	return (s->trees.lazy & bit(log)) != 0;
}

/* ---- who brought what ---- */

static size_t slot(const struct id32 *log)
{
	return be32_get(log->b + 4) % TREES_RECENT;
}

static void go_on(struct pull **at)
{
	struct pull *p = *at;
	*at = p->next_held;
	p->s->trees.held_n--;
	p->next_held = NULL;
	p->active = false; /* pull_pump begins it again */
}

static void held_go_on(struct engine *e, const struct id32 *log, uint64_t end)
{
	for (struct session *s = e->sessions; s; s = s->next) {
		bool any = false;
		for (struct pull **at = &s->trees.held; s->state == SESSION_OPEN && *at;) {
			if ((*at)->row.count <= end && id32_equal(&(*at)->row.log, log)) {
				go_on(at);
				any = true;
			} else {
				at = &(*at)->next_held;
			}
		}
		if (any)
			pull_pump(s);
	}
}

/* The peer was told of the log as it was before this change, and what it has was forgotten, or never said on this connection. */
static bool told_before(struct session *s, const struct id32 *log, const struct store_res *res)
{
	const struct listing *l = &s->list;
	return s->state == SESSION_OPEN && l->ready && l->last_sent && res->r.before <= l->scan &&
		(!l->withheld || res->r.before < l->withheld) && !peer_position(s, log, false);
}

void trees_committed(struct engine *e, const struct id32 *log, uint64_t first, size_t n,
	const struct store_res *res, uint64_t conn)
{
	e->recent[slot(log)] = (struct trees_recent){.log = *log, .end = first + n, .conn = conn};
	for (struct session *s = e->sessions; s && first > 0; s = s->next) {
		struct position *p = told_before(s, log, res) ? peer_position(s, log, true) : NULL;
		if (p) {
			p->length = s->conn == conn ? first + n : first;
			p->guessed = true;
		}
	}
	held_go_on(e, log, first + n);
}

/* ---- rows that wait to be told ---- */

static uint64_t least_ms(const struct session *s)
{
	return id32_cmp(&s->e->config.node, &s->node) < 0 ? TREES_LOW_LEAST_MS : TREES_HIGH_LEAST_MS;
}

static uint64_t most_ms(const struct session *s)
{
	return id32_cmp(&s->e->config.node, &s->node) < 0 ? TREES_LOW_MOST_MS : TREES_HIGH_MOST_MS;
}

/* SPEC 19.3: "not at all if the peer has meanwhile shown that it has the entry" */
static bool shown(struct session *s, const struct store_row *r)
{
	const struct position *p = peer_position(s, &r->log, false);
	return p && p->whole && p->length >= r->length && p->fork_seq1 == r->fork_seq1 &&
		id32_equal(&p->sum, &r->sum);
}

/* Tells what has waited for at least `ms`. */
static void tell_waiting(struct session *s, uint64_t ms)
{
	struct trees *t = &s->trees;
	struct buf buf = {0};
	struct mp_out o = mp_out_init(&buf);
	size_t n = 0, left = 0;
	for (size_t i = 0; i < t->rows_n; i++) {
		const struct store_row *r = &t->rows[i].row;
		if (s->e->now_ms < t->rows[i].since_ms + ms) {
			t->rows[left++] = t->rows[i];
		} else if (!shown(s, r)) {
			listing_put_row(&o, r);
			listing_now_has(s, r);
			n++;
		}
	}
	t->rows_n = left;
	if (o.err != OK)
		peer_close(s, ERR_MEMORY, "out of memory");
	else
		listing_tell(s, n, &buf);
	buf_free(&buf);
}

enum err trees_put(struct session *s, const struct store_row *row)
{
	struct trees *t = &s->trees;
	if (!t->rows)
		t->rows = malloc(TREES_ROWS_MAX * sizeof *t->rows);
	if (!t->rows)
		return ERR_MEMORY;
	for (size_t i = 0; i < t->rows_n; i++) {
		if (id32_equal(&t->rows[i].row.log, &row->log)) {
			t->rows[i].row = *row;
			return OK;
		}
	}
	if (t->rows_n == TREES_ROWS_MAX)
		tell_waiting(s, 0);
	t->rows[t->rows_n++] = (struct trees_row){.row = *row, .since_ms = s->e->now_ms};
	return OK;
}

void trees_drop(struct session *s, const struct id32 *log)
{
	struct trees *t = &s->trees;
	for (size_t i = 0; i < t->rows_n; i++) {
		if (!id32_equal(&t->rows[i].row.log, log))
			continue;
		memmove(&t->rows[i], &t->rows[i + 1], (--t->rows_n - i) * sizeof *t->rows);
		return;
	}
}

/* SPEC 19.3: "A cursor's number never passes a row that is not yet told." */
uint64_t trees_number(const struct session *s, uint64_t number)
{
	for (size_t i = 0; i < s->trees.rows_n; i++)
		if (s->trees.rows[i].row.number <= number)
			number = s->trees.rows[i].row.number - 1;
	return number;
}

/* ---- prune and graft ---- */

void trees_on_prune(struct session *s, const struct message_prune *m)
{
	s->trees.lazy |= (uint8_t)(1u << m->tree);
}

void trees_on_graft(struct session *s, const struct message_graft *m)
{
	uint8_t was = s->trees.lazy;
	s->trees.lazy &= (uint8_t) ~(1u << m->tree);
	if (was != s->trees.lazy && s->trees.rows_n && listing_may_tell(s))
		tell_waiting(s, 0);
}

static void graft(struct session *s, const struct id32 *log)
{
	if (!trees_lazy(s, log))
		return;
	s->trees.lazy &= (uint8_t)~bit(log);
	emit_message(s, MESSAGE_GRAFT, &(struct message_graft){.tree = log->b[0] % TREES});
}

void trees_brought(struct pull *p)
{
	p->s->trees.lazy &= (uint8_t)~bit(&p->row.log);
}

void trees_nothing_new(struct pull *p)
{
	struct session *s = p->s;
	const struct trees_recent *r = &s->e->recent[slot(&p->row.log)];
	if (p->log.direct || !id32_equal(&r->log, &p->row.log) || r->end < p->row.count || r->conn == 0 ||
		r->conn == s->conn)
		return;
	s->trees.lazy |= bit(&p->row.log);
	emit_message(s, MESSAGE_PRUNE, &(struct message_prune){.tree = p->row.log.b[0] % TREES});
}

/* ---- entries that may come another way ---- */

bool trees_hold(struct pull *p)
{
	struct session *s = p->s;
	if (p->unasked || p->held_once || !p->live || p->log.direct || s->trees.held_n >= TREES_HELD_MAX ||
		!trees_lazy(s, &p->row.log))
		return false;
	p->held_once = true;
	p->held_ms = s->e->now_ms + TREES_HELD_MS;
	p->held_most_ms = s->e->now_ms + TREES_HELD_MOST_MS;
	p->next_held = s->trees.held;
	if (!s->trees.held || p->held_ms < s->trees.held_due_ms)
		s->trees.held_due_ms = p->held_ms;
	s->trees.held = p;
	s->trees.held_n++;
	s->pulls_active--;
	pull_pump(s);
	return true;
}

/* One peer is asked: the others are waited for anew, but not for ever: a row is only a claim. */
static void wait_for(const struct session *asked, const struct id32 *log)
{
	uint64_t until = asked->e->now_ms + TREES_HELD_MS;
	for (struct session *s = asked->e->sessions; s; s = s->next)
		for (struct pull *p = s == asked ? NULL : s->trees.held; p; p = p->next_held)
			if (id32_equal(&p->row.log, log))
				p->held_ms = until < p->held_most_ms ? until : p->held_most_ms;
}

static void held_time(struct session *s)
{
	bool any = false;
	if (!s->trees.held || s->e->now_ms < s->trees.held_due_ms)
		return;
	s->trees.held_due_ms = UINT64_MAX;
	for (struct pull **at = &s->trees.held; *at;) {
		struct pull *p = *at;
		if (s->e->now_ms < p->held_ms) {
			if (p->held_ms < s->trees.held_due_ms)
				s->trees.held_due_ms = p->held_ms;
			at = &p->next_held;
			continue;
		}
		go_on(at);
		graft(s, &p->row.log);
		wait_for(s, &p->row.log);
		any = true;
		if (s->state != SESSION_OPEN)
			return;
	}
	if (any)
		pull_pump(s);
}

/* ---- time ---- */

void trees_time(struct session *s)
{
	struct trees *t = &s->trees;
	held_time(s);
	if (s->state == SESSION_OPEN && t->rows_n && listing_may_tell(s) &&
		s->e->now_ms >= t->rows[0].since_ms + most_ms(s))
		tell_waiting(s, least_ms(s));
}

uint64_t trees_deadline(const struct session *s)
{
	const struct trees *t = &s->trees;
	uint64_t d = t->rows_n && listing_may_tell(s) ? t->rows[0].since_ms + most_ms(s) : UINT64_MAX;
	return t->held && t->held_due_ms < d ? t->held_due_ms : d;
}

void trees_deinit(struct session *s)
{
	free(s->trees.rows);
}
