/* peers_heard.c -- what others tell of a peer, apart from what it says of itself. SPEC.md section 19.2. */
#include "store/db.h"

#define OF_ONE_TELLER 2 /* of the addresses kept, where another told some too */
#define AGAIN_S 3600 /* an address that is told again is written again when it is so much newer */

struct heard {
	char address[LIMIT_ADDRESS_BYTES + 1];
	struct id32 teller;
	uint64_t heard_s;
};

struct heard_set {
	size_t n;
	struct heard at[2 * LIMIT_ADDRESSES];
	bool changed;
};

static bool told_itself(const struct store_peer *p, const char *address)
{
	for (size_t i = 0; i < p->addresses_n; i++)
		if (strcmp(p->addresses[i], address) == 0)
			return true;
	return false;
}

void heard_read(struct query *q, struct store_peer *p)
{
	const char *address = qc_text(q, 1);
	size_t n = strlen(address);
	struct id32 teller = qc_id(q, 2);
	bool here = id32_is_zero(&teller);
	if (n == 0 || n > LIMIT_ADDRESS_BYTES || p->heard_n == LIMIT_ADDRESSES ||
		(!here && told_itself(p, address)))
		return;
	memcpy(p->heard[p->heard_n], address, n + 1);
	p->heard_here[p->heard_n++] = here;
}

enum err heard_load(struct store *s, struct store_peer *p)
{
	struct query list = q_start(s, Q_PEER_HEARD_OF);
	q_id(&list, &p->node);
	while (q_row(&list))
		heard_read(&list, p);
	return q_end(&list);
}

static enum err read_set(struct store *s, const struct id32 *node, struct heard_set *set)
{
	struct query list = q_start(s, Q_PEER_HEARD_OF);
	q_id(&list, node);
	while (q_row(&list) && set->n < LIMIT_ADDRESSES) {
		struct heard *h = &set->at[set->n];
		const char *address = qc_text(&list, 1);
		size_t n = strlen(address);
		if (n == 0 || n > LIMIT_ADDRESS_BYTES)
			continue;
		memcpy(h->address, address, n + 1);
		h->teller = qc_id(&list, 2);
		h->heard_s = qc_uint(&list, 3);
		set->n++;
	}
	return q_end(&list);
}

static void put(struct heard_set *set, const char *address, const struct id32 *teller, uint64_t heard_s)
{
	for (size_t i = 0; i < set->n; i++) {
		if (strcmp(set->at[i].address, address) != 0)
			continue;
		if (heard_s > set->at[i].heard_s + AGAIN_S) {
			set->at[i].heard_s = heard_s;
			set->changed = true;
		}
		return;
	}
	struct heard *h = &set->at[set->n++];
	*h = (struct heard){.teller = *teller, .heard_s = heard_s};
	memcpy(h->address, address, strlen(address) + 1);
	set->changed = true;
}

static size_t of_teller(const struct heard_set *set, const struct id32 *teller)
{
	size_t n = 0;
	for (size_t i = 0; i < set->n; i++)
		n += id32_equal(&set->at[i].teller, teller);
	return n;
}

/* The oldest goes; but first those of whoever told more than its share. */
static void trim(struct heard_set *set)
{
	while (set->n > LIMIT_ADDRESSES) {
		size_t out = 0;
		bool out_greedy = false;
		for (size_t i = 0; i < set->n; i++) {
			size_t n = of_teller(set, &set->at[i].teller);
			bool greedy = n > OF_ONE_TELLER && n < set->n;
			bool older = set->at[i].heard_s <= set->at[out].heard_s;
			if (i == 0 || (greedy && !out_greedy) || (greedy == out_greedy && older)) {
				out = i;
				out_greedy = greedy;
			}
		}
		memmove(&set->at[out], &set->at[out + 1], (set->n - out - 1) * sizeof *set->at);
		set->n--;
	}
}

static enum err write_set(struct store *s, const struct id32 *node, const struct heard_set *set)
{
	store_touch(s);
	struct query drop = q_start(s, Q_PEER_HEARD_DROP);
	q_id(&drop, node);
	enum err e = q_done(&drop);
	for (size_t i = 0; e == OK && i < set->n; i++) {
		struct query q = q_start(s, Q_PEER_HEARD_PUT);
		q_id(&q, node);
		q_text(&q, set->at[i].address);
		q_id(&q, &set->at[i].teller);
		q_uint(&q, set->at[i].heard_s);
		e = q_done(&q);
	}
	return e;
}

enum err op_PEER_HEARD(struct store *s, const struct store_req *q, struct store_res *r)
{
	const struct store_peer *p = q->a.peer;
	struct store_peer old;
	struct heard_set set = {0};
	if (p->addresses_n > LIMIT_ADDRESSES || p->through_n > LIMIT_ADDRESSES)
		return ERR_LIMIT;
	enum err e = peer_get(s, &q->a.node, &old);
	if (e == OK && old.origin == PEER_REMOVED)
		e = ERR_NOT_FOUND;
	if (e == OK)
		e = read_set(s, &q->a.node, &set);
	if (e != OK)
		return e;
	for (size_t i = 0; i < p->addresses_n; i++)
		if (id32_is_zero(&q->a.id) || !told_itself(&old, p->addresses[i]))
			put(&set, p->addresses[i], &q->a.id, p->seen_s);
	trim(&set);
	if (set.changed)
		e = write_set(s, &q->a.node, &set);
	r->r.flag = set.changed;
	return e == OK ? relays_take(s, &old, p, &q->a.id, &r->r.flag) : e;
}
