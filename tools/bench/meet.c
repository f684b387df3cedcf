/* meet.c -- what it costs two nodes with very many logs to find out what differs: messages are passed within this process, no cipher. */
#include "tools/bench/bench.h"

#include "protocol/peer/message.h"
#include "protocol/peer/ranges.h"
#include "tools/sim/world.h"

#include <stdio.h>

#define PEOPLE 100
#define FRAME_BYTES 22 /* of each message: its head, and a frame of its own */
#define QUIET_MS 8000

struct tally {
	uint64_t compare, entries; /* bytes both ways: to find what differs and say it; to fetch it */
	uint64_t to[2]; /* all, each way */
	const struct world_node *a;
};

static void sent(void *ctx, struct world_node *from, struct world_node *to, uint8_t type, struct slice body)
{
	struct tally *t = ctx;
	uint64_t n = body.n + FRAME_BYTES;
	(void)to;
	t->to[from == t->a] += n;
	if (type == MESSAGE_WANT_RANGES || type == MESSAGE_RANGES || type == MESSAGE_CHANGES ||
		type == MESSAGE_MORE || type == MESSAGE_DONE)
		t->compare += n;
	else if (type != MESSAGE_HELLO)
		t->entries += n;
}

static double meet(struct world_node *a, struct world_node *b, struct tally *t)
{
	struct world *w = a->world;
	*t = (struct tally){.a = a};
	w->sent = sent;
	w->watcher = t;
	double began = bench_cpu_s();
	struct world_link *l = world_connect(a, b);
	world_run(w, QUIET_MS);
	double took = bench_cpu_s() - began;
	w->sent = NULL;
	world_cut(l);
	return took;
}

/* They have never met. */
static void forget(struct world_node *n, const struct world_node *peer)
{
	struct store_req q = {.op = STORE_CURSOR_PUT, .a.node = peer->key};
	struct store_res res;
	world_store(n, &q, &res);
	bench_must(res.err, "a cursor");
	world_crash(n);
	world_restart(n);
}

static void check(struct world_node *a, struct world_node *b, const struct world_person *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct store_log x, y;
		bench_must(world_log(a, &p[i].log, &x), "a log");
		bench_must(world_log(b, &p[i].log, &y), "a log");
		if (x.length != y.length || !id32_equal(&x.last, &y.last))
			bench_fail("two nodes that met", "they are not equal");
	}
}

static void differ(struct bench_report *r, struct world_node *nodes[3], struct world_person *people, size_t n)
{
	struct tally t;
	char name[40];
	world_restart(nodes[2]);
	for (size_t i = 0; i < n; i++)
		bench_must(world_append(nodes[2], &people[i], 100).err, "an entry");
	(void)meet(nodes[2], nodes[0], &t);
	world_crash(nodes[2]);
	forget(nodes[0], nodes[1]);
	forget(nodes[1], nodes[0]);
	double cpu = meet(nodes[0], nodes[1], &t);
	check(nodes[0], nodes[1], people, PEOPLE);
	snprintf(name, sizeof name, "different_%zu_bytes", n);
	bench_add(r, name, "bytes, both ways", (double)t.compare);
	snprintf(name, sizeof name, "different_%zu_entries", n);
	bench_add(r, name, "bytes to fetch them", (double)t.entries);
	snprintf(name, sizeof name, "different_%zu_cpu_ms", n);
	bench_add(r, name, "ms, both sides", cpu * 1e3);
}

/* ---- when is a listing from 0 cheaper? ---- */

static struct ranges *set(size_t n, size_t differing)
{
	static const uint8_t nonce[RANGES_NONCE_BYTES] = {1};
	struct ranges *r = ranges_new(nonce);
	for (size_t i = 0; r && i < n; i++) {
		struct store_row row = {.kind = 1, .length = 1 + (i < differing)};
		be64_put(row.log.b, i + 1);
		bench_must(ranges_add(r, &row, i), "an index");
	}
	if (!r)
		bench_fail("memory", err_text(ERR_MEMORY));
	ranges_sort(r);
	return r;
}

