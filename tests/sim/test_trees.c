/* timeout: 600
 * A mesh of nodes: what one new entry costs, how far it goes, and what is repaired when nodes are lost. SPEC.md section 19.3.
 *
 * MESH_NODES=N for another size. */
#include "protocol/log/entry.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"
#include "tools/sim/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NODES_MAX WORLD_NODES_MAX
#define WRITERS 4
#define ENTRIES 160 /* of one writer at most */
#define DEGREE_MAX 6

struct seen {
	uint16_t hops; /* 0: not there yet */
	uint32_t ms;
};

static struct mesh {
	size_t nodes, degrees[NODES_MAX];
	struct world_person writers[WRITERS];
	uint64_t from[WRITERS]; /* seq of the first entry that is measured */
	uint64_t born_ms[WRITERS][ENTRIES];
	struct seen seen[NODES_MAX][WRITERS][ENTRIES];
	uint64_t copies, copies_at[NODES_MAX], prunes, grafts, row_bytes;
	struct world_node *never_prunes;
	struct disks *disks;
} mesh;

static size_t number_of(const struct world_node *n)
{
	return (size_t)(n - world.nodes);
}

static int writer_of(const struct id32 *log)
{
	for (int w = 0; w < WRITERS; w++)
		if (id32_equal(log, &mesh.writers[w].log))
			return w;
	return -1;
}

static void body_arrives(const struct world_node *to, const struct world_node *from, int w, uint64_t seq)
{
	struct seen *at = &mesh.seen[number_of(to)][w][seq];
	if (seq < mesh.from[w])
		return;
	mesh.copies++;
	mesh.copies_at[number_of(to)]++;
	if (!at->hops)
		at->hops = (uint16_t)(1 + mesh.seen[number_of(from)][w][seq].hops);
}

static void arrived(void *ctx, const struct world_link *l, int to, int type, struct slice body)
{
	union message m;
	int w;
	(void)ctx;
	mesh.prunes += type == MESSAGE_PRUNE;
	mesh.grafts += type == MESSAGE_GRAFT;
	mesh.row_bytes += type == MESSAGE_CHANGES ? body.n : 0;
	if ((type != MESSAGE_RUN && type != MESSAGE_BODY) || message_decode((unsigned)type, body, &m) != OK)
		return;
	if (type == MESSAGE_BODY) {
		w = writer_of(&m.body.log);
		if (w >= 0 && m.body.kind == BODY_HERE)
			body_arrives(l->nodes[to], l->nodes[!to], w, m.body.seq);
		return;
	}
	struct mp_in in = message_list_open(&m.run.parts);
	w = writer_of(&m.run.log);
	for (size_t i = 0; w >= 0 && i < m.run.parts.n; i++)
		if (message_next_part(&in).kind == BODY_HERE)
			body_arrives(l->nodes[to], l->nodes[!to], w, m.run.first + i);
}

static void heard(void *ctx, struct world_node *n, const struct engine_event *ev)
{
	int w = ev->kind == ENGINE_EVENT_ENTRY ? writer_of(&ev->log) : -1;
	(void)ctx;
	for (uint64_t i = 0; w >= 0 && i < ev->count; i++)
		mesh.seen[number_of(n)][w][ev->seq + i].ms = (uint32_t)world.now_ms;
}

static bool meddle(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	(void)ctx, (void)body;
	return *type != MESSAGE_PRUNE || l->nodes[!to] != mesh.never_prunes;
}

/* ---- the mesh ---- */

static void join(struct world_node *a, struct world_node *b)
{
	mesh.degrees[number_of(a)]++;
	mesh.degrees[number_of(b)]++;
	world_admit(a, b);
	struct world_link *l = world_connect(a, b);
	for (int k = 0; k < 2; k++)
		l->delay_ms[k] = 10 + 10 * world_random(&world, 5);
}

static bool joined(const struct world_node *a, const struct world_node *b)
{
	for (size_t i = 0; i < world.links_n; i++) {
		const struct world_link *l = &world.links[i];
		if ((l->nodes[0] == a && l->nodes[1] == b) || (l->nodes[0] == b && l->nodes[1] == a))
			return true;
	}
	return false;
}

/* A ring, and links at random until most nodes have DEGREE_MAX. */
static void join_all(void)
{
	size_t n = mesh.nodes;
	for (size_t i = 0; i < n; i++)
		join(&world.nodes[i], &world.nodes[(i + 1) % n]);
	for (size_t tries = 0; tries < n * 20; tries++) {
		struct world_node *a = &world.nodes[world_random(&world, n)],
				  *b = &world.nodes[world_random(&world, n)];
		if (a != b && mesh.degrees[number_of(a)] < DEGREE_MAX &&
			mesh.degrees[number_of(b)] < DEGREE_MAX && !joined(a, b))
			join(a, b);
	}
}

