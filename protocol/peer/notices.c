/* notices.c -- notices that are kept and passed on, with fair budgets. SPEC.md section 20.2. */
#include "notices_int.h"

#include "sum.h"

/* ---- links: the neighbours, and as number 0 this node's own people ---- */

static bool link_idle(const struct engine *e, const struct notice_link *l)
{
	if (l->kept || e->now_ms < l->in.ms + NOTICE_LINK_REST_MS ||
		e->now_ms < l->out.ms + NOTICE_LINK_REST_MS)
		return false;
	for (const struct session *s = e->sessions; s; s = s->next)
		if (s->state == SESSION_OPEN && id32_equal(&s->node, &l->node))
			return false;
	return true;
}

/* The number of a neighbour's link; NOTICE_NO_LINK: no room. */
static uint16_t link_of(struct engine *e, const struct id32 *node)
{
	struct notices *t = e->notices;
	for (uint16_t i = 0; i < t->links_n; i++)
		if (id32_equal(&t->links[i].node, node))
			return i;
	uint16_t at = t->links_n;
	if (at == NOTICE_LINKS_MAX) {
		for (at = 1; at < t->links_n && !link_idle(e, &t->links[at]); at++)
			;
		if (at == t->links_n)
			return NOTICE_NO_LINK;
	} else {
		struct notice_link *l = realloc(t->links, (at + 1u) * sizeof *l);
		if (!l)
			return NOTICE_NO_LINK;
		t->links = l;
		t->links_n++;
	}
	t->links[at] = (struct notice_link){.node = *node};
	return at;
}

bool notices_ready(struct engine *e)
{
	static const struct id32 own;
	if (!e->notices)
		e->notices = calloc(1, sizeof *e->notices);
	return e->notices && link_of(e, &own) == 0;
}

static void bucket_refill(struct notice_bucket *b, uint64_t now_ms)
{
	uint64_t back = (now_ms - b->ms) / NOTICE_MS;
	if (back >= b->spent) {
		b->spent = 0;
		return;
	}
	b->spent -= (unsigned)back;
	b->ms += back * NOTICE_MS;
}

static bool bucket_take(struct notice_bucket *b, unsigned most, uint64_t now_ms)
{
	bucket_refill(b, now_ms);
	if (b->spent >= most)
		return false;
	if (b->spent++ == 0)
		b->ms = now_ms;
	return true;
}

/* ---- what is kept ---- */

static size_t find(const struct notices *t, const struct id32 *id)
{
	uint64_t head = be64_get(id->b);
	for (size_t i = 0; i < LIMIT_NOTICES; i++)
		if (t->slots[i].kept && t->slots[i].head == head && id32_equal(&t->slots[i].kept->id, id))
			return i;
	return LIMIT_NOTICES;
}

static void unwait(struct session *s, size_t slot)
{
	struct notice_session *ns = s->notices;
	uint64_t bit = 1ull << (slot % 64);
	if (!ns || !(ns->waiting[slot / 64] & bit))
		return;
	ns->waiting[slot / 64] &= ~bit;
	ns->waiting_n--;
}

static void await(struct session *s, size_t slot)
{
	struct notice_session *ns = s->notices;
	uint64_t bit = 1ull << (slot % 64);
	if (!ns || s->state != SESSION_OPEN || ns->waiting[slot / 64] & bit)
		return;
	ns->waiting[slot / 64] |= bit;
	ns->waiting_n++;
}

static void forget(struct engine *e, size_t slot)
{
	struct notices *t = e->notices;
	struct notice_kept *k = t->slots[slot].kept;
	for (struct session *s = e->sessions; s; s = s->next)
		unwait(s, slot);
	sum_sub(&t->sum, &k->id);
	t->links[k->link].kept--;
	t->n--;
	t->slots[slot].kept = NULL;
	free(k);
}

static void drop(struct engine *e, size_t slot)
{
	struct store_req *q = req_new(STORE_NOTICE_DROP);
	struct id32 *id = q ? arena_alloc(&q->mem, sizeof *id) : NULL;
	if (id) {
		*id = e->notices->slots[slot].kept->id;
		q->a.ids = id;
		q->a.n = 1;
		emit_store(e, q, NULL, notice_written, NULL);
	} else {
		free(q); /* the store's copy goes when it has expired, at the next start */
	}
	forget(e, slot);
}

/* SPEC 20.2: "When 4,096 are kept, one from the link that brought the most gives way, the oldest of them." */
static void make_room(struct engine *e, uint16_t incoming)
{
	struct notices *t = e->notices;
	uint16_t most = incoming;
	for (uint16_t i = 0; i < t->links_n; i++)
		if (t->links[i].kept > t->links[most].kept + (most == incoming))
			most = i;
	size_t oldest = LIMIT_NOTICES;
	for (size_t i = 0; i < LIMIT_NOTICES; i++) {
		const struct notice_kept *k = t->slots[i].kept;
		if (k && k->link == most && (oldest == LIMIT_NOTICES || k->nth < t->slots[oldest].kept->nth))
			oldest = i;
	}
	if (oldest < LIMIT_NOTICES)
		drop(e, oldest);
}