/* Bytes of requests and answers until the asker knows what differs. */
static double compare(const struct ranges *own, const struct ranges *peer, size_t *told)
{
	struct ranges_diff d = {0};
	double bytes = 0;
	bench_must(ranges_diff_deeper(&d, (struct ranges_prefix){0}), "memory");
	while (d.deeper_n) {
		uint8_t asked[RANGES_PREFIXES_MAX * RANGES_PREFIX_BYTES];
		struct buf answer = {0};
		size_t n = d.deeper_n < RANGES_PREFIXES_MAX ? d.deeper_n : RANGES_PREFIXES_MAX;
		d.deeper_n -= n;
		for (size_t i = 0; i < n; i++)
			ranges_prefix_put(asked + i * RANGES_PREFIX_BYTES, d.deeper[d.deeper_n + i]);
		struct slice prefixes = slice_of(asked, n * RANGES_PREFIX_BYTES);
		bench_must(ranges_answer(peer, prefixes, &answer), "memory");
		bench_must(ranges_compare(own, prefixes, buf_slice(&answer), &d), "an answer");
		bytes += (double)(prefixes.n + answer.n) + 3 * FRAME_BYTES + 40;
		buf_free(&answer);
	}
	*told = d.refs_n;
	ranges_diff_deinit(&d);
	return bytes;
}

static void shares(struct bench_report *r, size_t n)
{
	static const unsigned percents[] = {1, 10, 50, 90, 95, 100};
	struct buf row = {0};
	struct mp_out o = mp_out_init(&row);
	message_put_row(&o, &(struct message_row){.kind = 1, .count = 1});
	struct ranges *peer = set(n, 0);
	bench_add(r, "listing_bytes", "bytes to tell every row", (double)n * (double)row.n);
	for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
		char name[40];
		size_t told;
		struct ranges *own = set(n, n / 100 * percents[i]);
		double bytes = compare(own, peer, &told);
		bytes += (double)told * (double)row.n;
		snprintf(name, sizeof name, "share_%u_of_listing", percents[i]);
		bench_add(r, name, "of the bytes of a listing from 0", bytes / ((double)n * (double)row.n));
		ranges_free(own);
	}
	ranges_free(peer);
	buf_free(&row);
}

int meet_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	struct world *w = bench_memory(sizeof *w);
	struct world_person *people = bench_memory(PEOPLE * sizeof *people);
	struct world_node *nodes[3];
	struct tally t;
	size_t logs = o->logs;
	r->name = "meet";
	world_init(w, 1, o->dir);
	for (int i = 0; i < 3; i++)
		nodes[i] = world_node_new(w, i == 0 ? "one" : i == 1 ? "two" : "writer");
	for (int i = 0; i < 3; i++)
		world_admit(nodes[i], nodes[(i + 1) % 3]);
	for (int i = 0; i < 2; i++)
		world_crowd(nodes[i], logs, 1000);
	for (size_t i = 0; i < PEOPLE; i++) {
		bench_must(world_person_new(nodes[2], &people[i]), "a person");
		bench_must(world_follow(nodes[0], &people[i].id), "a follow");
		bench_must(world_follow(nodes[1], &people[i].id), "a follow");
	}
	(void)meet(nodes[2], nodes[0], &t);
	(void)meet(nodes[2], nodes[1], &t);
	world_crash(nodes[2]);
	(void)meet(nodes[0], nodes[1], &t); /* they know each other's follow sets from now on */
	for (uint64_t i = 0; i < o->runs; i++) {
		differ(r, nodes, people, 0);
		double cpu = meet(nodes[0], nodes[1], &t);
		bench_add(r, "reconnect_bytes", "bytes, one way",
			(double)(t.to[0] > t.to[1] ? t.to[0] : t.to[1]));
		bench_add(r, "reconnect_cpu_ms", "ms, both sides", cpu * 1e3);
		differ(r, nodes, people, 1);
		differ(r, nodes, people, PEOPLE);
	}
	shares(r, logs);
	bench_print(r, o);
	world_deinit(w);
	free(people);
	free(w);
	free(r);
	return 0;
}
