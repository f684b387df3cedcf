/* members_look.c -- which followed identities have no live source, and who could be one. SPEC.md section 19.1. */
#include "members_int.h"

/* What followed the look is over: dial. */
static void look_end(struct engine *e)
{
	struct members *m = e->members;
	m->looking = false;
	m->looked = true;
	m->look_ms = e->now_ms + MEMBERS_LOOK_MS + e->follows_n;
	m->plan = true;
	members_surplus(e);
}

/* x could be the source of the identity with this number. */
static void covers(struct members *m, const struct id32 *node, size_t wanted)
{
	struct member *x = wanted < m->wanted_n ? members_find(m, node) : NULL;
	if (x)
		x->covers |= 1ull << wanted;
}

static void hosts_known(struct engine *e, struct session *s, void *ctx, struct keys *k)
{
	struct members *m = e->members;
	(void)s, (void)ctx;
	for (size_t i = 0; k->set && i < m->wanted_n; i++)
		if (id32_equal(&m->wanted[i], &k->identity))
			for (size_t j = 0; j < k->view.hostings_n; j++)
				covers(m, &k->view.hostings[j].node_key, i);
	if (--m->keys_left == 0)
		look_end(e);
}

/* SPEC 19.1: "to a node that follows it or that a hosting event in force names" */
static void followers_known(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct members *m = e->members;
	(void)s, (void)ctx;
	for (size_t i = 0; res->err == OK && i < res->r.n; i++)
		covers(m, &res->r.ids[i], (size_t)res->r.seqs[i]);
	m->keys_left = 1;
	for (size_t i = 0; i < m->wanted_n; i++) {
		m->keys_left++;
		keys_get(e, &m->wanted[i], NULL, hosts_known, NULL);
	}
	if (--m->keys_left == 0)
		look_end(e);
}

static void ask_followers(struct engine *e)
{
	struct members *m = e->members;
	struct store_req *q = req_new(STORE_FOLLOWERS);
	struct slice ids = {0};
	if (q && arena_put(&q->mem, slice_of(m->wanted, m->wanted_n * sizeof *m->wanted), &ids)) {
		q->a.ids = (const struct id32 *)(const void *)ids.p;
		q->a.n = m->wanted_n;
		q->a.max = MEMBERS_FOLLOWERS;
		engine_fill(e, q->a.node.b, sizeof q->a.node.b);
	}
	emit_store(e, q, NULL, followers_known, NULL);
}

struct looked { /* which connections the store was asked about */
	size_t n;
	conn_id conns[];
};

static void take_uses(struct engine *e, const struct looked *l, struct slice sole)
{
	for (struct session *s = e->sessions; s; s = s->next)
		for (size_t i = 0; i < l->n && i < sole.n; i++)
			if (l->conns[i] == s->conn) {
				s->sole = sole.p[i] != 0;
				s->looked = true;
			}
}

static void sources_known(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct members *m = e->members;
	struct looked *l = ctx;
	(void)s;
	m->wanted_n = 0;
	m->page_ms = UINT64_MAX;
	for (size_t i = 0; i < m->n; i++)
		m->all[i].covers = 0;
	if (res->err == OK) {
		take_uses(e, l, res->r.bytes);
		m->wanted_n = res->r.n;
		memcpy(m->wanted, res->r.ids, res->r.n * sizeof *m->wanted);
		bool page = res->r.count > res->r.n &&
			m->n; /* the others another time, if there is anybody */
		m->from = page && res->r.n == MEMBERS_WANTED ? res->r.ids[res->r.n - 1] : (struct id32){{0}};
		m->page_ms = page ? e->now_ms + MEMBERS_PAGE_MS : UINT64_MAX;
	}
	free(l);
	if (m->wanted_n && m->n)
		ask_followers(e);
	else
		look_end(e);
}

void members_look(struct engine *e)
{
	struct members *m = e->members;
	size_t n = 0;
	if (!m)
		return;
	m->look_again = !m->loaded || m->looking || e->now_ms < m->look_ms;
	if (m->look_again)
		return;
	for (struct session *s = e->sessions; s; s = s->next)
		n += s->state == SESSION_OPEN;
	n = n < LIMIT_PEERS ? n : LIMIT_PEERS;
	struct looked *l = calloc(1, sizeof *l + n * sizeof l->conns[0]);
	struct store_req *q = l ? req_new(STORE_SOURCES) : NULL;
	struct id32 *nodes = q ? arena_alloc(&q->mem, n * sizeof *nodes) : NULL;
	if (!nodes) {
		free(l);
		if (q)
			store_req_free(q);
		free(q);
		m->look_again = true;
		m->look_ms = e->now_ms + MEMBERS_LOOK_MS;
		return;
	}
	for (struct session *s = e->sessions; s && l->n < n; s = s->next)
		if (s->state == SESSION_OPEN) {
			nodes[l->n] = s->node;
			l->conns[l->n++] = s->conn;
		}
	q->a.ids = nodes;
	q->a.n = n;
	q->a.identity = m->from;
	q->a.node = e->config.node;
	q->a.max = MEMBERS_WANTED;
	m->looking = true;
	emit_store(e, q, NULL, sources_known, l);
}
