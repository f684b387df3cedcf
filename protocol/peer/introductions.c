/* introductions.c -- newcomers of this node are introduced to the network's owner, and those of members to us, if it lives here. SPEC.md section 8.4. */
#include "engine_int.h"

static bool hosts(const struct keys *k, const struct id32 *node)
{
	for (size_t i = 0; k->set && i < k->view.hostings_n; i++)
		if (id32_equal(&k->view.hostings[i].node_key, node))
			return true;
	return false;
}

/* ---- ours */

/* SPEC 8.4: "It sends at most 64 on one connection." */
static void introduce(struct session *s, const struct id32 *node, const char *name)
{
	if (s->state != SESSION_OPEN || s->introduced >= LIMIT_INTRODUCTIONS_OF_ONE ||
		id32_equal(node, &s->node))
		return;
	s->introduced++;
	emit_message(
		s, MESSAGE_INTRODUCE, &(struct message_introduce){.node = *node, .name = slice_str(name)});
}

static void newcomers_known(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)e, (void)ctx;
	for (size_t i = 0; res->err == OK && i < res->r.n; i++)
		introduce(s, &res->r.peers[i].node, res->r.peers[i].name);
}

static void host_known(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	(void)ctx;
	if (s->state != SESSION_OPEN || s->introduces || !hosts(k, &s->node))
		return;
	s->introduces = true;
	struct store_req *q = req_new(STORE_NEWCOMERS);
	if (q) {
		q->a.max = LIMIT_INTRODUCTIONS_OF_ONE;
		engine_fill(e, q->a.node.b, sizeof q->a.node.b); /* of many not always the same */
	}
	emit_store(e, q, s, newcomers_known, NULL);
}

/* SPEC 8.4: "To each peer that a hosting event in force of the network's identity names" */
void introductions_open(struct session *s)
{
	if (!id32_is_zero(&s->e->config.network))
		keys_get(s->e, &s->e->config.network, s, host_known, NULL);
}

void introductions_keys(struct engine *e, const struct id32 *identity)
{
	if (!id32_equal(identity, &e->config.network))
		return;
	for (struct session *s = e->sessions; s; s = s->next)
		if (s->state == SESSION_OPEN && !s->introduces)
			introductions_open(s);
}

void introductions_redeemed(struct engine *e, const struct id32 *node, const char *name)
{
	for (struct session *s = e->sessions; s; s = s->next)
		if (s->introduces)
			introduce(s, node, name);
}

/* ---- a member's */

static void kept(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct store_peer *who = ctx;
	if (res->err == OK && res->r.flag) {
		struct engine_event ev = {
			.kind = ENGINE_EVENT_INTRODUCED, .conn = s->conn, .node = who->node, .id = s->node};
		memcpy(ev.text, who->name, sizeof who->name);
		emit_event(e, &ev);
	} else if (res->err != OK && res->err != ERR_REFUSED) {
		(void)engine_written(e, res, "an introduction");
	}
	free(who);
}

/* SPEC 8.4: "A receiver that no hosting event in force of the network's identity names ignores `introduce`." */
static void owner_known(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	struct store_peer *who = ctx;
	if (s->state != SESSION_OPEN || !hosts(k, &e->config.node)) {
		free(who);
		return;
	}
	struct store_req *q = req_new(STORE_INTRODUCE_PUT);
	if (q) {
		q->a.node = who->node;
		q->a.id = s->node;
		q->a.peer = who;
		q->a.now_s = e->wall_s;
	}
	emit_store(e, q, s, kept, who);
}

void introductions_take(struct session *s, const struct message_introduce *m)
{
	struct engine *e = s->e;
	if (s->introductions_taken >= LIMIT_INTRODUCTIONS_OF_ONE)
		return;
	s->introductions_taken++;
	if (id32_is_zero(&e->config.network) || id32_equal(&m->node, &e->config.node) ||
		id32_equal(&m->node, &s->node))
		return;
	struct store_peer *who = calloc(1, sizeof *who);
	if (!who)
		return; /* the next connection brings it again */
	who->node = m->node;
	memcpy(who->name, m->name.p, m->name.n);
	keys_get(e, &e->config.network, s, owner_known, who);
}
