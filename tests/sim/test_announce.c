/* Nothing is announced before its commit: SPEC.md section 10.6, for everything that a node says it has.
 *
 * The world executes store requests late and tells the engine of the results later still, in an order that the seed chooses. Beside it
 * stands a ledger of what the store had committed when the engine was told. Each message that leaves is held against it. A driver that
 * answers before it has written is run through the same check, which then must find it out. */
#include "protocol/log/entry.h"
#include "protocol/log/hash.h"
#include "protocol/peer/message.h"
#include "tests/support/files.h"
#include "tools/sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define NODES 3
#define LOGS 8
#define ENTRIES 1024
#define EVENTS 64
#define SEEDS 50

struct ledger_log {
	struct id32 log;
	uint64_t length;
	struct id32 ids[ENTRIES];
	bool body[ENTRIES], erased[ENTRIES];
};

struct key_set {
	struct id32 identity, sum;
	uint64_t count;
};

struct cursor {
	struct id32 node;
	uint8_t instance[16];
	uint64_t number;
};

/* What one node's store has committed. */
struct ledger {
	uint64_t number;
	size_t logs_n, events_n, sets_n, cursors_n;
	struct ledger_log logs[LOGS];
	struct id32 events[EVENTS];
	struct key_set sets[EVENTS];
	struct cursor cursors[4096];
};

static struct world world;
static struct ledger ledgers[NODES];
static uint64_t seen[MESSAGE_COUNT]; /* messages checked, by type */
static uint64_t seed;
static bool stop_at_first;
static uint64_t found; /* messages that said too much */

static struct ledger *ledger_of(const struct world_node *n)
{
	return &ledgers[n - world.nodes];
}

static struct ledger_log *ledger_log(struct ledger *l, const struct id32 *log)
{
	for (size_t i = 0; i < l->logs_n; i++)
		if (id32_equal(&l->logs[i].log, log))
			return &l->logs[i];
	assert_true(l->logs_n < LOGS);
	l->logs[l->logs_n] = (struct ledger_log){.log = *log};
	return &l->logs[l->logs_n++];
}

/* ---- the ledger is written ---- */

static void enter_run(struct ledger *l, const struct store_req *q)
{
	struct ledger_log *g = ledger_log(l, &q->a.log);
	assert_int_equal(g->length, q->a.first);
	assert_true(g->length + q->a.n <= ENTRIES);
	for (size_t i = 0; i < q->a.n; i++, g->length++) {
		g->ids[g->length] = entry_id(q->a.parts[i].header);
		g->body[g->length] = q->a.parts[i].kind == BODY_HERE;
		g->erased[g->length] = q->a.parts[i].kind == BODY_ERASED;
	}
}

static void enter_keys(struct ledger *l, const struct store_req *q)
{
	assert_true(l->events_n + q->a.events_n <= EVENTS && l->sets_n < EVENTS);
	for (size_t i = 0; i < q->a.events_n; i++)
		l->events[l->events_n++] = q->a.events[i].id;
	l->sets[l->sets_n++] = (struct key_set){
		.identity = q->a.identity, .sum = q->a.sum, .count = q->a.count};
}

static void enter_cursor(struct ledger *l, const struct store_req *q)
{
	assert_true(l->cursors_n < sizeof l->cursors / sizeof *l->cursors);
	struct cursor *c = &l->cursors[l->cursors_n++];
	*c = (struct cursor){.node = q->a.node, .number = q->a.number};
	memcpy(c->instance, q->a.instance, 16);
}

static void committed(void *ctx, struct world_node *n, const struct store_req *q, const struct store_res *res,
	uint64_t number)
{
	struct ledger *l = ledger_of(n);
	(void)ctx;
	l->number = number > l->number ? number : l->number;
	if (res->err != OK)
		return;
	if (q->op == STORE_RUN_PUT)
		enter_run(l, q);
	else if (q->op == STORE_BODY_PUT)
		ledger_log(l, &q->a.log)->body[q->a.seq] = true;
	else if (q->op == STORE_ERASED_PUT)
		ledger_log(l, &q->a.log)->erased[q->a.seq] = true;
	else if (q->op == STORE_IDENTITY_PUT)
		enter_keys(l, q);
	else if (q->op == STORE_CURSOR_PUT)
		enter_cursor(l, q);
}

/* ---- messages are held against it ---- */

static bool entry_there(struct ledger *l, const struct id32 *log, uint64_t seq, const struct id32 *id)
{
	struct ledger_log *g = ledger_log(l, log);
	return seq < g->length && (!id || id32_equal(&g->ids[seq], id));
}