struct notice_kept *notice_keep(
	struct engine *e, uint16_t link, const struct id32 *id, uint32_t expires, struct slice bytes)
{
	struct notices *t = e->notices;
	if (t->n == LIMIT_NOTICES)
		make_room(e, link);
	size_t slot = 0;
	while (slot < LIMIT_NOTICES && t->slots[slot].kept)
		slot++;
	struct notice_kept *k = slot < LIMIT_NOTICES ? malloc(sizeof *k) : NULL;
	if (!k)
		return NULL;
	*k = (struct notice_kept){
		.id = *id, .expires = expires, .link = link, .nth = ++t->nth, .bytes_n = (uint16_t)bytes.n};
	memcpy(k->bytes, bytes.p, bytes.n);
	t->slots[slot].kept = k;
	t->slots[slot].head = be64_get(id->b);
	t->links[link].kept++;
	t->n++;
	sum_add(&t->sum, id);
	return k;
}

/* ---- passing on ---- */

/* SPEC 20.2: "What waits to be sent is taken in turn from the links by which it came" */
static size_t next_waiting(const struct notices *t, const struct notice_session *ns)
{
	size_t best = LIMIT_NOTICES;
	unsigned best_turn = 0;
	for (size_t i = 0; i < LIMIT_NOTICES; i++) {
		if (i % 64 == 0 && ns->waiting[i / 64] == 0) {
			i += 63;
			continue;
		}
		if (!(ns->waiting[i / 64] >> (i % 64) & 1))
			continue;
		const struct notice_kept *k = t->slots[i].kept;
		unsigned turn = (k->link + NOTICE_LINKS_MAX - 1u - ns->turn) % NOTICE_LINKS_MAX;
		if (best == LIMIT_NOTICES || turn < best_turn ||
			(turn == best_turn && k->nth < t->slots[best].kept->nth)) {
			best = i;
			best_turn = turn;
		}
	}
	return best;
}

/* A link keeps its number while it is connected. */
static bool linked(struct session *s)
{
	if (s->notices->link == 0)
		s->notices->link = link_of(s->e, &s->node);
	return s->notices->link != NOTICE_NO_LINK;
}

static void pump(struct session *s)
{
	struct engine *e = s->e;
	struct notices *t = e->notices;
	struct notice_session *ns = s->notices;
	if (!t || !ns || ns->waiting_n == 0 || !linked(s))
		return;
	while (s->state == SESSION_OPEN && ns->waiting_n) {
		size_t slot = next_waiting(t, ns);
		const struct notice_kept *k = t->slots[slot].kept;
		if (!notice_is_current(k->expires, e->wall_s / 3600)) {
			unwait(s, slot);
			continue;
		}
		if (!bucket_take(&t->links[ns->link].out, NOTICES_AT_ONCE, e->now_ms))
			return;
		unwait(s, slot);
		ns->turn = k->link;
		struct message_notice m = {.expires = k->expires, .bytes = slice_of(k->bytes, k->bytes_n)};
		emit_message(s, MESSAGE_NOTICE, &m);
	}
}

void notice_spread(struct engine *e, const struct id32 *id)
{
	size_t slot = e->notices ? find(e->notices, id) : LIMIT_NOTICES;
	if (slot == LIMIT_NOTICES)
		return; /* it gave way while it was written */
	struct session *next;
	for (struct session *s = e->sessions; s; s = next) {
		peer_hold(s);
		if (!id32_equal(&s->node, &e->notices->links[e->notices->slots[slot].kept->link].node))
			await(s, slot);
		pump(s);
		next = s->next;
		peer_release(s);
	}
}

/* ---- coming in ---- */

void notices_take(struct session *s, const struct message_notice *m)
{
	struct engine *e = s->e;
	if (!s->notices || !notices_ready(e) || !linked(s))
		return;
	uint16_t link = s->notices->link;
	/* SPEC 20.2: "a receiver drops what is more than 72 at once and one in 30 s, and what has expired, without a word" */
	if (!bucket_take(&e->notices->links[link].in, NOTICES_AT_ONCE_IN, e->now_ms) ||
		!notice_is_current(m->expires, e->wall_s / 3600))
		return;
	struct id32 id = notice_id((uint32_t)m->expires, m->bytes);
	size_t slot = find(e->notices, &id);
	if (slot < LIMIT_NOTICES) {
		unwait(s, slot);
		return;
	}
	if (!notice_keep(e, link, &id, (uint32_t)m->expires, m->bytes))
		return;
	/* Its effect is durable before the notice is: what a crash loses is sent again. */
	notice_try(e, &s->node, &id, m->bytes);
	if (!notice_find(e, &id))
		return;
	notice_store(e, &s->node, &id, (uint32_t)m->expires, m->bytes, NULL, 0);
}

