/* listing.c -- what changed here, told to one peer: from its cursor to now, then live. SPEC.md sections 10.3, 10.5 and 10.6. */
#include "engine_int.h"

#include "protocol/log/hash.h"

/* ---- beginning: the peer's follow set and its cursor ---- */

static void cursor_checked(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)e, (void)ctx;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK) {
		peer_close(s, res->err, "the store did not find the cursor");
		return;
	}
	struct listing *l = &s->list;
	bool fresh = !l->last_sent && !l->busy && !l->waiting && res->r.number == 0;
	if (!l->last_sent)
		l->number = l->scan = res->r.number;
	l->ready = true;
	ranges_serve_pump(s);
	l->busy = l->busy || (fresh && reconcile_start(s, false));
	listing_pump(s);
}

static void check_cursor(struct session *s)
{
	struct store_req *q = req_new(STORE_CURSOR_CHECK);
	if (q) {
		memcpy(q->a.instance, s->list.hello_instance, 16);
		q->a.number = s->list.hello_cursor;
	}
	emit_store(s->e, q, s, cursor_checked, NULL);
}

static void follows_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	bool kept = engine_written(e, res, "a peer's follow set");
	if (s->state != SESSION_OPEN)
		return;
	if (!kept)
		peer_close(s, res->err, "the store did not keep the follow set");
	else if (ctx)
		check_cursor(s);
	members_follows(s);
}

static void put_follows(struct session *s, const struct message_list *ids, bool first, bool last)
{
	struct store_req *q = req_new(STORE_PEER_FOLLOWS);
	struct id32 *copy = q ? arena_alloc(&q->mem, (ids->n ? ids->n : 1) * sizeof *copy) : NULL;
	if (copy) {
		struct mp_in in = message_list_open(ids);
		for (size_t i = 0; i < ids->n; i++)
			copy[i] = message_next_id(&in);
		q->a.node = s->node;
		q->a.ids = copy;
		q->a.n = ids->n;
		q->a.flag = first;
		q->a.number = last;
	} else if (q) {
		free(q);
		q = NULL;
	}
	emit_store(s->e, q, s, follows_stored, last ? s : NULL);
}

static void got_follows(struct session *s, void *ctx, const union message *m)
{
	(void)ctx;
	s->follows_n += m->follows.ids.n;
	if (s->follows_n > LIMIT_FOLLOWS) {
		peer_close(s, ERR_LIMIT, "the peer follows too many");
		return;
	}
	put_follows(s, &m->follows.ids, s->follows_first, false);
	s->follows_first = false;
}

static void follows_done(struct session *s, void *ctx, enum err code)
{
	(void)ctx;
	if (s->state != SESSION_OPEN)
		return;
	if (code != OK)
		peer_close(s, ERR_WIRE, "the peer does not say whom it follows");
	else
		put_follows(s, &(struct message_list){0}, s->follows_first, true);
}

static void ask_follows(struct session *s)
{
	struct message_want_follows m = {0};
	s->list.ready = false;
	s->follows_first = true;
	s->follows_n = 0;
	ask_send(s, MESSAGE_WANT_FOLLOWS, &m, MESSAGE_FOLLOWS, got_follows, follows_done, NULL);
}

void listing_start(struct session *s, const struct message_hello *hello, const struct store_peer *peer)
{
	memcpy(s->list.hello_instance, hello->cursor_instance.p, 16);
	s->list.hello_cursor = hello->cursor;
	if (memcmp(hello->cursor_instance.p, s->e->config.instance, 16) == 0 &&
		hello->cursor == s->hello_number) {
		/* SPEC 10.3: "a side whose present instance id and `hello.number` are its peer's cursor owes no `changes`" */
		s->list.number = s->list.scan = s->list.told = s->hello_number;
		s->list.last_sent = true;
	}
	if (peer->follows_known && id32_equal(&peer->follows_version, &hello->follows))
		check_cursor(s);
	else
		ask_follows(s);
}

/* ---- one change of the peer's follow set ---- */

static void follow_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct id32 *version = ctx;
	bool kept = engine_written(e, res, "a peer's follow"); /* rows moved up, also if the peer has gone */
	if (s->state == SESSION_OPEN) {
		if (!kept)
			peer_close(s, res->err, "the store did not keep the follow");
		else if (!id32_equal(&res->r.ids[0], version))
			ask_follows(s);
		else
			listing_pump(s);
	}
	members_follows(s);
	free(version);
}

