/* seek.c -- an entry that lies behind the end of its log, and that something which counts names: peers are asked for it, one after the other. SPEC.md section 10.10.
 * A seek lives until its entry is here, or need not be; its pauses grow, so one that nobody can answer costs next to nothing. */
#include "seek_int.h"

#define SEEKS_MAX 64u
#define SEEK_ANSWER_MS 30000u
#define SEEK_PAUSE_MS 60000u
#define SEEK_PAUSE_MAX_MS 86400000u

struct seek *seek_find(struct engine *e, const struct entry_ref *at)
{
	for (struct seek *k = e->seeks; k; k = k->next)
		if (id32_equal(&k->at.id, &at->id) && id32_equal(&k->at.log, &at->log) &&
			k->at.seq == at->seq)
			return k;
	return NULL;
}

void seek_drop(struct engine *e, struct seek *k)
{
	for (struct seek **at = &e->seeks; *at; at = &(*at)->next)
		if (*at == k) {
			*at = k->next;
			e->seeks_n--;
			break;
		}
	arena_free(&k->mem);
	free(k);
}

void seek_deinit(struct engine *e)
{
	while (e->seeks)
		seek_drop(e, e->seeks);
}

struct store_req *seek_req(const struct entry_ref *at, const struct id32 *node)
{
	struct store_req *q = req_new(STORE_SOUGHT_GET);
	if (q) {
		q->a.log = at->log;
		q->a.seq = at->seq;
		q->a.id = at->id;
		q->a.node = *node;
	}
	return q;
}

/* ---- whom to ask */

static bool was_asked(const struct seek *k, const struct id32 *node)
{
	for (size_t i = 0; i < k->asked_n; i++)
		if (id32_equal(&k->asked[i], node))
			return true;
	return false;
}

/* *wait: somebody else's answer comes first. */
static struct session *next_peer(struct engine *e, const struct seek *k, bool *wait)
{
	*wait = false;
	for (struct session *s = e->sessions; s && k->asked_n < SEEK_PEERS_MAX; s = s->next) {
		if (s->state != SESSION_OPEN || was_asked(k, &s->node))
			continue;
		if (!s->seeking)
			return s;
		*wait = *wait || e->now_ms < s->seek_ms + SEEK_ANSWER_MS;
	}
	return NULL;
}

void seek_rest(struct engine *e, struct seek *k)
{
	k->resting = true;
	k->due_ms = e->now_ms + k->pause_ms;
	k->pause_ms = k->pause_ms < SEEK_PAUSE_MAX_MS / 2 ? k->pause_ms * 2 : SEEK_PAUSE_MAX_MS;
}

static void ask(struct session *s, struct seek *k)
{
	k->conn = s->conn;
	s->seeking = true;
	s->seek = k->at;
	s->seek_ms = s->e->now_ms;
	emit_message(
		s, MESSAGE_SEEK, &(struct message_seek){.log = k->at.log, .seq = k->at.seq, .id = k->at.id});
}

/* What is here by now need not be asked for. */
static void looked(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct seek *k = ctx;
	k->busy = false;
	if (res->err != OK && res->err != ERR_NOT_FOUND) {
		seek_rest(e, k);
		return;
	}
	if (res->err != OK || !res->r.more || !engine_follows(e, &res->r.logs[0].identity) ||
		(res->r.parts &&
			(res->r.parts[0].kind == BODY_HERE || res->r.parts[0].kind == BODY_ERASED))) {
		seek_drop(e, k);
		return;
	}
	k->identity = res->r.logs[0].identity;
	k->device_key = res->r.logs[0].device_key;
	if (s->state == SESSION_OPEN && !s->seeking) {
		k->asked[k->asked_n++] = s->node;
		/* SPEC 10.10: "but none that a *direct* log does not name" */
		if (res->r.flag)
			ask(s, k);
	}
	seek_pump(e);
}

static void pump(struct engine *e, struct seek *k)
{
	bool wait;
	if (k->busy || k->resting || k->conn)
		return;
	struct session *s = next_peer(e, k, &wait);
	if (!s && !wait)
		seek_rest(e, k);
	if (!s)
		return;
	k->busy = true;
	emit_store(e, seek_req(&k->at, &s->node), s, looked, k);
}

void seek_pump(struct engine *e)
{
	for (struct seek *k = e->seeks; k; k = k->next)
		pump(e, k);
}

/* ---- life */

/* The one with the longest pause gives way: nobody had it, time and again. */
static bool make_room(struct engine *e)
{
	struct seek *worst = NULL;
	if (e->seeks_n < SEEKS_MAX)
		return true;
	for (struct seek *k = e->seeks; k; k = k->next)
		if (k->resting && !k->busy && (!worst || k->pause_ms > worst->pause_ms))
			worst = k;
	if (worst)
		seek_drop(e, worst);
	return worst != NULL;
}

void seek_run(struct engine *e, const struct engine_cmd *cmd)
{
	const struct entry_ref at = {.log = cmd->log, .seq = cmd->seq, .id = cmd->id};
	if (at.seq > LIMIT_SEQ || seek_find(e, &at)) {
		command_answer(e, cmd->tag, at.seq > LIMIT_SEQ ? ERR_RANGE : ERR_EXISTS);
		return;
	}
	struct seek *k = make_room(e) ? calloc(1, sizeof *k) : NULL;
	command_answer(e, cmd->tag, k ? OK : e->seeks_n < SEEKS_MAX ? ERR_MEMORY : ERR_LIMIT);
	if (!k)
		return;
	*k = (struct seek){.next = e->seeks, .at = at, .pause_ms = SEEK_PAUSE_MS};
	e->seeks = k;
	e->seeks_n++;
	pump(e, k);
}

/* Somebody who was not asked may have it. */
void seek_opened(struct session *s)
{
	for (struct seek *k = s->e->seeks; k; k = k->next)
		if (k->resting && !was_asked(k, &s->node))
			k->resting = k->asked_n == SEEK_PEERS_MAX;
	seek_pump(s->e);
}

void seek_closed(struct session *s)
{
	struct seek *k = s->seeking ? seek_find(s->e, &s->seek) : NULL;
	s->seeking = false;
	if (k && k->conn == s->conn)
		k->conn = 0;
	seek_pump(s->e);
}

/* SPEC 10.10: "A peer that has not answered for 30 s may be of an older version" */
void seek_time(struct engine *e)
{
	for (struct seek *k = e->seeks; k; k = k->next) {
		const struct session *s = k->conn ? peer_find(e, k->conn) : NULL;
		if (k->conn && (!s || e->now_ms >= s->seek_ms + SEEK_ANSWER_MS))
			k->conn = 0;
		if (k->resting && e->now_ms >= k->due_ms) {
			k->resting = false;
			k->asked_n = 0;
		}
	}
	seek_pump(e);
}

uint64_t seek_deadline(const struct engine *e)
{
	uint64_t d = UINT64_MAX;
	for (const struct seek *k = e->seeks; k; k = k->next)
		if (k->resting && k->due_ms < d)
			d = k->due_ms;
	if (e->seeks)
		for (const struct session *s = e->sessions; s; s = s->next)
			if (s->seeking && s->state == SESSION_OPEN &&
				e->now_ms < s->seek_ms + SEEK_ANSWER_MS && s->seek_ms + SEEK_ANSWER_MS < d)
				d = s->seek_ms + SEEK_ANSWER_MS;
	return d;
}
