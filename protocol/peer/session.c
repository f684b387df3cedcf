/* session.c -- one connection from its handshake to its end: what each message is for, bye, time limits. SPEC.md sections 7.5, 8 and 10.1. */
#include "session_int.h"

struct session *peer_find(struct engine *e, conn_id conn)
{
	for (struct session *s = e->sessions; s; s = s->next)
		if (s->conn == conn)
			return s;
	return NULL;
}

void peer_hold(struct session *s)
{
	s->refs++;
}

/* A message that came while the hello before it was still being looked at. */
struct stash {
	struct stash *next;
	uint8_t type;
	size_t n;
	uint8_t body[];
};

static void stash_put(struct session *s, uint8_t type, struct slice body)
{
	struct stash *m = s->stash_bytes + body.n <= STASH_BYTES_MAX ? malloc(sizeof *m + body.n) : NULL;
	if (!m) {
		peer_close(s, ERR_LIMIT, "too much before the hello was answered");
		return;
	}
	*m = (struct stash){.type = type, .n = body.n};
	if (body.n)
		memcpy(m->body, body.p, body.n);
	s->stash_bytes += body.n + sizeof *m;
	*s->stash_tail = m;
	s->stash_tail = &m->next;
}

void session_replay(struct session *s, bool deliver)
{
	while (s->stash) {
		struct stash *m = s->stash;
		s->stash = m->next;
		if (deliver)
			peer_message(s, m->type, slice_of(m->body, m->n));
		free(m);
	}
	s->stash_tail = &s->stash;
	s->stash_bytes = 0;
}

static void peer_free(struct session *s)
{
	session_replay(s, false);
	struct engine *e = s->e;
	for (struct session **at = &e->sessions; *at; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			break;
		}
	}
	pull_deinit(s);
	serve_deinit(s);
	blob_serve_deinit(s);
	trees_deinit(s);
	notices_session_deinit(s);
	ranges_serve_deinit(s);
	reconcile_deinit(s);
	free(s->positions);
	buf_free(&s->peers);
	free(s);
}

void peer_release(struct session *s)
{
	if (--s->refs == 0)
		peer_free(s);
}

/* Moves that a session may make. */
static const bool moves[4][4] = {
	[SESSION_STRANGER] = {[SESSION_HELLO] = true, [SESSION_OPEN] = true, [SESSION_CLOSED] = true},
	[SESSION_HELLO] = {[SESSION_OPEN] = true, [SESSION_CLOSED] = true},
	[SESSION_OPEN] = {[SESSION_CLOSED] = true},
};

void session_move(struct session *s, enum session_state to)
{
	if (!moves[s->state][to])
		abort();
	s->state = to;
}

/* ---- the end ---- */

static void closed_event(struct session *s, enum err code, const char *why)
{
	struct engine_event ev = {
		.kind = ENGINE_EVENT_PEER_CLOSED, .conn = s->conn, .node = s->node, .err = code};
	strncat(ev.text, why, sizeof ev.text - 1);
	emit_event(s->e, &ev);
}

/* Everything that waits on this peer is told; the driver's ENGINE_IN_CLOSED drops the last reference. */
static void peer_end(struct session *s, enum err code, const char *why)
{
	bool was_open = s->state == SESSION_OPEN;
	session_move(s, SESSION_CLOSED);
	if (s->relay == ENGINE_RELAY_NONE)
		closed_event(s, code, why);
	ask_deinit(s);
	reconcile_closed(s);
	if (was_open) {
		blob_session_closed(s);
		seek_closed(s);
	}
	if (s->relay == ENGINE_RELAY_NONE)
		members_closed(s, code, was_open);
}

void peer_close(struct session *s, enum err code, const char *why)
{
	if (s->state == SESSION_CLOSED)
		return;
	struct message_bye bye = {
		.code = (uint64_t)message_code_out(code), .text = slice_str(err_text(code))};
	emit_message(s, MESSAGE_BYE, &bye);
	emit_flow(s->e, ENGINE_OUT_CLOSE, s->conn);
	peer_end(s, code, why);
}

