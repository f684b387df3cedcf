/* session_join.c -- invitations: redeemed here, and ours redeemed there. SPEC.md section 8.3. */
#include "session_int.h"

#include "protocol/log/invitation.h"

static void welcome(struct session *s, const struct store_peer *peer, bool used)
{
	struct engine *e = s->e;
	struct message_welcome m = {.name = slice_str(e->config.name)};
	struct buf roots = {0};
	struct mp_out o = mp_out_init(&roots);
	if (!id32_is_zero(&e->config.network)) {
		mp_put_id(&o, &e->config.network);
		m.roots.n = 1;
	}
	m.roots.raw = buf_slice(&roots);
	if (o.err == OK)
		emit_message(s, MESSAGE_WELCOME, &m);
	buf_free(&roots);
	if (s->state == SESSION_CLOSED)
		return;
	session_move(s, SESSION_HELLO);
	if (used) {
		struct engine_event ev = {.kind = ENGINE_EVENT_REDEEMED, .conn = s->conn, .node = s->node};
		memcpy(ev.text, peer->name, sizeof peer->name);
		emit_event(e, &ev);
	}
}

static void redeemed(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct store_peer *peer = ctx;
	s->accepting = false;
	if (res->err == OK && !res->r.flag)
		introductions_redeemed(e, &s->node, peer->name);
	if (s->state != SESSION_CLOSED) {
		if (res->err == OK)
			welcome(s, peer, !res->r.flag);
		else if (res->err == ERR_EXPIRED || res->err == ERR_USED)
			peer_close(s, res->err, "an invitation that is no longer good");
		else if (res->err == ERR_NOT_FOUND || res->err == ERR_REFUSED)
			peer_close(s, ERR_REFUSED, "an invitation that this node never gave, or took back");
		else
			peer_close(s, res->err, "the store did not record an invitation's use");
	}
	free(peer);
}

static void redeem_member(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct store_peer *peer = ctx;
	if (s->state == SESSION_CLOSED || peer_admitted(res)) {
		s->accepting = false;
		if (s->state != SESSION_CLOSED)
			welcome(s, peer, false);
		free(peer);
		return;
	}
	struct store_req *q = req_new(STORE_INVITE_USE);
	if (q) {
		q->a.id = invitation_secret_hash(s->secret);
		q->a.node = s->node;
		q->a.peer = peer;
		q->a.end = e->wall_s / 3600;
		q->a.now_s = e->wall_s;
	}
	emit_store(e, q, s, redeemed, peer);
}

void session_on_redeem(struct session *s, const struct message_redeem *m)
{
	bool wrong = s->accepting || s->initiator || s->relay_waits;
	struct store_peer *peer = wrong ? NULL : calloc(1, sizeof *peer);
	if (!peer) {
		peer_close(s, wrong ? ERR_WIRE : ERR_MEMORY, "a second redeem");
		return;
	}
	s->accepting = true;
	memcpy(s->secret, m->secret.p, 16);
	peer->node = s->node;
	peer->origin = PEER_INVITED;
	memcpy(peer->name, m->name.p, m->name.n);
	peer_ask(s, redeem_member, peer);
}

static void joined(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct engine_event *ev = ctx;
	if (s->state != SESSION_CLOSED) {
		if (res->err != OK) {
			peer_close(s, res->err, "the store did not record the join");
		} else {
			session_move(s, SESSION_HELLO);
			emit_event(e, ev);
			session_send_hello(s, NULL);
		}
	}
	free(ev);
}

void session_on_welcome(struct session *s, const struct message_welcome *m)
{
	struct engine *e = s->e;
	struct engine_event *ev = s->redeeming && !s->accepting ? calloc(1, sizeof *ev) : NULL;
	struct store_req *q = ev ? req_new(STORE_PEER_PUT) : NULL;
	struct store_peer *peer = q ? arena_alloc(&q->mem, sizeof *peer) : NULL;
	if (!peer) {
		peer_close(s, s->redeeming ? ERR_MEMORY : ERR_WIRE, "a welcome to nothing");
		free(ev);
		if (q)
			store_req_free(q);
		free(q);
		return;
	}
	s->accepting = true;
	*ev = (struct engine_event){
		.kind = ENGINE_EVENT_JOINED, .conn = s->conn, .node = s->node, .id = e->config.network};
	memcpy(ev->text, m->name.p, m->name.n);
	struct mp_in in = message_list_open(&m->roots);
	for (ev->ids_n = 0; ev->ids_n < m->roots.n; ev->ids_n++)
		ev->ids[ev->ids_n] = message_next_id(&in);
	*peer = (struct store_peer){.node = s->node, .origin = PEER_INVITER};
	memcpy(peer->name, m->name.p, m->name.n);
	q->a.node = s->node;
	q->a.peer = peer;
	emit_store(e, q, s, joined, ev);
}
