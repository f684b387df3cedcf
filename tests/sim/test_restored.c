/* Homes that come back: backups, copies, rolled back disks, clones. No fork in any but the last, and that one is proven. SPEC.md section 10.5. */
#include "protocol/log/secret.h"
#include "protocol/peer/engine_int.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

static uint64_t length_at(struct world_node *n, const struct id32 *log)
{
	struct store_log l;
	return world_log(n, log, &l) == OK ? l.length : 0;
}

static void assert_no_fork(struct world_node *n)
{
	struct store_req q = {.op = STORE_FORK_LIST};
	struct store_res res;
	world_store(n, &q, &res);
	assert_int_equal(res.err, OK);
	assert_int_equal(res.r.n, 0);
	store_res_free(&res);
}

static void snapshot_path(const char *name, char out[512])
{
	snprintf(out, 512, "%.200s/%s", world.dir, name);
}

/* ann writes, ben follows; both are connected and equal. */
static struct world_link *story(struct world_node **a, struct world_node **b, struct world_person *p)
{
	*a = world_node_new(&world, "ann");
	*b = world_node_new(&world, "ben");
	world_person_new(*a, p);
	world_admit(*a, *b);
	assert_int_equal(world_follow(*b, &p->id), OK);
	for (int i = 0; i < 100; i++)
		assert_int_equal(world_append(*a, p, 60).err, OK);
	struct world_link *l = world_connect(*a, *b);
	world_run(&world, 2000);
	assert_int_equal(length_at(*b, &p->log), 101);
	return l;
}

static void a_restored_backup_begins_a_new_log(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p, p2;
	char backup[512];
	snapshot_path("backup", backup);
	world_cut(story(&a, &b, &p));
	world_crash(a);
	copy_tree(a->home, backup);
	world_restart(a);
	for (int i = 0; i < 50; i++)
		assert_int_equal(world_append(a, &p, 60).err, OK);
	world_connect(a, b);
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p.log), 151);
	world_crash(a);
	assert_int_equal(remove_tree(a->home), 0);
	copy_tree(backup, a->home); /* other inodes: a restored home */
	world_restart(a);
	assert_true(a->restored);
	assert_int_equal(world_append(a, &p, 60).err, ERR_STATE);
	assert_int_equal(world_person_device(a, &p, &p2), OK);
	assert_int_equal(world_append(a, &p2, 60).err, OK);
	world_connect(a, b);
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p.log), 151);
	assert_int_equal(length_at(a, &p.log), 151); /* fetched back from the peer */
	assert_int_equal(length_at(b, &p2.log), 2);
	assert_no_fork(a);
	assert_no_fork(b);
}

static void a_copy_that_runs_beside_the_original_does_not_fork(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p, p2;
	char copy[512];
	snapshot_path("copy", copy);
	world_cut(story(&a, &b, &p));
	world_crash(a);
	copy_tree(a->home, copy);
	world_restart(a);
	struct world_node *c = world_node_open(&world, "copy", &a->key);
	assert_true(c->restored);
	assert_false(a->restored);
	assert_int_equal(world_append(c, &p, 60).err, ERR_STATE);
	assert_int_equal(world_append(a, &p, 60).err, OK);
	world_connect(a, b);
	world_run(&world, 500);
	world_connect(c, b); /* the same node key, another instance: refused, and the first is told */
	world_run(&world, 500);
	size_t from = 0;
	assert_null(
		world_event(c, ENGINE_EVENT_CLONE, &from)); /* the first could be a connection of the dead */
	world_connect(c, b); /* by now it has answered, so the copy is told too */
	world_run(&world, 500);
	from = 0;
	assert_non_null(world_event(c, ENGINE_EVENT_CLONE, &from));
	from = 0;
	assert_non_null(world_event(a, ENGINE_EVENT_CLONE, &from));
	assert_int_equal(world_person_device(c, &p, &p2), OK);
	assert_no_fork(b);
	assert_int_equal(length_at(b, &p.log), 102);
}

