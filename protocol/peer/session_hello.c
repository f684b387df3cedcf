/* session_hello.c -- who the other end is, and what it has had: hello, and a second node of the same key. SPEC.md sections 10.1 and 10.2. */
#include "session_int.h"

#include "protocol/log/invitation.h"

void session_send_hello(struct session *s, const struct store_peer *peer)
{
	struct engine *e = s->e;
	static const uint8_t none[16];
	struct buf addresses = {0};
	struct mp_out o = mp_out_init(&addresses);
	for (size_t i = 0; i < e->config.addresses_n; i++)
		mp_put_cstr(&o, e->config.addresses[i]);
	s->hello_number = e->number;
	memcpy(s->cursor_instance, peer ? peer->cursor_instance : none, 16);
	struct message_hello m = {
		.version = 1,
		.instance = slice_of(e->config.instance, 16),
		.number = e->number,
		.cursor_instance = slice_of(s->cursor_instance, 16),
		.cursor = peer ? peer->cursor : 0,
		.follows = e->follows_version,
		.name = slice_str(e->config.name),
		.addresses = {.n = e->config.addresses_n, .raw = buf_slice(&addresses)},
	};
	if (o.err != OK)
		peer_close(s, ERR_MEMORY, "out of memory");
	else
		emit_message(s, MESSAGE_HELLO, &m);
	buf_free(&addresses);
	s->hello_sent = true;
	s->cursor_done = s->cursor_put = m.cursor;
}

bool peer_admitted(const struct store_res *res)
{
	return res->err == OK && res->r.n == 1 && res->r.peers[0].origin != PEER_REMOVED;
}

/* That the store did not say who it is makes nobody a stranger. */
void session_not_admitted(struct session *s, const struct store_res *res)
{
	if (res->err == OK || res->err == ERR_NOT_FOUND)
		peer_close(s, ERR_REFUSED, "that node is no member of this network");
	else
		peer_close(s, res->err, "the store did not say who that node is");
}

/* ---- a second one ---- */

static void tell_clone(struct session *s, const struct id32 *node)
{
	struct engine_event ev = {.kind = ENGINE_EVENT_CLONE, .conn = s->conn, .node = *node};
	emit_event(s->e, &ev);
}

/* One connection a peer: which of two stays? SPEC 10.2. True: `s` was closed. */
static bool second_connection(struct session *s)
{
	for (struct session *o = s->e->sessions; o; o = o->next) {
		if (o == s || o->state != SESSION_OPEN || !id32_equal(&o->node, &s->node))
			continue;
		if (memcmp(o->instance, s->instance, 16) != 0) {
			struct message_clone to_new = {.instance = slice_of(o->instance, 16)},
					     to_old = {.instance = slice_of(s->instance, 16)};
			if (o->rival_answered)
				emit_message(s, MESSAGE_CLONE, &to_new);
			bool again = memcmp(o->rival_instance, s->instance, 16) == 0;
			if (again)
				emit_message(o, MESSAGE_CLONE, &to_old);
			if (again && o->rival_answered)
				tell_clone(o, &o->node);
			if (!o->rival) { /* is it still there at all? */
				o->rival = s->e->now_ms + 1;
				o->rival_answered = false;
				memcpy(o->rival_instance, s->instance, 16);
				emit_message(o, MESSAGE_PING, &(struct message_ping){.token = o->rival});
			}
			peer_close(s, ERR_DUPLICATE, "a second node runs with this key");
			return true;
		}
		bool lower_is_ours = id32_cmp(&s->e->config.node, &s->node) < 0;
		bool old_stays = o->initiator != s->initiator && o->initiator == lower_is_ours;
		peer_close(old_stays ? s : o, ERR_DUPLICATE, "a second connection of the same node");
		if (old_stays)
			return true;
	}
	return false;
}

/* Its number is 0 if the instance is none of ours. */
static void clone_known(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)ctx;
	if (res->err == OK && res->r.number == 0)
		tell_clone(s, &e->config.node);
}

/* SPEC 10.2: "whoever is told by `clone` of an earlier instance id of its own ignores it" */
void session_on_clone(struct session *s, const struct message_clone *m)
{
	struct store_req *q = req_new(STORE_CURSOR_CHECK);
	if (q) {
		memcpy(q->a.instance, m->instance.p, 16);
		q->a.number = 1;
	}
	emit_store(s->e, q, s, clone_known, NULL);
}

