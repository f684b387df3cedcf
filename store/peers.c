/* peers.c -- who may be here, their cursors, and what they follow. SPEC.md sections 8.2, 10.2 and 10.3. */
#include "store/db.h"

/* Addresses stand in one text, a line each: they hold no control characters. */
static void read_addresses(const char *text, struct store_peer *p)
{
	while (*text && p->addresses_n < LIMIT_ADDRESSES) {
		size_t n = strcspn(text, "\n");
		if (n > 0 && n <= LIMIT_ADDRESS_BYTES) {
			memcpy(p->addresses[p->addresses_n], text, n);
			p->addresses[p->addresses_n++][n] = 0;
		}
		text += n;
		if (*text)
			text++;
	}
}

static void read_peer(struct query *q, struct store_peer *p)
{
	p->node = qc_id(q, 0);
	p->origin = (enum peer_origin)qc_int(q, 1);
	qc_name(q, 2, p->name);
	read_addresses(qc_text(q, 3), p);
	struct slice instance = qc_slice(q, 4);
	if (instance.n == sizeof p->cursor_instance)
		memcpy(p->cursor_instance, instance.p, instance.n);
	else if (q->e == OK)
		q->e = ERR_CORRUPT;
	p->cursor = qc_uint(q, 5);
	p->follows_version = qc_id(q, 6);
	p->follows_known = qc_int(q, 7) != 0;
	p->seen_s = qc_uint(q, 8);
	p->relaying = qc_int(q, 9) != 0;
	struct slice through = qc_slice(q, 10);
	p->through_n = through.n / 32 < LIMIT_ADDRESSES ? through.n / 32 : LIMIT_ADDRESSES;
	if (p->through_n)
		memcpy(p->through, through.p, p->through_n * 32);
	p->told_s = qc_uint(q, 11);
	p->own_word = qc_int(q, 12) != 0;
	struct slice introducer = qc_slice(q, 13);
	if (introducer.n == sizeof p->introducer)
		memcpy(&p->introducer, introducer.p, introducer.n);
}

enum err peer_get(struct store *s, const struct id32 *node, struct store_peer *p)
{
	memset(p, 0, sizeof *p);
	struct query q = q_start(s, Q_PEER_GET);
	q_id(&q, node);
	bool found = q_row(&q);
	if (found)
		read_peer(&q, p);
	enum err e = q_end(&q);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

static enum err get_whole(struct store *s, const struct id32 *node, struct store_peer *p)
{
	enum err e = peer_get(s, node, p);
	return e == OK ? heard_load(s, p) : e;
}

enum err op_PEER_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	r->r.peers = arena_alloc(&r->mem, sizeof *r->r.peers);
	if (!r->r.peers)
		return ERR_MEMORY;
	r->r.n = 1;
	return get_whole(s, &q->a.node, r->r.peers);
}

enum err op_PEER_SOME(struct store *s, const struct store_req *q, struct store_res *r)
{
	enum err e = OK;
	if (q->a.n > LIMIT_PEERS)
		return ERR_LIMIT;
	r->r.peers = arena_alloc(&r->mem, q->a.n * sizeof *r->r.peers);
	if (!r->r.peers)
		return ERR_MEMORY;
	for (size_t i = 0; e == OK && i < q->a.n; i++) {
		struct store_peer *p = &r->r.peers[r->r.n];
		e = get_whole(s, &q->a.ids[i], p);
		r->r.n += e == OK && p->origin != PEER_REMOVED;
		e = e == ERR_NOT_FOUND ? OK : e;
	}
	return e;
}

/* Both lists are in the order of node keys. */
static enum err hear_all(struct store *s, struct store_res *r)
{
	struct query list = q_start(s, Q_PEER_HEARD_ALL);
	size_t i = 0;
	while (q_row(&list)) {
		struct id32 node = qc_id(&list, 0);
		while (i < r->r.n && id32_cmp(&r->r.peers[i].node, &node) < 0)
			i++;
		if (i < r->r.n && id32_equal(&r->r.peers[i].node, &node))
			heard_read(&list, &r->r.peers[i]);
	}
	return q_end(&list);
}

enum err op_PEER_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	struct array peers = {0};
	struct query list = q_start(s, Q_PEER_LIST);
	while (q_row(&list)) {
		struct store_peer *p = array_add(&peers, sizeof *p, &list);
		if (p)
			read_peer(&list, p);
	}
	r->r.n = peers.n;
	r->r.peers = array_give(&peers, &r->mem, &list);
	enum err e = q_end(&list);
	return e == OK ? hear_all(s, r) : e;
}

static enum err set_text(struct store *s, enum query_name name, const char *text, const struct id32 *node)
{
	struct query q = q_start(s, name);
	q_text(&q, text);
	q_id(&q, node);
	return q_done(&q);
}