/* Its peer still holds the connection of before: nobody takes the two for copies of one home. */
static void who_comes_back_before_it_is_missed_is_no_copy(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p;
	size_t from = 0;
	struct world_link *old = story(&a, &b, &p);
	int k = old->nodes[0] == b ? 0 : 1;
	old->open[k] = false;
	world_crash(a);
	old->open[k] = true; /* b is not told, and nothing arrives any more */
	world_restart(a);
	assert_false(a->restored);
	world_connect(a, b);
	world_run(&world, 500);
	assert_null(world_event(a, ENGINE_EVENT_CLONE, &from));
	from = 0;
	assert_null(world_event(b, ENGINE_EVENT_CLONE, &from));
	world_run(&world, 130000);
	assert_false(old->open[k]);
	assert_int_equal(world_append(a, &p, 60).err, OK);
	world_connect(a, b);
	world_run(&world, 500);
	assert_int_equal(length_at(b, &p.log), 102);
	from = 0;
	assert_null(world_event(b, ENGINE_EVENT_CLONE, &from));
}

/* A hello of the node that was, late on its way, arrives when the node that was restored from an older backup is there already. */
static void a_late_hello_of_a_later_instance_is_no_copy(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p;
	char backup[512];
	size_t from = 0;
	snapshot_path("backup", backup);
	world_cut(story(&a, &b, &p));
	world_crash(a);
	copy_tree(a->home, backup);
	world_restart(a); /* an instance that the backup does not know */
	struct world_link *late = world_connect(a, b);
	late->stalled[late->nodes[1] == b] = true;
	world_run(&world, 500);
	struct world_node *c = world_node_open(&world, "backup", &a->key);
	assert_true(c->restored);
	world_connect(c, b);
	world_run(&world, 500);
	late->stalled[late->nodes[1] == b] = false;
	world_run(&world, 500);
	assert_null(world_event(c, ENGINE_EVENT_CLONE, &from));
	from = 0;
	assert_null(world_event(b, ENGINE_EVENT_CLONE, &from));
	/* It is there after all, and shows itself again. */
	world_connect(a, b);
	world_run(&world, 500);
	from = 0;
	assert_non_null(world_event(c, ENGINE_EVENT_CLONE, &from));
}

/* What the copy announced first is the original's own: it is no reason to give the log up. */
static void a_copy_that_was_faster_does_not_end_the_log(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p;
	char copy[512];
	snapshot_path("copy", copy);
	world_cut(story(&a, &b, &p));
	world_crash(a);
	world_restart(a);
	for (int i = 0; i < 5; i++) /* not announced: no peer is there */
		assert_int_equal(world_append(a, &p, 60).err, OK);
	world_crash(a);
	copy_tree(a->home, copy);
	struct world_node *c = world_node_open(&world, "copy", &a->key);
	assert_true(c->restored);
	struct world_link *l = world_connect(c, b);
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p.log), 106);
	world_cut(l);
	world_crash(c);
	world_restart(a);
	assert_int_equal(world_append(a, &p, 60).err, OK);
	size_t from = a->events_n;
	world_connect(a, b);
	world_run(&world, 2000);
	assert_null(world_event(a, ENGINE_EVENT_OWN_OLD, &from));
	assert_int_equal(world_append(a, &p, 60).err, OK);
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p.log), 108);
	assert_no_fork(b);
}

