/* node_log.c -- what the engine reports, for people; and what the node's own parts do about it. */
#include "node_int.h"

#include "log.h"

/* The invitations hear everything first. */
static void pass_on(struct node *n, const struct engine_event *ev)
{
	if (n->joins)
		joins_heard(n->joins, ev);
	if (ev->kind == ENGINE_EVENT_READY && n->net && !n->stopping)
		net_ready(n->net);
	if (n->reach && !n->stopping)
		reach_heard(n->reach, ev);
	bool begins = ev->kind == ENGINE_EVENT_READY || ev->kind == ENGINE_EVENT_JOINED;
	if (begins && n->beacons && !n->stopping)
		beacons_ready(n->beacons);
}

static void log_peer(const struct engine_event *ev)
{
	switch (ev->kind) {
	case ENGINE_EVENT_PEER_OPEN:
		log_info("peer", log_text("event", "open"), log_id("node", &ev->node),
			log_text("name", ev->text));
		return;
	case ENGINE_EVENT_PEER_CLOSED:
		log_info("peer", log_text("event", "closed"), log_id("node", &ev->node), log_err(ev->err),
			log_text("why", ev->text));
		return;
	case ENGINE_EVENT_JOINED:
		log_info("peer", log_text("event", "joined"), log_id("node", &ev->node),
			log_id("network", &ev->id), log_text("name", ev->text));
		return;
	case ENGINE_EVENT_REDEEMED:
		log_info("peer", log_text("event", "invited"), log_id("node", &ev->node),
			log_text("name", ev->text));
		return;
	case ENGINE_EVENT_INTRODUCED:
		log_info("peer", log_text("event", "introduced"), log_id("node", &ev->node),
			log_text("name", ev->text), log_id("introducer", &ev->id));
		return;
	case ENGINE_EVENT_SYNCED:
		log_info("peer", log_text("event", "synced"), log_id("node", &ev->node),
			log_uint("entries", ev->count));
		return;
	case ENGINE_EVENT_CLONE:
		log_warning("peer", log_text("event", "a second node runs with the same key"),
			log_id("node", &ev->node),
			log_text("do", "stop one of the two, or make a new home for it with `quire init`"));
		return;
	case ENGINE_EVENT_READY:
	case ENGINE_EVENT_ANSWER:
	case ENGINE_EVENT_ENTRY:
	case ENGINE_EVENT_KEYS:
	case ENGINE_EVENT_PROGRESS:
	case ENGINE_EVENT_BLOB:
	case ENGINE_EVENT_FORK:
	case ENGINE_EVENT_OWN_OLD:
	case ENGINE_EVENT_RELAY_OFFER:
	case ENGINE_EVENT_GUEST:
	case ENGINE_EVENT_STORE_ERROR: return;
	}
}

static void log_content(const struct engine_event *ev)
{
	switch (ev->kind) {
	case ENGINE_EVENT_ENTRY:
		log_debug("log", log_text("event", "entries"), log_id("log", &ev->log),
			log_uint("seq", ev->seq), log_uint("count", ev->count));
		return;
	case ENGINE_EVENT_BLOB:
		if (ev->count == ev->total)
			log_debug("blob", log_text("event", "complete"), log_id("root", &ev->id));
		return;
	case ENGINE_EVENT_FORK:
		log_warning("log", log_text("event", "forked"), log_id("log", &ev->log),
			log_uint("seq", ev->seq));
		return;
	case ENGINE_EVENT_OWN_OLD:
		log_warning("log", log_text("event", "a peer holds more of our own log than we do"),
			log_id("log", &ev->log), log_text("so", "it is closed, and a new one is begun"));
		return;
	case ENGINE_EVENT_GUEST:
		log_info("follow", log_text("event", "a guest"), log_id("identity", &ev->identity),
			log_id("for", &ev->id), log_id("node", &ev->node));
		return;
	case ENGINE_EVENT_STORE_ERROR:
		log_error("store", log_text("event", "failed"), log_err(ev->err), log_text("why", ev->text),
			log_text("do",
				ev->err == ERR_FULL
					? "make room on the disk: what peers offer is taken again then"
					: "say `quire doctor`"));
		return;
	case ENGINE_EVENT_READY:
	case ENGINE_EVENT_ANSWER:
	case ENGINE_EVENT_PEER_OPEN:
	case ENGINE_EVENT_PEER_CLOSED:
	case ENGINE_EVENT_JOINED:
	case ENGINE_EVENT_REDEEMED:
	case ENGINE_EVENT_INTRODUCED:
	case ENGINE_EVENT_KEYS:
	case ENGINE_EVENT_SYNCED:
	case ENGINE_EVENT_PROGRESS:
	case ENGINE_EVENT_CLONE:
	case ENGINE_EVENT_RELAY_OFFER: return;
	}
}

void node_log_event(void *ctx, const struct engine_event *ev)
{
	log_peer(ev);
	log_content(ev);
	pass_on((struct node *)ctx, ev);
}
