/* Three nodes under every fault of this small world, from many seeds; then all is healed, and must be one again.
 *
 * QUIRE_SEEDS=N runs N seeds, QUIRE_SEED=N begins at that one (and QUIRE_TRACE=1 tells its story). Faults: cuts, crashes between any two
 * steps (also between a store request and its result), followers that come and go, erasures, homes that are rolled back or restored. */
#include "protocol/log/entry.h"
#include "tests/support/files.h"
#include "tools/sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define NODES 3
#define PEOPLE 2
#define LOGS 24
#define ACKNOWLEDGED 2048
#define ERASURES 256
#define BLOBS 32
#define SEEDS 200
#define ACTS 120

/* An entry that its writer was told is kept. */
struct acknowledged {
	struct id32 log, id;
	uint64_t seq;
	int who;
	bool erased, gone; /* gone: it was on one disk only, and that was rolled back */
};

struct erasing { /* asked for, not answered */
	int node;
	uint64_t tag, seq;
	struct id32 log;
};

struct any_log {
	struct id32 log;
	int who;
	bool rolled_back; /* in a way that nothing local shows: it may fork */
};

static struct story {
	struct world world;
	struct world_person people[PEOPLE]; /* person i lives at node i */
	bool needs_device[PEOPLE], follows[NODES][PEOPLE];
	size_t scanned[NODES];
	uint64_t number[NODES];
	size_t logs_n, acknowledged_n, erasing_n, blobs_n;
	struct any_log logs[LOGS];
	struct acknowledged acknowledged[ACKNOWLEDGED];
	struct erasing erasing[ERASURES];
	struct id32 blobs[BLOBS];
	int snapshot_of; /* node, or -1 */
	bool rolled_back;
	char snapshot[300];
} s;

static uint64_t seed;
static struct {
	uint64_t acknowledged, gone, erased, crashes, lost_results, cuts, rollbacks, restores, old, forks,
		devices, blobs;
} total;

#define must_be(condition, ...) \
	do { \
		if (!(condition)) { \
			print_error("seed %llu: ", (unsigned long long)seed); \
			fail_msg(__VA_ARGS__); \
		} \
	} while (0)

static uint64_t chance(uint64_t below)
{
	return world_random(&s.world, below);
}

static struct any_log *log_of(const struct id32 *log)
{
	for (size_t i = 0; i < s.logs_n; i++)
		if (id32_equal(&s.logs[i].log, log))
			return &s.logs[i];
	return NULL;
}

static void add_log(int who)
{
	must_be(s.logs_n < LOGS, "too many logs");
	s.logs[s.logs_n++] = (struct any_log){.log = s.people[who].log, .who = who};
}

/* ---- what the nodes say ---- */

static void acknowledge(const struct engine_event *ev)
{
	const struct any_log *l = log_of(&ev->log);
	must_be(s.acknowledged_n < ACKNOWLEDGED, "too many entries");
	if (l)
		s.acknowledged[s.acknowledged_n++] = (struct acknowledged){
			.log = ev->log, .id = ev->id, .seq = ev->seq, .who = l->who};
}

static void erasure_answered(int node, const struct engine_event *ev)
{
	for (size_t i = 0; i < s.erasing_n; i++) {
		struct erasing *er = &s.erasing[i];
		if (er->node != node || er->tag != ev->tag)
			continue;
		for (size_t k = 0; k < s.acknowledged_n && ev->err == OK; k++)
			if (s.acknowledged[k].seq == er->seq && id32_equal(&s.acknowledged[k].log, &er->log))
				s.acknowledged[k].erased = true;
		*er = s.erasing[--s.erasing_n];
		return;
	}
}

static void heard(int node, const struct engine_event *ev)
{
	if (ev->kind == ENGINE_EVENT_ANSWER && !id32_is_zero(&ev->log)) {
		if (ev->err == OK)
			acknowledge(ev);
	} else if (ev->kind == ENGINE_EVENT_ANSWER) {
		erasure_answered(node, ev);
		if (node < PEOPLE && (ev->err == ERR_STATE || ev->err == ERR_NOT_FOUND))
			s.needs_device[node] = true;
	} else if (ev->kind == ENGINE_EVENT_OWN_OLD) {
		total.old++;
		must_be(s.rolled_back, "%s finds its log old without a cause", s.world.nodes[node].name);
	} else if (ev->kind == ENGINE_EVENT_FORK) {
		const struct any_log *l = log_of(&ev->log);
		total.forks++;
		must_be(l && l->rolled_back, "%s proves a fork that nobody made, at seq %llu",
			s.world.nodes[node].name, (unsigned long long)ev->seq);
	} else if (ev->kind == ENGINE_EVENT_STORE_ERROR || ev->kind == ENGINE_EVENT_CLONE) {
		must_be(false, "%s: event %d, %s %s", s.world.nodes[node].name, (int)ev->kind,
			err_name(ev->err), ev->text);
	} else if (ev->kind == ENGINE_EVENT_PEER_CLOSED && ev->err != ERR_CLOSED &&
		ev->err != ERR_DUPLICATE && ev->err != OK && ev->err != ERR_REFUSED) {
		must_be(false, "%s closed a connection: %s, %s", s.world.nodes[node].name, err_name(ev->err),
			ev->text);
	}
}

