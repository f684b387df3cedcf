/* reconcile.c -- listing only what differs: the asking side. SPEC.md sections 10.8 and 10.9.
 *
 * A first listing (the peer's cursor is not good) keeps the listing busy until all is told; an audit runs beside it. Whatever goes wrong
 * on the way ends in a listing from 0, or in no audit: nothing depends on it. */
#include "reconcile.h"

enum step { WAITING, READING, ASKING, TELLING };

struct reconcile {
	enum step step;
	bool audit;
	struct ranges_read read;
	struct ranges_diff diff; /* deeper: a stack of what is to be asked; refs: what is to be told */
	uint64_t begun_ms; /* WAITING: since when */
	uint64_t until_ms; /* then it is listed */
	bool asked, answered; /* a request is unanswered; its answer is here, but not its `done` */
	bool alone; /* the peer has next to nothing of this */
	size_t prefixes; /* asked in all */
	size_t n; /* items */
	uint8_t wanted[RANGES_PREFIXES_MAX * RANGES_PREFIX_BYTES];
	size_t wanted_bytes;
	size_t told;
	bool reading; /* rows that are to be told */
};

static void begin(struct session *s);

static bool holds_index(const struct session *s)
{
	return s->state == SESSION_OPEN && s->reconcile &&
		(s->reconcile->step == READING || s->reconcile->step == ASKING);
}

/* The next that waits for its turn. */
static void wake(struct engine *e)
{
	unsigned n = 0;
	struct session *next = NULL;
	for (struct session *s = e->sessions; s; s = s->next) {
		n += holds_index(s);
		if (s->state == SESSION_OPEN && s->reconcile && s->reconcile->step == WAITING)
			next = s; /* the oldest */
	}
	if (next && n < RECONCILE_ASKING_MAX)
		begin(next);
}

/* Its place is free for others; the time that it had one counts. */
static void leave_place(struct session *s)
{
	const struct reconcile *r = s->reconcile;
	if (r->step == READING || r->step == ASKING)
		reconcile_asking_spent(s->e, &s->node, s->e->now_ms - r->begun_ms);
}

static void drop(struct session *s)
{
	struct reconcile *r = s->reconcile;
	if (!r)
		return;
	leave_place(s);
	s->reconcile = NULL;
	ranges_free(r->read.index);
	ranges_diff_deinit(&r->diff);
	free(r);
}

void reconcile_deinit(struct session *s)
{
	drop(s);
}

void reconcile_closed(struct session *s)
{
	if (s->reconcile)
		wake(s->e);
}

/* No comparison: list all. */
static void give_up(struct session *s)
{
	bool audit = s->reconcile->audit;
	drop(s);
	if (!audit)
		listing_from_start(s);
	wake(s->e);
}

/* ---- telling ---- */

static int ascending(const void *a, const void *b)
{
	uint64_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

static void tell_more(struct session *s);

static void over(struct session *s)
{
	bool audit = s->reconcile->audit;
	drop(s);
	if (!audit)
		listing_resume(s);
}

static void rows_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct reconcile *r = s->reconcile;
	(void)e, (void)ctx;
	if (s->state != SESSION_OPEN)
		return;
	r->reading = false;
	if (res->err != OK) {
		peer_close(s, res->err, "the store did not read what differs");
		return;
	}
	bool last = r->told == r->diff.refs_n;
	if (r->audit)
		listing_tell_rows(s, res->r.rows, res->r.n);
	else
		listing_tell_differences(s, res->r.rows, res->r.n, last, r->read.number);
	if (s->state != SESSION_OPEN)
		return;
	if (last)
		over(s);
	else
		tell_more(s);
}

/* SPEC 10.8: "it sends the rows that differ as `changes`, in any order" */
static void tell_more(struct session *s)
{
	struct reconcile *r = s->reconcile;
	if (r->reading || (!r->audit && s->list.waiting))
		return;
	struct store_req *q = req_new(STORE_ROWS);
	size_t n = r->diff.refs_n - r->told;
	n = n < LIMIT_CHANGES_ROWS ? n : LIMIT_CHANGES_ROWS;
	static const uint64_t none[1];
	if (q) {
		q->a.node = s->node;
		q->a.id = s->e->config.network;
		q->a.device_key = s->e->config.node;
		q->a.seqs = n ? r->diff.refs + r->told : none; /* borrowed: r lives until the answer */
		q->a.n = n;
	}
	r->told += n;
	r->reading = true;
	emit_store(s->e, q, s, rows_read, NULL);
}

static void compared(struct session *s)
{
	struct reconcile *r = s->reconcile;
	leave_place(s);
	ranges_free(r->read.index);
	r->read.index = NULL;
	r->step = TELLING;
	if (r->diff.refs_n > 1) /* key events before the logs that need them */
		qsort(r->diff.refs, r->diff.refs_n, sizeof *r->diff.refs, ascending);
	if (r->audit && r->diff.refs_n > RECONCILE_AUDIT_ROWS)
		r->diff.refs_n = RECONCILE_AUDIT_ROWS;
	if (r->audit && r->diff.refs_n == 0)
		drop(s);
	else
		tell_more(s);
	wake(s->e);
}

/* ---- asking ---- */

