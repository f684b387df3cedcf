/* members_tell.c -- the message `peers`: what this node tells of members, and what it takes. SPEC.md section 19.2. */
#include "members_int.h"

#include "protocol/log/invitation.h"

#include <sodium.h>

#define OF_NOW 15 /* of those connected now, at most */
#define OF_ALL 31 /* and with others; this node itself comes first */

/* ---- telling ---- */

static void put_self(struct engine *e, struct mp_out *o)
{
	struct message_peer p = {
		.node = e->config.node, .addresses_n = e->config.addresses_n, .relaying = e->config.relay};
	for (size_t i = 0; i < p.addresses_n; i++)
		p.addresses[i] = slice_str(e->config.addresses[i]);
	message_put_peer(o, &p);
}

static bool connected_now(const struct engine *e, const struct id32 *node)
{
	for (const struct session *s = e->sessions; s; s = s->next)
		if (s->state == SESSION_OPEN && id32_equal(&s->node, node))
			return true;
	return false;
}

/* Whoever has no address and is connected here is reached through this node, if it relays. */
static bool through_here(const struct engine *e, const struct store_peer *row)
{
	return e->config.relay && row->addresses_n == 0 && connected_now(e, &row->node);
}

/* What was heard on the local network is of no use elsewhere, and a beacon is nobody's word. */
static size_t told_by_others(const struct store_peer *row, struct slice out[LIMIT_ADDRESSES])
{
	size_t n = 0;
	for (size_t i = 0; i < row->heard_n; i++)
		if (!row->heard_here[i])
			out[n++] = slice_str(row->heard[i]);
	return n;
}

/* Its own addresses; if it told none, what others tell. */
static void put_other(struct engine *e, struct mp_out *o, const struct store_peer *row)
{
	uint64_t last = row->seen_s > row->told_s ? row->seen_s : row->told_s;
	struct message_peer p = {.node = row->node,
		.relays_n = row->through_n,
		.relaying = row->relaying,
		.hours = last < e->wall_s ? (e->wall_s - last) / 3600 : 0};
	memcpy(p.relays, row->through, sizeof p.relays);
	bool known = false;
	for (size_t i = 0; i < p.relays_n; i++)
		known |= id32_equal(&p.relays[i], &e->config.node);
	/* What this node knows by itself goes before what it was told. */
	if (!known && through_here(e, row)) {
		p.relays_n += p.relays_n < LIMIT_ADDRESSES;
		memmove(p.relays + 1, p.relays, (p.relays_n - 1) * sizeof *p.relays);
		p.relays[0] = e->config.node;
	}
	for (size_t i = 0; i < row->addresses_n; i++)
		p.addresses[i] = slice_str(row->addresses[i]);
	p.addresses_n = row->addresses_n ? row->addresses_n : told_by_others(row, p.addresses);
	if (connected_now(e, &row->node))
		p.hours = 0;
	message_put_peer(o, &p);
}

static void tell_now(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	bool *then_enough = ctx;
	struct buf b = {0};
	struct mp_out o = mp_out_init(&b);
	struct message_peers m = {.peers = {.n = 1}};
	put_self(e, &o);
	for (size_t i = 0; res->err == OK && i < res->r.n; i++) {
		const struct store_peer *p = &res->r.peers[i];
		struct slice told[LIMIT_ADDRESSES];
		if (!p->addresses_n && !told_by_others(p, told) && !p->through_n && !through_here(e, p))
			continue;
		put_other(e, &o, p);
		m.peers.n++;
	}
	m.peers.raw = buf_slice(&b);
	if (s->state == SESSION_OPEN && o.err == OK)
		emit_message(s, MESSAGE_PEERS, &m);
	buf_free(&b);
	if (*then_enough)
		peer_close(s, ERR_ENOUGH, "this node has enough neighbours");
	free(then_enough);
}

/* Draws from the first n of all to the front until `most` are there. */
static void draw(struct engine *e, struct id32 *all, size_t n, size_t from, size_t most)
{
	for (size_t i = from; i < n && i < most; i++) {
		size_t k = i + (size_t)engine_chance(e, n - i);
		struct id32 x = all[i];
		all[i] = all[k];
		all[k] = x;
	}
}

/* SPEC 19.2: "itself, those connected now, and others at random" */
static size_t choose(struct session *s, struct id32 *all)
{
	struct engine *e = s->e;
	struct members *m = e->members;
	size_t now = 0, n;
	for (struct session *t = e->sessions; t && now < LIMIT_PEERS; t = t->next)
		if (t->state == SESSION_OPEN && t != s && members_find(m, &t->node))
			all[now++] = t->node;
	draw(e, all, now, 0, OF_NOW);
	now = n = now < OF_NOW ? now : OF_NOW;
	for (size_t i = 0; i < m->n && n < LIMIT_PEERS + OF_NOW; i++) {
		const struct member *x = &m->all[i];
		if (x->reachable && !connected_now(e, &x->node))
			all[n++] = x->node;
	}
	draw(e, all, n, now, OF_ALL);
	return n < OF_ALL ? n : OF_ALL;
}

void members_tell(struct session *s, bool then_enough)
{
	bool *flag = malloc(sizeof *flag);
	struct store_req *q = flag ? req_new(STORE_PEER_SOME) : NULL;
	struct id32 *ids = q ? arena_alloc(&q->mem, (LIMIT_PEERS + OF_NOW) * sizeof *ids) : NULL;
	if (!ids) {
		free(flag);
		if (q)
			store_req_free(q);
		free(q);
		if (then_enough)
			peer_close(s, ERR_ENOUGH, "this node has enough neighbours");
		return;
	}
	*flag = then_enough;
	q->a.ids = ids;
	q->a.n = choose(s, ids);
	emit_store(s->e, q, s, tell_now, flag);
}