static void listen(void)
{
	for (int i = 0; i < NODES; i++) {
		struct world_node *n = &s.world.nodes[i];
		for (; s.scanned[i] < n->events_n; s.scanned[i]++)
			heard(i, &n->events[s.scanned[i]]);
		if (!n->store)
			continue;
		struct store_req q = {.op = STORE_NUMBER};
		struct store_res res;
		world_store(n, &q, &res);
		must_be(res.err == OK && res.r.number >= s.number[i], "%s: its numbers go back", n->name);
		s.number[i] = res.r.number;
		store_res_free(&res);
	}
}

/* ---- what the stores hold ---- */

/* BODY_…, or 0: the entry is not there. */
static uint8_t body_at(struct world_node *n, const struct id32 *log, uint64_t seq, const struct id32 *id)
{
	struct store_req q = {.op = STORE_BODY_GET};
	struct store_res res;
	uint8_t kind = 0;
	q.a.log = *log;
	q.a.seqs = &seq;
	q.a.n = 1;
	world_store(n, &q, &res);
	if (res.err == OK && res.r.n == 1 && res.r.parts[0].header) {
		struct id32 there = entry_id(res.r.parts[0].header);
		kind = !id || id32_equal(&there, id) ? res.r.parts[0].kind : 0;
	}
	store_res_free(&res);
	return kind;
}

static bool on_side_table(struct world_node *n, const struct acknowledged *a)
{
	struct store_req q = {.op = STORE_SIDE_LIST};
	struct store_res res;
	bool there = false;
	q.a.identity = s.people[a->who].id;
	world_store(n, &q, &res);
	for (size_t i = 0; res.err == OK && i < res.r.n && !there; i++) {
		struct id32 id = entry_id(res.r.parts[i].header);
		there = id32_equal(&id, &a->id);
	}
	store_res_free(&res);
	return there;
}

static bool held_anywhere(const struct acknowledged *a)
{
	for (int i = 0; i < NODES; i++)
		if (s.world.nodes[i].store && body_at(&s.world.nodes[i], &a->log, a->seq, &a->id))
			return true;
	return s.world.nodes[a->who].store && on_side_table(&s.world.nodes[a->who], a);
}

static bool erased_anywhere(const struct acknowledged *a)
{
	for (int i = 0; i < NODES; i++)
		if (s.world.nodes[i].store &&
			body_at(&s.world.nodes[i], &a->log, a->seq, &a->id) == BODY_ERASED)
			return true;
	return false;
}

/* ---- faults ---- */

static void crash(int i)
{
	world_crash(&s.world.nodes[i]);
	for (size_t k = 0; k < s.erasing_n;)
		if (s.erasing[k].node == i)
			s.erasing[k] = s.erasing[--s.erasing_n];
		else
			k++;
	total.crashes++;
}

static void restart(int i)
{
	if (!s.world.nodes[i].engine)
		world_restart(&s.world.nodes[i]);
}

static void restart_all(void)
{
	for (int i = 0; i < NODES; i++)
		restart(i);
}

static void take_snapshot(int i)
{
	listen();
	crash(i);
	snprintf(s.snapshot, sizeof s.snapshot, "%s/snapshot", s.world.dir);
	copy_tree(s.world.nodes[i].home, s.snapshot);
	restart(i);
	s.snapshot_of = i;
}

/* Which of the acknowledged entries and erasures were on that disk alone? */
static void forget_what_was_there_alone(void)
{
	for (size_t k = 0; k < s.acknowledged_n; k++) {
		struct acknowledged *a = &s.acknowledged[k];
		a->gone = a->gone || !held_anywhere(a);
		a->erased = a->erased && erased_anywhere(a);
	}
}