static void got_ranges(struct session *s, void *ctx, const union message *m)
{
	struct reconcile *r = s->reconcile;
	struct slice bytes = m->ranges.bytes;
	(void)ctx;
	if (r->answered) {
		peer_close(s, ERR_WIRE, "more than one answer about the same ranges");
		return;
	}
	r->answered = true;
	if (r->prefixes == 1 && bytes.p[0] <= RANGES_FEW)
		r->alone = r->n > (size_t)RECONCILE_SHARE * bytes.p[0];
	enum err e = ranges_compare(r->read.index, slice_of(r->wanted, r->wanted_bytes), bytes, &r->diff);
	if (e != OK)
		peer_close(s, e == ERR_FORMAT ? ERR_WIRE : e, "no answer about ranges");
}

static void ask_more(struct session *s);

static void ranges_end(struct session *s, void *ctx, enum err code)
{
	struct reconcile *r = s->reconcile;
	(void)ctx;
	if (s->state != SESSION_OPEN)
		return;
	r->asked = false;
	if (code != OK) { /* SPEC 10.8: "An asker that is refused lists from 0" */
		give_up(s);
		return;
	}
	if (!r->answered) {
		peer_close(s, ERR_WIRE, "no answer about ranges");
		return;
	}
	r->answered = false;
	if (r->diff.deeper_n == 0 && !(r->alone && !r->audit))
		compared(s);
	else if ((r->alone && !r->audit) || r->diff.deeper_n > RECONCILE_FRONTIER_MAX ||
		r->prefixes > 2 * r->n + 8192 || s->e->now_ms > r->until_ms)
		give_up(s);
	else
		ask_more(s);
}

static void ask_more(struct session *s)
{
	struct reconcile *r = s->reconcile;
	if (r->asked || !ask_room(s, false))
		return;
	size_t n = r->diff.deeper_n < RANGES_PREFIXES_MAX ? r->diff.deeper_n : RANGES_PREFIXES_MAX;
	for (size_t i = 0; i < n; i++)
		ranges_prefix_put(
			r->wanted + i * RANGES_PREFIX_BYTES, r->diff.deeper[r->diff.deeper_n - n + i]);
	r->diff.deeper_n -= n;
	r->wanted_bytes = n * RANGES_PREFIX_BYTES;
	r->prefixes += n;
	r->asked = true;
	struct message_want_ranges m = {.nonce = slice_of(ranges_nonce(r->read.index), RANGES_NONCE_BYTES),
		.prefixes = slice_of(r->wanted, r->wanted_bytes)};
	ask_send(s, MESSAGE_WANT_RANGES, &m, MESSAGE_RANGES, got_ranges, ranges_end, NULL);
}

/* ---- beginning ---- */

/* SPEC 10.8: "Rows that may be told and are no items, as those of identities that only the peer follows, are told in any case." */
static void other(struct session *s, const struct store_row *row, bool withheld)
{
	struct reconcile *r = s->reconcile;
	if (withheld && !r->audit)
		listing_withhold(s, row->number);
	else if (!withheld && !r->audit && ranges_diff_ref(&r->diff, row->ref) != OK)
		peer_close(s, ERR_MEMORY, "out of memory");
}

static void read_done(struct session *s, enum err err)
{
	struct reconcile *r = s->reconcile;
	size_t min = s->e->config.reconcile_min ? s->e->config.reconcile_min : RECONCILE_ROWS_MIN;
	if (s->state != SESSION_OPEN)
		return;
	r->n = err == OK ? ranges_count(r->read.index) : 0;
	if (err != OK || (!r->audit && r->n <= min) || r->n == 0 ||
		ranges_diff_deeper(&r->diff, (struct ranges_prefix){0}) != OK) {
		give_up(s);
		return;
	}
	r->step = ASKING;
	ask_more(s);
}

static void begin(struct session *s)
{
	struct reconcile *r = s->reconcile;
	uint8_t nonce[RANGES_NONCE_BYTES];
	uint64_t left = reconcile_asking_left(s->e, &s->node);
	if (left == 0) { /* another connection of that node took its time */
		give_up(s);
		return;
	}
	r->step = READING;
	r->begun_ms = s->e->now_ms;
	r->until_ms = s->e->now_ms + left;
	engine_fill(s->e, nonce, sizeof nonce);
	ranges_read_begin(s, &r->read, nonce);
}

bool reconcile_start(struct session *s, bool audit)
{
	bool may = !s->reconcile && reconcile_asking_left(s->e, &s->node) > 0;
	struct reconcile *r = may ? calloc(1, sizeof *r) : NULL;
	if (!r)
		return false;
	r->audit = audit;
	r->read.other = other;
	r->read.done = read_done;
	r->begun_ms = s->e->now_ms;
	s->reconcile = r;
	wake(s->e);
	return true;
}

void reconcile_pump(struct session *s)
{
	const struct reconcile *r = s->state == SESSION_OPEN ? s->reconcile : NULL;
	if (r && r->step == ASKING && r->read.index)
		ask_more(s);
	else if (r && r->step == TELLING)
		tell_more(s);
}

uint64_t reconcile_session_deadline(const struct session *s)
{
	const struct reconcile *r = s->reconcile;
	return r && r->step == WAITING ? r->begun_ms + RECONCILE_WAITING_MS : UINT64_MAX;
}

/* Those before it may keep their places for long, by answering slowly. */
void reconcile_session_time(struct session *s)
{
	if (s->e->now_ms >= reconcile_session_deadline(s))
		give_up(s);
}
