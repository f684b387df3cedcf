/* telling.c -- see telling.h. */
#include "telling.h"

#include "log.h"
#include "protocol/log/notice.h"

#include <stdlib.h>
#include <time.h>

/* A day less than a notice may live: clocks differ. */
#define LIVES_HOURS (LIMIT_NOTICE_HOURS - 24u)

struct sealed {
	const struct audience_host *host;
	enum err err;
	uint8_t bytes[LIMIT_NOTICE_BYTES];
};

struct telling {
	struct desk *desk;
	struct notice notice;
	size_t n;
	struct sealed *of;
};

static void seal_all(void *ctx)
{
	struct telling *t = (struct telling *)ctx;
	for (size_t i = 0; i < t->n; i++) {
		t->notice.to = t->of[i].host->reader;
		t->of[i].err = notice_seal(
			&t->notice, &t->of[i].host->notice_key, &desk_random, t->of[i].bytes);
	}
}

static const struct audience_host *host_of(const struct audience *to, const struct id32 *node)
{
	for (size_t i = 0; i < to->hosts_n; i++)
		if (id32_equal(&to->hosts[i].node, node))
			return &to->hosts[i];
	return NULL;
}

/* Which of the hosts are due one. t->of is the caller's to free. */
static enum err choose(struct telling *t, const struct audience *to)
{
	struct id32 *nodes = (struct id32 *)calloc(to->hosts_n, sizeof *nodes);
	struct store_req req = {.op = STORE_NOTICE_DUE,
		.a.identity = t->notice.from,
		.a.ids = nodes,
		.a.now_s = (uint64_t)time(NULL)};
	struct store_res res = {0};
	enum err e = nodes ? OK : ERR_MEMORY;
	for (size_t i = 0; e == OK && i < to->hosts_n; i++)
		if (!id32_equal(&to->hosts[i].reader, &t->notice.from))
			nodes[req.a.n++] = to->hosts[i].node;
	if (e == OK && req.a.n)
		e = desk_store(t->desk, &req, &res);
	if (e == OK && res.r.n)
		t->of = (struct sealed *)calloc(res.r.n, sizeof *t->of);
	for (size_t i = 0; t->of && i < res.r.n; i++)
		t->of[t->n++].host = host_of(to, &res.r.ids[i]);
	if (e == OK && t->n < res.r.n)
		e = ERR_MEMORY;
	store_res_free(&res);
	free(nodes);
	return e;
}

static enum err send_one(struct telling *t, const struct sealed *s)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_NOTICE,
		.identity = t->notice.from,
		.node = s->host->node,
		.expires_hour = (uint32_t)((uint64_t)time(NULL) / 3600 + LIVES_HOURS),
		.body = slice_of(s->bytes, sizeof s->bytes)};
	return s->err == OK ? desk_command(t->desk, &cmd, NULL) : s->err;
}

void telling_send(
	struct desk *d, const struct id32 *author, const struct entry_ref *entry, const struct audience *to)
{
	struct telling t = {
		.desk = d, .notice = {.from = *author, .entry = *entry, .node = d->keys->node_key}};
	if (to->hosts_n == 0)
		return;
	if (d->node)
		t.notice.addresses_n = node_addresses(d->node, t.notice.addresses);
	enum err e = choose(&t, to);
	if (t.n)
		desk_work(d, seal_all, &t);
	for (size_t i = 0; i < t.n; i++) { /* one node's bad key is not the others' loss */
		enum err one = send_one(&t, &t.of[i]);
		e = e == OK ? one : e;
	}
	if (e != OK)
		log_warning("notice", log_text("event", "a reader's node was not told"),
			log_id("entry", &entry->id), log_err(e));
	free(t.of);
}