static void roll_back(void)
{
	int i = s.snapshot_of;
	struct world_node *n = &s.world.nodes[i];
	bool in_place = chance(2);
	restart_all();
	listen();
	crash(i);
	if (in_place) {
		overwrite_tree(s.snapshot, n->home);
		for (size_t k = 0; k < s.logs_n; k++)
			s.logs[k].rolled_back = s.logs[k].rolled_back || s.logs[k].who == i;
		total.rollbacks++;
	} else {
		must_be(remove_tree(n->home) == 0, "a home does not go");
		copy_tree(s.snapshot, n->home);
		total.restores++;
	}
	s.rolled_back = true;
	s.snapshot_of = -1;
	s.number[i] = 0;
	restart(i);
	must_be(in_place || n->restored, "a restored home was not found out");
	forget_what_was_there_alone();
	for (int k = 0; k < PEOPLE; k++) /* as the home remembers it */
		s.follows[i][k] = false;
}

/* The connection of node i and the next one, or NULL. */
static struct world_link *link_of(int i)
{
	const struct world_node *a = &s.world.nodes[i], *b = &s.world.nodes[(i + 1) % NODES];
	for (size_t k = 0; k < s.world.links_n; k++) {
		struct world_link *l = &s.world.links[k];
		if ((l->open[0] || l->open[1]) &&
			((l->nodes[0] == a && l->nodes[1] == b) || (l->nodes[0] == b && l->nodes[1] == a)))
			return l;
	}
	return NULL;
}

static void connect_pair(int i)
{
	struct world_node *a = &s.world.nodes[i], *b = &s.world.nodes[(i + 1) % NODES];
	if (a->engine && b->engine && !link_of(i))
		(void)(chance(2) ? world_connect(a, b) : world_connect(b, a));
}

/* ---- what people do ---- */

static void follow(int i, int who, bool add)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_FOLLOW, .identity = s.people[who].id, .flag = add};
	if (i == who)
		return;
	must_be(world_command(&s.world.nodes[i], &cmd).err == OK, "a follow is refused");
	s.follows[i][who] = add;
}

static void new_device(int who)
{
	struct world_person p;
	must_be(world_person_device(&s.world.nodes[who], &s.people[who], &p) == OK, "no new device");
	s.people[who] = p;
	s.needs_device[who] = false;
	add_log(who);
	total.devices++;
}

static void write_some(int who)
{
	struct world_node *n = &s.world.nodes[who];
	if (!n->engine)
		return;
	if (s.needs_device[who])
		new_device(who);
	for (uint64_t k = chance(4); k > 0; k--)
		world_append_begin(n, &s.people[who], chance(12) ? 60 : 45000);
}

static void attach(int who)
{
	if (!s.world.nodes[who].engine || s.needs_device[who] || s.blobs_n >= BLOBS)
		return;
	if (world_attach(&s.world.nodes[who], &s.people[who], chance(2) ? 4000 : 150000, &s.blobs[s.blobs_n])
			.err == OK) {
		s.blobs_n++;
		total.blobs++;
	}
}

static void erase(int i, int who)
{
	if (!s.world.nodes[i].engine || s.erasing_n >= ERASURES)
		return;
	uint64_t seq = chance(30);
	const struct id32 log = s.people[who].log;
	uint64_t tag = world_erase_begin(&s.world.nodes[i], &s.people[who], seq);
	if (tag)
		s.erasing[s.erasing_n++] = (struct erasing){.node = i, .tag = tag, .seq = seq, .log = log};
}

static void act(uint64_t at, bool with_snapshot)
{
	int i = (int)chance(NODES), who = (int)chance(PEOPLE);
	uint64_t what = chance(32);
	if (with_snapshot && at == ACTS / 3)
		take_snapshot(i);
	else if (s.snapshot_of >= 0 && at == ACTS * 2 / 3)
		roll_back();
	else if (what < 14)
		write_some(who);
	else if (what < 21)
		connect_pair(i);
	else if (what < 23 && link_of(i)) {
		world_cut(link_of(i));
		total.cuts++;
	} else if (what < 25 && s.world.nodes[i].engine)
		crash(i);
	else if (what < 27)
		restart(i);
	else if (what < 28)
		erase(i, who);
	else if (what < 29 && s.world.nodes[i].engine)
		follow(i, who, chance(2));
	else if (what < 30 && chance(2))
		attach(who);
	for (uint64_t k = chance(40); k > 0 && world_step(&s.world); k--)
		;
	if (chance(20) == 0)
		world_run(&s.world, chance(200));
	listen();
}