/* ---- hearing ---- */

struct store_req *members_heard_req(const struct id32 *node, const struct slice *addresses, size_t n,
	const struct id32 *teller, uint64_t when_s)
{
	struct store_req *q = req_new(STORE_PEER_HEARD);
	struct store_peer *p = q ? arena_alloc(&q->mem, sizeof *p) : NULL;
	if (!p) {
		free(q);
		return NULL;
	}
	*p = (struct store_peer){.node = *node, .seen_s = when_s};
	for (size_t i = 0; i < n && p->addresses_n < LIMIT_ADDRESSES; i++)
		if (invitation_address_ok(addresses[i]))
			memcpy(p->addresses[p->addresses_n++], addresses[i].p, addresses[i].n);
	q->a.node = *node;
	q->a.peer = p;
	q->a.id = *teller;
	return q;
}

static void heard(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct members *m = e->members;
	(void)s, (void)ctx;
	for (size_t i = 0; res->err != OK && m && i < m->n; i++)
		m->all[i].told = false;
	if (res->err == OK && res->r.flag)
		members_load(e);
}

/* Most of what neighbours tell was told before: the store is not asked to keep the same again and again. */
static bool told_before(struct members *m, struct member *x, const struct message_peer *p, uint64_t when_s)
{
	struct message_peer said = *p;
	struct buf b = {0};
	struct mp_out o = mp_out_init(&b);
	uint8_t word[crypto_shorthash_BYTES];
	said.hours = 0;
	message_put_peer(&o, &said);
	crypto_shorthash(word, b.p, b.n, m->key);
	buf_free(&b);
	bool same = x->told && memcmp(word, x->word, sizeof word) == 0 &&
		when_s <= x->told_s + MEMBERS_TOLD_AGAIN_S;
	if (o.err != OK || same)
		return same;
	memcpy(x->word, word, sizeof word);
	x->told = true;
	x->told_s = when_s;
	return false;
}

/* SPEC 19.2: "A receiver takes what it says only of nodes that are members by its own knowledge" */
static void hear_other(struct session *s, struct member *x, const struct message_peer *p)
{
	struct engine *e = s->e;
	uint64_t ago = p->hours * 3600, when_s = ago < e->wall_s ? e->wall_s - ago : 0;
	if (connected_now(e, &p->node) || told_before(e->members, x, p, when_s))
		return;
	struct store_req *q = members_heard_req(&p->node, p->addresses, p->addresses_n, &s->node, when_s);
	if (q) {
		q->a.peer->relaying = p->relaying;
		q->a.peer->through_n = p->relays_n;
		memcpy(q->a.peer->through, p->relays, sizeof p->relays);
	}
	emit_store(e, q, s, heard, NULL);
}

/* SPEC 19.2: "What the sender says of itself counts like its `hello`." */
static void hear_self(struct session *s, const struct message_peer *p)
{
	struct engine *e = s->e;
	struct store_req *told = members_heard_req(&p->node, NULL, 0, &s->node, e->wall_s);
	if (told) {
		told->a.peer->relaying = p->relaying;
		told->a.peer->through_n = p->relays_n;
		memcpy(told->a.peer->through, p->relays, sizeof p->relays);
	}
	emit_store(e, told, s, heard, NULL);
	struct store_req *q = members_heard_req(&p->node, p->addresses, p->addresses_n, &s->node, e->wall_s);
	if (q) {
		q->op = STORE_PEER_PUT;
		q->a.flag = true; /* its origin stays */
		q->a.peer->origin = PEER_ADMITTED;
	}
	emit_store(e, q, s, NULL, NULL);
}

/* Those that are no members are kept: the network's log may be on its way to this node. */
static void keep_unknown(struct session *s, const struct message_peer *p)
{
	struct mp_out o = mp_out_init(&s->peers);
	message_put_peer(&o, p);
	if (o.err == OK)
		s->peers_n++;
	else
		s->peers.n = s->peers_n = 0;
}

static void hear(struct session *s, const struct message_list *l)
{
	struct engine *e = s->e;
	struct mp_in in = message_list_open(l);
	for (size_t i = 0; i < l->n; i++) {
		struct message_peer p = message_next_peer(&in);
		struct member *x = members_find(e->members, &p.node);
		if (id32_equal(&p.node, &s->node))
			hear_self(s, &p);
		else if (x)
			hear_other(s, x, &p);
		else if (!id32_equal(&p.node, &e->config.node))
			keep_unknown(s, &p);
	}
}

void members_hear_again(struct engine *e)
{
	for (struct session *s = e->sessions; s; s = s->next) {
		struct buf b = s->peers;
		struct message_list l = {.n = s->peers_n, .raw = buf_slice(&b)};
		s->peers = (struct buf){0};
		s->peers_n = 0;
		if (s->state == SESSION_OPEN)
			hear(s, &l);
		buf_free(&b);
	}
}

void members_peers(struct session *s, const struct message_peers *m)
{
	struct engine *e = s->e;
	if (!e->members || (s->peers_ms && e->now_ms < s->peers_ms + MEMBERS_TAKE_MS))
		return;
	s->peers_ms = e->now_ms;
	s->peers.n = s->peers_n = 0;
	hear(s, &m->peers);
}