void listing_follow(struct session *s, const struct message_follow *m)
{
	struct store_req *q = req_new(STORE_PEER_FOLLOW);
	struct id32 *version = malloc(sizeof *version);
	if (!q || !version) {
		free(q);
		free(version);
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	*version = m->version;
	q->a.node = s->node;
	q->a.identity = m->identity;
	q->a.flag = m->add;
	emit_store(s->e, q, s, follow_stored, version);
}

/* ---- telling ---- */

static void pump_again(struct session *s)
{
	s->list.busy = false;
	if (s->list.freed) {
		s->list.freed = s->list.again = false;
		listing_free(s);
	} else if (s->list.again) {
		s->list.again = false;
		listing_pump(s);
	}
	if (s->trees.rows_n)
		trees_time(s);
}

static void tell(struct session *s, uint64_t number, bool last, size_t n, const struct buf *rows)
{
	struct message_changes m = {.number = number, .last = last, .rows = {.n = n, .raw = buf_slice(rows)}};
	emit_message(s, MESSAGE_CHANGES, &m);
	s->list.told = number;
	s->list.lazy_ms = 0;
	if (!last) {
		s->list.waiting = true;
		s->list.waiting_number = number;
	}
}

/* As far as a cursor may go: not past what is withheld, nor past what waits to be told. */
static uint64_t up_to(const struct session *s, uint64_t number)
{
	if (s->list.withheld && s->list.withheld <= number)
		number = s->list.withheld - 1;
	return trees_number(s, number);
}

bool listing_may_tell(const struct session *s)
{
	return s->list.last_sent && !s->list.waiting && !s->list.runs;
}

void listing_tell(struct session *s, size_t n, const struct buf *rows)
{
	uint64_t number = up_to(s, s->list.number);
	if (n)
		tell(s, number, true, n, rows);
	else if (s->list.told < number && !s->list.lazy_ms)
		s->list.lazy_ms = s->e->now_ms + LIST_LAZY_MS;
}

bool listing_withheld(const struct session *s, const struct store_row *r)
{
	return r->kind == 1 && (r->own_held || (!s->synced && own_find(s->e, &r->log)));
}

/* When what was withheld is told, others come by once more. */
static bool told_before(const struct session *s, const struct store_row *r)
{
	return r->number <= s->list.settled && !(r->kind == 1 && own_find(s->e, &r->log));
}

static bool peer_has(const struct position *p, const struct store_row *r)
{
	return p && p->length == r->length && p->fork_seq1 == r->fork_seq1 &&
		id32_equal(&p->last, &r->last) && id32_equal(&p->sum, &r->sum);
}

void listing_now_has(struct session *s, const struct store_row *r)
{
	struct position *p = peer_position(s, &r->log, true);
	if (p)
		*p = (struct position){.log = r->log,
			.last = r->last,
			.sum = r->sum,
			.length = r->length,
			.fork_seq1 = r->fork_seq1};
}

/* Can this change be told by the entries themselves (SPEC 10.6)? */
static bool by_run(struct session *s, const struct store_row *r)
{
	const struct position *p = r->kind == 1 ? peer_position(s, &r->log, false) : NULL;
	return p && p->length < r->length && r->length <= run_interval_end(p->length) &&
		p->fork_seq1 == r->fork_seq1 && id32_equal(&p->sum, &r->sum);
}

struct live_run {
	struct store_row row;
	bool as_row; /* what the peer has was forgotten meanwhile */
};

/* The run as a message; false: it does not fit or is not complete enough, tell the row. */
static void live_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct live_run *l = ctx;
	(void)e;
	s->list.runs--;
	if (s->state == SESSION_OPEN) {
		uint64_t number = up_to(s, l->row.number);
		if (!l->as_row && res->err == OK && res->r.n && serve_run(s, 0, number, &l->row.log, res)) {
			s->list.told = number;
		} else {
			struct buf rows = {0};
			struct mp_out o = mp_out_init(&rows);
			listing_put_row(&o, &l->row);
			if (o.err == OK)
				tell(s, number, true, 1, &rows);
			else
				peer_close(s, ERR_MEMORY, "out of memory");
			buf_free(&rows);
		}
		if (s->list.runs == 0 && s->state == SESSION_OPEN)
			pump_again(s);
	}
	free(l);
}

