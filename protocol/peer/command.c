/* command.c -- what this node's people ask of it. */
#include "engine_int.h"

#include "protocol/log/erasure.h"
#include "protocol/log/hash.h"

void command_answer(struct engine *e, uint64_t tag, enum err err)
{
	struct engine_event ev = {.kind = ENGINE_EVENT_ANSWER, .tag = tag, .err = err};
	emit_event(e, &ev);
}

/* ---- key events made here ---- */

static void keys_made(struct engine *e, struct session *s, void *ctx, enum err err, bool changed)
{
	uint64_t *tag = ctx;
	(void)s, (void)changed;
	command_answer(e, *tag, err);
	free(tag);
}

static uint64_t *tag_copy(uint64_t tag)
{
	uint64_t *t = malloc(sizeof *t);
	if (t)
		*t = tag;
	return t;
}

static void run_keys(struct engine *e, const struct engine_cmd *cmd)
{
	uint64_t *tag = tag_copy(cmd->tag);
	if (!tag)
		command_answer(e, cmd->tag, ERR_MEMORY);
	else
		keys_put(e, &cmd->identity, cmd->events, cmd->events_n, NULL, keys_made, tag);
}

/* ---- following ---- */

struct follow {
	uint64_t tag;
	struct id32 identity;
	bool add;
};