static enum err set_number(struct store *s, enum query_name name, uint64_t value, const struct id32 *node)
{
	struct query q = q_start(s, name);
	q_uint(&q, value);
	q_id(&q, node);
	return q_done(&q);
}

enum err peer_admit(
	struct store *s, const struct id32 *node, enum peer_origin origin, bool keep_origin, const char *name)
{
	struct store_peer old;
	enum err e = peer_get(s, node, &old);
	if (e == ERR_NOT_FOUND) {
		struct query count = q_start(s, Q_PEER_COUNT);
		bool full = q_row(&count) && qc_int(&count, 0) >= LIMIT_PEERS;
		e = q_end(&count);
		if (e != OK || full)
			return e != OK ? e : ERR_LIMIT;
		store_touch(s);
		struct query q = q_start(s, Q_PEER_NEW);
		q_id(&q, node);
		q_int(&q, origin);
		e = q_done(&q);
	} else if (e == OK && !keep_origin) {
		if (old.origin == PEER_REMOVED && origin == PEER_ADMITTED)
			return ERR_REFUSED;
		store_touch(s);
		e = set_number(s, Q_PEER_JOINED, origin, node);
		/* SPEC 8.2: "until it redeems anew" */
		if (e == OK && origin != PEER_ADMITTED)
			e = db_on_id(s, Q_ADMISSION_PASS, node);
	}
	if (e == OK && name[0]) {
		store_touch(s);
		e = set_text(s, Q_PEER_NAME, name, node);
	}
	return e;
}

enum err op_PEER_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	const struct store_peer *p = q->a.peer;
	if (p->addresses_n > LIMIT_ADDRESSES)
		return ERR_LIMIT;
	enum err e = peer_admit(s, &p->node, p->origin, q->a.flag, p->name);
	if (e != OK)
		return e;
	store_touch(s);
	if (p->addresses_n) {
		char text[LIMIT_ADDRESSES * (LIMIT_ADDRESS_BYTES + 1) + 1] = "";
		size_t at = 0;
		for (size_t i = 0; i < p->addresses_n; i++) {
			size_t n = strlen(p->addresses[i]);
			memcpy(text + at, p->addresses[i], n);
			text[at + n] = '\n';
			at += n + 1;
		}
		text[at] = 0;
		e = set_text(s, Q_PEER_ADDRESSES, text, &p->node);
	}
	if (e == OK && p->seen_s)
		e = set_number(s, Q_PEER_SEEN, p->seen_s, &p->node);
	return e;
}

static enum err set_version(struct store *s, const struct id32 *node, const struct id32 *version, bool known)
{
	store_touch(s);
	struct query q = q_start(s, Q_PEER_VERSION);
	q_id(&q, version);
	q_int(&q, known);
	q_id(&q, node);
	return q_done(&q);
}

static enum err set_cursor(
	struct store *s, const struct id32 *node, const uint8_t instance[16], uint64_t number)
{
	store_touch(s);
	struct query q = q_start(s, Q_PEER_CURSOR);
	q_blob(&q, slice_of(instance, 16));
	q_uint(&q, number);
	q_id(&q, node);
	return q_done(&q);
}

enum err peer_end(struct store *s, const struct id32 *node, bool by_network)
{
	static const uint8_t no_instance[16];
	static const struct id32 zero;
	struct store_peer old;
	enum err e = peer_get(s, node, &old);
	if (e != OK)
		return e;
	store_touch(s);
	e = set_number(s, Q_PEER_ORIGIN, PEER_REMOVED, node);
	if (e == OK && (!by_network || old.origin != PEER_REMOVED))
		e = set_number(s, Q_PEER_ENDED, by_network, node);
	if (e == OK)
		e = set_cursor(s, node, no_instance, 0);
	if (e == OK)
		e = set_version(s, node, &zero, false);
	if (e == OK)
		e = db_on_id(s, Q_PEER_HEARD_DROP, node);
	if (e == OK)
		e = db_on_id(s, Q_PEER_RELAY_DROP, node);
	if (e == OK)
		e = introductions_drop_of(s, node);
	return e == OK ? db_on_id(s, Q_PEER_FOLLOWS_DROP, node) : e;
}

enum err op_PEER_REMOVE(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	return peer_end(s, &q->a.node, false);
}

enum err op_CURSOR_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct store_peer old;
	enum err e = peer_get(s, &q->a.node, &old);
	return e == OK ? set_cursor(s, &q->a.node, q->a.instance, q->a.number) : e;
}

static enum err give_version(struct store_res *r, const struct id32 *version)
{
	r->r.ids = arena_alloc(&r->mem, sizeof *r->r.ids);
	if (!r->r.ids)
		return ERR_MEMORY;
	r->r.ids[0] = *version;
	r->r.n = 1;
	return OK;
}

