/* peers_relays.c -- through whom a peer can be reached: its own word, then that of others. SPEC.md section 19.2. */
#include "store/db.h"

#define AGAIN_S 3600 /* what is told again is written again when it is so much newer */

struct relay {
	struct id32 relay, teller;
	uint64_t heard_s;
};

struct relays {
	const struct id32 *node;
	size_t n;
	struct relay at[2 * LIMIT_ADDRESSES]; /* its own word first */
	bool changed;
};

static enum err read_relays(struct store *s, struct relays *set)
{
	struct query list = q_start(s, Q_PEER_RELAY_OF);
	q_id(&list, set->node);
	while (q_row(&list) && set->n < LIMIT_ADDRESSES)
		set->at[set->n++] = (struct relay){
			.relay = qc_id(&list, 0), .teller = qc_id(&list, 1), .heard_s = qc_uint(&list, 2)};
	return q_end(&list);
}

static void take_out(struct relays *set, size_t i)
{
	memmove(&set->at[i], &set->at[i + 1], (set->n - i - 1) * sizeof *set->at);
	set->n--;
	set->changed = true;
}

static bool is_own(const struct relays *set, size_t i)
{
	return id32_equal(&set->at[i].teller, set->node);
}

static bool names_itself(const struct relay *r)
{
	return id32_equal(&r->relay, &r->teller);
}

/* Of others: who names itself as the relay is the better witness. */
static void put_other(struct relays *set, const struct relay *told)
{
	for (size_t i = 0; i < set->n; i++) {
		struct relay *r = &set->at[i];
		if (!id32_equal(&r->relay, &told->relay))
			continue;
		bool better = names_itself(told) && !names_itself(r);
		if (is_own(set, i) || (!better && told->heard_s <= r->heard_s + AGAIN_S))
			return;
		if (better)
			r->teller = told->teller;
		r->heard_s = told->heard_s > r->heard_s ? told->heard_s : r->heard_s;
		set->changed = true;
		return;
	}
	set->at[set->n++] = *told;
	set->changed = true;
}

static size_t of_teller(const struct relays *set, const struct id32 *teller)
{
	size_t n = 0;
	for (size_t i = 0; i < set->n; i++)
		n += id32_equal(&set->at[i].teller, teller);
	return n;
}

static bool goes_before(const struct relays *set, const struct relay *a, const struct relay *b)
{
	size_t of_a = of_teller(set, &a->teller), of_b = of_teller(set, &b->teller);
	if (of_a != of_b)
		return of_a > of_b;
	if (names_itself(a) != names_itself(b))
		return names_itself(b);
	return a->heard_s < b->heard_s;
}

/* SPEC 19.2: "where there are more, one goes of the teller that named the most of them" */
static void trim(struct relays *set)
{
	while (set->n > LIMIT_ADDRESSES) {
		size_t out = set->n;
		for (size_t i = 0; i < set->n; i++)
			if (!is_own(set, i) &&
				(out == set->n || goes_before(set, &set->at[i], &set->at[out])))
				out = i;
		take_out(set, out);
	}
}

static bool among(const struct id32 *ids, size_t n, const struct id32 *id)
{
	for (size_t i = 0; i < n; i++)
		if (id32_equal(&ids[i], id))
			return true;
	return false;
}

/* SPEC 19.2: "Relays that a node names itself stand first, in place of those that it named before" */
static void put_own(struct relays *set, const struct store_peer *p)
{
	struct id32 own[LIMIT_ADDRESSES];
	size_t n = 0;
	for (size_t i = 0; i < p->through_n; i++)
		if (!among(own, n, &p->through[i]))
			own[n++] = p->through[i];
	bool same = of_teller(set, set->node) == n;
	for (size_t i = 0; same && i < n; i++)
		same = id32_equal(&set->at[i].relay, &own[i]);
	if (same)
		return;
	for (size_t i = set->n; i-- > 0;)
		if (is_own(set, i) || among(own, n, &set->at[i].relay))
			take_out(set, i);
	memmove(&set->at[n], &set->at[0], set->n * sizeof *set->at);
	/* Their order is its own: what is named first is newer by a second. */
	for (size_t i = 0; i < n; i++)
		set->at[i] = (struct relay){
			.relay = own[i], .teller = *set->node, .heard_s = p->seen_s + LIMIT_ADDRESSES - i};
	set->n += n;
	set->changed = true;
}

static enum err write_relays(struct store *s, const struct relays *set)
{
	struct query drop = q_start(s, Q_PEER_RELAY_DROP);
	q_id(&drop, set->node);
	enum err e = q_done(&drop);
	for (size_t i = 0; e == OK && i < set->n; i++) {
		struct query q = q_start(s, Q_PEER_RELAY_PUT);
		q_id(&q, set->node);
		q_id(&q, &set->at[i].relay);
		q_id(&q, &set->at[i].teller);
		q_uint(&q, set->at[i].heard_s);
		e = q_done(&q);
	}
	return e;
}

static enum err write_peer(struct store *s, const struct store_peer *p, const struct relays *set)
{
	struct query q = q_start(s, Q_PEER_TOLD);
	struct id32 through[LIMIT_ADDRESSES];
	for (size_t i = 0; i < set->n; i++)
		through[i] = set->at[i].relay;
	q_int(&q, p->relaying);
	q_blob(&q, slice_of(through, set->n * sizeof *through));
	q_uint(&q, p->told_s);
	q_int(&q, p->own_word);
	q_id(&q, &p->node);
	return q_done(&q);
}

static void take_told(struct relays *set, const struct store_peer *p, const struct id32 *teller)
{
	if (id32_equal(teller, &p->node)) {
		if (p->through_n)
			put_own(set, p);
	} else {
		for (size_t i = 0; i < p->through_n; i++)
			put_other(set,
				&(struct relay){
					.relay = p->through[i], .teller = *teller, .heard_s = p->seen_s});
	}
	trim(set);
}

enum err relays_take(struct store *s, const struct store_peer *old, const struct store_peer *p,
	const struct id32 *teller, bool *changed)
{
	struct relays set = {.node = &p->node};
	struct store_peer now = *old;
	bool own = id32_equal(teller, &p->node);
	enum err e = read_relays(s, &set);
	if (e != OK)
		return e;
	take_told(&set, p, teller);
	/* SPEC 19.2: "What the sender says of itself counts like its `hello`" -- nobody else's word takes its place. */
	if (own || (!old->own_word && p->seen_s >= old->told_s))
		now.relaying = p->relaying;
	now.own_word = old->own_word || own;
	now.told_s = p->seen_s > old->told_s ? p->seen_s : old->told_s;
	bool same = !set.changed && now.relaying == old->relaying && now.own_word == old->own_word;
	if (same && now.told_s < old->told_s + AGAIN_S)
		return OK;
	store_touch(s);
	*changed = *changed || !same;
	e = set.changed ? write_relays(s, &set) : OK;
	return e == OK ? write_peer(s, &now, &set) : e;
}
