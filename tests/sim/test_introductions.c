/* Chains of invitations: who becomes known to the network's owner, and who gets in. SPEC.md sections 8.2 and 8.4. */
#include "protocol/log/entry.h"
#include "protocol/log/invitation.h"
#include "protocol/log/record.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <sqlite3.h>

#include <cmocka.h>

/* ---- a network that ann owns */

static struct world_node *ann;
static struct world_person network;
static struct world_node *writer; /* who holds the device of the network that writes */
static struct world_person *pen;
static unsigned crash_after =
	UINT_MAX; /* steps after an entry or a key event was given to the writer's engine */
static bool fills; /* then: the writer's disk is full, instead of a crash */

/* Done, or cut off by a crash. */
static struct engine_event give(struct world_node *n, struct engine_cmd *cmd)
{
	struct engine_event ev = {0};
	if (crash_after == UINT_MAX)
		return world_command(n, cmd);
	(void)world_command_begin(n, cmd);
	for (unsigned i = 0; i < crash_after; i++)
		world_step(&world);
	if (fills)
		disk_full(world.disks, n->home, true);
	else
		world_crash(n);
	return ev;
}

/* At ann's. Frees it. */
static void put_event(struct identity_event *ev)
{
	struct store_keyevent k = {
		.bytes = buf_slice(&ev->bytes), .signatures = identity_event_signatures(ev), .id = ev->id};
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_KEYS, .identity = network.id, .events = &k, .events_n = 1};
	assert_int_equal(give(ann, &cmd).err, OK);
	identity_event_deinit(ev);
}

static void host(struct world_node *n)
{
	struct random_source rnd = world_random_source(&world);
	struct keyset *ks = world_keyset(n, &network.id);
	struct identity_event ev = {0};
	struct id32 receipt_key;
	uint8_t seed[32], receipt_secret[64], consent[64];
	assert_non_null(ks);
	random_fill(&rnd, seed, sizeof seed);
	secret_sign_pair(seed, &receipt_key, receipt_secret);
	keyevent_hosting_consent(&network.id, &n->key, &n->notice_key, receipt_secret, consent);
	assert_int_equal(identity_hosting(&rnd, ks, &network.secrets, &n->key, &n->notice_key, &receipt_key,
				 consent, &ev),
		OK);
	put_event(&ev);
	keyset_free(ks);
}

static void found(void)
{
	ann = world_node_new(&world, "ann");
	assert_int_equal(world_person_new(ann, &network), OK);
	writer = ann;
	pen = &network;
	world.network = network.id;
	world_crash(ann);
	world_restart(ann);
	world_run(&world, 100);
	host(ann);
}

static struct entry_ref write_record(struct mp_out *o, struct buf *record)
{
	struct random_source rnd = world_random_source(&world);
	struct buf body = {0};
	assert_int_equal(o->err, OK);
	assert_int_equal(record_check(buf_slice(record), NULL), OK);
	assert_int_equal(seal_clear_body(&rnd, buf_slice(record), &body), OK);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_APPEND,
		.log = pen->log,
		.flags = ENTRY_FLAG_KEEP,
		.body = buf_slice(&body),
		.device_secret = pen->device_secret};
	struct engine_event ev = give(writer, &cmd);
	assert_int_equal(ev.err, OK);
	buf_free(&body);
	buf_free(record);
	return (struct entry_ref){.log = pen->log, .seq = ev.seq, .id = ev.id};
}

static struct entry_ref admit(const struct world_node *n, const struct world_node *introducer)
{
	struct buf record = {0};
	struct mp_out o = mp_out_init(&record);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, "admission");
	mp_put_map(&o, introducer ? 3 : 2);
	if (introducer) {
		mp_put_cstr(&o, "introducer");
		mp_put_id(&o, &introducer->key);
	}
	mp_put_cstr(&o, "name");
	mp_put_cstr(&o, n->name);
	mp_put_cstr(&o, "node");
	mp_put_id(&o, &n->key);
	return write_record(&o, &record);
}