static enum err count_follows(struct store *s, const struct id32 *node, uint64_t *count)
{
	struct query q = q_start(s, Q_PEER_FOLLOWS_COUNT);
	q_id(&q, node);
	*count = q_row(&q) ? qc_uint(&q, 0) : 0;
	return q_end(&q);
}

/* *was: 0 not in the set, 1 in it, 2 in the set that a listing under way replaces. */
static enum err add_follow(struct store *s, const struct id32 *node, const struct id32 *identity, int *was)
{
	struct query old = q_start(s, Q_PEER_FOLLOW_OLD);
	q_id(&old, node);
	q_id(&old, identity);
	*was = q_row(&old) ? (qc_int(&old, 0) ? 2 : 1) : 0;
	enum err e = q_end(&old);
	if (e != OK || *was == 1)
		return e;
	store_touch(s);
	struct query put = q_start(s, Q_PEER_FOLLOW_PUT);
	q_id(&put, node);
	q_id(&put, identity);
	return q_done(&put);
}

/* Whether this node has known a follow set of that peer before: only then can the peer hold a cursor that is beyond rows which
 * it did not follow yet. To a peer that is met for the first time everything is listed from 0 anyway. */
static enum err has_met(struct store *s, const struct id32 *node, bool *met)
{
	struct query q = q_start(s, Q_PEER_MET);
	q_id(&q, node);
	*met = q_row(&q) && qc_int(&q, 0) != 0;
	return q_end(&q);
}

/* SPEC 10.3: "In whatever way an identity comes into the follow set that is kept, its rows move up: they get a new number." */
static enum err add_follows(struct store *s, const struct store_req *q, bool met, struct id32 *version)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < q->a.n; i++) {
		int was;
		e = add_follow(s, &q->a.node, &q->a.ids[i], &was);
		if (e == OK && was != 1)
			sum_add(version, &q->a.ids[i]);
		if (e == OK && was == 0 && met)
			e = logs_move_up(s, &q->a.ids[i], true);
	}
	return e;
}

/* The earlier set stays, marked, until the last part: what is in both is no new follow. */
enum err op_PEER_FOLLOWS(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct store_peer p;
	bool met;
	uint64_t count;
	enum err e = peer_get(s, &q->a.node, &p);
	if (e == OK)
		e = has_met(s, &q->a.node, &met);
	if (e == OK)
		e = count_follows(s, &q->a.node, &count);
	if (e == OK && (q->a.flag ? 0 : count) + q->a.n > LIMIT_FOLLOWS)
		e = ERR_LIMIT;
	if (e != OK)
		return e;
	if (q->a.flag) {
		memset(&p.follows_version, 0, 32);
		e = db_on_id(s, Q_PEER_FOLLOWS_OLD, &q->a.node);
	}
	if (e == OK)
		e = add_follows(s, q, met, &p.follows_version);
	if (e == OK && q->a.number)
		e = db_on_id(s, Q_PEER_FOLLOWS_TRIM, &q->a.node);
	if (e == OK)
		e = set_version(s, &q->a.node, &p.follows_version, q->a.number != 0);
	if (e == OK)
		e = count_follows(s, &q->a.node, &r->r.count);
	r->r.number = s->number;
	return e == OK ? give_version(r, &p.follows_version) : e;
}

static enum err follow_add_one(struct store *s, const struct store_req *q, struct store_peer *p)
{
	uint64_t count;
	int was;
	enum err e = count_follows(s, &q->a.node, &count);
	if (e == OK && count >= LIMIT_FOLLOWS)
		e = ERR_LIMIT;
	if (e == OK)
		e = add_follow(s, &q->a.node, &q->a.identity, &was);
	if (e != OK || was == 1)
		return e;
	sum_add(&p->follows_version, &q->a.identity);
	return logs_move_up(s, &q->a.identity, true);
}

static enum err follow_remove_one(struct store *s, const struct store_req *q, struct store_peer *p)
{
	struct query old = q_start(s, Q_PEER_FOLLOW_OLD);
	q_id(&old, &q->a.node);
	q_id(&old, &q->a.identity);
	bool there = q_row(&old) && qc_int(&old, 0) == 0;
	enum err e = q_end(&old);
	if (e != OK || !there)
		return e;
	sum_sub(&p->follows_version, &q->a.identity);
	store_touch(s);
	struct query drop = q_start(s, Q_PEER_FOLLOW_DROP);
	q_id(&drop, &q->a.node);
	q_id(&drop, &q->a.identity);
	return q_done(&drop);
}

enum err op_PEER_FOLLOW(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct store_peer p;
	enum err e = peer_get(s, &q->a.node, &p);
	if (e == OK)
		e = q->a.flag ? follow_add_one(s, q, &p) : follow_remove_one(s, q, &p);
	if (e == OK)
		e = set_version(s, &q->a.node, &p.follows_version, p.follows_known);
	r->r.number = s->number;
	return e == OK ? give_version(r, &p.follows_version) : e;
}