static void write_one(int w)
{
	struct engine_event ev = world_append(&world.nodes[w], &mesh.writers[w], 200);
	assert_int_equal(ev.err, OK);
	assert_true(ev.seq < ENTRIES);
	mesh.born_ms[w][ev.seq] = world.now_ms;
	mesh.seen[w][w][ev.seq].hops = 1;
}

/* Each writer writes n entries, one every `ms`, all at once. */
static void write_all(int n, uint64_t ms)
{
	for (int i = 0; i < n; i++) {
		for (int w = 0; w < WRITERS; w++)
			write_one(w);
		world_run(&world, ms);
	}
}

/* The trees grow: two writers at once may each cut what the other needs, which a graft mends. */
static void grow(int n)
{
	for (int i = 0; i < n; i++) {
		for (int w = 0; w < WRITERS; w++) {
			write_one(w);
			world_run(&world, 1600);
		}
	}
	world_run(&world, 3000);
}

static void measure_from_here(void)
{
	mesh.copies = mesh.prunes = mesh.grafts = mesh.row_bytes = 0;
	memset(mesh.copies_at, 0, sizeof mesh.copies_at);
	for (int w = 0; w < WRITERS; w++)
		mesh.from[w] = mesh.writers[w].length;
}

static int open_mesh(void **state)
{
	const char *size = getenv("MESH_NODES");
	char name[24];
	if (open_world(state) != 0)
		return -1;
	memset(&mesh, 0, sizeof mesh);
	const char *v = getenv("V");
	mesh.nodes = size ? strtoull(size, NULL, 10) : v && strstr(v, "san") ? 40 : 200;
	mesh.disks = world.disks = disks_new(1);
	world.heard = heard;
	world.arrived = arrived;
	world.meddle = meddle;
	for (size_t i = 0; i < mesh.nodes; i++) {
		snprintf(name, sizeof name, "n%zu", i);
		struct world_node *n = world_node_new(&world, name);
		if (i < WRITERS)
			assert_int_equal(world_person_new(n, &mesh.writers[i]), OK);
	}
	for (size_t i = 0; i < mesh.nodes; i++)
		for (size_t w = 0; w < WRITERS; w++)
			if (w != i)
				assert_int_equal(world_follow(&world.nodes[i], &mesh.writers[w].id), OK);
	join_all();
	world_run(&world, 5000);
	grow(6);
	return 0;
}

static int close_mesh(void **state)
{
	int rc = close_world(state);
	disks_free(mesh.disks);
	return rc;
}

struct figures {
	uint64_t entries, missing, hops_max, ms_max;
	double copies; /* of an entry for each node */
};

/* Of what was written since measure_from_here, at the nodes that run. */
static struct figures figures(void)
{
	struct figures f = {0};
	uint64_t places = 0;
	for (int w = 0; w < WRITERS; w++) {
		for (uint64_t seq = mesh.from[w]; seq < mesh.writers[w].length; seq++) {
			f.entries++;
			for (size_t i = 0; i < mesh.nodes; i++) {
				const struct seen *at = &mesh.seen[i][w][seq];
				if (i == (size_t)w || !world.nodes[i].engine)
					continue;
				places++;
				f.missing += at->ms == 0;
				uint64_t hops = at->hops ? at->hops - 1u : 0,
					 ms = at->ms ? at->ms - mesh.born_ms[w][seq] : 0;
				f.hops_max = hops > f.hops_max ? hops : f.hops_max;
				f.ms_max = ms > f.ms_max ? ms : f.ms_max;
			}
		}
	}
	f.copies = (double)mesh.copies / (double)places;
	print_message(
		"%zu nodes, %llu entries: %.3f copies, %llu hops, %llu ms at most; %llu missing; %llu prunes, %llu grafts, "
		"%.0f bytes of rows for each entry and node\n",
		mesh.nodes, (unsigned long long)f.entries, f.copies, (unsigned long long)f.hops_max,
		(unsigned long long)f.ms_max, (unsigned long long)f.missing, (unsigned long long)mesh.prunes,
		(unsigned long long)mesh.grafts, (double)mesh.row_bytes / (double)places);
	return f;
}

/* ---- */

static void an_entry_goes_to_each_node_about_once(void **state)
{
	(void)state;
	measure_from_here();
	write_all(10, 300); /* several are on their way at once */
	world_run(&world, 10000);
	struct figures f = figures();
	assert_int_equal(f.missing, 0);
	assert_true(f.copies <= 1.1);
	assert_true(f.hops_max <= 12);
}

