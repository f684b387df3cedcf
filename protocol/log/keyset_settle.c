/* keyset_settle.c -- from all events that were offered to those that are stored, and their order. SPEC.md section 3.4. */
#include "protocol/log/hash.h"
#include "protocol/log/keyset_internal.h"

/* ---- order: for sending, and for what goes first when the set is full */

enum class { CLASS_INCEPTION, CLASS_GENERATION, CLASS_ROOT, CLASS_KEPT, CLASS_WINNER, CLASS_LOSER };

static bool slotless(const struct record *r)
{
	return r->kind == KEYEVENT_INCEPTION || r->kind == KEYEVENT_GENERATION;
}

/* A loser comes behind all that could keep it, so that cutting the end off leaves no loser without its keeper. */
static enum class class_of(const struct record *r) {
	if (r->kind == KEYEVENT_INCEPTION) return CLASS_INCEPTION;
	if (r->kind == KEYEVENT_GENERATION) return CLASS_GENERATION;
	if (r->root_signed) return CLASS_ROOT;
	return r->kept_now ? CLASS_KEPT
		: r->wins  ? CLASS_WINNER
			   : CLASS_LOSER;
}

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int order_compare(const void *x, const void *y)
{
	const struct record *a = *(const struct record *const *)x, *b = *(const struct record *const *)y;
	enum class ca = class_of(a), cb = class_of(b);
	int c = compare_u32(ca, cb);
	if (c == 0 && ca == CLASS_GENERATION)
		c = compare_u32(a->number, b->number);
	if (c == 0 && ca > CLASS_GENERATION)
		c = compare_u32(b->generation->number, a->generation->number);
	return c ? c : id32_cmp(&a->id, &b->id);
}

/* ---- settling */

struct id32 keyset_slot_key(const struct id32 *generation, bool root_signed, uint32_t slot)
{
	struct id32 k = *generation;
	be32_put(k.b + 28, (root_signed ? LIMIT_KEYEVENT_SLOTS : 0u) + slot);
	return k;
}

/* SPEC 3.5: "The *current generation* C is the valid event of kind 1 with the highest number; of several, the one with the lowest id." */
static struct record *find_current(const struct keyset_state *st)
{
	struct record *c = NULL;
	for (size_t i = 0; i < st->n; i++) {
		struct record *r = st->order[i];
		if (r->kind != KEYEVENT_GENERATION || (c && r->number < c->number))
			continue;
		if (!c || r->number > c->number || id32_cmp(&r->id, &c->id) < 0)
			c = r;
	}
	return c;
}

static void find_winners(struct keyset_state *st)
{
	map_clear(&st->slots);
	for (size_t i = 0; i < st->n; i++) {
		struct record *r = st->order[i];
		r->kept = r->kept_now = r->adopted = false;
		r->wins = true;
		if (slotless(r))
			continue;
		/* SPEC 3.4: "the root-signed and the signing-key-signed events of a generation have separate slots" */
		struct id32 k = keyset_slot_key(&r->generation->id, r->root_signed, r->slot);
		struct record **winner = &map_put(&st->slots, &k)->rec;
		/* SPEC 3.4: "the one with the lowest id *wins*" */
		r->wins = !*winner || id32_cmp(&r->id, &(*winner)->id) < 0;
		if (!r->wins)
			continue;
		if (*winner)
			(*winner)->wins = false;
		*winner = r;
	}
}

static void mark_kept(const struct keyset_state *st)
{
	/* SPEC 3.4: "the losers named by the `keeps` of C or of a predecessor of C" */
	for (const struct record *g = st->current; g && g->kind == KEYEVENT_GENERATION; g = g->generation)
		for (size_t i = 0; i < g->list_n; i++) {
			struct id32 id = record_list(g, i);
			struct record *r = keyset_record(st, &id);
			if (!r)
				continue;
			r->kept = true;
			r->kept_now = r->kept_now || g == st->current;
		}
	/* SPEC 3.4: "the losers named by an adopt event that names C and wins its slot" */
	for (size_t k = 0; k < st->n; k++) {
		const struct record *a = st->order[k];
		if (a->kind != KEYEVENT_ADOPT || a->generation != st->current || !a->wins)
			continue;
		for (size_t i = 0; i < a->list_n; i++) {
			struct id32 id = record_list(a, i);
			struct record *r = keyset_record(st, &id);
			if (r)
				r->adopted = true;
		}
	}
}

void keyset_record_free(struct record *r)
{
	free(r->decoded);
	free(r);
}

static void drop(struct keyset_state *st, struct record *r)
{
	map_find(&st->ids, &r->id)->rec = NULL;
	if (!slotless(r)) {
		struct id32 k = keyset_slot_key(&r->generation->id, r->root_signed, r->slot);
		struct map_entry *slot = map_find(&st->slots, &k);
		if (slot && slot->rec == r)
			slot->rec = NULL;
	}
	if (r->settled)
		st->dropped[st->dropped_n++] = r->id;
	keyset_record_free(r);
}

static void settle(struct keyset_state *st)
{
	st->settled = true;
	st->current = find_current(st);
	find_winners(st);
	mark_kept(st);
	size_t n = 0;
	for (size_t i = 0; i < st->n; i++) {
		struct record *r = st->order[i];
		/* SPEC 3.4: "It drops the other losers." */
		if (r->wins || r->kept || r->adopted)
			st->order[n++] = r;
		else
			drop(st, r);
	}
	if (n)
		qsort(st->order, n, sizeof(struct record *), order_compare);
	/* SPEC 3.4: "If more than 20,000 would be kept, it keeps the root-signed ones, then those that C's `keeps` names" */
	while (n > LIMIT_KEYEVENTS && st->order[n - 1]->kind != KEYEVENT_GENERATION)
		drop(st, st->order[--n]);
	st->n = n;
	st->sum = (struct id32){0};
	for (size_t i = 0; i < n; i++) {
		st->order[i]->settled = true;
		sum_add(&st->sum, &st->order[i]->id);
	}
}

struct keyset_state *keyset_settled(const struct keyset *ks)
{
	if (!ks->state->settled)
		settle(ks->state);
	return ks->state;
}
