/* mesh.c -- see mesh.h. */
#include "tools/sim/mesh.h"

#include "protocol/log/entry.h"
#include "protocol/peer/message.h"

#include <stdio.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sim: %s\n", what);
	abort();
}

size_t mesh_number(const struct mesh *m, const struct world_node *n)
{
	return (size_t)(n - m->world->nodes);
}

static int writer_of(const struct mesh *m, const struct id32 *log)
{
	for (int w = 0; w < MESH_WRITERS; w++)
		if (id32_equal(log, &m->writers[w].log))
			return w;
	return -1;
}

static void body_arrives(
	struct mesh *m, const struct world_node *to, const struct world_node *from, int w, uint64_t seq)
{
	struct mesh_seen *at = &m->seen[mesh_number(m, to)][w][seq];
	if (seq < m->from[w])
		return;
	m->copies++;
	m->copies_at[mesh_number(m, to)]++;
	if (!at->hops)
		at->hops = (uint16_t)(1 + m->seen[mesh_number(m, from)][w][seq].hops);
}

static void arrived(void *ctx, const struct world_link *l, int to, int type, struct slice body)
{
	struct mesh *m = ctx;
	union message msg;
	int w;
	m->prunes += type == MESSAGE_PRUNE;
	m->grafts += type == MESSAGE_GRAFT;
	m->row_bytes += type == MESSAGE_CHANGES ? body.n : 0;
	if ((type != MESSAGE_RUN && type != MESSAGE_BODY) || message_decode((unsigned)type, body, &msg) != OK)
		return;
	if (type == MESSAGE_BODY) {
		w = writer_of(m, &msg.body.log);
		if (w >= 0 && msg.body.kind == BODY_HERE)
			body_arrives(m, l->nodes[to], l->nodes[!to], w, msg.body.seq);
		return;
	}
	struct mp_in in = message_list_open(&msg.run.parts);
	w = writer_of(m, &msg.run.log);
	for (size_t i = 0; w >= 0 && i < msg.run.parts.n; i++)
		if (message_next_part(&in).kind == BODY_HERE)
			body_arrives(m, l->nodes[to], l->nodes[!to], w, msg.run.first + i);
}

static void heard(void *ctx, struct world_node *n, const struct engine_event *ev)
{
	struct mesh *m = ctx;
	int w = ev->kind == ENGINE_EVENT_ENTRY ? writer_of(m, &ev->log) : -1;
	for (uint64_t i = 0; w >= 0 && i < ev->count; i++)
		m->seen[mesh_number(m, n)][w][ev->seq + i].ms = (uint32_t)m->world->now_ms;
}

static bool meddle(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	const struct mesh *m = ctx;
	(void)body;
	return *type != MESSAGE_PRUNE || l->nodes[!to] != m->never_prunes;
}

/* ---- the mesh ---- */

static void join(struct mesh *m, struct world_node *a, struct world_node *b)
{
	m->degrees[mesh_number(m, a)]++;
	m->degrees[mesh_number(m, b)]++;
	m->links++;
	world_admit(a, b);
	struct world_link *l = world_connect(a, b);
	for (int k = 0; k < 2; k++)
		l->delay_ms[k] = 10 + 10 * world_random(m->world, 5);
}

static bool joined(const struct mesh *m, const struct world_node *a, const struct world_node *b)
{
	for (size_t i = 0; i < m->world->links_n; i++) {
		const struct world_link *l = &m->world->links[i];
		if ((l->nodes[0] == a && l->nodes[1] == b) || (l->nodes[0] == b && l->nodes[1] == a))
			return true;
	}
	return false;
}