void peer_leave(struct session *s)
{
	session_move(s, SESSION_CLOSED);
	ask_deinit(s);
}

void peer_gone(struct session *s)
{
	if (s->state != SESSION_CLOSED)
		peer_end(s, ERR_CLOSED, "the connection was cut");
	peer_release(s);
}

static void on_bye(struct session *s, const struct message_bye *m)
{
	char why[256] = "the peer said goodbye: ";
	size_t n = strlen(why);
	memcpy(why + n, m->text.p, m->text.n < 200 ? m->text.n : 200);
	emit_flow(s->e, ENGINE_OUT_CLOSE, s->conn);
	peer_end(s, message_code_in(m->code), why);
}

/* ---- the beginning ---- */

/* We dialled: do we still hold the other end for a member? */
static void initiator_known(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)e, (void)ctx;
	if (s->state == SESSION_CLOSED)
		return;
	if (!peer_admitted(res)) {
		session_not_admitted(s, res);
		return;
	}
	session_send_hello(s, &res->r.peers[0]);
}

void peer_ask(struct session *s, stored_fn done, void *ctx)
{
	struct store_req *q = req_new(STORE_PEER_GET);
	if (q)
		q->a.node = s->node;
	emit_store(s->e, q, s, done, ctx);
}

void peer_opened(struct engine *e, const struct engine_in *in)
{
	struct session *s = e->booted ? calloc(1, sizeof *s) : NULL;
	if (!s) {
		struct engine_event ev = {.kind = ENGINE_EVENT_PEER_CLOSED,
			.conn = in->conn,
			.node = in->peer,
			.err = e->booted ? ERR_MEMORY : ERR_STATE,
			.text = "no connection can be taken now"};
		emit_event(e, &ev);
		emit_flow(e, ENGINE_OUT_CLOSE, in->conn);
		return;
	}
	*s = (struct session){.next = e->sessions,
		.e = e,
		.conn = in->conn,
		.node = in->peer,
		.initiator = in->initiator,
		.redeeming = in->redeem,
		.refs = 1,
		.opened_ms = e->now_ms,
		.heard_ms = e->now_ms};
	s->stash_tail = &s->stash;
	s->pulls_tail = &s->pulls;
	s->batches_tail = &s->batches;
	bool stranger = !in->initiator || in->redeem || in->relay != ENGINE_RELAY_NONE;
	s->state = stranger ? SESSION_STRANGER : SESSION_HELLO;
	e->sessions = s;
	if (in->relay != ENGINE_RELAY_NONE) {
		relay_opened(s, in);
	} else if (in->redeem) {
		memcpy(s->secret, in->secret, 16);
		struct message_redeem m = {
			.secret = slice_of(s->secret, 16), .name = slice_str(e->config.name)};
		emit_message(s, MESSAGE_REDEEM, &m);
	} else if (in->initiator) {
		peer_ask(s, initiator_known, NULL);
	}
}

/* ---- messages ---- */