static void end(const struct entry_ref *of)
{
	struct buf record = {0};
	struct mp_out o = mp_out_init(&record);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, "admission-end");
	mp_put_map(&o, 1);
	mp_put_cstr(&o, "of");
	record_put_ref(&o, of);
	(void)write_record(&o, &record);
}

/* By an invitation of `by`. */
static struct world_link *join(struct world_node *n, struct world_node *by)
{
	uint8_t secret[16];
	struct random_source rnd = world_random_source(&world);
	random_fill(&rnd, secret, sizeof secret);
	struct store_invite inv = {.hash = invitation_secret_hash(secret),
		.expires_hour = (uint32_t)(world.wall_s / 3600) + 1,
		.uses_left = 1};
	struct store_req q = {.op = STORE_INVITE_PUT, .a.invite = &inv};
	struct store_res res;
	world_store(by, &q, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
	struct world_link *l = world_connect_redeem(n, by, secret);
	world_run(&world, 3000);
	assert_true(l->open[0] && l->open[1]);
	return l;
}

/* ---- what a node knows */

static size_t waiting(struct world_node *n, const struct id32 *who, struct id32 *introducer)
{
	struct store_req q = {.op = STORE_INTRODUCE_LIST};
	struct store_res res;
	size_t k = 0;
	world_store(n, &q, &res);
	assert_int_equal(res.err, OK);
	for (size_t i = 0; i < res.r.n; i++) {
		if (res.r.introductions[i].refused || (who && !id32_equal(&res.r.introductions[i].node, who)))
			continue;
		k++;
		if (introducer)
			*introducer = res.r.introductions[i].introducer;
	}
	store_res_free(&res);
	return k;
}

static bool waits(const struct world_node *who, const struct world_node *introducer)
{
	struct id32 by = {{0}};
	return waiting(ann, &who->key, &by) == 1 && id32_equal(&by, &introducer->key);
}

static bool member_at(struct world_node *at, const struct world_node *who, struct id32 *introducer)
{
	struct store_req q = {.op = STORE_PEER_GET, .a.node = who->key};
	struct store_res res;
	world_store(at, &q, &res);
	bool is = res.err == OK && res.r.peers[0].origin != PEER_REMOVED;
	if (is && introducer)
		*introducer = res.r.peers[0].introducer;
	store_res_free(&res);
	return is;
}

static size_t listed(struct world_node *at, const struct world_node *who, bool ended)
{
	struct store_req q = {.op = STORE_ADMISSION_LIST, .a.identity = network.id, .a.node = who->key};
	struct store_res res;
	size_t n = 0;
	world_store(at, &q, &res);
	assert_int_equal(res.err, OK);
	for (size_t i = 0; i < res.r.n; i++)
		n += res.r.admissions[i].ended == ended;
	store_res_free(&res);
	return n;
}

static bool connects(struct world_node *a, struct world_node *b)
{
	struct world_link *l = world_connect(a, b);
	world_run(&world, 3000);
	return l->open[0] && l->open[1];
}

/* ---- stories */

static void a_chain_of_invitations_becomes_one_network(void **state)
{
	(void)state;
	found();
	struct world_node *ben = world_node_new(&world, "ben"), *cas = world_node_new(&world, "cas"),
			  *dee = world_node_new(&world, "dee");
	struct id32 introducer;
	size_t from = 0;
	admit(ann, NULL);
	join(ben, ann);
	assert_int_equal(waiting(ann, NULL, NULL), 0); /* the owner's own newcomer */
	admit(ben, NULL);
	join(cas, ben);
	assert_true(waits(cas, ben));
	const struct engine_event *ev = world_event(ann, ENGINE_EVENT_INTRODUCED, &from);
	assert_non_null(ev);
	assert_memory_equal(&ev->node, &cas->key, 32);
	assert_memory_equal(&ev->id, &ben->key, 32);
	assert_string_equal(ev->text, "cas");
	/* Whom somebody introduced is a stranger. */
	assert_false(member_at(ann, cas, NULL));
	/* Further down the chain nobody is introduced before the one above is in. */
	join(dee, cas);
	assert_int_equal(waiting(ann, NULL, NULL), 1);
	admit(cas, ben);
	world_run(&world, 3000);
	assert_int_equal(waiting(ann, NULL, NULL), 0);
	assert_true(member_at(ann, cas, &introducer));
	assert_memory_equal(&introducer, &ben->key, 32);
	assert_true(member_at(cas, ann, NULL));
	assert_true(connects(cas, ann));
	assert_true(waits(dee, cas));
	admit(dee, cas);
	world_run(&world, 3000);
	assert_true(member_at(ben, dee, &introducer));
	assert_memory_equal(&introducer, &cas->key, 32);
	assert_true(member_at(dee, ann, NULL));
	assert_true(connects(dee, ben));
	assert_int_equal(waiting(ann, NULL, NULL), 0);
	assert_int_equal(waiting(ben, NULL, NULL) + waiting(cas, NULL, NULL), 0);
}

static void who_came_while_the_owner_was_away_is_introduced_when_it_is_met(void **state)
{
	(void)state;
	found();
	struct world_node *ben = world_node_new(&world, "ben"), *cas = world_node_new(&world, "cas");
	admit(ann, NULL);
	world_cut(join(ben, ann));
	admit(ben, NULL);
	world_run(&world, 100);
	join(cas, ben);
	assert_int_equal(waiting(ann, NULL, NULL), 0);
	world_crash(ben);
	world_restart(ben);
	world_run(&world, 100);
	assert_true(connects(ben, ann));
	assert_true(waits(cas, ben));
	/* What waits survives the owner's node too; and it is kept once. */
	world_crash(ann);
	world_restart(ann);
	world_run(&world, 100);
	assert_true(connects(ben, ann));
	assert_int_equal(waiting(ann, NULL, NULL), 1);
	struct store_req q = {.op = STORE_INTRODUCE_REFUSE, .a.node = cas->key};
	struct store_res res;
	world_store(ann, &q, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
	world_crash(ben);
	world_restart(ben);
	world_run(&world, 100);
	assert_true(connects(ben, ann));
	assert_int_equal(waiting(ann, NULL, NULL), 0);
	/* Until the owner thinks better of it. */
	admit(cas, ben);
	world_run(&world, 3000);
	assert_true(member_at(ann, cas, NULL));
	assert_true(connects(cas, ben));
	assert_true(connects(cas, ann));
}

static void who_was_ended_is_not_introduced_again_and_neither_are_its_own(void **state)
{
	(void)state;
	found();
	struct world_node *ben = world_node_new(&world, "ben"), *cas = world_node_new(&world, "cas"),
			  *dee = world_node_new(&world, "dee");
	admit(ann, NULL);
	join(ben, ann);
	admit(ben, NULL);
	join(cas, ben);
	struct entry_ref first = admit(cas, ben);
	world_run(&world, 3000);
	assert_true(connects(cas, ann));
	join(dee, cas);
	assert_true(waits(dee, cas));
	end(&first);
	world_run(&world, 3000);
	assert_int_equal(waiting(ann, NULL, NULL), 0);
	assert_false(member_at(ann, cas, NULL));
	assert_false(member_at(ben, cas, NULL));
	assert_false(connects(cas, ann));
	/* Another invitation makes it ben's newcomer, and nobody else's. */
	join(cas, ben);
	world_crash(ben);
	world_restart(ben);
	world_run(&world, 100);
	assert_true(connects(ben, ann));
	assert_int_equal(waiting(ann, NULL, NULL), 0);
	/* The network admits it anew: where nobody else took it out, that counts, whatever came before. */
	admit(cas, NULL);
	world_run(&world, 3000);
	assert_true(member_at(ann, cas, NULL));
	assert_true(connects(cas, ann));
}

/* A node that fetches the network's log as a whole sees admission, end and admission in one run. */
static void in_whatever_order_admissions_and_ends_are_read_the_same_are_members(void **state)
{
	(void)state;
	found();
	struct world_node *ben = world_node_new(&world, "ben"), *cas = world_node_new(&world, "cas"),
			  *dee = world_node_new(&world, "dee");
	struct entry_ref first = admit(cas, NULL);
	end(&first);
	admit(cas, NULL);
	first = admit(dee, NULL);
	end(&first);
	join(ben, ann);
	assert_true(member_at(ben, cas, NULL));
	assert_false(member_at(ben, dee, NULL));
	assert_true(member_at(ann, cas, NULL));
	assert_false(member_at(ann, dee, NULL));
}

/* ---- a device of the owner's is stolen */

/* At ann's: what counts of log `l` is its first `length` entries. */
static void close_log(const struct id32 *l, uint64_t length)
{
	struct random_source rnd = world_random_source(&world);
	struct keyset *ks = world_keyset(ann, &network.id);
	struct identity_event ev = {0};
	uint64_t seq = length - 1;
	struct store_req q = {.op = STORE_IDS, .a.log = *l, .a.seqs = &seq, .a.n = 1};
	struct store_res res;
	world_store(ann, &q, &res);
	assert_int_equal(res.err, OK);
	assert_int_equal(
		identity_close_device(&rnd, ks, &network.secrets, l, length, &res.r.ids[0], &ev), OK);
	store_res_free(&res);
	put_event(&ev);
	keyset_free(ks);
}

/* By the recovery code: a generation that keeps all but the device of log `l`. */
static void leave_out(const struct id32 *l)
{
	struct random_source rnd = world_random_source(&world);
	struct keyset *ks = world_keyset(ann, &network.id);
	struct identity_secrets secrets = network.secrets;
	struct identity_event ev = {0};
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	const struct keyset_device *d = keyset_view_device(&v, l);
	const struct identity_keeps keeps = {.without = &d->event, .without_n = 1};
	assert_int_equal(
		identity_new_generation(&rnd, ks, network.entropy, RECOVERY_IDENTITY, &keeps, &secrets, &ev),
		OK);
	put_event(&ev);
	keyset_view_deinit(&v);
	keyset_free(ks);
}

struct theft {
	struct world_node *ben, *cas, *dee, *eve;
	struct world_person phone; /* of the network's owner, at ben's */
	uint64_t length; /* of its log, when it was stolen */
};

/* Who has it admits dee, and throws cas out. */
static void steal(struct theft *t)
{
	found();
	t->ben = world_node_new(&world, "ben");
	t->cas = world_node_new(&world, "cas");
	t->dee = world_node_new(&world, "dee");
	t->eve = world_node_new(&world, "eve");
	admit(ann, NULL);
	join(t->ben, ann);
	admit(t->ben, NULL);
	join(t->cas, ann);
	struct entry_ref of_cas = admit(t->cas, NULL);
	world_run(&world, 1000);
	assert_int_equal(world_person_device(t->ben, &network, &t->phone), OK);
	writer = t->ben;
	pen = &t->phone;
	admit(t->eve, NULL); /* before */
	struct store_log l;
	assert_int_equal(world_log(t->ben, &t->phone.log, &l), OK);
	t->length = l.length;
	admit(t->dee, NULL);
	end(&of_cas);
	world_run(&world, 3000);
	writer = ann;
	pen = &network;
}

static void members_are(const struct theft *t, struct world_node *at, bool stolen)
{
	assert_true(member_at(at, t->eve, NULL));
	assert_int_equal(member_at(at, t->dee, NULL), stolen);
	assert_int_equal(member_at(at, t->cas, NULL), !stolen);
}

static void what_a_thief_wrote_counts_no_more_once_the_device_is_closed(void **state)
{
	(void)state;
	struct theft t;
	steal(&t);
	members_are(&t, ann, true);
	members_are(&t, t.ben, true);
	struct store_peer p = {.node = ann->key, .origin = PEER_ADMITTED};
	struct store_req q = {.op = STORE_PEER_PUT, .a.peer = &p};
	struct store_res res;
	world_store(t.dee, &q, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
	struct world_link *l = world_connect(t.dee, ann);
	world_run(&world, 3000);
	assert_true(l->open[0] && l->open[1]);
	assert_false(connects(t.cas, ann));
	close_log(&t.phone.log, t.length);
	world_run(&world, 3000);
	assert_false(l->open[0] || l->open[1]);
	members_are(&t, ann, false);
	members_are(&t, t.ben, false);
	assert_false(connects(t.dee, ann));
	assert_true(connects(t.cas, ann));
	assert_int_equal(listed(ann, t.dee, false) + listed(ann, t.cas, true), 0);
	assert_int_equal(listed(ann, t.cas, false), 1);
	/* Who meets the network only now sees it so, and so does who starts again. */
	assert_true(member_at(t.cas, t.eve, NULL));
	assert_false(member_at(t.cas, t.dee, NULL));
	world_crash(t.ben);
	world_restart(t.ben);
	world_run(&world, 1000);
	members_are(&t, t.ben, false);
}

static void a_device_that_is_not_in_force_any_more_admits_nobody(void **state)
{
	(void)state;
	struct theft t;
	steal(&t);
	members_are(&t, ann, true);
	leave_out(&t.phone.log);
	world_run(&world, 3000);
	for (int i = 0; i < 2; i++) {
		assert_false(member_at(ann, t.eve, NULL) || member_at(ann, t.dee, NULL));
		assert_false(member_at(t.ben, t.eve, NULL) || member_at(t.ben, t.dee, NULL));
		assert_true(member_at(ann, t.cas, NULL) && member_at(t.ben, t.cas, NULL));
		world_crash(t.ben);
		world_restart(t.ben);
		world_run(&world, 100);
	}
}

/* A key event is committed before the peers table is put right. */
static void what_a_crash_kept_from_the_peers_is_put_right_at_the_next_start(void **state)
{
	(void)state;
	unsigned closed = 0, settled = 0;
	struct theft t;
	steal(&t);
	for (unsigned k = 0; k < 24; k++) {
		struct store_log before, after;
		assert_int_equal(world_log(ann, &t.phone.log, &before), OK);
		crash_after = k;
		close_log(&t.phone.log, before.end - 1);
		crash_after = UINT_MAX;
		world_restart(ann);
		world_run(&world, 100);
		assert_int_equal(world_log(ann, &t.phone.log, &after), OK);
		closed += after.end < before.end;
		settled += after.end == before.end;
		assert_int_equal(member_at(ann, t.cas, NULL), after.end <= t.length + 1);
		assert_int_equal(member_at(ann, t.dee, NULL), after.end > t.length);
		if (after.end == t.length)
			break;
	}
	assert_int_equal(closed, 2);
	assert_true(settled > 0);
}

/* Nothing else is written that would tell ann's node to look again. */
static void what_a_full_disk_kept_from_the_peers_is_put_right_once_there_is_room(void **state)
{
	(void)state;
	struct store_log phone;
	struct theft t;
	steal(&t);
	fills = true;
	for (crash_after = 0; crash_after < 24; crash_after++) {
		close_log(&t.phone.log, t.length);
		world_run(&world, 100);
		assert_int_equal(world_log(ann, &t.phone.log, &phone), OK);
		if (phone.end == t.length)
			break;
		disk_full(world.disks, ann->home, false);
	}
	crash_after = UINT_MAX;
	fills = false;
	assert_int_equal(phone.end, t.length);
	members_are(&t, ann, true);
	world.now_ms += 600000;
	world_run(&world, 100);
	members_are(&t, ann, true);
	disk_full(world.disks, ann->home, false);
	world.now_ms += 15000;
	world_run(&world, 100);
	members_are(&t, ann, false);
	members_are(&t, t.ben, false);
}

/* ---- what a start reads */

static void on_database(const struct world_node *n, const char *sql)
{
	char path[600];
	sqlite3 *db;
	snprintf(path, sizeof path, "%s/quire.db", n->home);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Of version 7, which kept no table of admissions: who had joined by an invitation was a peer, and who had been admitted too. */
static void a_home_from_before_the_table_reads_the_networks_log_once(void **state)
{
	(void)state;
	found();
	struct world_node *ben = world_node_new(&world, "ben"), *cas = world_node_new(&world, "cas"),
			  *dee = world_node_new(&world, "dee");
	admit(ann, NULL);
	join(ben, ann);
	admit(ben, NULL);
	for (int i = 0; i < 100; i++) /* over more than one run */
		assert_int_equal(world_append(ann, &network, 10).err, OK);
	struct entry_ref gone = admit(cas, ben), back = admit(dee, NULL);
	end(&gone);
	end(&back);
	world_run(&world, 3000);
	world_cut(join(dee, ann)); /* anew, since then */
	world_crash(ann);
	on_database(ann,
		"DROP TABLE admission; DROP TABLE introduction; ALTER TABLE peer DROP COLUMN ended;"
		"DROP TABLE admission_entry; DROP TABLE admission_state; DROP TABLE network_log; ALTER TABLE peer DROP COLUMN joined; ALTER TABLE peer DROP COLUMN moved;"
		"UPDATE fact_state SET made = 1; UPDATE identity SET kind = 4; PRAGMA user_version = 7");
	for (int i = 1; i < 40; i++) { /* crashes on the way */
		world_restart(ann);
		for (int k = 0; k < i; k++)
			world_step(&world);
		world_crash(ann);
	}
	for (int i = 0; i < 2; i++) { /* the second time it reads no more, and knows as much */
		world_restart(ann);
		world_run(&world, 100);
		assert_int_equal(listed(ann, ben, false), 1);
		assert_int_equal(listed(ann, cas, true), 1);
		assert_int_equal(listed(ann, cas, false), 0);
		assert_int_equal(listed(ann, dee, true), 1);
		assert_true(member_at(ann, ben, NULL));
		assert_false(member_at(ann, cas, NULL));
		assert_true(member_at(ann, dee, NULL));
		world_crash(ann);
	}
	on_database(ann, "DELETE FROM admission_entry");
	world_restart(ann);
	world_run(&world, 100);
	assert_int_equal(listed(ann, ben, false), 1);
}

/* An entry is committed before what it says is: a crash between the two takes nothing from it. */
static void what_a_crash_kept_from_the_table_comes_into_it_at_the_next_start(void **state)
{
	(void)state;
	unsigned written = 0;
	found();
	for (unsigned k = 0; k < 40; k++) {
		struct world_node who = {.key = {{0xee, (uint8_t)k}}, .name = "who"};
		struct store_log before, after;
		assert_int_equal(world_log(ann, &network.log, &before), OK);
		crash_after = k % 20;
		struct entry_ref ref = admit(&who, NULL);
		crash_after = UINT_MAX;
		world_restart(ann);
		world_run(&world, 100);
		assert_int_equal(world_log(ann, &network.log, &after), OK);
		if (after.length == before.length)
			continue;
		written++;
		ref = (struct entry_ref){.log = network.log, .seq = before.length, .id = after.last};
		assert_int_equal(listed(ann, &who, false), 1);
		assert_true(member_at(ann, &who, NULL));
		crash_after = k % 20;
		end(&ref);
		crash_after = UINT_MAX;
		world_restart(ann);
		world_run(&world, 100);
		assert_int_equal(world_log(ann, &network.log, &before), OK);
		assert_int_equal(listed(ann, &who, true), before.length > after.length);
		assert_int_equal(member_at(ann, &who, NULL), before.length == after.length);
	}
	assert_in_range(written, 10, 39);
}

static void introduce(struct world_link *l, const struct world_node *to, uint32_t who)
{
	struct id32 node = {{0xee}};
	struct buf body = {0};
	memcpy(node.b + 1, &who, sizeof who);
	struct message_introduce m = {.node = node, .name = slice_str("nobody")};
	assert_int_equal(message_encode(MESSAGE_INTRODUCE, &m, &body), OK);
	world_send(l, l->nodes[1] == to, MESSAGE_INTRODUCE, buf_slice(&body));
	buf_free(&body);
}

static void one_who_introduces_without_end_takes_his_share_and_no_more(void **state)
{
	(void)state;
	found();
	struct world_node *ben = world_node_new(&world, "ben"), *cas = world_node_new(&world, "cas"),
			  *dee = world_node_new(&world, "dee");
	struct world_link *l = join(ben, ann);
	admit(ben, NULL);
	struct world_link *honest = join(dee, ann);
	admit(dee, NULL);
	for (uint32_t i = 0; i < 1000; i++)
		introduce(l, ann, i);
	world_run(&world, 1000);
	assert_int_equal(waiting(ann, NULL, NULL), LIMIT_INTRODUCTIONS_OF_ONE);
	assert_true(l->open[0] && l->open[1]); /* it is no fault */
	world_cut(l);
	l = world_connect(ben, ann);
	world_run(&world, 3000);
	for (uint32_t i = 1000; i < 2000; i++)
		introduce(l, ann, i);
	world_run(&world, 1000);
	assert_int_equal(waiting(ann, NULL, NULL), LIMIT_INTRODUCTIONS_OF_ONE);
	assert_true(honest->open[0] && honest->open[1]);
	join(cas, dee);
	assert_true(waits(cas, dee));
	/* With him goes what he brought. */
	struct store_req q = {.op = STORE_PEER_REMOVE, .a.node = ben->key};
	struct store_res res;
	world_store(ann, &q, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
	assert_int_equal(waiting(ann, NULL, NULL), 1);
	/* Who does not own the network keeps nothing; nor does the owner keep itself. */
	introduce(honest, dee, 5);
	struct message_introduce m = {.node = ann->key};
	struct buf body = {0};
	assert_int_equal(message_encode(MESSAGE_INTRODUCE, &m, &body), OK);
	world_send(honest, honest->nodes[1] == ann, MESSAGE_INTRODUCE, buf_slice(&body));
	buf_free(&body);
	world_run(&world, 1000);
	assert_int_equal(waiting(dee, NULL, NULL), 0);
	assert_int_equal(waiting(ann, NULL, NULL), 1);
	assert_true(honest->open[0] && honest->open[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_chain_of_invitations_becomes_one_network),
		WORLD_TEST(who_came_while_the_owner_was_away_is_introduced_when_it_is_met),
		WORLD_TEST(who_was_ended_is_not_introduced_again_and_neither_are_its_own),
		WORLD_TEST(in_whatever_order_admissions_and_ends_are_read_the_same_are_members),
		WORLD_TEST(what_a_thief_wrote_counts_no_more_once_the_device_is_closed),
		WORLD_TEST(a_device_that_is_not_in_force_any_more_admits_nobody),
		WORLD_TEST(what_a_crash_kept_from_the_peers_is_put_right_at_the_next_start),
		WORLD_DISKS_TEST(what_a_full_disk_kept_from_the_peers_is_put_right_once_there_is_room),
		WORLD_TEST(a_home_from_before_the_table_reads_the_networks_log_once),
		WORLD_TEST(what_a_crash_kept_from_the_table_comes_into_it_at_the_next_start),
		WORLD_TEST(one_who_introduces_without_end_takes_his_share_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