static bool part_there(struct ledger *l, const struct id32 *log, uint64_t seq, uint64_t kind)
{
	struct ledger_log *g = ledger_log(l, log);
	if (seq >= g->length)
		return false;
	return kind == BODY_HERE ? g->body[seq] : kind == BODY_ERASED ? g->erased[seq] : true;
}

static bool run_there(struct ledger *l, const struct message_run *m)
{
	struct mp_in in = message_list_open(&m->parts);
	bool good = m->number <= l->number;
	for (size_t i = 0; i < m->parts.n; i++) {
		struct id32 id = entry_id(m->headers.p + i * ENTRY_HEADER_BYTES);
		struct message_part p = message_next_part(&in);
		good = good && entry_there(l, &m->log, m->first + i, &id) &&
			part_there(l, &m->log, m->first + i, p.kind);
	}
	return good;
}

static bool row_there(struct ledger *l, const struct message_row *r)
{
	if (r->kind == 1)
		return r->count == 0 || entry_there(l, &r->log, r->count - 1, &r->last);
	for (size_t i = 0; i < l->sets_n; i++)
		if (id32_equal(&l->sets[i].identity, &r->identity) && l->sets[i].count == r->count &&
			id32_equal(&l->sets[i].sum, &r->sum))
			return true;
	return r->count == 0;
}

static bool changes_there(struct ledger *l, const struct message_changes *m)
{
	struct mp_in in = message_list_open(&m->rows);
	bool good = m->number <= l->number;
	for (size_t i = 0; i < m->rows.n; i++) {
		struct message_row r = message_next_row(&in);
		good = good && row_there(l, &r);
	}
	return good;
}

static bool keys_there(struct ledger *l, const struct message_keys *m)
{
	struct mp_in in = message_list_open(&m->events);
	bool good = true;
	for (size_t i = 0; i < m->events.n; i++) {
		struct slice bytes, signatures;
		bool there = false;
		message_next_event(&in, &bytes, &signatures);
		struct id32 id = hash_parts(HASH_KEYEVENT, &bytes, 1);
		for (size_t k = 0; k < l->events_n; k++)
			there = there || id32_equal(&l->events[k], &id);
		good = good && there;
	}
	return good;
}

static bool hello_there(struct ledger *l, const struct world_node *to, const struct message_hello *m)
{
	static const uint8_t none[16];
	if (m->number > l->number)
		return false;
	for (size_t i = 0; i < l->cursors_n; i++)
		if (id32_equal(&l->cursors[i].node, &to->key) && m->cursor_instance.n == 16 &&
			memcmp(l->cursors[i].instance, m->cursor_instance.p, 16) == 0 &&
			l->cursors[i].number == m->cursor)
			return true;
	return m->cursor == 0 && memcmp(m->cursor_instance.p, none, 16) == 0;
}

static bool ids_there(struct ledger *l, const struct message_ids *m)
{
	struct mp_in in = message_list_open(&m->ids);
	bool good = true;
	for (size_t i = 0; i < m->ids.n; i++) {
		struct id32 id;
		bool there = !message_next_id_or_none(&in, &id);
		for (size_t g = 0; g < l->logs_n; g++)
			for (uint64_t k = 0; k < l->logs[g].length; k++)
				there = there || id32_equal(&l->logs[g].ids[k], &id);
		good = good && there;
	}
	return good;
}

static bool erased_there(struct ledger *l, const struct message_erased *m)
{
	struct mp_in in = message_list_open(&m->statements);
	bool good = true;
	for (size_t i = 0; i < m->statements.n; i++)
		good = good && part_there(l, &m->log, be64_get(message_next_bytes(&in).p + 40), BODY_ERASED);
	return good;
}

static void sent(void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	struct ledger *l = ledger_of(from);
	union message m;
	bool good = true;
	(void)ctx;
	assert_int_equal(message_decode(type, body, &m), OK);
	seen[type]++;
	if (type == MESSAGE_HELLO)
		good = hello_there(l, to, &m.hello);
	else if (type == MESSAGE_CHANGES)
		good = changes_there(l, &m.changes);
	else if (type == MESSAGE_RUN)
		good = run_there(l, &m.run);
	else if (type == MESSAGE_BODY)
		good = m.body.kind > BODY_ERASED || part_there(l, &m.body.log, m.body.seq, m.body.kind);
	else if (type == MESSAGE_KEYS)
		good = keys_there(l, &m.keys);
	else if (type == MESSAGE_IDS)
		good = ids_there(l, &m.ids);
	else if (type == MESSAGE_ERASED)
		good = erased_there(l, &m.erased);
	if (good)
		return;
	found++;
	if (!stop_at_first)
		fail_msg("seed %llu: %s sent %s to %s before it was committed", (unsigned long long)seed,
			from->name, message_desc(type)->name, to->name);
}