static void on_open_message(struct session *s, enum message_type type, const union message *m)
{
	switch (type) {
	case MESSAGE_PING:
		emit_message(s, MESSAGE_PONG, &(struct message_pong){.token = m->ping.token});
		return;
	case MESSAGE_PONG: session_on_pong(s, &m->pong); return;
	case MESSAGE_FOLLOW: listing_follow(s, &m->follow); return;
	case MESSAGE_MORE: listing_more(s, &m->more); return;
	case MESSAGE_PEERS: members_peers(s, &m->peers); return;
	case MESSAGE_PRUNE: trees_on_prune(s, &m->prune); return;
	case MESSAGE_GRAFT: trees_on_graft(s, &m->graft); return;
	case MESSAGE_CHANGES: pull_changes(s, &m->changes); return;
	case MESSAGE_NOTICE: notices_take(s, &m->notice); return;
	case MESSAGE_NOTICE_SUM: notices_sum(s, &m->notice_sum); return;
	case MESSAGE_NOTICE_IDS: notices_ids(s, &m->notice_ids); return;
	case MESSAGE_DONE: ask_done(s, &m->done); return;
	case MESSAGE_TOTAL: ask_total(s, &m->total); return;
	case MESSAGE_RUN:
		if (m->run.req == 0)
			pull_run_unasked(s, &m->run);
		else
			ask_answer(s, type, m);
		return;
	case MESSAGE_FORK:
		if (m->fork.req == 0)
			fork_unasked(s, &m->fork);
		else
			ask_answer(s, type, m);
		return;
	case MESSAGE_FOLLOWS:
	case MESSAGE_KEYS:
	case MESSAGE_BODY:
	case MESSAGE_IDS:
	case MESSAGE_RANGES:
	case MESSAGE_ERASED:
	case MESSAGE_BLOB:
	case MESSAGE_LEAVES:
	case MESSAGE_CHUNK: ask_answer(s, type, m); return;
	case MESSAGE_HAVE_CHUNKS: blob_have_chunks(s, &m->have_chunks); return;
	case MESSAGE_WANT_FOLLOWS:
	case MESSAGE_WANT_KEYS:
	case MESSAGE_WANT_RUN:
	case MESSAGE_WANT_BODIES:
	case MESSAGE_PROBE:
	case MESSAGE_WANT_FORK:
	case MESSAGE_WANT_ERASED:
	case MESSAGE_WANT_BLOB:
	case MESSAGE_WANT_LEAVES:
	case MESSAGE_WANT_CHUNKS: serve_message(s, type, m); return;
	case MESSAGE_WANT_RANGES: ranges_serve_want(s, &m->want_ranges); return;
	case MESSAGE_SEEK: seek_take(s, &m->seek); return;
	case MESSAGE_FOUND: seek_found(s, &m->found); return;
	case MESSAGE_INTRODUCE: introductions_take(s, &m->introduce); return;
	case MESSAGE_RELAY_OFFER: relay_offered(s, &m->relay_offer); return;
	case MESSAGE_RELAY:
	case MESSAGE_RELAY_ACCEPT:
	case MESSAGE_RELAY_READY:
	case MESSAGE_BYE:
	case MESSAGE_CLONE:
	case MESSAGE_HELLO:
	case MESSAGE_REDEEM:
	case MESSAGE_WELCOME:
	case MESSAGE_COUNT: abort(); /* taken before, or not in this state: the table says so */
	}
}

static enum message_state message_state(const struct session *s)
{
	return s->state == SESSION_STRANGER ? MESSAGE_IN_STRANGER
		: s->state == SESSION_HELLO ? MESSAGE_IN_HELLO
					    : MESSAGE_IN_OPEN;
}

/* A responder takes the first hello of a member that did not redeem (SPEC 10.1). */
static bool first_hello(const struct session *s, uint8_t type)
{
	return s->state == SESSION_STRANGER && !s->initiator && !s->accepting && !s->relay_waits &&
		type == MESSAGE_HELLO;
}

void peer_message(struct session *s, uint8_t type, struct slice body)
{
	if (s->state == SESSION_CLOSED)
		return;
	s->heard_ms = s->e->now_ms;
	s->pinged = false;
	if (s->opening) {
		stash_put(s, type, body);
		return;
	}
	union message m;
	memset(&m, 0, sizeof m);
	const struct message_desc *d = message_desc(type);
	if (!d && s->state != SESSION_OPEN) {
		peer_close(s, ERR_WIRE, "an unknown message before hello");
		return;
	}
	if (d && !first_hello(s, type) &&
		!message_allowed(d, s->initiator ? MESSAGE_FROM_RESPONDER : MESSAGE_FROM_INITIATOR,
			message_state(s))) {
		peer_close(s, ERR_WIRE, "a message that has no place here");
		return;
	}
	enum err e = message_decode(type, body, &m);
	if (e == ERR_NOT_FOUND)
		return;
	if (e != OK) {
		peer_close(s, ERR_WIRE, "a malformed message");
		return;
	}
	if (type == MESSAGE_BYE)
		on_bye(s, &m.bye);
	else if (type == MESSAGE_HELLO)
		session_on_hello(s, &m.hello);
	else if (type == MESSAGE_REDEEM)
		session_on_redeem(s, &m.redeem);
	else if (type == MESSAGE_WELCOME)
		session_on_welcome(s, &m.welcome);
	else if (type == MESSAGE_CLONE)
		session_on_clone(s, &m.clone);
	else if (type == MESSAGE_RELAY)
		relay_asked(s, &m.relay);
	else if (type == MESSAGE_RELAY_ACCEPT)
		relay_accepted(s, &m.relay_accept);
	else if (type == MESSAGE_RELAY_READY)
		relay_ready(s);
	else
		on_open_message(s, (enum message_type)type, &m);
}