/* ---- what the other side lacks ---- */

static void send_sum(struct session *s)
{
	s->notices->sum_ms = s->e->now_ms + NOTICE_SUM_MS;
	if (s->e->notices && s->e->notices->n) {
		struct message_notice_sum m = {.sum = s->e->notices->sum};
		emit_message(s, MESSAGE_NOTICE_SUM, &m);
	}
}

/* SPEC 20.2: "takes no more than one of each in 60 s" */
static bool too_soon(const struct session *s, uint64_t *last_ms)
{
	if (*last_ms && s->e->now_ms < *last_ms + NOTICE_COMPARE_MS)
		return true;
	*last_ms = s->e->now_ms;
	return false;
}

void notices_sum(struct session *s, const struct message_notice_sum *m)
{
	const struct notices *t = s->e->notices;
	static const struct id32 zero;
	if (!s->notices || too_soon(s, &s->notices->sum_taken_ms) || id32_equal(&m->sum, t ? &t->sum : &zero))
		return;
	uint8_t *ids = malloc(LIMIT_NOTICES * 8);
	size_t n = 0;
	if (!ids)
		return; /* the next sum is answered */
	for (size_t i = 0; t && i < LIMIT_NOTICES; i++)
		if (t->slots[i].kept)
			memcpy(ids + 8 * n++, t->slots[i].kept->id.b, 8);
	struct message_notice_ids answer = {.ids = slice_of(ids, 8 * n)};
	emit_message(s, MESSAGE_NOTICE_IDS, &answer);
	free(ids);
}

static int by_head(const void *a, const void *b)
{
	uint64_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

void notices_ids(struct session *s, const struct message_notice_ids *m)
{
	const struct notices *t = s->e->notices;
	if (m->ids.n % 8 != 0) {
		peer_close(s, ERR_WIRE, "ids of notices that are none");
		return;
	}
	if (!t || !s->notices || too_soon(s, &s->notices->ids_taken_ms))
		return;
	size_t n = m->ids.n / 8;
	uint64_t *heads = malloc((n + 1) * sizeof *heads);
	if (!heads)
		return;
	for (size_t i = 0; i < n; i++)
		heads[i] = be64_get(m->ids.p + 8 * i);
	qsort(heads, n, sizeof *heads, by_head);
	for (size_t i = 0; i < LIMIT_NOTICES; i++) {
		if (!t->slots[i].kept || !t->slots[i].kept->stored)
			continue;
		if (bsearch(&t->slots[i].head, heads, n, sizeof *heads, by_head))
			unwait(s, i);
		else
			await(s, i);
	}
	free(heads);
	pump(s);
}

/* ---- life of a session, time ---- */

void notices_session_open(struct session *s)
{
	s->notices = calloc(1, sizeof *s->notices);
	if (s->notices) /* without memory this connection carries none */
		send_sum(s);
}

void notices_session_deinit(struct session *s)
{
	free(s->notices);
	s->notices = NULL;
}

void notices_session_time(struct session *s)
{
	if (!s->notices)
		return;
	if (s->e->now_ms >= s->notices->sum_ms)
		send_sum(s);
	pump(s);
}

uint64_t notices_session_deadline(const struct session *s)
{
	const struct notices *t = s->e->notices;
	uint64_t d = UINT64_MAX;
	if (!t || !s->notices || t->n == 0)
		return d;
	d = s->notices->sum_ms;
	uint16_t link = s->notices->link;
	if (s->notices->waiting_n && link && link != NOTICE_NO_LINK && t->links[link].out.ms + NOTICE_MS < d)
		d = t->links[link].out.ms + NOTICE_MS;
	return d;
}

void notices_expire(struct engine *e)
{
	struct notices *t = e->notices;
	if (!t || e->now_ms < t->sweep_ms)
		return;
	t->sweep_ms = e->now_ms + NOTICE_SWEEP_MS;
	for (size_t i = 0; i < LIMIT_NOTICES; i++)
		if (t->slots[i].kept && !notice_is_current(t->slots[i].kept->expires, e->wall_s / 3600))
			drop(e, i);
}

void notices_deinit(struct engine *e)
{
	if (!e->notices)
		return;
	for (size_t i = 0; i < LIMIT_NOTICES; i++)
		free(e->notices->slots[i].kept);
	free(e->notices->links);
	free(e->notices);
	e->notices = NULL;
}

uint16_t notice_link_of(struct engine *e, const struct id32 *node)
{
	return link_of(e, node);
}

struct notice_kept *notice_find(struct engine *e, const struct id32 *id)
{
	size_t slot = e->notices ? find(e->notices, id) : LIMIT_NOTICES;
	return slot < LIMIT_NOTICES ? e->notices->slots[slot].kept : NULL;
}

void notice_forget(struct engine *e, const struct id32 *id)
{
	size_t slot = e->notices ? find(e->notices, id) : LIMIT_NOTICES;
	if (slot < LIMIT_NOTICES)
		forget(e, slot);
}