/* ---- the end ---- */

static void heal(void)
{
	restart_all();
	for (int i = 0; i < NODES; i++)
		for (int k = 0; k < PEOPLE; k++)
			if (chance(4) || i == k)
				follow(i, k, true);
	for (int i = 0; i < NODES; i++)
		if (link_of(i))
			world_cut(link_of(i));
	for (int i = 0; i < NODES; i++)
		connect_pair(i);
	world_run(&s.world, 12000); /* a blob that no peer had is asked for again after 5 s */
	listen();
}

static bool must_hold(int i, int who)
{
	return i == who || s.follows[i][who];
}

/* One log is the same everywhere. */
static void check_log(const struct any_log *l)
{
	struct store_log at[NODES];
	int first = -1;
	for (int i = 0; i < NODES; i++) {
		at[i] = (struct store_log){0};
		if (!must_hold(i, l->who))
			continue;
		if (world_log(&s.world.nodes[i], &l->log, &at[i]) != OK)
			at[i] = (struct store_log){0};
		if (first < 0)
			first = i;
		const struct store_log *a = &at[first], *b = &at[i];
		const char *x = s.world.nodes[first].name, *y = s.world.nodes[i].name;
		must_be(a->length == b->length && a->end == b->end && id32_equal(&a->last, &b->last),
			"%s has %llu of a log, %s %llu", x, (unsigned long long)a->length, y,
			(unsigned long long)b->length);
		must_be(a->fork_seq1 == b->fork_seq1, "%s has a fork at %llu, %s at %llu", x,
			(unsigned long long)a->fork_seq1, y, (unsigned long long)b->fork_seq1);
		must_be(id32_equal(&a->erased_sum, &b->erased_sum), "%s and %s differ on what is erased", x,
			y);
		must_be(l->rolled_back || b->fork_seq1 == 0, "a fork");
	}
}

static void check_bodies(const struct any_log *l)
{
	struct store_log log;
	if (world_log(&s.world.nodes[l->who], &l->log, &log) != OK)
		return;
	for (uint64_t seq = 0; seq < log.end; seq++) {
		unsigned here = 0, erased = 0, holders = 0;
		for (int i = 0; i < NODES; i++) {
			if (!must_hold(i, l->who))
				continue;
			uint8_t kind = body_at(&s.world.nodes[i], &l->log, seq, NULL);
			holders++;
			here += kind == BODY_HERE;
			erased += kind == BODY_ERASED;
		}
		must_be(erased == 0 || erased == holders, "entry %llu is erased at %u of %u",
			(unsigned long long)seq, erased, holders);
		must_be(erased || here == holders || (s.rolled_back && here == 0),
			"the body of %llu is at %u of %u", (unsigned long long)seq, here, holders);
	}
}

static void check_acknowledged(void)
{
	for (size_t k = 0; k < s.acknowledged_n; k++) {
		const struct acknowledged *a = &s.acknowledged[k];
		struct store_log log;
		total.acknowledged++;
		total.gone += a->gone;
		total.erased += a->erased;
		if (a->gone)
			continue;
		if (world_log(&s.world.nodes[a->who], &a->log, &log) == OK && log.fork_seq1 &&
			a->seq + 1 >= log.fork_seq1)
			continue; /* proven: what is behind does not count */
		uint8_t kind = body_at(&s.world.nodes[a->who], &a->log, a->seq, &a->id);
		must_be(kind || (s.rolled_back && on_side_table(&s.world.nodes[a->who], a)),
			"entry %llu was acknowledged, and is lost", (unsigned long long)a->seq);
		must_be(!a->erased || !kind || kind == BODY_ERASED, "entry %llu was erased, and is back",
			(unsigned long long)a->seq);
	}
}

static bool blob_whole(struct world_node *n, const struct id32 *root, uint64_t *pins)
{
	struct store_req q = {.op = STORE_BLOB_GET};
	struct store_res res;
	q.a.root = *root;
	world_store(n, &q, &res);
	bool whole = res.err == OK && res.r.blobs[0].state == BLOB_COMPLETE;
	*pins = res.err == OK ? res.r.blobs[0].pins : 0;
	store_res_free(&res);
	return whole;
}