void peer_written(struct session *s, size_t bytes, bool bulk)
{
	size_t *queued = bulk ? &s->queued_bulk : &s->queued;
	*queued -= bytes < *queued ? bytes : *queued;
	if (s->state == SESSION_OPEN)
		serve_pump(s);
}

void peer_progress(struct session *s)
{
	if (s->paused && s->verify_bytes < PULL_VERIFY_BYTES_MAX / 2 && s->state != SESSION_CLOSED) {
		s->paused = false;
		s->heard_ms = s->asked_ms = s->e->now_ms;
		emit_flow(s->e, ENGINE_OUT_RESUME, s->conn);
	}
}

/* ---- time, SPEC 7.5 ---- */

void peer_time(struct session *s)
{
	uint64_t now = s->e->now_ms;
	if (s->state == SESSION_CLOSED)
		return;
	if (s->state != SESSION_OPEN) {
		if (now >= s->opened_ms + LIMIT_HANDSHAKE_MS)
			peer_close(s, ERR_TIMEOUT, "no hello in time");
		return;
	}
	if (s->paused)
		return;
	if (now >= s->heard_ms + LIMIT_SILENCE_MS) {
		peer_close(s, ERR_TIMEOUT, "nothing was heard for too long");
	} else if (s->asks_n && now >= s->asked_ms + LIMIT_PROGRESS_MS) {
		peer_close(s, ERR_TIMEOUT, "an answer made no progress");
	} else {
		if (!s->pinged && now >= s->heard_ms + LIMIT_PING_MS) {
			s->pinged = true;
			emit_message(s, MESSAGE_PING, &(struct message_ping){.token = now});
		}
		listing_time(s);
		trees_time(s);
		notices_session_time(s);
		ranges_serve_time(s);
		reconcile_session_time(s);
		if (s->cursor_lazy_ms && now >= s->cursor_lazy_ms)
			pull_cursor(s);
	}
}

uint64_t peer_deadline(const struct session *s)
{
	if (s->state == SESSION_CLOSED)
		return UINT64_MAX;
	if (s->state != SESSION_OPEN)
		return s->opened_ms + LIMIT_HANDSHAKE_MS;
	if (s->paused) /* whatever resumes it moves these on */
		return UINT64_MAX;
	uint64_t d = s->heard_ms + (s->pinged ? LIMIT_SILENCE_MS : LIMIT_PING_MS);
	if (s->asks_n && s->asked_ms + LIMIT_PROGRESS_MS < d)
		d = s->asked_ms + LIMIT_PROGRESS_MS;
	if (s->list.lazy_ms && s->list.lazy_ms < d)
		d = s->list.lazy_ms;
	if (s->cursor_lazy_ms && s->cursor_lazy_ms < d)
		d = s->cursor_lazy_ms;
	uint64_t t = trees_deadline(s);
	d = t < d ? t : d;
	t = ranges_serve_deadline(s);
	d = t < d ? t : d;
	t = reconcile_session_deadline(s);
	d = t < d ? t : d;
	uint64_t notices = notices_session_deadline(s);
	return notices < d ? notices : d;
}

/* ---- what the peer has ---- */

struct position *peer_position(struct session *s, const struct id32 *log, bool make)
{
	if (!s->positions) {
		if (!make)
			return NULL;
		s->positions = calloc(POSITIONS, sizeof *s->positions);
		if (!s->positions)
			return NULL;
	}
	struct position *p = &s->positions[be32_get(log->b) % POSITIONS];
	if (!id32_equal(&p->log, log)) {
		if (!make)
			return NULL;
		*p = (struct position){.log = *log};
	}
	return p;
}
