/* daemon/awards_bundle.c: a review that lies behind the end of its log goes into the bundle with what shows it. SPEC.md sections 16.6 and 18. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/awards_export.h"
#include "protocol/award/bundle.h"
#include "protocol/award/facts.h"
#include "tests/support/award_fixture.h"

static struct cast c;
static struct submitted s;

static int begin(void **state)
{
	if (open_world(state) != 0)
		return -1;
	c = begin_cast();
	s = submit_as(&c, NULL, 1);
	return 0;
}

static int finish(void **state)
{
	end_cast(&c);
	return close_world(state);
}

struct packing_of {
	const struct keyring *who;
	const struct entry_ref *award;
	struct buf out;
};

static void pack(struct store *store, void *ctx)
{
	struct packing_of *p = (struct packing_of *)ctx;
	struct catalogue k = {.act = &world.act, .store = store, .book = book_new(p->who)};
	struct award_look l;
	json_t *credential = json_object();
	assert_non_null(k.book);
	assert_int_equal(cases_open(store, k.book, &p->who->self.identity, &k.cases), OK);
	assert_int_equal(awards_look(&k, p->award, &l), OK);
	assert_int_equal(awards_bundle(&k, &l, credential, &p->out), OK);
	json_decref(credential);
	awards_look_free(&l);
	cases_close(k.cases);
	book_free(k.book);
}

/* What the bundle holds of a review: runs that begin with it, what was left out, and whether it lies behind the end there. */
struct packed {
	size_t runs, headers, bodies, left_out, reviews, cut, vouches;
	bool has_key;
};

static void look_at_runs(const json_t *doc, const struct entry_ref *review, struct packed *p)
{
	const json_t *run;
	size_t i;
	char log[65];
	sodium_bin2hex(log, sizeof log, review->log.b, 32);
	json_array_foreach(json_object_get(doc, "runs"), i, run)
	{
		const json_t *bodies = json_object_get(run, "bodies");
		if (strcmp(json_string_value(json_object_get(run, "log")), log) != 0 ||
			(uint64_t)json_integer_value(json_object_get(run, "first")) != review->seq)
			continue;
		p->runs++;
		p->headers = json_string_length(json_object_get(run, "headers")) /
			(ENTRY_HEADER_BYTES / 3 * 4);
		p->bodies = json_array_size(bodies);
		p->has_key = json_object_get(json_array_get(bodies, 0), "key") != NULL;
	}
}

static struct packed packed(const struct entry_ref *award, const struct entry_ref *review)
{
	struct packing_of of = {.who = c.earner, .award = award};
	struct packed p = {0};
	struct bundle *b;
	char why[256];
	with_store(pack, &of);
	json_t *doc = json_loadb((const char *)of.out.p, of.out.n, 0, NULL);
	assert_non_null(doc);
	look_at_runs(doc, review, &p);
	if (bundle_read_json(doc, &b, why) != OK)
		fail_msg("%s", why);
	p.left_out = bundle_left_out(b);
	const struct judge_case *k = bundle_case(b);
	for (size_t i = 0; i < k->facts_n; i++)
		if (k->facts[i].kind == FACT_REVIEW && id32_equal(&k->facts[i].at.id, &review->id)) {
			p.reviews++;
			p.cut += k->facts[i].cut;
		}
	for (size_t i = 0; i < k->facts_n; i++)
		p.vouches += k->facts[i].kind == FACT_VOUCH && !k->facts[i].cut;
	bundle_free(b);
	json_decref(doc);
	buf_free(&of.out);
	return p;
}

/* It came with its key, in a run of its own, and nothing is lacking. */
static void assert_aside(struct packed p, size_t headers)
{
	assert_int_equal(p.runs, 1);
	assert_int_equal(p.headers, headers);
	assert_int_equal(p.bodies, 1);
	assert_true(p.has_key);
	assert_int_equal(p.reviews, 1);
	assert_int_equal(p.cut, 1);
	assert_int_equal(p.left_out, 0);
}

/* So many entries shall count, and this is the last. */
static void close_log(struct keyring *who, const struct entry_ref *last)
{
	struct keyset *ks = NULL;
	struct identity_event ev = {0};
	assert_int_equal(desk_keyset(world.desk, &who->self.identity, &ks), OK);
	enum err e = identity_close_device(
		&desk_random, ks, &who->self.secrets, &last->log, last->seq + 1, &last->id, &ev);
	assert_int_equal(ownlog_put_event(world.desk, ks, &ev, e), OK);
	keyset_free(ks);
}

