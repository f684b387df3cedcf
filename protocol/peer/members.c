/* members.c -- the members that this node knows, and what becomes of connections to them. SPEC.md section 19.1. */
#include "members_int.h"

struct member *members_find(struct members *m, const struct id32 *node)
{
	size_t lo = 0, hi = m->n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = id32_cmp(&m->all[mid].node, node);
		if (c == 0)
			return &m->all[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

uint64_t members_jitter(struct engine *e, uint64_t ms)
{
	return ms / 2 + engine_chance(e, ms / 2 + 1);
}

/* ---- the table ---- */

static uint32_t sum_of(uint32_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ b[i]) * 0x01000193u; /* FNV-1a */
	return sum;
}

static uint32_t sum_addresses(const char (*addresses)[LIMIT_ADDRESS_BYTES + 1], size_t n)
{
	uint32_t sum = 0x811c9dc5u;
	for (size_t i = 0; i < n; i++)
		sum = sum_of(sum, addresses[i], strlen(addresses[i]) + 1);
	return sum;
}

/* Its own word that it is elsewhere is tried at once; what others say may be a lie, and waits. */
static void take_row(struct engine *e, struct member *x, const struct store_peer *p, bool known)
{
	uint32_t sum = sum_addresses(p->addresses, p->addresses_n);
	uint32_t heard = sum_addresses(p->heard, p->heard_n) ^
		sum_of(0x811c9dc5u, p->through, p->through_n * sizeof *p->through);
	uint64_t later = e->now_ms + members_jitter(e, 20000);
	bool moved = !known || sum != x->sum || !x->reachable;
	if (moved && e->now_ms >= x->moved_ms) {
		x->pause_ms = MEMBERS_PAUSE_MS;
		x->due_ms = 0;
		x->moved_ms = known ? e->now_ms + MEMBERS_MOVED_MS : 0;
	} else if (heard != x->heard_sum && later < x->due_ms) {
		x->due_ms = later;
	}
	x->told = x->told && known && sum == x->sum && heard == x->heard_sum;
	x->sum = sum;
	x->heard_sum = heard;
	x->reachable = p->addresses_n || p->heard_n || p->through_n;
	x->met = p->follows_known;
	x->seen_s = p->seen_s > x->seen_s ? p->seen_s : x->seen_s;
}

/* True: there are members that were not there before. */
static bool take_rows(struct engine *e, const struct store_peer *rows, size_t n)
{
	struct members *m = e->members;
	struct member *all = calloc(n ? n : 1, sizeof *all);
	size_t k = 0;
	bool more = false;
	if (!all)
		return false; /* the table stays as it was until the next reading */
	for (size_t i = 0; i < n; i++) {
		if (rows[i].origin == PEER_REMOVED || id32_equal(&rows[i].node, &e->config.node))
			continue;
		const struct member *old = members_find(m, &rows[i].node);
		if (old)
			all[k] = *old;
		more = more || !old;
		all[k].node = rows[i].node;
		take_row(e, &all[k++], &rows[i], old != NULL);
	}
	free(m->all);
	m->all = all;
	m->n = k;
	return more;
}

static void loaded(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct members *m = e->members;
	(void)s, (void)ctx;
	m->loading = false;
	m->load_ms = e->now_ms + MEMBERS_LOAD_MS;
	if (res->err != OK)
		return;
	bool more = take_rows(e, res->r.peers, res->r.n);
	m->loaded = m->plan = true;
	if (more)
		members_hear_again(e);
	members_look(e);
}

void members_load(struct engine *e)
{
	struct members *m = e->members;
	if (!m)
		return;
	m->load_again = m->loading || e->now_ms < m->load_ms;
	if (m->load_again)
		return;
	m->loading = true;
	emit_store(e, req_new(STORE_PEER_LIST), NULL, loaded, NULL);
}

/* ---- connections ---- */

void members_opened(struct session *s)
{
	struct members *m = s->e->members;
	s->open_ms = s->e->now_ms;
	if (!m)
		return;
	struct member *x = members_find(m, &s->node);
	if (x) {
		x->dialling = x->urgent = x->out_of_reach = false;
		x->enough_ms = 0;
		x->seen_s = s->e->wall_s;
	}
	members_tell(s, false);
	members_load(s->e);
	members_look(s->e);
	m->plan = true;
}

void members_follows(struct session *s)
{
	struct member *x = s->e->members ? members_find(s->e->members, &s->node) : NULL;
	if (x)
		x->met = true;
	members_look(s->e);
}

static void later(struct engine *e, struct member *x, bool longer)
{
	uint64_t most = e->config.redial_max_ms;
	x->due_ms = e->now_ms + members_jitter(e, x->pause_ms);
	if (longer)
		x->pause_ms = x->pause_ms * 2 < most ? x->pause_ms * 2 : most;
}

/* SPEC 19.1: "one that cannot be reached, or with which a connection ends within 30 s, however it ends, is tried again after a pause that
 * doubles" -- who opens and closes in good order can do so as often as he likes. */
static bool came_to_something(const struct session *s, bool was_open)
{
	return was_open && s->e->now_ms >= s->open_ms + MEMBERS_SETTLED_MS;
}

void members_closed(struct session *s, enum err code, bool was_open)
{
	struct members *m = s->e->members;
	struct member *x = m ? members_find(m, &s->node) : NULL;
	if (!m)
		return;
	m->plan = true;
	if (was_open)
		members_look(s->e);
	if (!x)
		return;
	x->dialling = false;
	x->out_of_reach = !was_open;
	bool good = came_to_something(s, was_open);
	if (good)
		x->pause_ms = MEMBERS_PAUSE_MS;
	later(s->e, x, !good);
	if (was_open)
		x->seen_s = s->e->wall_s;
	if (code == ERR_ENOUGH)
		x->enough_ms = s->e->now_ms + MEMBERS_ENOUGH_MS;
}

void members_unreached(struct engine *e, const struct id32 *node)
{
	struct members *m = e->members;
	struct member *x = m ? members_find(m, node) : NULL;
	if (!x || !x->dialling)
		return;
	x->dialling = x->urgent = false;
	x->out_of_reach = true;
	later(e, x, true);
	m->plan = true;
}

/* ---- what somebody here knows ---- */

struct heard {
	struct id32 node;
	uint64_t tag;
};

static void heard_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct heard *h = ctx;
	struct member *x = e->members ? members_find(e->members, &h->node) : NULL;
	(void)s;
	if (res->err == OK && x) {
		x->reachable = x->urgent = e->members->plan = true;
		x->due_ms = 0;
		x->pause_ms = MEMBERS_PAUSE_MS;
	}
	if (res->err == OK)
		members_load(e);
	if (h->tag)
		command_answer(e, h->tag, res->err);
	free(h);
}