static void who_never_prunes_pays_for_it_alone(void **state)
{
	uint64_t others = 0, places = 0;
	(void)state;
	mesh.never_prunes = &world.nodes[mesh.nodes / 2];
	for (uint64_t t = 0; t < 8; t++) /* and its links are all eager to begin with */
		for (size_t i = 0; i < world.links_n; i++)
			for (int k = 0; k < 2; k++)
				if (world.links[i].nodes[k] == mesh.never_prunes)
					world_send(&world.links[i], !k, MESSAGE_GRAFT,
						slice_of((uint8_t[]){0x91, (uint8_t)t}, 2));
	measure_from_here();
	write_all(10, 500);
	world_run(&world, 5000);
	struct figures f = figures();
	assert_int_equal(f.missing, 0);
	for (size_t i = 0; i < mesh.nodes; i++)
		if (&world.nodes[i] != mesh.never_prunes)
			others += mesh.copies_at[i];
	places = f.entries * (mesh.nodes - 1) - f.entries; /* each writer has its own */
	assert_true((double)others / (double)places <= 1.1);
	size_t at = number_of(mesh.never_prunes);
	assert_true(mesh.copies_at[at] > f.entries); /* it does pay */
	assert_true(mesh.copies_at[at] <= f.entries * (mesh.degrees[at] + 1));
}

static void what_lost_nodes_no_longer_pass_on_comes_another_way(void **state)
{
	size_t lost = 0;
	(void)state;
	mesh.never_prunes = NULL;
	measure_from_here();
	write_all(2, 100);
	for (int w = 0; w < WRITERS; w++)
		write_one(w);
	world_run(&world, 30); /* on its way */
	while (lost < mesh.nodes / 5) {
		struct world_node *n = &world.nodes[WRITERS + world_random(&world, mesh.nodes - WRITERS)];
		lost += n->engine != NULL;
		if (n->engine)
			world_crash(n);
	}
	write_all(4, 500);
	world_run(&world, 8000);
	struct figures f = figures();
	assert_int_equal(f.missing, 0);
	assert_true(mesh.grafts > 0);
	grow(6);
	measure_from_here();
	write_all(8, 500);
	world_run(&world, 5000);
	f = figures(); /* the trees are whole again: nobody waits for a lazy row */
	assert_int_equal(f.missing, 0);
	assert_true(f.copies <= 1.1);
	assert_true(f.ms_max < 1000);
}

/* A peer that turns a link to and fro as fast as it can. */
static void a_flood_of_grafts_and_prunes_changes_nothing_for_others(void **state)
{
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben"),
			  *c = world_node_new(&world, "cas");
	struct world_person p;
	struct store_log l;
	(void)state;
	memset(&mesh, 0, sizeof mesh);
	assert_int_equal(world_person_new(a, &p), OK);
	world_admit(a, b);
	world_admit(a, c);
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(c, &p.id), OK);
	struct world_link *flood = world_connect(b, a), *other = world_connect(c, a);
	world_run(&world, 3000);
	uint64_t flood_before = flood->delivered, other_before = other->delivered;
	for (int i = 0; i < 20000; i++)
		world_send(flood, 1, i % 2 ? MESSAGE_GRAFT : MESSAGE_PRUNE,
			slice_of((uint8_t[]){0x91, (uint8_t)(i / 2 % 8)}, 2));
	for (int i = 0; i < 20; i++)
		assert_int_equal(world_append(a, &p, 100).err, OK);
	world_run(&world, 0); /* no time passes */
	assert_int_equal(world_log(c, &p.log, &l), OK);
	assert_int_equal(l.length, 21);
	world_run(&world, 3000);
	assert_int_equal(world_log(b, &p.log, &l), OK);
	assert_int_equal(l.length, 21);
	assert_true(flood->open[0] && other->delivered - other_before < 60);
	assert_true(flood->delivered - flood_before <
		20000 + 100); /* what was sent, and no more than others get */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_goes_to_each_node_about_once),
		cmocka_unit_test(who_never_prunes_pays_for_it_alone),
		cmocka_unit_test(what_lost_nodes_no_longer_pass_on_comes_another_way),
	};
	const struct CMUnitTest small[] = {
		WORLD_TEST(a_flood_of_grafts_and_prunes_changes_nothing_for_others),
	};
	int failed = cmocka_run_group_tests(small, NULL, NULL);
	return failed + cmocka_run_group_tests(tests, open_mesh, close_mesh);
}