static void tell_by_runs(struct session *s, const struct store_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct store_row *r = &rows[i];
		const struct position *p = peer_position(s, &r->log, false);
		struct live_run *l = malloc(sizeof *l);
		struct store_req *q = l ? req_new(STORE_RUN_GET) : NULL;
		if (!q) {
			free(l);
			peer_close(s, ERR_MEMORY, "out of memory");
			return;
		}
		*l = (struct live_run){.row = *r, .as_row = !p};
		q->a.log = r->log;
		q->a.first = p ? p->length : r->length - 1;
		q->a.end = r->length;
		q->a.max = SERVE_RUN_BYTES;
		s->list.runs++;
		trees_drop(s, &r->log);
		listing_now_has(s, r);
		emit_store(s->e, q, s, live_read, l);
	}
}

void listing_put_row(struct mp_out *o, const struct store_row *r)
{
	struct message_row row = {.kind = r->kind,
		.identity = r->identity,
		.log = r->log,
		.sum = r->sum,
		.last = r->last,
		.count = r->kind == 0 ? r->count : r->length,
		.fork_seq1 = r->fork_seq1,
		.whole = r->whole};
	message_put_row(o, &row);
}

void listing_withhold(struct session *s, uint64_t number)
{
	if (!s->list.withheld || number < s->list.withheld)
		s->list.withheld = number;
}

/* What the peer has of a log. Where only the length is known, the peer is taken to have what is here up to there. */
static const struct position *position_of(struct session *s, const struct store_row *r)
{
	struct position *p = r->kind == 1 ? peer_position(s, &r->log, false) : NULL;
	if (p && p->guessed) {
		p->guessed = false;
		p->sum = r->sum;
		p->fork_seq1 = r->fork_seq1;
		if (p->length == r->length)
			p->last = r->last;
	}
	return p;
}

/* Does it wait until the peer may have it from elsewhere (SPEC 19.3)? */
static bool waits(struct session *s, const struct store_row *r, const struct position *p)
{
	return s->list.last_sent && r->kind == 1 && !r->direct && trees_lazy(s, &r->log) && p &&
		p->length <= r->length && p->fork_seq1 == r->fork_seq1 && id32_equal(&p->sum, &r->sum);
}

/* Rows that are worth telling now, moved to the front and put into *out. */
static size_t put_rows(
	struct session *s, struct store_row *rows, size_t n, struct mp_out *out, bool *all_by_run)
{
	size_t told = 0;
	*all_by_run = s->list.last_sent;
	for (size_t i = 0; i < n; i++) {
		const struct store_row *r = &rows[i];
		if (listing_withheld(s, r)) {
			listing_withhold(s, r->number);
			*all_by_run = false;
			continue;
		}
		if (told_before(s, r))
			continue;
		/* Equal headers are not enough: the peer may lack bodies, and asks for them when it sees the row. */
		const struct position *p = position_of(s, r);
		if (peer_has(p, r) && p->whole)
			continue;
		if (waits(s, r, p)) {
			if (trees_put(s, r) != OK)
				out->err = ERR_MEMORY;
			continue;
		}
		rows[told++] = *r;
		*all_by_run = *all_by_run && by_run(s, r);
		listing_put_row(out, r);
	}
	*all_by_run = *all_by_run && told > 0;
	return told;
}

static void set_scan(struct listing *l, uint64_t number)
{
	l->scan = number;
	l->number = l->withheld && l->withheld <= number ? l->withheld - 1 : number;
	l->settled = number > l->settled ? number : l->settled;
}

static void got_changes(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)e, (void)ctx;
	struct listing *l = &s->list;
	if (s->state != SESSION_OPEN)
		return;
	if (res->err != OK) {
		peer_close(s, res->err, "the store did not list what changed");
		return;
	}
	struct buf buf = {0};
	struct mp_out o = mp_out_init(&buf);
	bool by_runs;
	size_t n = put_rows(s, res->r.rows, res->r.n, &o, &by_runs);
	set_scan(l, res->r.number);
	l->again = l->again || (l->last_sent && res->r.more);
	if (o.err != OK) {
		peer_close(s, ERR_MEMORY, "out of memory");
	} else if (by_runs && !res->r.more) {
		tell_by_runs(s, res->r.rows, n);
	} else if (n || !l->last_sent) {
		for (size_t i = 0; i < n; i++)
			if (res->r.rows[i].kind == 1) {
				trees_drop(s, &res->r.rows[i].log);
				listing_now_has(s, &res->r.rows[i]);
			}
		tell(s, up_to(s, l->number), !res->r.more, n, &buf);
		l->last_sent = l->last_sent || !res->r.more;
	} else {
		listing_tell(s, 0, NULL);
	}
	buf_free(&buf);
	if (l->runs == 0 && s->state == SESSION_OPEN)
		pump_again(s);
}