static void a_rolled_back_disk_is_found_out_by_the_peer_and_nothing_is_lost(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p, p2;
	char snapshot[512];
	snapshot_path("snapshot", snapshot);
	world_cut(story(&a, &b, &p));
	world_crash(a);
	copy_tree(a->home, snapshot);
	world_restart(a);
	for (int i = 0; i < 30; i++)
		assert_int_equal(world_append(a, &p, 60).err, OK);
	world_connect(a, b);
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p.log), 131);
	world_crash(a);
	overwrite_tree(snapshot, a->home); /* the same files, older bytes: nothing local shows it */
	world_restart(a);
	assert_false(a->restored);
	for (int i = 0; i < 5; i++) /* not announced: no peer is there */
		assert_int_equal(world_append(a, &p, 60).err, OK);
	assert_int_equal(length_at(a, &p.log), 106);
	size_t from = a->events_n;
	world_connect(a, b);
	world_run(&world, 2000);
	assert_non_null(world_event(a, ENGINE_EVENT_OWN_OLD, &from));
	assert_int_equal(length_at(a, &p.log), 131); /* the peer's entries */
	assert_int_equal(world_append(a, &p, 60).err, ERR_STATE);
	struct store_req q = {.op = STORE_SIDE_LIST};
	struct store_res res;
	q.a.identity = p.id;
	world_store(a, &q, &res);
	assert_int_equal(res.err, OK);
	assert_int_equal(res.r.n, 5); /* what was written and not announced waits to be written again */
	store_res_free(&res);
	assert_int_equal(world_person_device(a, &p, &p2), OK);
	assert_int_equal(world_append(a, &p2, 60).err, OK);
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p2.log), 2);
	assert_no_fork(a);
	assert_no_fork(b);
}

static void two_perfect_clones_that_meet_different_peers_are_proven_a_fork(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p;
	char snapshot[512];
	snapshot_path("snapshot", snapshot);
	world_cut(story(&a, &b, &p));
	struct world_node *c = world_node_new(&world, "cas");
	world_admit(a, c);
	world_admit(b, c);
	assert_int_equal(world_follow(c, &p.id), OK);
	world_crash(a);
	copy_tree(a->home, snapshot);
	world_restart(a);
	for (int i = 0; i < 70; i++)
		assert_int_equal(world_append(a, &p, 60).err, OK);
	struct world_link *l = world_connect(a, b); /* the first clone meets ben */
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p.log), 171);
	world_cut(l);
	world_crash(a);
	overwrite_tree(snapshot, a->home);
	world_restart(a);
	for (int i = 0; i < 20; i++)
		assert_int_equal(world_append(a, &p, 60).err, OK);
	world_connect(a, c); /* the second meets cas */
	world_run(&world, 2000);
	assert_int_equal(length_at(c, &p.log), 121);
	world_connect(b, c);
	world_run(&world, 5000);
	struct world_node *all[] = {a, b, c};
	for (int i = 0; i < 3; i++) {
		struct store_log log;
		assert_int_equal(world_log(all[i], &p.log, &log), OK);
		assert_int_equal(log.fork_seq1, 102); /* entries 0 to 100 are common */
		assert_int_equal(log.end, 101);
	}
	assert_int_equal(world_append(a, &p, 60).err, ERR_STATE);
	struct world_node *d = world_node_new(
		&world, "dan"); /* a newcomer gets what both histories share, and the proof */
	world_admit(d, b);
	assert_int_equal(world_follow(d, &p.id), OK);
	world_connect(d, b);
	world_run(&world, 5000);
	struct store_log log;
	assert_int_equal(world_log(d, &p.log, &log), OK);
	assert_int_equal(log.fork_seq1, 102);
	assert_int_equal(log.length, 101);
}

/* A row of ben's about ann's log says five entries more than there are. */
static bool say_more(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	union message m;
	struct buf rows = {0}, out = {0};
	(void)ctx;
	if (*type != MESSAGE_CHANGES || strcmp(l->nodes[to]->name, "ann") != 0)
		return true;
	assert_int_equal(message_decode(*type, buf_slice(body), &m), OK);
	struct mp_in in = message_list_open(&m.changes.rows);
	struct mp_out o = mp_out_init(&rows);
	for (size_t i = 0; i < m.changes.rows.n; i++) {
		struct message_row r = message_next_row(&in);
		if (r.kind == 1)
			r.count += 5;
		message_put_row(&o, &r);
	}
	m.changes.rows.raw = buf_slice(&rows);
	assert_int_equal(message_encode(*type, &m, &out), OK);
	buf_free(body);
	buf_free(&rows);
	*body = out;
	return true;
}

