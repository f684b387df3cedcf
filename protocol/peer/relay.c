/* relay.c -- a connection through a third node: asking one, being offered one, and bringing two together. SPEC.md section 19.5. */
#include "engine_int.h"

#include <sodium.h>

/* ---- we dialled a relay */

void relay_opened(struct session *s, const struct engine_in *in)
{
	s->relay = in->relay;
	if (in->relay == ENGINE_RELAY_ASK) {
		struct message_relay m = {.node = in->relay_node};
		emit_message(s, MESSAGE_RELAY, &m);
	} else {
		memcpy(s->relay_token, in->secret, sizeof s->relay_token);
		struct message_relay_accept m = {.token = slice_of(s->relay_token, sizeof s->relay_token)};
		emit_message(s, MESSAGE_RELAY_ACCEPT, &m);
	}
}

void relay_ready(struct session *s)
{
	if (s->relay == ENGINE_RELAY_NONE) {
		peer_close(s, ERR_WIRE, "it relays what nobody asked for");
		return;
	}
	emit_flow(s->e, ENGINE_OUT_RENEW, s->conn);
	peer_leave(s);
}

void relay_offered(struct session *s, const struct message_relay_offer *m)
{
	if (s->e->now_ms >= s->relay_offers_ms + RELAY_OFFERS_MS) {
		s->relay_offers_ms = s->e->now_ms;
		s->relay_offers = 0;
	}
	/* What is too much is not taken up: the token dies at the relay. */
	if (s->relay_offers == RELAY_OFFERS_MAX)
		return;
	s->relay_offers++;
	struct engine_event ev = {.kind = ENGINE_EVENT_RELAY_OFFER, .conn = s->conn, .node = s->node};
	memcpy(ev.id.b, m->token.p, sizeof s->relay_token);
	emit_event(s->e, &ev);
}

/* ---- we are the relay */

/* What a stranger may not do, and a second time not even a member. */
static bool out_of_turn(struct session *s)
{
	bool yes = s->initiator || s->accepting || s->relay_waits;
	if (yes)
		peer_close(s, ERR_WIRE, "a message that has no place here");
	else if (!s->e->config.relay)
		peer_close(s, ERR_REFUSED, "this node does not relay");
	return yes || !s->e->config.relay;
}

/* Pairs that are relayed or wait for their second half; of_one: those that this node asked for. */
static size_t relayed(const struct engine *e, const struct id32 *of_one)
{
	size_t n = 0;
	for (const struct session *s = e->sessions; s; s = s->next) {
		/* Of a pair only the one that asked has relay_node. */
		bool asked = (s->relay_waits || s->relay_pipe) && !id32_is_zero(&s->relay_node);
		n += asked && (!of_one || id32_equal(&s->node, of_one));
	}
	return n;
}

static struct session *open_to(struct engine *e, const struct id32 *node)
{
	for (struct session *s = e->sessions; s; s = s->next)
		if (s->state == SESSION_OPEN && id32_equal(&s->node, node))
			return s;
	return NULL;
}

static void offer(struct session *s)
{
	struct engine *e = s->e;
	struct session *wanted = open_to(e, &s->relay_node);
	if (!wanted) {
		peer_close(s, ERR_NOT_FOUND, "nobody of that key is connected here");
		return;
	}
	if (relayed(e, NULL) >= RELAYED_MAX || relayed(e, &s->node) >= RELAYED_MAX_OF_ONE) {
		peer_close(s, ERR_LIMIT, "this node relays as much as it can");
		return;
	}
	engine_fill(e, s->relay_token, sizeof s->relay_token);
	s->relay_waits = true; /* until the time for a hello is over */
	struct message_relay_offer m = {.token = slice_of(s->relay_token, sizeof s->relay_token)};
	emit_message(wanted, MESSAGE_RELAY_OFFER, &m);
}

/* SPEC 19.5: "Whoever relays does so for members only" */
static void asker_known(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)e, (void)ctx;
	s->accepting = false;
	if (s->state == SESSION_CLOSED)
		return;
	if (peer_admitted(res))
		offer(s);
	else
		peer_close(s, ERR_REFUSED, "that node is no member of this network");
}

void relay_asked(struct session *s, const struct message_relay *m)
{
	if (out_of_turn(s))
		return;
	s->relay_node = m->node;
	s->accepting = true;
	peer_ask(s, asker_known, NULL);
}

/* SPEC 19.5: "To both new connections the relay then sends `relay-ready`; it is the last frame on each" */
static void bring_together(struct session *asked, struct session *accepted)
{
	struct message_relay_ready m = {.idle = RELAY_IDLE_S};
	emit_message(asked, MESSAGE_RELAY_READY, &m);
	emit_message(accepted, MESSAGE_RELAY_READY, &m);
	if (asked->state == SESSION_CLOSED || accepted->state == SESSION_CLOSED) {
		peer_close(asked, ERR_MEMORY, "out of memory");
		peer_close(accepted, ERR_MEMORY, "out of memory");
		return;
	}
	emit_splice(asked->e, asked->conn, accepted->conn);
	asked->relay_waits = false;
	asked->relay_pipe = accepted->relay_pipe = true;
	peer_leave(asked);
	peer_leave(accepted);
}

void relay_accepted(struct session *s, const struct message_relay_accept *m)
{
	if (out_of_turn(s))
		return;
	for (struct session *a = s->e->sessions; a; a = a->next) {
		if (a->state != SESSION_STRANGER || !a->relay_waits ||
			!id32_equal(&a->relay_node, &s->node) ||
			sodium_memcmp(a->relay_token, m->token.p, sizeof a->relay_token) != 0)
			continue;
		bring_together(a, s);
		return;
	}
	peer_close(s, ERR_NOT_FOUND, "nobody waits with that token");
}
