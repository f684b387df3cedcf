/* daemon/setup.c: a home that a daemon can start from, with an identity, its network, and this node's admission. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/home.h"
#include "daemon/keyring.h"
#include "daemon/offline.h"
#include "daemon/setup.h"
#include "protocol/log/entry.h"

static char home[512], why[256];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static int begin(void **state)
{
	(void)state;
	const char *folder = getenv("TMPDIR");
	snprintf(home, sizeof home, "%s/setupXXXXXX", folder ? folder : "/tmp");
	return sodium_init() >= 0 && mkdtemp(home) ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct setup setup_of(const char *name)
{
	return (struct setup){.home = home,
		.name = name,
		.kind = IDENTITY_PERSON,
		.passphrase = slice_str("correct horse")};
}

static uint64_t log_length(struct desk *d, const struct id32 *identity, bool *owned)
{
	struct store_req req = {.op = STORE_LOG_LIST, .a.identity = *identity};
	struct store_res res;
	assert_int_equal(desk_store(d, &req, &res), OK);
	assert_int_equal(res.r.n, 1);
	uint64_t length = res.r.logs[0].end;
	*owned = res.r.logs[0].own == OWN_ACTIVE;
	store_res_free(&res);
	return length;
}

static void read_name(void *ctx, struct store *s, enum err e)
{
	struct setup_out *out = (struct setup_out *)ctx;
	char name[PROFILE_NAME_BYTES];
	assert_int_equal(e, OK);
	identities_name(s, &out->identity, name);
	assert_string_equal(name, "Ada");
}

static void a_home_has_an_identity_a_network_and_an_admission(void **state)
{
	(void)state;
	struct setup in = setup_of("Ada");
	struct setup_out out;
	struct offline *o;
	struct node_keys keys;
	struct id32 got;
	bool owned;
	assert_int_equal(setup_home(&in, &out, why), OK);
	assert_int_equal(strlen(out.code), RECOVERY_TEXT_BYTES - 1);
	assert_memory_equal(out.did, "did:key:z6Mk", 12);
	assert_int_equal(home_keys(home, &keys, why), OK);
	assert_int_equal(offline_open(home, false, &keys, &out.network, &o, why), OK);
	struct desk *d = offline_desk(o);
	assert_int_equal(desk_meta_id(d, "network", &got), OK);
	assert_memory_equal(&got, &out.network, 32);
	assert_int_equal(desk_meta_id(d, "network_owner", &got), OK);
	assert_memory_equal(&got, &out.identity, 32);
	assert_int_equal(log_length(d, &out.identity, &owned), 2); /* device, profile */
	assert_true(owned);
	assert_int_equal(log_length(d, &out.network, &owned), 3); /* and the admission */
	desk_read(d, read_name, &out);
	offline_close(o);
	assert_int_equal(setup_home(&in, &out, why), ERR_EXISTS);
}

static void what_lies_aside_is_written_again_in_a_new_log(void **state)
{
	(void)state;
	struct setup in = setup_of("Ada");
	struct setup_out out;
	struct offline *o;
	struct node_keys keys;
	struct keyring *k = NULL;
	size_t again = 9;
	assert_int_equal(setup_home(&in, &out, why), OK);
	assert_int_equal(home_keys(home, &keys, why), OK);
	assert_int_equal(offline_open(home, false, &keys, &out.network, &o, why), OK);
	struct desk *d = offline_desk(o);
	assert_int_equal(keyring_open(home, &out.identity, &out.network, slice_str("correct horse"), &k), OK);
	assert_true(k->has_network);
	struct id32 old = ownlog_id(&k->self);
	assert_int_equal(ownlog_ensure(d, &k->self, &again), OK);
	assert_int_equal(again, 0);
	struct id32 same = ownlog_id(&k->self);
	assert_memory_equal(&old, &same, 32);
	/* as if a peer had shown that this log is old: its device entry and its profile go aside */
	struct store_req move = {.op = STORE_SIDE_MOVE, .a.log = old, .a.first = 0, .a.flag = true};
	assert_int_equal(desk_put(d, &move), OK);
	struct store_req retire = {
		.op = STORE_OWN_PUT, .a.log = old, .a.identity = out.identity, .a.own = OWN_RETIRED};
	assert_int_equal(desk_put(d, &retire), OK);
	assert_int_equal(ownlog_ensure(d, &k->self, &again), OK);
	assert_int_equal(again, 1); /* the profile; the new log has a device entry of its own */
	struct id32 next = ownlog_id(&k->self);
	assert_memory_not_equal(&old, &next, 32);
	struct store_req get = {
		.op = STORE_RUN_GET, .a.log = next, .a.first = 0, .a.end = 64, .a.max = UINT32_MAX};
	struct store_res res;
	struct envelope env;
	assert_int_equal(desk_store(d, &get, &res), OK);
	assert_int_equal(res.r.n, 2);
	assert_int_equal(envelope_decode(res.r.parts[1].envelope, &env), OK);
	assert_true(env.has_was);
	assert_memory_equal(&env.was.log, &old, 32);
	assert_int_equal(env.was.seq, 1);
	store_res_free(&res);
	assert_int_equal(ownlog_ensure(d, &k->self, &again), OK);
	assert_int_equal(again, 0);
	keyring_free(k);
	/* the new device's keys were in the file before anything else */
	assert_int_equal(keyring_open(home, &out.identity, NULL, slice_str("correct horse"), &k), OK);
	struct id32 kept = ownlog_id(&k->self);
	assert_memory_equal(&next, &kept, 32);
	keyring_free(k);
	offline_close(o);
}

static void a_node_for_recovery_has_no_identity(void **state)
{
	(void)state;
	struct setup in = setup_of("Ada");
	struct setup_out out;
	in.recover = true;
	assert_int_equal(setup_home(&in, &out, why), OK);
	assert_string_equal(out.code, "");
	assert_false(id32_is_zero(&out.node));
	assert_true(id32_is_zero(&out.network));
}

static void a_bad_name_makes_nothing(void **state)
{
	(void)state;
	struct setup in = setup_of("");
	struct setup_out out;
	char path[HOME_PATH_BYTES];
	struct stat st;
	assert_int_equal(setup_home(&in, &out, why), ERR_INPUT);
	in = setup_of("Ada");
	in.passphrase = slice_str("");
	assert_int_equal(setup_home(&in, &out, why), ERR_INPUT);
	assert_int_equal(home_path(home, "keys", path), OK);
	assert_int_not_equal(stat(path, &st), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_home_has_an_identity_a_network_and_an_admission, begin, finish),
		cmocka_unit_test_setup_teardown(what_lies_aside_is_written_again_in_a_new_log, begin, finish),
		cmocka_unit_test_setup_teardown(a_node_for_recovery_has_no_identity, begin, finish),
		cmocka_unit_test_setup_teardown(a_bad_name_makes_nothing, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
