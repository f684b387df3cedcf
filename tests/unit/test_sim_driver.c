/* tools/sim: two engines find each other in virtual time, and one seed is one run. */
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
#include <unistd.h>

#include "protocol/log/invitation.h"
#include "tools/sim/driver.h"

struct world {
	char homes[2][256];
	struct sim *sim;
	struct sim_node *a, *b;
	size_t opens, joined, redeemed;
	crypto_generichash_state trace;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *w)
{
	(void)st;
	(void)flag;
	(void)w;
	return remove(path);
}

static void heard(void *ctx, struct sim_node *n, const struct engine_event *ev)
{
	struct world *w = ctx;
	(void)n;
	w->opens += ev->kind == ENGINE_EVENT_PEER_OPEN;
	w->joined += ev->kind == ENGINE_EVENT_JOINED;
	w->redeemed += ev->kind == ENGINE_EVENT_REDEEMED;
}

static void saw(void *ctx, struct sim_node *from, struct sim_node *to, uint8_t type, struct slice body)
{
	struct world *w = ctx;
	uint64_t now_ms = sim_now_ms(w->sim);
	(void)to;
	crypto_generichash_update(&w->trace, sim_node_key(from)->b, 32);
	crypto_generichash_update(&w->trace, &type, 1);
	crypto_generichash_update(&w->trace, (const uint8_t *)&now_ms, sizeof now_ms);
	crypto_generichash_update(&w->trace, body.p, body.n);
}

static void begin(struct world *w, const struct sim_options *o)
{
	const char *folder = getenv("TMPDIR");
	memset(w, 0, sizeof *w);
	w->sim = sim_new(o);
	crypto_generichash_init(&w->trace, NULL, 0, 32);
	sim_watch(w->sim, saw, w);
	for (size_t i = 0; i < 2; i++) {
		snprintf(w->homes[i], sizeof w->homes[i], "%s/simXXXXXX", folder ? folder : "/tmp");
		assert_non_null(mkdtemp(w->homes[i]));
		const struct sim_node_options n = {.home = w->homes[i],
			.name = i ? "Lincoln" : "Jefferson",
			.network = {{7}},
			.heard = heard,
			.ctx = w};
		struct sim_node *node = sim_node_new(w->sim, &n);
		*(i ? &w->b : &w->a) = node;
	}
}

static void end(struct world *w)
{
	sim_free(w->sim);
	for (size_t i = 0; i < 2; i++)
		nftw(w->homes[i], remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct sim_link *join(struct world *w)
{
	uint8_t secret[16];
	for (size_t i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)sim_random(w->sim, 256);
	struct store_invite invite = {
		.hash = invitation_secret_hash(secret), .expires_hour = 0xffffffff, .uses_left = 1};
	struct store_req req = {.op = STORE_INVITE_PUT, .a.invite = &invite};
	struct store_res res = {0};
	sim_store(w->a, &req, &res);
	assert_int_equal(res.err, OK);
	store_res_free(&res);
	return sim_link(w->b, w->a, secret);
}

static void an_invitation_is_redeemed(const struct sim_options *o)
{
	struct world w;
	begin(&w, o);
	struct sim_link *l = join(&w);
	assert_true(sim_settle(w.sim, 5000, 60000));
	assert_int_equal(w.joined, 1);
	assert_int_equal(w.redeemed, 1);
	assert_int_equal(w.opens, 2);
	assert_true(sim_link_open(l));
	sim_run(w.sim, sim_now_ms(w.sim) + 600000);
	assert_true(sim_link_open(l)); /* kept alive by pings */
	end(&w);
}

static void two_nodes_meet_by_an_invitation(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		an_invitation_is_redeemed(&(struct sim_options){.seed = seed});
}

static void two_nodes_meet_when_results_come_later(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		an_invitation_is_redeemed(&(struct sim_options){.seed = seed, .later = true});
}

static void two_nodes_meet_through_the_cipher(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++)
		an_invitation_is_redeemed(&(struct sim_options){.seed = seed, .later = true, .cipher = true});
}

static void run_trace(uint64_t seed, uint8_t out[32])
{
	struct world w;
	begin(&w, &(struct sim_options){.seed = seed, .later = true});
	struct sim_link *l = join(&w);
	assert_true(sim_settle(w.sim, 5000, 60000));
	sim_cut(l);
	assert_false(sim_link_open(l));
	sim_cut(l);
	sim_node_restart(w.a);
	l = sim_link(w.a, w.b, NULL);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_FOLLOW, .identity = {{9}}, .flag = true};
	assert_int_equal(sim_command(w.b, &cmd).err, OK);
	assert_true(sim_settle(w.sim, 5000, 60000));
	assert_true(sim_link_open(l));
	assert_int_equal(w.opens, 4);
	crypto_generichash_final(&w.trace, out, 32);
	end(&w);
}

static void one_seed_is_one_run(void **state)
{
	(void)state;
	uint8_t first[32], again[32], other[32];
	run_trace(5, first);
	run_trace(5, again);
	run_trace(6, other);
	assert_memory_equal(first, again, 32);
	assert_memory_not_equal(first, other, 32);
}

static void silence_closes_a_link(void **state)
{
	(void)state;
	struct world w;
	begin(&w, &(struct sim_options){.seed = 1});
	struct sim_link *l = join(&w);
	assert_true(sim_settle(w.sim, 5000, 60000));
	sim_stall(l, true);
	sim_run(w.sim, sim_now_ms(w.sim) + 2 * LIMIT_SILENCE_MS + SIM_FLUSH_MS);
	assert_false(sim_link_open(l));
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_meet_by_an_invitation),
		cmocka_unit_test(two_nodes_meet_when_results_come_later),
		cmocka_unit_test(two_nodes_meet_through_the_cipher),
		cmocka_unit_test(one_seed_is_one_run),
		cmocka_unit_test(silence_closes_a_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
