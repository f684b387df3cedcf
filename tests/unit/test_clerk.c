/* daemon/clerk.c: reviews are taken up for every institution that is open here, however many others are signed in; what came without a reviewer is handed on to him. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "daemon/awards.h"
#include "daemon/clerk.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/task.h"
#include "tests/support/award_fixture.h"

#define TEACHERS 300u
#define CROWD 70u /* earners */
#define EACH 30u /* submissions: together more than one look sees */

static struct {
	uv_loop_t loop;
	struct sessions *sessions;
	struct clerk *clerk;
	bool closed, clerk_closed;
	unsigned runs, handed; /* how often it thought of handing on */
	bool full; /* nothing can be written */
	struct keyring *issuer, *earner, *reviewer, *late, *teachers[TEACHERS];
	struct entry_ref definition;
} f;

/* ---- a node that has a loop, and desks that are done at once */

static uv_loop_t *loop_of(struct node *n)
{
	(void)n;
	return &f.loop;
}

static enum err hear(struct node *n, node_heard heard, void *ctx)
{
	(void)n;
	(void)heard;
	(void)ctx;
	return OK;
}

static enum err begin_task(
	struct node *n, void (*fn)(struct desk *d, void *ctx), void (*done)(void *ctx), void *ctx)
{
	(void)n;
	f.runs++;
	fn(world.desk, ctx);
	done(ctx);
	return OK;
}

static enum err count_due(struct act *a, struct sessions *ss, struct session *s, struct handover_open *open,
	size_t n, struct handover *out)
{
	f.handed++;
	return f.full ? ERR_FULL : handover_due(a, ss, s, open, n, out);
}

/* The clerk itself, on these. */
#define handover_due count_due
#define node_loop loop_of
#define node_listen_events hear
#define task_begin begin_task
#define take_up write_take_up
#include "daemon/clerk.c"

/* ---- who is there */

static void leave(struct keyring *k)
{
	(void)k; /* finish() frees it */
}

static void sign_in(struct keyring *k, uint32_t uid)
{
	const struct session_caller caller = {.over_socket = true, .uid = uid};
	uint8_t token[SESSION_TOKEN_BYTES];
	struct session *s;
	assert_int_equal(
		session_open(f.sessions, &k->self.identity, false, &caller, 60, k, leave, token, &s), OK);
}

static int set_up(void **state)
{
	memset(&f, 0, sizeof f);
	if (open_world(state) != 0 || uv_loop_init(&f.loop) != 0)
		return -1;
	f.sessions = sessions_new(&f.loop);
	f.clerk = clerk_new(NULL, f.sessions);
	f.issuer = make_identity("Example University", IDENTITY_ISSUER);
	f.earner = make_identity("Ada", IDENTITY_PERSON);
	f.reviewer = make_identity("Rei", IDENTITY_PERSON);
	f.definition = publish(f.issuer, NULL);
	appoint(f.issuer, &f.definition, f.reviewer);
	return f.clerk ? 0 : -1;
}