void listing_pump(struct session *s)
{
	struct listing *l = &s->list;
	if (s->state != SESSION_OPEN || !l->ready || l->waiting)
		return;
	if (l->busy) {
		l->again = true;
		return;
	}
	if (l->last_sent && l->scan >= s->e->number)
		return;
	struct store_req *q = req_new(STORE_CHANGES);
	if (q) {
		q->a.node = s->node;
		q->a.number = l->scan;
		q->a.max = LIMIT_CHANGES_ROWS;
		q->a.id = s->e->config.network;
	}
	l->busy = true;
	emit_store(s->e, q, s, got_changes, NULL);
}

void listing_all(struct engine *e)
{
	for (struct session *s = e->sessions; s; s = s->next)
		listing_pump(s);
}

void listing_free(struct session *s)
{
	if (s->list.busy) { /* what is on its way was asked for from further on, and would move `scan` there */
		s->list.freed = true;
		return;
	}
	if (s->list.withheld) {
		s->list.scan = s->list.number;
		s->list.withheld = 0;
	}
	listing_pump(s);
}

void listing_more(struct session *s, const struct message_more *m)
{
	if (!s->list.waiting || m->number != s->list.waiting_number) {
		peer_close(s, ERR_WIRE, "more of nothing");
		return;
	}
	s->list.waiting = false;
	reconcile_pump(s);
	listing_pump(s);
	if (s->trees.rows_n)
		trees_time(s);
}

void listing_time(struct session *s)
{
	if (s->list.lazy_ms && s->e->now_ms >= s->list.lazy_ms) {
		s->list.lazy_ms = 0;
		uint64_t number = up_to(s, s->list.number);
		if (listing_may_tell(s) && s->list.told < number)
			tell(s, number, true, 0, &(struct buf){0});
	}
}

/* ---- for reconciliation ---- */

void listing_from_start(struct session *s)
{
	struct listing *l = &s->list;
	l->scan = l->number = l->withheld = 0;
	l->busy = l->freed = l->again = false;
	listing_pump(s);
}

void listing_resume(struct session *s)
{
	pump_again(s);
}

static size_t put_told(struct session *s, const struct store_row *rows, size_t n, struct buf *out)
{
	struct mp_out o = mp_out_init(out);
	size_t told = 0;
	for (size_t i = 0; i < n; i++) {
		if (listing_withheld(s, &rows[i])) {
			if (!s->list.last_sent)
				listing_withhold(s, rows[i].number);
			continue;
		}
		listing_put_row(&o, &rows[i]);
		if (rows[i].kind == 1) {
			trees_drop(s, &rows[i].log);
			listing_now_has(s, &rows[i]);
		}
		told++;
	}
	if (o.err != OK)
		peer_close(s, ERR_MEMORY, "out of memory");
	return told;
}

void listing_tell_differences(
	struct session *s, const struct store_row *rows, size_t n, bool last, uint64_t number)
{
	struct listing *l = &s->list;
	struct buf buf = {0};
	size_t told = put_told(s, rows, n, &buf);
	if (last)
		set_scan(l, number);
	if (s->state == SESSION_OPEN && (told || last))
		tell(s, up_to(s, l->number), last, told, &buf);
	l->last_sent = l->last_sent || last;
	buf_free(&buf);
}

void listing_tell_rows(struct session *s, const struct store_row *rows, size_t n)
{
	uint64_t lazy_ms = s->list.lazy_ms;
	struct buf buf = {0};
	size_t told = put_told(s, rows, n, &buf);
	if (s->state == SESSION_OPEN && told)
		tell(s, s->list.told, true, told, &buf);
	s->list.lazy_ms = lazy_ms;
	buf_free(&buf);
}