/* Who has an entry that pins a blob has the blob, if anybody has. */
static void check_blobs(void)
{
	for (size_t k = 0; k < s.blobs_n; k++) {
		bool anywhere = false;
		int lacking = -1;
		for (int i = 0; i < NODES; i++) {
			uint64_t pins;
			bool whole = blob_whole(&s.world.nodes[i], &s.blobs[k], &pins);
			anywhere = anywhere || whole;
			if (pins && !whole && must_hold(i, 0) && must_hold(i, 1))
				lacking = i;
		}
		must_be(lacking < 0 || (s.rolled_back && !anywhere), "%s lacks blob %02x%02x",
			s.world.nodes[lacking].name, s.blobs[k].b[0], s.blobs[k].b[1]);
	}
}

static void begin(void)
{
	static const char *const names[NODES] = {"ann", "ben", "cas"};
	char dir[64];
	snprintf(dir, sizeof dir, "%s/quire-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	memset(&s, 0, sizeof s);
	s.snapshot_of = -1;
	world_init(&s.world, seed, dir);
	for (int i = 0; i < NODES; i++)
		world_node_new(&s.world, names[i]);
	for (int k = 0; k < PEOPLE; k++) {
		world_person_new(&s.world.nodes[k], &s.people[k]);
		add_log(k);
	}
	for (int i = 0; i < NODES; i++) {
		world_admit(&s.world.nodes[i], &s.world.nodes[(i + 1) % NODES]);
		for (int k = 0; k < PEOPLE; k++)
			follow(i, k, true);
	}
}

static void run_seed(void)
{
	begin();
	bool with_snapshot = chance(8) == 0;
	for (uint64_t at = 0; at < ACTS; at++)
		act(at, with_snapshot);
	heal();
	for (size_t i = 0; i < s.logs_n; i++) {
		check_log(&s.logs[i]);
		check_bodies(&s.logs[i]);
	}
	check_acknowledged();
	check_blobs();
	for (int i = 0; i < NODES; i++)
		total.lost_results += s.world.nodes[i].commits_lost;
	world_deinit(&s.world);
	assert_int_equal(remove_tree(s.world.dir), 0);
}

static void all_is_one_again_after_every_fault(void **state)
{
	const char *many = getenv("QUIRE_SEEDS"), *from = getenv("QUIRE_SEED");
	uint64_t first = from ? strtoull(from, NULL, 10) : 1,
		 n = many ? strtoull(many, NULL, 10)
		: from    ? 1
			  : SEEDS;
	(void)state;
	for (seed = first; seed < first + n; seed++)
		run_seed();
	print_message(
		"%llu seeds: %llu entries acknowledged, %llu of them only on a disk that was rolled back, %llu erased, %llu blobs;\n"
		"%llu crashes (%llu results lost), %llu cuts, %llu rollbacks, %llu restored homes, %llu logs found old, %llu forks proven, "
		"%llu new devices\n",
		(unsigned long long)n, (unsigned long long)total.acknowledged, (unsigned long long)total.gone,
		(unsigned long long)total.erased, (unsigned long long)total.blobs,
		(unsigned long long)total.crashes, (unsigned long long)total.lost_results,
		(unsigned long long)total.cuts, (unsigned long long)total.rollbacks,
		(unsigned long long)total.restores, (unsigned long long)total.old,
		(unsigned long long)total.forks, (unsigned long long)total.devices);
	assert_true(total.acknowledged > n * 20);
}

/* SPEC.md section 10.4: the peer never hears that ben stopped following, and so would not list again what he passed over. */
static void what_was_passed_over_while_not_followed_comes_later(void **state)
{
	(void)state;
	seed = 1;
	begin();
	struct world_node *a = &s.world.nodes[0], *b = &s.world.nodes[1];
	struct world_link *l = world_connect(a, b);
	world_run(&s.world, 2000);
	l->stalled[0] = true;
	follow(1, 0, false);
	for (int i = 0; i < 3; i++)
		assert_int_equal(world_append(a, &s.people[0], 60).err, OK);
	world_run(&s.world, 3000);
	struct store_log log;
	assert_int_equal(world_log(b, &s.people[0].log, &log), OK);
	assert_int_equal(log.length, 1); /* passed over */
	world_cut(l);
	follow(1, 0, true);
	world_connect(a, b);
	world_run(&s.world, 3000);
	assert_int_equal(world_log(b, &s.people[0].log, &log), OK);
	assert_int_equal(log.length, 4);
	world_deinit(&s.world);
	assert_int_equal(remove_tree(s.world.dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_passed_over_while_not_followed_comes_later),
		cmocka_unit_test(all_is_one_again_after_every_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