static void a_lie_about_ones_own_log_does_not_end_it(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p;
	world_cut(story(&a, &b, &p));
	world.meddle = say_more;
	for (int i = 0; i < 2; i++) {
		world_crash(a); /* after a start its log is held, and compared */
		world_restart(a);
		assert_int_equal(world_append(a, &p, 60).err, OK);
		size_t from = a->events_n;
		struct world_link *l = world_connect(a, b);
		world_run(&world, 2000);
		assert_null(world_event(a, ENGINE_EVENT_OWN_OLD, &from));
		world_cut(l);
	}
	world.meddle = NULL;
	assert_int_equal(world_append(a, &p, 60).err, OK);
	world_connect(a, b);
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p.log), 104);
}

static void begin_again(void)
{
	uint64_t seed = world.seed + 1;
	char dir[256];
	snprintf(dir, sizeof dir, "%s", world.dir);
	world_deinit(&world);
	assert_int_equal(remove_tree(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	world_init(&world, seed, dir);
}

/* A third one follows too, and there is a snapshot of a; nobody is connected. */
static struct world_node *story_of_three(
	struct world_node **a, struct world_node **b, struct world_person *p, char snapshot[512])
{
	world_cut(story(a, b, p));
	struct world_node *c = world_node_new(&world, "cas");
	world_admit(*a, c);
	world_admit(*b, c);
	assert_int_equal(world_follow(c, &p->id), OK);
	snapshot_path("snapshot", snapshot);
	world_crash(*a);
	copy_tree((*a)->home, snapshot);
	world_restart(*a);
	return c;
}

static void write_and_tell(struct world_node *a, struct world_node *to, struct world_person *p, int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(world_append(a, p, 60).err, OK);
	struct world_link *link = world_connect(a, to);
	world_run(&world, 2000);
	world_cut(link);
	world_run(&world, 2000);
	assert_int_equal(length_at(to, &p->log), length_at(a, &p->log));
}

/* Both peers tell of the same loss at the same time. */
static void a_rolled_back_disk_is_found_out_by_two_peers_at_once(void **state)
{
	(void)state;
	for (int round = 0; round < 30; round++) {
		struct world_node *a, *b;
		struct world_person p;
		char snapshot[512];
		struct world_node *c = story_of_three(&a, &b, &p, snapshot);
		for (int i = 0; i < 30; i++)
			assert_int_equal(world_append(a, &p, 60).err, OK);
		world_connect(a, b);
		world_connect(a, c);
		world_run(&world, 2000);
		world_crash(a);
		overwrite_tree(snapshot, a->home);
		world_restart(a);
		size_t from = a->events_n;
		world_connect(a, b);
		world_connect(a, c);
		world_run(&world, 2000);
		for (size_t k = from; k < a->events_n; k++)
			assert_int_not_equal(a->events[k].kind, ENGINE_EVENT_STORE_ERROR);
		assert_int_equal(length_at(a, &p.log), 131);
		begin_again();
	}
}

/* One peer holds more of it than the other; and before it hears of the loss the home has written again, more than both hold. */
static void what_peers_bring_back_is_not_given_up_again(void **state)
{
	(void)state;
	for (int round = 0; round < 30; round++) {
		struct world_node *a, *b;
		struct world_person p;
		char snapshot[512];
		struct world_node *c = story_of_three(&a, &b, &p, snapshot);
		write_and_tell(a, b, &p, 5);
		write_and_tell(a, c, &p, 90);
		world_crash(a);
		overwrite_tree(snapshot, a->home);
		world_restart(a);
		struct world_person again = p;
		for (int i = 0; i < 120; i++)
			(void)world_append_begin(a, &again, 60);
		world_connect(a, b);
		world_connect(a, c);
		world_run(&world, 5000);
		assert_int_equal(length_at(a, &p.log), 101 + 95);
		begin_again();
	}
}

/* dan takes one history from ben while cas's proves the fork: a run that comes too late is nobody's fault. */
static void a_fork_that_is_proven_while_entries_come_closes_no_connection(void **state)
{
	(void)state;
	for (int round = 0; round < 12; round++) {
		struct world_node *a, *b;
		struct world_person p;
		struct store_log log;
		char snapshot[512];
		snapshot_path("snapshot", snapshot);
		world_cut(story(&a, &b, &p));
		struct world_node *c = world_node_new(&world, "cas"), *d = world_node_new(&world, "dan");
		world_admit(a, c);
		world_admit(b, d);
		world_admit(c, d);
		assert_int_equal(world_follow(c, &p.id), OK);
		assert_int_equal(world_follow(d, &p.id), OK);
		world_crash(a);
		copy_tree(a->home, snapshot);
		world_restart(a);
		for (int i = 0; i < 900; i++)
			assert_int_equal(world_append(a, &p, 60).err, OK);
		struct world_link *l = world_connect(a, b);
		world_run(&world, 2000);
		world_cut(l);
		world_crash(a);
		overwrite_tree(snapshot, a->home);
		world_restart(a);
		for (int i = 0; i < 20; i++)
			assert_int_equal(world_append(a, &p, 60).err, OK);
		world_cut(world_connect(a, c));
		world_connect(a, c);
		world_run(&world, 2000);
		world_connect(d, c);
		world_connect(d, b);
		world_run(&world, 5000);
		size_t from = 0;
		assert_null(world_event(d, ENGINE_EVENT_STORE_ERROR, &from));
		assert_int_equal(world_log(d, &p.log, &log), OK);
		assert_int_equal(log.fork_seq1, 102);
		/* Else no run of the peer would be read any more one day. */
		for (const struct session *s = d->engine->sessions; s; s = s->next)
			assert_int_equal(s->verify_bytes, 0);
		begin_again();
	}
}

static void the_code_and_one_peer_bring_everything_back(void **state)
{
	(void)state;
	struct world_node *a, *b;
	struct world_person p, p2;
	struct identity_secrets got;
	story(&a, &b, &p);
	world_crash(a);
	struct world_node *n = world_node_new(&world, "new");
	world_admit(n, b);
	world_connect(n, b);
	world_run(&world, 100);
	uint8_t root_seed[32], recovery_secret[32], secret[64];
	struct engine_cmd find = {.kind = ENGINE_CMD_FIND};
	recovery_keys(p.entropy, RECOVERY_IDENTITY, root_seed, recovery_secret);
	secret_sign_pair(root_seed, &find.id, secret);
	struct engine_event ev = world_command(n, &find);
	assert_int_equal(ev.err, OK);
	assert_memory_equal(&ev.identity, &p.id, 32);
	struct keyset *ks = world_keyset(n, &ev.identity);
	assert_non_null(ks);
	assert_int_equal(identity_recover(ks, p.entropy, RECOVERY_IDENTITY, &got), OK);
	assert_true(got.has_signing && got.has_badge && got.readings_n == 1);
	keyset_free(ks);
	struct world_person known = {.id = ev.identity, .secrets = got};
	assert_int_equal(world_person_device(n, &known, &p2), OK);
	world_run(&world, 2000);
	assert_int_equal(length_at(n, &p.log), 101);
	assert_int_equal(world_append(n, &p2, 60).err, OK);
	world_run(&world, 2000);
	assert_int_equal(length_at(b, &p2.log), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_restored_backup_begins_a_new_log),
		WORLD_TEST(a_copy_that_runs_beside_the_original_does_not_fork),
		WORLD_TEST(who_comes_back_before_it_is_missed_is_no_copy),
		WORLD_TEST(a_late_hello_of_a_later_instance_is_no_copy),
		WORLD_TEST(a_copy_that_was_faster_does_not_end_the_log),
		WORLD_TEST(a_rolled_back_disk_is_found_out_by_the_peer_and_nothing_is_lost),
		WORLD_TEST(two_perfect_clones_that_meet_different_peers_are_proven_a_fork),
		WORLD_TEST(a_lie_about_ones_own_log_does_not_end_it),
		WORLD_TEST(a_rolled_back_disk_is_found_out_by_two_peers_at_once),
		WORLD_TEST(what_peers_bring_back_is_not_given_up_again),
		WORLD_TEST(a_fork_that_is_proven_while_entries_come_closes_no_connection),
		WORLD_TEST(the_code_and_one_peer_bring_everything_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
