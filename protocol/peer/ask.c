/* ask.c -- our requests: a number, the kind of answer, and who waits for it. SPEC.md section 9.3. */
#include "engine_int.h"

struct ask {
	struct ask *next;
	uint32_t req;
	enum message_type type, answer;
	ask_message_fn on_message;
	ask_done_fn on_done;
	void *ctx;
};

bool ask_room(const struct session *s, bool chunks)
{
	/* Room is left for what must never wait: keys and follows. */
	return s->state == SESSION_OPEN && s->asks_n < LIMIT_REQUESTS - 16 &&
		(!chunks || s->chunk_asks_n < LIMIT_CHUNK_REQUESTS);
}

uint32_t ask_send(struct session *s, enum message_type type, void *msg, enum message_type answer,
	ask_message_fn on_message, ask_done_fn on_done, void *ctx)
{
	struct ask *a = calloc(1, sizeof *a);
	if (!a || s->asks_n >= LIMIT_REQUESTS) {
		free(a);
		peer_close(s, ERR_MEMORY, "out of memory");
		on_done(s, ctx, ERR_MEMORY);
		return 0;
	}
	if (++s->next_req == 0)
		s->next_req = 1;
	uint64_t req = s->next_req; /* unique: at most 128 are open, and 2^32 pass before one comes again */
	memcpy(msg, &req, sizeof req);
	*a = (struct ask){.next = s->asks,
		.req = (uint32_t)req,
		.type = type,
		.answer = answer,
		.on_message = on_message,
		.on_done = on_done,
		.ctx = ctx};
	if (s->asks_n == 0)
		s->asked_ms = s->e->now_ms;
	s->asks = a;
	s->asks_n++;
	s->chunk_asks_n += type == MESSAGE_WANT_CHUNKS;
	emit_message(s, type, msg);
	return (uint32_t)req;
}

static struct ask **find(struct session *s, uint64_t req)
{
	for (struct ask **a = &s->asks; *a; a = &(*a)->next)
		if ((*a)->req == req)
			return a;
	return NULL;
}

void ask_answer(struct session *s, enum message_type type, const union message *m)
{
	uint64_t req;
	memcpy(&req, m, sizeof req); /* the first field of every answer */
	struct ask **a = find(s, req);
	if (!a || (*a)->answer != type) {
		/* SPEC 9.1: "an answer to nothing that was asked, closes that connection with `bye` WIRE" */
		peer_close(s, ERR_WIRE, "an answer to nothing that was asked");
		return;
	}
	s->asked_ms = s->e->now_ms;
	(*a)->on_message(s, (*a)->ctx, m);
}

void ask_total(struct session *s, const struct message_total *m)
{
	struct ask **a = find(s, m->req);
	s->asked_ms = s->e->now_ms;
	if (!a || (*a)->type != MESSAGE_WANT_RUN)
		peer_close(s, ERR_WIRE, "the size of nothing that was asked");
}

void ask_done(struct session *s, const struct message_done *m)
{
	struct ask **at = find(s, m->req);
	if (!at) {
		peer_close(s, ERR_WIRE, "the end of nothing that was asked");
		return;
	}
	struct ask *a = *at;
	*at = a->next;
	s->asks_n--;
	s->chunk_asks_n -= a->type == MESSAGE_WANT_CHUNKS;
	s->asked_ms = s->e->now_ms;
	enum err code = message_code_in(m->code);
	a->on_done(s, a->ctx, code);
	free(a);
	pull_pump(s);
	reconcile_pump(s);
}

void ask_deinit(struct session *s)
{
	while (s->asks) {
		struct ask *a = s->asks;
		s->asks = a->next;
		a->on_done(s, a->ctx, ERR_CLOSED);
		free(a);
	}
	s->asks_n = s->chunk_asks_n = 0;
}