/* ---- the story ---- */

static struct world_person people[2];

static void begin_world(bool lies)
{
	static const char *const names[NODES] = {"ann", "ben", "cas"};
	char dir[64];
	snprintf(dir, sizeof dir, "%s/quire-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	memset(ledgers, 0, sizeof ledgers);
	world_init(&world, seed, dir);
	world.sent = sent;
	world.committed = committed;
	for (int i = 0; i < NODES; i++)
		world_node_new(&world, names[i]);
	for (int i = 0; i < 2; i++)
		world_person_new(&world.nodes[i], &people[i]);
	for (int i = 0; i < NODES; i++) {
		world_admit(&world.nodes[i], &world.nodes[(i + 1) % NODES]);
		for (int k = 0; k < 2; k++)
			assert_int_equal(world_follow(&world.nodes[i], &people[k].id), OK);
	}
	world.lies = lies;
}

static void crash(struct world_node *n)
{
	world_crash(n);
	world_restart(n);
}

/* The connection of node i and the next one, or NULL. */
static struct world_link *link_of(int i)
{
	const struct world_node *a = &world.nodes[i], *b = &world.nodes[(i + 1) % NODES];
	for (size_t k = 0; k < world.links_n; k++) {
		struct world_link *l = &world.links[k];
		if ((l->open[0] || l->open[1]) &&
			((l->nodes[0] == a && l->nodes[1] == b) || (l->nodes[0] == b && l->nodes[1] == a)))
			return l;
	}
	return NULL;
}

static void connect_pair(int i)
{
	if (!link_of(i))
		(void)world_connect(&world.nodes[i], &world.nodes[(i + 1) % NODES]);
}

static void act(void)
{
	int i = (int)world_random(&world, NODES), who = (int)world_random(&world, 2);
	uint64_t what = world_random(&world, 20);
	if (what < 12) {
		for (uint64_t k = world_random(&world, 4); k > 0; k--)
			world_append_begin(
				&world.nodes[who], &people[who], world_random(&world, 10) ? 60 : 45000);
	} else if (what < 16) {
		connect_pair(i);
	} else if (what < 17 && link_of(i)) {
		world_cut(link_of(i));
	} else if (what < 18) {
		crash(&world.nodes[i]);
	} else if (what < 19) {
		world_erase_begin(&world.nodes[who], &people[who], world_random(&world, 20));
	}
	for (uint64_t k = world_random(&world, 40); k > 0 && world_step(&world); k--)
		;
}

static void run_seed(bool lies)
{
	begin_world(lies);
	for (int round = 0; round < 150 && !(lies && found); round++)
		act();
	for (int i = 0; !lies && i < NODES; i++)
		connect_pair(i);
	if (!lies)
		world_run(&world, 1000);
	world_deinit(&world);
	assert_int_equal(remove_tree(world.dir), 0);
}

static void nothing_is_announced_before_its_commit(void **state)
{
	(void)state;
	stop_at_first = false;
	memset(seen, 0, sizeof seen);
	found = 0;
	for (seed = 1; seed <= SEEDS; seed++)
		run_seed(false);
	assert_int_equal(found, 0);
	static const uint8_t needed[] = {
		MESSAGE_HELLO, MESSAGE_CHANGES, MESSAGE_RUN, MESSAGE_KEYS, MESSAGE_BODY, MESSAGE_ERASED};
	for (size_t i = 0; i < sizeof needed; i++) {
		print_message("%llu %s checked\n", (unsigned long long)seen[needed[i]],
			message_desc(needed[i])->name);
		assert_true(seen[needed[i]] > SEEDS / 2);
	}
}

static void a_driver_that_answers_before_it_wrote_is_found_out(void **state)
{
	(void)state;
	stop_at_first = true;
	uint64_t caught = 0;
	for (seed = 1; seed <= SEEDS; seed++) {
		found = 0;
		run_seed(true);
		caught += found > 0;
	}
	print_message("%llu of %d seeds found it out\n", (unsigned long long)caught, SEEDS);
	assert_int_equal(caught, SEEDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_announced_before_its_commit),
		cmocka_unit_test(a_driver_that_answers_before_it_wrote_is_found_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
