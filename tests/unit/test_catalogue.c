/* daemon/catalogue.c: which definitions count, whatever they say to supersede. SPEC.md section 16.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "daemon/catalogue.h"
#include "tests/support/award_fixture.h"

static struct {
	uv_loop_t loop;
	struct sessions *sessions;
	bool closed;
	struct keyring *issuer, *other;
} f;

static int begin(void **state)
{
	memset(&f, 0, sizeof f);
	if (open_world(state) != 0 || uv_loop_init(&f.loop) != 0)
		return -1;
	f.sessions = sessions_new(&f.loop);
	f.issuer = make_identity("Example University", IDENTITY_ISSUER);
	f.other = make_identity("Another University", IDENTITY_ISSUER);
	return f.sessions ? 0 : -1;
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static int finish(void **state)
{
	sessions_close(f.sessions, on_closed, &f.closed);
	while (!f.closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	sessions_free(f.sessions);
	keyring_free(f.issuer);
	keyring_free(f.other);
	return uv_loop_close(&f.loop) == 0 ? close_world(state) : -1;
}

struct looking {
	struct entry_ref at;
	bool counts;
	size_t n; /* versions */
};

static enum err look(struct catalogue *c, void *ctx)
{
	struct looking *l = (struct looking *)ctx;
	struct id32 ids[CATALOGUE_VERSIONS_MAX];
	struct fact_list found;
	enum err e = catalogue_find(c, &l->at, FACT_DEFINITION, &found);
	if (e != OK)
		return e;
	e = catalogue_counts(c, &found.facts[0], &l->counts);
	if (e == OK)
		e = catalogue_lineage(c, &found.facts[0], ids, &l->n);
	fact_list_free(&found);
	return e;
}

static struct looking look_at(const struct entry_ref *at)
{
	struct looking l = {.at = *at};
	assert_int_equal(catalogue_ask_in(&world.act, f.sessions, NULL, look, &l), OK);
	return l;
}

static void it_descends_from_what_counts(void **state)
{
	(void)state;
	struct entry_ref first = publish(f.issuer, NULL), second = publish(f.issuer, &first);
	struct entry_ref third = publish(f.issuer, &second);
	assert_true(look_at(&third).counts);
	assert_int_equal(look_at(&third).n, 3);
	assert_int_equal(look_at(&first).n, 1);
}

/* SPEC 16.3: "otherwise `supersedes` means nothing, and the definition counts nevertheless" */
static void it_counts_whatever_it_supersedes(void **state)
{
	(void)state;
	struct entry_ref first = publish(f.issuer, NULL), nowhere = first;
	struct entry_ref foreign = publish(f.other, NULL);
	struct entry_ref loose = put_record(f.issuer, everybody(), microcredential(NULL), false, NULL);
	struct entry_ref no_definition = put_record(f.issuer, everybody(), reflection("no"), false, NULL);
	nowhere.seq += 1000;
	const struct entry_ref *const all[] = {&foreign, &loose, &no_definition, &nowhere};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct entry_ref at = publish(f.issuer, all[i]);
		assert_true(look_at(&at).counts);
		assert_int_equal(look_at(&at).n, 1);
	}
}

static void what_is_no_act_does_not_count(void **state)
{
	(void)state;
	struct entry_ref loose = put_record(f.issuer, everybody(), microcredential(NULL), false, NULL);
	assert_false(look_at(&loose).counts);
	assert_int_equal(look_at(&loose).n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

static enum err gather(struct catalogue *c, void *ctx)
{
	struct gathered g;
	enum err e = cases_award(c->cases, (const struct entry_ref *)ctx, &g);
	if (e == OK)
		gathered_free(&g);
	return e;
}

/* SPEC 10.10: "may ask its peers for it with `seek`" */
static void a_review_that_an_award_leads_to_is_sought(void **state)
{
	(void)state;
	struct cast c = begin_cast();
	struct submitted s = submit_as(&c, NULL, 3);
	struct entry_ref lost = review_not_yet(c.reviewer, &s.submission, everybody());
	struct store_req cut = {.op = STORE_FORK_PUT,
		.a.log = lost.log,
		.a.seq = lost.seq,
		.a.bytes = slice_str("one"),
		.a.sig = slice_str("a"),
		.a.bytes2 = slice_str("other"),
		.a.sig2 = slice_str("b")};
	lost.id.b[0] ^= 1;
	struct entry_ref award = award_of(c.issuer, &s.submission, &c.definition, &lost);
	struct engine_cmd seek = {.kind = ENGINE_CMD_SEEK, .log = lost.log, .seq = lost.seq, .id = lost.id};
	assert_int_equal(catalogue_ask_in(&world.act, f.sessions, NULL, gather, &award), OK);
	assert_int_equal(desk_put(world.desk, &cut), OK);
	assert_int_equal(catalogue_ask_in(&world.act, f.sessions, NULL, gather, &award), OK);
	assert_int_equal(desk_command(world.desk, &seek, NULL), ERR_EXISTS);
	seek.id.b[0] ^= 2;
	assert_int_equal(desk_command(world.desk, &seek, NULL), OK);
	/* Nothing of it outlives a restart, and whoever looks again seeks again. */
	seek.id = lost.id;
	reopen_world();
	assert_int_equal(desk_command(world.desk, &seek, NULL), OK);
	reopen_world();
	assert_int_equal(catalogue_ask_in(&world.act, f.sessions, NULL, gather, &award), OK);
	assert_int_equal(desk_command(world.desk, &seek, NULL), ERR_EXISTS);
	end_cast(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_review_that_an_award_leads_to_is_sought),
		TEST(it_descends_from_what_counts),
		TEST(it_counts_whatever_it_supersedes),
		TEST(what_is_no_act_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