static size_t follow_place(const struct engine *e, const struct id32 *identity)
{
	size_t lo = 0, hi = e->follows_n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (id32_cmp(&e->follows[mid], identity) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool engine_follows(const struct engine *e, const struct id32 *identity)
{
	size_t at = follow_place(e, identity);
	return (at < e->follows_n && id32_equal(&e->follows[at], identity)) ||
		id32_equal(identity, &e->config.network);
}

/* *err: ERR_MEMORY, and then nothing is changed. */
static bool follow_change(struct engine *e, const struct id32 *identity, bool add, enum err *err)
{
	size_t at = follow_place(e, identity);
	bool there = at < e->follows_n && id32_equal(&e->follows[at], identity);
	if (there == add)
		return false;
	if (add) {
		struct id32 *f = realloc(e->follows, (e->follows_n + 1) * sizeof *f);
		if (!f) {
			*err = ERR_MEMORY;
			return false;
		}
		e->follows = f;
		memmove(f + at + 1, f + at, (e->follows_n - at) * sizeof *f);
		f[at] = *identity;
		e->follows_n++;
		sum_add(&e->follows_version, identity);
	} else {
		memmove(e->follows + at, e->follows + at + 1, (e->follows_n - at - 1) * sizeof *e->follows);
		e->follows_n--;
		sum_sub(&e->follows_version, identity);
	}
	return true;
}

/* SPEC 10.3: "A change behind one's `hello` is sent once the connection is open". Of several the last: its version makes the peer ask. */
void command_follow_owed(struct session *s)
{
	struct message_follow m = {
		.add = s->follow_add, .identity = s->follow_identity, .version = s->e->follows_version};
	if (!s->follow_owed || s->state != SESSION_OPEN)
		return;
	s->follow_owed = false;
	emit_message(s, MESSAGE_FOLLOW, &m);
}

enum err command_followed(struct engine *e, const struct id32 *identity, bool add)
{
	enum err err = OK;
	if (follow_change(e, identity, add, &err)) {
		for (struct session *t = e->sessions; t; t = t->next) {
			t->follow_owed = t->hello_sent;
			t->follow_add = add;
			t->follow_identity = *identity;
			command_follow_owed(t);
		}
	}
	if (err == OK)
		members_look(e);
	return err;
}

static void followed(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct follow *f = ctx;
	(void)s;
	if (engine_written(e, res, "a follow"))
		res->err = command_followed(e, &f->identity, f->add);
	command_answer(e, f->tag, res->err);
	free(f);
}

static void run_follow(struct engine *e, const struct engine_cmd *cmd)
{
	struct follow *f = e->follows_n < LIMIT_FOLLOWS || !cmd->flag ? calloc(1, sizeof *f) : NULL;
	struct store_req *q = f ? req_new(cmd->flag ? STORE_FOLLOW_ADD : STORE_FOLLOW_REMOVE) : NULL;
	if (!q) {
		free(f);
		command_answer(e, cmd->tag, e->follows_n < LIMIT_FOLLOWS ? ERR_MEMORY : ERR_LIMIT);
		return;
	}
	*f = (struct follow){.tag = cmd->tag, .identity = cmd->identity, .add = cmd->flag};
	q->a.identity = cmd->identity;
	q->a.flag = cmd->hosted;
	emit_store(e, q, NULL, followed, f);
}

/* ---- erasing ---- */

struct erase {
	uint64_t tag;
	uint64_t seq;
	uint8_t statement[LIMIT_ERASURE_BYTES];
};

static void erase_end(struct engine *e, struct erase *x, enum err err)
{
	command_answer(e, x->tag, err);
	free(x);
}

static void erased(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s;
	bool refused = res->err == ERR_EXISTS ||
		res->err == ERR_NOT_FOUND; /* the asker's affair, not the store's */
	if (!refused && engine_written(e, res, "an erasure"))
		engine_remove_blobs(e, res);
	erase_end(e, ctx, res->err);
}

/* SPEC 12.1: "in the log at that seq with that id and without the `keep` flag" */
static enum err erasable(const struct store_res *res, const struct erasure *st)
{
	if (res->err != OK)
		return res->err;
	if (res->r.n != 1 || !res->r.parts[0].header)
		return ERR_NOT_FOUND;
	struct id32 id = entry_id(res->r.parts[0].header);
	if (!id32_equal(&id, &st->of.id))
		return ERR_NOT_FOUND;
	return res->r.parts[0].header[1] & ENTRY_FLAG_KEEP ? ERR_REFUSED : OK;
}

static void erase_read(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct erase *x = ctx;
	struct erasure st;
	(void)s;
	enum err err = erasure_decode(slice_of(x->statement, sizeof x->statement), &st);
	if (err == OK)
		err = erasable(res, &st);
	if (err != OK) {
		erase_end(e, x, err);
		return;
	}
	struct store_req *q = req_new(STORE_ERASED_PUT);
	if (q) {
		q->a.log = st.of.log;
		q->a.seq = st.of.seq;
		q->a.id = st.of.id;
		q->a.bytes = slice_of(x->statement, sizeof x->statement); /* x lives until the answer */
	}
	emit_store(e, q, NULL, erased, x);
}

/* The statement was made here, by a signed-in owner or custodian. */
static void run_erase(struct engine *e, const struct engine_cmd *cmd)
{
	struct erasure st;
	enum err err = erasure_decode(cmd->statement, &st);
	struct erase *x = err == OK ? malloc(sizeof *x) : NULL;
	if (!x) {
		command_answer(e, cmd->tag, err == OK ? ERR_MEMORY : ERR_INPUT);
		return;
	}
	x->tag = cmd->tag;
	x->seq = st.of.seq;
	memcpy(x->statement, cmd->statement.p, sizeof x->statement);
	struct store_req *q = req_new(STORE_BODY_GET);
	if (q) {
		q->a.log = st.of.log;
		q->a.seqs = &x->seq;
		q->a.n = 1;
	}
	emit_store(e, q, NULL, erase_read, x);
}

/* ---- finding an identity by its root key, for recovery ---- */

struct find {
	uint64_t tag;
	unsigned asked; /* sessions that have not answered */
	bool found;
	struct id32 identity;
	struct arena mem;
	struct store_keyevent *events;
	size_t n;
};

static void find_free(struct find *f)
{
	arena_free(&f->mem);
	free(f->events);
	free(f);
}

static void find_put(struct engine *e, struct session *s, void *ctx, enum err err, bool changed)
{
	struct find *f = ctx;
	(void)s, (void)changed;
	struct engine_event ev = {
		.kind = ENGINE_EVENT_ANSWER, .tag = f->tag, .err = err, .identity = f->identity};
	emit_event(e, &ev);
	find_free(f);
}

static void find_got(struct session *s, void *ctx, const union message *m)
{
	struct find *f = ctx;
	const struct message_list *l = &m->keys.events;
	struct slice raw;
	if (f->found && !id32_equal(&f->identity, &m->keys.identity))
		return;
	if (f->n + l->n > LIMIT_KEYEVENTS || !arena_put(&f->mem, l->raw, &raw)) {
		peer_close(s, ERR_LIMIT, "too many key events");
		return;
	}
	struct store_keyevent *ev = realloc(f->events, (f->n + l->n + 1) * sizeof *ev);
	if (!ev)
		return;
	f->events = ev;
	f->found = true;
	f->identity = m->keys.identity;
	struct message_list copy = {.n = l->n, .raw = raw};
	struct mp_in in = message_list_open(&copy);
	for (size_t i = 0; i < l->n; i++, f->n++)
		message_next_event(&in, &f->events[f->n].bytes, &f->events[f->n].signatures);
}

static void find_end(struct session *s, void *ctx, enum err code)
{
	struct find *f = ctx;
	(void)code;
	if (--f->asked)
		return;
	if (f->found) {
		keys_put(s->e, &f->identity, f->events, f->n, NULL, find_put, f);
	} else {
		command_answer(s->e, f->tag, ERR_NOT_FOUND);
		find_free(f);
	}
}

static void run_find(struct engine *e, const struct engine_cmd *cmd)
{
	struct find *f = calloc(1, sizeof *f);
	if (!f) {
		command_answer(e, cmd->tag, ERR_MEMORY);
		return;
	}
	f->tag = cmd->tag;
	f->asked = 1; /* until all are asked */
	for (struct session *s = e->sessions; s; s = s->next) {
		if (!ask_room(s, false))
			continue;
		struct message_want_keys m = {.by = 1, .key = cmd->id};
		f->asked++;
		ask_send(s, MESSAGE_WANT_KEYS, &m, MESSAGE_KEYS, find_got, find_end, f);
	}
	if (f->asked == 1) {
		command_answer(e, cmd->tag, ERR_UNREACHABLE);
		find_free(f);
		return;
	}
	f->asked--;
}

/* ---- the rest ---- */

static void run_peer_removed(struct engine *e, const struct engine_cmd *cmd)
{
	for (struct session *s = e->sessions; s; s = s->next)
		if (id32_equal(&s->node, &cmd->node))
			peer_close(s, ERR_REFUSED, "taken out by the operator");
	members_load(e);
	command_answer(e, cmd->tag, OK);
}

static void run_heard(struct engine *e, const struct engine_cmd *cmd)
{
	if (e->members)
		members_heard(e, &cmd->node, cmd->addresses, cmd->addresses_n, cmd->flag, cmd->tag);
	else
		command_answer(e, cmd->tag, ERR_STATE);
}

static void run_network(struct engine *e, const struct engine_cmd *cmd)
{
	e->config.network = cmd->id;
	admissions_settle(e);
	for (struct session *s = e->sessions; s; s = s->next)
		peer_close(s, ERR_CLOSED, "this node moves to another network");
	command_answer(e, cmd->tag, OK);
}

void command_run(struct engine *e, const struct engine_cmd *cmd)
{
	switch (cmd->kind) {
	case ENGINE_CMD_APPEND: own_append(e, cmd); return;
	case ENGINE_CMD_OWN: own_put(e, cmd); return;
	case ENGINE_CMD_KEYS: run_keys(e, cmd); return;
	case ENGINE_CMD_FOLLOW: run_follow(e, cmd); return;
	case ENGINE_CMD_ERASE: run_erase(e, cmd); return;
	case ENGINE_CMD_FIND: run_find(e, cmd); return;
	case ENGINE_CMD_PEER_REMOVED: run_peer_removed(e, cmd); return;
	case ENGINE_CMD_NETWORK: run_network(e, cmd); return;
	case ENGINE_CMD_HEARD: run_heard(e, cmd); return;
	case ENGINE_CMD_PEERS:
		members_load(e);
		command_answer(e, cmd->tag, OK);
		return;
	case ENGINE_CMD_ADMISSIONS: admissions_asked(e, cmd->tag); return;
	case ENGINE_CMD_NOTICE: notices_run(e, cmd); return;
	case ENGINE_CMD_SEEK: seek_run(e, cmd); return;
	case ENGINE_CMD_BLOB_WANT:
		blob_look(e);
		command_answer(e, cmd->tag, OK);
		return;
	}
}