static void note_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static int finish(void **state)
{
	clerk_close(f.clerk, note_closed, &f.clerk_closed);
	sessions_close(f.sessions, note_closed, &f.closed);
	while (!f.closed || !f.clerk_closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	clerk_free(f.clerk);
	sessions_free(f.sessions);
	for (size_t i = 0; i < TEACHERS; i++)
		keyring_free(f.teachers[i]);
	keyring_free(f.issuer);
	keyring_free(f.earner);
	keyring_free(f.reviewer);
	keyring_free(f.late);
	return uv_loop_close(&f.loop) == 0 ? close_world(state) : -1;
}

/* Its timer does not keep the loop alive. */
static void on_tick(uv_timer_t *t)
{
	(void)t;
}

static bool is_at_work(void)
{
	return f.clerk->woken || is_busy(f.clerk);
}

static void turn_until(unsigned runs, bool at_rest)
{
	uv_timer_t tick;
	uv_timer_init(&f.loop, &tick);
	uv_timer_start(&tick, on_tick, 20, 20);
	for (unsigned i = 0; i < 3000 && (f.runs < runs || (at_rest && is_at_work())); i++)
		uv_run(&f.loop, UV_RUN_ONCE);
	uv_timer_stop(&tick);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	assert_true(f.runs >= runs);
}

static void let_it_run(void)
{
	clerk_wake(f.clerk);
	turn_until(f.runs + 1, false);
}

/* ---- what stands there */

static size_t take_ups_of(const struct entry_ref *review)
{
	struct store_req req = {
		.op = STORE_FACT_ABOUT, .a.id = review->id, .a.number = FACT_MASK(FACT_TAKE_UP), .a.max = 10};
	struct store_res res;
	assert_int_equal(desk_store(world.desk, &req, &res), OK);
	size_t n = res.r.n;
	store_res_free(&res);
	return n;
}

struct opening {
	struct book *book;
	const struct entry_ref *at;
	enum err err;
};

static void open_one(struct store *s, void *ctx)
{
	struct opening *o = (struct opening *)ctx;
	struct buf record = {0};
	assert_int_equal(book_catch_up(o->book, s), OK);
	o->err = book_record(o->book, s, o->at, &record);
	buf_free(&record);
}

static bool opens(const struct keyring *who, const struct entry_ref *at)
{
	struct opening o = {.book = book_new(who), .at = at};
	assert_non_null(o.book);
	with_store(open_one, &o);
	book_free(o.book);
	return o.err == OK;
}

static struct submitted submit_one(void)
{
	const struct submitting in = {.definition = &f.definition,
		.earner = f.earner,
		.reader = f.reviewer,
		.other = f.issuer,
		.evidence = 1};
	return submit(&in);
}

static struct entry_ref submit_and_review(void)
{
	struct submitted s = submit_one();
	return review_not_yet(f.reviewer, &s.submission, readers(f.earner, f.issuer));
}

static void a_review_is_taken_up_once(void **state)
{
	(void)state;
	struct entry_ref review = submit_and_review();
	sign_in(f.issuer, 1);
	let_it_run();
	assert_int_equal(take_ups_of(&review), 1);
	let_it_run();
	assert_int_equal(take_ups_of(&review), 1);
}

static void an_institution_is_served_among_many_teachers(void **state)
{
	(void)state;
	struct entry_ref review = submit_and_review();
	sign_in(f.issuer, 1);
	for (uint32_t i = 0; i < TEACHERS; i++) {
		f.teachers[i] = keyring_new();
		assert_non_null(f.teachers[i]);
		randombytes_buf(f.teachers[i]->self.identity.b, 32);
		sign_in(f.teachers[i], 2 + i);
	}
	let_it_run();
	assert_int_equal(take_ups_of(&review), 1);
}

static void what_came_without_a_reviewer_is_handed_on_once(void **state)
{
	(void)state;
	f.late = make_identity("Lea", IDENTITY_PERSON);
	appoint(f.issuer, &f.definition, f.late);
	struct submitted s = submit_one();
	sign_in(f.issuer, 1);
	uint64_t before = entries_of(f.issuer);
	let_it_run();
	assert_true(opens(f.late, &s.submission));
	assert_int_equal(entries_of(f.issuer), before + 1);
	let_it_run();
	let_it_run();
	assert_int_equal(entries_of(f.issuer), before + 1);
	assert_int_equal(f.handed, 1);
	s = submit_one();
	let_it_run();
	assert_true(opens(f.late, &s.submission));
	assert_int_equal(entries_of(f.issuer), before + 2);
	assert_int_equal(f.handed, 2);
}

static void what_failed_is_handed_on_later(void **state)
{
	(void)state;
	f.late = make_identity("Lea", IDENTITY_PERSON);
	appoint(f.issuer, &f.definition, f.late);
	struct submitted s = submit_one();
	sign_in(f.issuer, 1);
	f.full = true;
	let_it_run();
	assert_false(opens(f.late, &s.submission));
	f.full = false;
	let_it_run();
	assert_true(opens(f.late, &s.submission));
	struct entry_ref withdraw = put_record(
		f.earner, readers(f.issuer, f.reviewer), pointing("withdraw", &s.submission), true, NULL);
	f.full = true;
	let_it_run();
	let_it_run();
	f.full = false;
	let_it_run();
	assert_true(opens(f.late, &withdraw));
}

/* Many years of a district. */
static void nobody_is_left_out_behind_thousands(void **state)
{
	(void)state;
	f.late = make_identity("Lea", IDENTITY_PERSON);
	appoint(f.issuer, &f.definition, f.late);
	const struct submitted waiting = submit_one(), first = submit_one();
	const struct entry_ref review = review_not_yet(
		f.reviewer, &first.submission, readers(f.earner, f.issuer));
	struct keyring *earner = f.earner;
	for (unsigned i = 0; i < CROWD; i++) {
		f.earner = f.teachers[i] = make_identity("Ada", IDENTITY_PERSON);
		for (unsigned k = 0; k < EACH; k++)
			submit_one();
	}
	f.earner = earner;
	sign_in(f.issuer, 1);
	clerk_wake(f.clerk);
	turn_until(f.runs + 2, true);
	assert_false(is_at_work());
	assert_int_equal(take_ups_of(&review), 1);
	assert_true(opens(f.late, &waiting.submission));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_review_is_taken_up_once),
		TEST(what_came_without_a_reviewer_is_handed_on_once),
		TEST(what_failed_is_handed_on_later),
		TEST(an_institution_is_served_among_many_teachers),
		TEST(nobody_is_left_out_behind_thousands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
