/* admission_fixture.h -- a store with a network of two logs, whose entries say who is admitted, and whose admission ends. */
#ifndef QUIRE_TEST_ADMISSION_FIXTURE_H
#define QUIRE_TEST_ADMISSION_FIXTURE_H

#include "tests/support/fact_fixture.h"

static const struct id32 ann = {{21}}, ben = {{22}}, cas = {{23}}, self = {{29}}, nobody;

/* A record: kind, node, and who introduced it or the entry id of the admission that is ended. */
static inline size_t admissions_made(
	const struct fact_source *src, struct fact *out, struct fact_words *words, struct buf *keep)
{
	(void)keep;
	if (src->record.n != 65)
		return 0;
	memset(out, 0, sizeof *out);
	out->kind = (enum fact_kind)src->record.p[0];
	out->party = id32_from(src->record.p + 1);
	out->about = id32_from(src->record.p + 33);
	words->text[FACT_TITLE] = slice_str("admitted");
	return 1;
}

static struct fake_log *logs[2];
static size_t lengths[2];
static bool in_force[2];
static uint8_t said[2][64][65];
static struct {
	bool closed;
	uint64_t length;
	struct id32 last;
} closings[2];

static inline int admission_setup(void **state)
{
	fixture_setup(state);
	fact_reopen(*state, admissions_made);
	for (unsigned i = 0; i < 2; i++) {
		logs[i] = clear_log_new(3 + i, 64);
		lengths[i] = 0;
		in_force[i] = true;
		closings[i].closed = false;
	}
	logs[1]->identity = logs[0]->identity;
	fake_log_branch(logs[1], 0, 1); /* with ids of its own */
	for (size_t i = 0; i < logs[1]->n; i++)
		logs[1]->headers[i][1] = 0;
	return 0;
}

static inline int admission_teardown(void **state)
{
	free(logs[0]);
	free(logs[1]);
	return fixture_teardown(state);
}

/* Entry `seq` of log i, as it was written. */
static inline void entry_req(struct store_req *q, size_t i, size_t seq)
{
	run_put_req(q, logs[i], seq, seq + 1, NULL);
	struct store_part *part = arena_alloc(&q->mem, sizeof *part);
	uint8_t *body = arena_alloc(&q->mem, ENTRY_SALT_BYTES + 65);
	must(part && body, "memory");
	*part = q->a.parts[0];
	memset(body, 's', ENTRY_SALT_BYTES);
	memcpy(body + ENTRY_SALT_BYTES, said[i][seq], 65);
	part->bytes = slice_of(body, ENTRY_SALT_BYTES + 65);
	q->a.parts = part;
}

static inline enum err store_entry(struct fixture *f, size_t i, size_t seq)
{
	struct store_req q;
	entry_req(&q, i, seq);
	return run(f, &q, NULL);
}

/* What the next entry of log i says; stored later. Its id comes back. */
static inline struct id32 write_entry(
	size_t i, enum fact_kind kind, const struct id32 *node, const struct id32 *about)
{
	uint8_t *r = said[i][lengths[i]];
	r[0] = (uint8_t)kind;
	memcpy(r + 1, node->b, 32);
	memcpy(r + 33, about->b, 32);
	return logs[i]->ids[lengths[i]++];
}

static inline struct id32 say(
	struct fixture *f, size_t i, enum fact_kind kind, const struct id32 *node, const struct id32 *about)
{
	struct id32 id = write_entry(i, kind, node, about);
	must(store_entry(f, i, lengths[i] - 1) == OK, "an entry");
	return id;
}

/* Whoever was taken out by it is *out, or zeros. */
static inline size_t settle(struct fixture *f, struct id32 *out)
{
	struct id32 ids[2];
	struct store_req q = {
		.op = STORE_ADMISSION_SETTLE, .a.identity = logs[0]->identity, .a.node = self, .a.ids = ids};
	struct store_res r;
	for (size_t i = 0; i < 2; i++)
		if (in_force[i])
			ids[q.a.n++] = logs[i]->log;
	if (q.a.n == 2 && id32_cmp(&ids[0], &ids[1]) > 0) {
		struct id32 first = ids[0];
		ids[0] = ids[1];
		ids[1] = first;
	}
	must(run(f, &q, &r) == OK, "ADMISSION_SETTLE");
	size_t n = r.r.n;
	if (out)
		*out = n ? r.r.ids[0] : nobody;
	store_res_free(&r);
	return n;
}

static inline struct id32 admission(
	struct fixture *f, size_t i, const struct id32 *node, const struct id32 *introducer)
{
	struct id32 id = say(f, i, FACT_ADMISSION, node, introducer);
	settle(f, NULL);
	return id;
}

/* node: who goes with it, if anybody does. */
static inline bool ended(struct fixture *f, size_t i, const struct id32 *of, const struct id32 *node)
{
	struct id32 out;
	say(f, i, FACT_ADMISSION_END, &nobody, of);
	if (settle(f, &out) == 0)
		return false;
	must(id32_equal(&out, node), "who is taken out");
	return true;
}

/* Both logs with the closings that there are. */
static inline void put_keys(struct fixture *f)
{
	struct store_device devices[2];
	struct store_req q = {
		.op = STORE_IDENTITY_PUT, .a.identity = logs[0]->identity, .a.identity_kind = 4};
	memset(devices, 0, sizeof devices);
	for (size_t i = 0; i < 2; i++) {
		struct store_device *d = &devices[q.a.devices_n];
		d->log = logs[i]->log;
		d->device_key = logs[i]->device_key;
		d->closed = closings[i].closed;
		d->closed_length = closings[i].length;
		d->closed_last = closings[i].last;
		q.a.devices_n += in_force[i];
	}
	q.a.devices = devices;
	must(run(f, &q, NULL) == OK, "IDENTITY_PUT");
}

static inline void close_log(struct fixture *f, size_t i, uint64_t length)
{
	closings[i].closed = true;
	closings[i].length = length;
	closings[i].last = length ? logs[i]->ids[length - 1] : nobody;
	put_keys(f);
}

/* A crash after the key events were stored, and a start. */
static inline void start_again(struct fixture *f)
{
	fact_reopen(f, admissions_made);
}

static inline struct id32 made_up(unsigned i)
{
	struct id32 id = {{0xee}};
	memcpy(id.b + 1, &i, sizeof i);
	return id;
}

/* PEER_REMOVED: also one that is not known. */
static inline enum peer_origin origin_of(struct fixture *f, const struct id32 *node)
{
	struct store_req q = {.op = STORE_PEER_GET, .a.node = *node};
	struct store_res r;
	enum peer_origin origin = run(f, &q, &r) == OK ? r.r.peers[0].origin : PEER_REMOVED;
	store_res_free(&r);
	return origin;
}

static inline bool member(struct fixture *f, const struct id32 *node)
{
	return origin_of(f, node) != PEER_REMOVED;
}

static inline void on_node(struct fixture *f, enum store_op op, const struct id32 *node)
{
	struct store_req q = {.op = op, .a.node = *node};
	must(run(f, &q, NULL) == OK, "a request about a node");
}

#endif
