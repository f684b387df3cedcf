/* hand_engine.h -- an engine whose store, workers and peers are the test itself: it takes what the engine asks for and answers by hand. For what
 * one part asks for and bounds, where a world of nodes would hide it. Included by one test program each. */
#ifndef QUIRE_TESTS_HAND_ENGINE_H
#define QUIRE_TESTS_HAND_ENGINE_H

#include "protocol/peer/engine_int.h"

/* As it is once its home is loaded; engine_free() it. gossip: it keeps neighbours by itself. */
static inline struct engine *hand_engine(bool gossip)
{
	struct engine_config c = {.gossip = gossip, .node = {{1}}, .seed = {7}};
	struct engine *e = engine_new(&c);
	struct engine_out first;
	if (!e || !engine_next(e, &first))
		abort();
	store_req_free(first.req); /* its first question is never answered */
	free(first.req);
	e->booted = true;
	e->now_ms = 1000000;
	e->wall_s = 1700000000;
	return e;
}

/* A peer, admitted and greeted; it goes with the engine. */
static inline struct session *hand_peer(struct engine *e, conn_id conn)
{
	struct session *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	*s = (struct session){.next = e->sessions,
		.e = e,
		.conn = conn,
		.node = {{(uint8_t)conn, 2}},
		.state = SESSION_OPEN,
		.refs = 1,
		.heard_ms = e->now_ms};
	s->stash_tail = &s->stash;
	s->pulls_tail = &s->pulls;
	s->batches_tail = &s->batches;
	e->sessions = s;
	return s;
}

/* The next that the engine wants of this kind; what comes before it is passed over. False: nothing. */
static inline bool hand_next(struct engine *e, enum engine_out_kind kind, struct engine_out *out)
{
	while (engine_next(e, out)) {
		if (out->kind == kind)
			return true;
		buf_free(&out->body);
		if (out->req)
			store_req_free(out->req);
		free(out->req);
		if (out->work)
			engine_work_free(out->work);
	}
	return false;
}

/* Answers a store request, which is freed. res: {.err, .r}; what it points to stays the test's. */
static inline void hand_stored(struct engine *e, struct store_req *q, struct store_res *res)
{
	res->op = q->op;
	res->tag = q->tag;
	store_req_free(q);
	free(q);
	emit_stored(e, res);
}

#endif