/* A ring, and links at random until most nodes have MESH_DEGREE_MAX. */
static void join_all(struct mesh *m)
{
	size_t n = m->nodes;
	for (size_t i = 0; i < n; i++)
		join(m, &m->world->nodes[i], &m->world->nodes[(i + 1) % n]);
	for (size_t tries = 0; tries < n * 20; tries++) {
		struct world_node *a = &m->world->nodes[world_random(m->world, n)],
				  *b = &m->world->nodes[world_random(m->world, n)];
		if (a != b && m->degrees[mesh_number(m, a)] < MESH_DEGREE_MAX &&
			m->degrees[mesh_number(m, b)] < MESH_DEGREE_MAX && !joined(m, a, b))
			join(m, a, b);
	}
}

void mesh_write(struct mesh *m, int w)
{
	struct engine_event ev = world_append(&m->world->nodes[w], &m->writers[w], 200);
	must(ev.err == OK && ev.seq < MESH_ENTRIES, "a writer does not write");
	m->born_ms[w][ev.seq] = m->world->now_ms;
	m->seen[w][w][ev.seq].hops = 1;
}

void mesh_write_all(struct mesh *m, int n, uint64_t ms)
{
	for (int i = 0; i < n; i++) {
		for (int w = 0; w < MESH_WRITERS; w++)
			mesh_write(m, w);
		world_run(m->world, ms);
	}
}

void mesh_grow(struct mesh *m, int n)
{
	for (int i = 0; i < n; i++) {
		for (int w = 0; w < MESH_WRITERS; w++) {
			mesh_write(m, w);
			world_run(m->world, 1600);
		}
	}
	world_run(m->world, 3000);
}

void mesh_measure(struct mesh *m)
{
	m->copies = m->prunes = m->grafts = m->row_bytes = 0;
	memset(m->copies_at, 0, sizeof m->copies_at);
	for (int w = 0; w < MESH_WRITERS; w++)
		m->from[w] = m->writers[w].length;
}

struct mesh_figures mesh_figures(const struct mesh *m)
{
	struct mesh_figures f = {0};
	uint64_t places = 0;
	for (int w = 0; w < MESH_WRITERS; w++) {
		for (uint64_t seq = m->from[w]; seq < m->writers[w].length; seq++) {
			f.entries++;
			for (size_t i = 0; i < m->nodes; i++) {
				const struct mesh_seen *at = &m->seen[i][w][seq];
				if (i == (size_t)w || !m->world->nodes[i].engine)
					continue;
				places++;
				f.missing += at->ms == 0;
				uint64_t hops = at->hops ? at->hops - 1u : 0,
					 ms = at->ms ? at->ms - m->born_ms[w][seq] : 0;
				f.hops_max = hops > f.hops_max ? hops : f.hops_max;
				f.ms_max = ms > f.ms_max ? ms : f.ms_max;
			}
		}
	}
	f.copies = (double)m->copies / (double)places;
	f.row_bytes = (double)m->row_bytes / (double)places;
	return f;
}

void mesh_lose(struct mesh *m, size_t n)
{
	while (n > 0) {
		struct world_node *lost =
			&m->world->nodes[MESH_WRITERS + world_random(m->world, m->nodes - MESH_WRITERS)];
		if (!lost->engine)
			continue;
		world_crash(lost);
		n--;
	}
}

void mesh_open(struct mesh *m, struct world *w, size_t nodes)
{
	char name[24];
	m->world = w;
	m->nodes = nodes;
	w->heard = heard;
	w->arrived = arrived;
	w->meddle = meddle;
	w->watcher = m;
	for (size_t i = 0; i < nodes; i++) {
		snprintf(name, sizeof name, "n%zu", i);
		struct world_node *n = world_node_new(w, name);
		if (i < MESH_WRITERS)
			must(world_person_new(n, &m->writers[i]) == OK, "a person is not made");
	}
	for (size_t i = 0; i < nodes; i++)
		for (size_t p = 0; p < MESH_WRITERS; p++)
			if (p != i)
				must(world_follow(&w->nodes[i], &m->writers[p].id) == OK,
					"a follow is refused");
	join_all(m);
	world_run(w, 5000);
	mesh_grow(m, 6);
}