/* SPEC 10.2: "the first has answered a `ping` sent after the second showed itself" */
void session_on_pong(struct session *s, const struct message_pong *m)
{
	if (!s->rival || m->token != s->rival)
		return;
	s->rival = 0;
	s->rival_answered = true;
}

/* ---- its hello ---- */

struct hello_copy { /* of the peer's hello while the store is asked */
	struct message_hello m;
	uint8_t instance[16], cursor_instance[16];
};

static void note_peer(struct session *s, const struct message_hello *m)
{
	struct store_req *q = req_new(STORE_PEER_PUT);
	struct store_peer *p = q ? arena_alloc(&q->mem, sizeof *p) : NULL;
	if (!p) {
		peer_close(s, ERR_MEMORY, "out of memory");
		if (q)
			store_req_free(q);
		free(q);
		return;
	}
	*p = (struct store_peer){.node = s->node,
		.origin = s->accepting ? PEER_INVITER : PEER_ADMITTED,
		.seen_s = s->e->wall_s};
	memcpy(p->name, s->name, sizeof p->name);
	struct mp_in in = message_list_open(&m->addresses);
	for (size_t i = 0; i < m->addresses.n; i++) {
		struct slice a = message_next_bytes(&in);
		if (invitation_address_ok(a))
			memcpy(p->addresses[p->addresses_n++], a.p, a.n);
	}
	q->a.node = s->node;
	q->a.peer = p;
	q->a.flag = true; /* the origin stays as it is */
	emit_store(s->e, q, s, NULL, NULL);
}

static void opened(struct session *s, const struct message_hello *m, const struct store_peer *peer)
{
	if (second_connection(s))
		return;
	if (!s->hello_sent)
		session_send_hello(s, peer);
	if (s->state == SESSION_CLOSED)
		return;
	session_move(s, SESSION_OPEN);
	note_peer(s, m);
	if (s->state == SESSION_CLOSED)
		return;
	struct engine_event ev = {.kind = ENGINE_EVENT_PEER_OPEN, .conn = s->conn, .node = s->node};
	memcpy(ev.text, s->name, sizeof s->name);
	emit_event(s->e, &ev);
	bool same = memcmp(s->cursor_instance, s->instance, 16) == 0;
	bool nothing_due = same && s->cursor_done == s->peer_number;
	if (!same) /* of this instance nothing was kept yet, whatever number an earlier one had reached */
		s->cursor_done = s->cursor_put = 0;
	memcpy(s->cursor_instance, s->instance, 16);
	if (nothing_due) {
		s->synced = true;
		own_synced(s->e);
	}
	listing_start(s, m, peer);
	command_follow_owed(s);
	blob_session_open(s);
	members_opened(s);
	notices_session_open(s);
	introductions_open(s);
	seek_opened(s);
}

static void hello_known(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct hello_copy *c = ctx;
	(void)e;
	s->opening = false;
	if (s->state != SESSION_CLOSED) {
		if (peer_admitted(res))
			opened(s, &c->m, &res->r.peers[0]);
		else
			session_not_admitted(s, res);
	}
	free(c);
	session_replay(s, true);
}

void session_on_hello(struct session *s, const struct message_hello *m)
{
	if (m->version != 1) {
		peer_close(s, ERR_VERSION, "the peer speaks another version");
		return;
	}
	if (s->hello_got) {
		peer_close(s, ERR_WIRE, "a second hello");
		return;
	}
	size_t raw = m->addresses.raw.n;
	struct hello_copy *c = calloc(1, sizeof *c + raw);
	if (!c) {
		peer_close(s, ERR_MEMORY, "out of memory");
		return;
	}
	c->m = *m;
	memcpy(c->instance, m->instance.p, 16);
	memcpy(c->cursor_instance, m->cursor_instance.p, 16);
	c->m.instance.p = c->instance;
	c->m.cursor_instance.p = c->cursor_instance;
	if (raw)
		memcpy(c + 1, m->addresses.raw.p, raw);
	c->m.addresses.raw.p = (const uint8_t *)(c + 1);
	s->hello_got = s->opening = true;
	memcpy(s->instance, m->instance.p, 16);
	memcpy(s->name, m->name.p, m->name.n);
	s->peer_number = m->number;
	peer_ask(s, hello_known, c);
}