void members_heard(struct engine *e, const struct id32 *node, const struct slice *addresses, size_t n,
	bool local, uint64_t tag)
{
	static const struct id32 nobody;
	struct heard *h = calloc(1, sizeof *h);
	struct store_req *q = h
		? members_heard_req(node, addresses, n, local ? &nobody : &e->config.node, e->wall_s)
		: NULL;
	if (h)
		*h = (struct heard){.node = *node, .tag = tag};
	if (q) {
		emit_store(e, q, NULL, heard_stored, h);
		return;
	}
	free(h);
	if (tag)
		command_answer(e, tag, ERR_MEMORY);
}

/* ---- time, life ---- */

void members_time(struct engine *e)
{
	struct members *m = e->members;
	uint64_t now = e->now_ms;
	if (!m || !m->loaded)
		return;
	if (m->load_again && now >= m->load_ms)
		members_load(e);
	if ((m->look_again && now >= m->look_ms) || now >= m->page_ms) {
		m->page_ms = UINT64_MAX;
		members_look(e);
	}
	if (now >= m->due_ms || now >= m->meet_ms)
		m->plan = true;
	if (now < m->tell_ms)
		return;
	m->tell_ms = now + members_jitter(e, MEMBERS_TELL_MS * 4 / 3);
	members_load(e);
	size_t open = 0;
	for (struct session *s = e->sessions; s; s = s->next)
		open += s->state == SESSION_OPEN;
	uint64_t pick = engine_chance(e, open);
	for (struct session *s = e->sessions; s && open; s = s->next)
		if (s->state == SESSION_OPEN && pick-- == 0) {
			members_tell(s, false);
			return;
		}
}

uint64_t members_deadline(const struct engine *e)
{
	const struct members *m = e->members;
	if (!m || !m->loaded)
		return UINT64_MAX;
	uint64_t d = m->tell_ms < m->meet_ms ? m->tell_ms : m->meet_ms;
	d = m->due_ms < d ? m->due_ms : d;
	d = m->page_ms < d ? m->page_ms : d;
	if (m->load_again && !m->loading && m->load_ms < d)
		d = m->load_ms;
	if (m->look_again && !m->looking && m->look_ms < d)
		d = m->look_ms;
	return d;
}

void members_pump(struct engine *e)
{
	struct members *m = e->members;
	if (!m || !m->looked || !m->plan || e->closing || !e->booted)
		return;
	m->plan = false;
	members_plan(e);
}

bool members_start(struct engine *e)
{
	if (!e->config.gossip)
		return true;
	e->members = calloc(1, sizeof *e->members);
	if (!e->members)
		return false;
	if (!e->config.redial_max_ms)
		e->config.redial_max_ms = 60000;
	engine_fill(e, e->members->key, sizeof e->members->key);
	e->members->tell_ms = e->now_ms + members_jitter(e, MEMBERS_TELL_MS);
	e->members->meet_ms = e->now_ms + members_jitter(e, MEMBERS_MEET_MS);
	e->members->page_ms = e->members->due_ms = UINT64_MAX;
	members_load(e);
	return true;
}

void members_deinit(struct engine *e)
{
	if (!e->members)
		return;
	free(e->members->all);
	free(e->members);
	e->members = NULL;
}