/* And who writes that log hears of it. */
static void cut_and_reopen(const struct entry_ref *at)
{
	cut_at(at);
	reopen_world();
}

/* The reviewer vouches for the issuer, so that more of his log goes along; then he reviews. */
static struct entry_ref vouch_and_review(struct entry_ref *vouch)
{
	*vouch = vouch_for(c.reviewer, c.issuer);
	return review_not_yet(c.reviewer, &s.submission, readers(c.earner, c.issuer));
}

static void behind_a_closing_it_stands_beside_what_counts(void **state)
{
	(void)state;
	struct entry_ref vouch, review = vouch_and_review(&vouch);
	struct entry_ref award = award_of(c.issuer, &s.submission, &c.definition, &review);
	struct packed whole = packed(&award, &review);
	assert_int_equal(whole.cut, 0);
	assert_int_equal(whole.reviews, 1);
	close_log(c.reviewer, &vouch);
	assert_aside(packed(&award, &review), 1);
	struct packed p = packed(&award, &vouch);
	assert_int_equal(p.runs, 1);
	assert_int_equal(p.bodies, 1);
}

static void behind_a_fork_it_goes_along_too(void **state)
{
	(void)state;
	struct entry_ref vouch, review = vouch_and_review(&vouch);
	struct entry_ref award = award_of(c.issuer, &s.submission, &c.definition, &review);
	cut_and_reopen(&review);
	struct packed p = packed(&award, &review);
	assert_int_equal(p.runs, 1);
	assert_int_equal(p.reviews, 1);
	assert_int_equal(p.left_out, 0);
}

/* Who holds the key of a stolen device can write beside what counts too. */
static void along_another_branch_it_keeps_nothing_out(void **state)
{
	(void)state;
	struct entry_ref review = review_not_yet(c.reviewer, &s.submission, readers(c.earner, c.issuer));
	struct store_req aside = {.op = STORE_SIDE_MOVE, .a.log = review.log, .a.first = review.seq};
	assert_int_equal(desk_put(world.desk, &aside), OK);
	reopen_world();
	struct entry_ref vouch = vouch_for(c.reviewer, c.issuer);
	assert_memory_equal(&vouch.log, &review.log, 32);
	assert_int_equal(vouch.seq, review.seq);
	close_log(c.reviewer, &vouch);
	struct entry_ref award = award_of(c.issuer, &s.submission, &c.definition, &review);
	struct packed p = packed(&award, &review);
	assert_int_equal(p.runs, 2);
	assert_int_equal(p.reviews, 1);
	assert_int_equal(p.cut, 1);
	assert_int_equal(p.vouches, 1);
	assert_int_equal(p.left_out, 0);
}

/* SPEC 18: "one with a log that its marks say to be shorter than its runs show" */
static void of_the_issuers_own_log_nothing_goes_beyond_its_marks(void **state)
{
	(void)state;
	appoint(c.issuer, &c.definition, c.issuer);
	struct entry_ref vouch = vouch_for(c.issuer, c.issuer);
	struct entry_ref review = review_not_yet(c.issuer, &s.submission, readers(c.earner, NULL));
	cut_and_reopen(&review);
	size_t again;
	assert_int_equal(ownlog_ensure(world.desk, &c.issuer->self, &again), OK);
	struct entry_ref award = award_of(c.issuer, &s.submission, &c.definition, &review);
	assert_memory_not_equal(&award.log, &review.log, 32);
	struct packed p = packed(&award, &review);
	assert_int_equal(p.runs, 0);
	assert_int_equal(p.reviews, 0);
	assert_int_equal(p.left_out, 0);
	/* A closing says how far it counts, for all to see. */
	close_log(c.issuer, &vouch);
	assert_aside(packed(&award, &review), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(behind_a_closing_it_stands_beside_what_counts),
		TEST(behind_a_fork_it_goes_along_too),
		TEST(along_another_branch_it_keeps_nothing_out),
		TEST(of_the_issuers_own_log_nothing_goes_beyond_its_marks),
	};
	return cmocka_run_group_tests_name("awards bundle", tests, NULL, NULL);
}
