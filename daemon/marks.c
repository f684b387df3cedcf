/* marks.c -- see marks.h. */
#include "marks.h"

#include "compose.h"
#include "protocol/log/entry.h"

/* Those that count first, then the longest. */
struct reach {
	struct keyset_mark mark;
	bool in_force;
};

static int reach_compare(const void *x, const void *y)
{
	const struct reach *a = (const struct reach *)x, *b = (const struct reach *)y;
	if (a->in_force != b->in_force)
		return a->in_force ? -1 : 1;
	if (a->mark.length != b->mark.length)
		return a->mark.length > b->mark.length ? -1 : 1;
	return id32_cmp(&a->mark.log, &b->mark.log);
}

/* The id of the entry at length - 1. */
static enum err find_last(struct desk *d, struct keyset_mark *m)
{
	struct store_req run = {
		.op = STORE_RUN_GET, .a.log = m->log, .a.first = m->length - 1, .a.end = m->length};
	struct store_res res;
	enum err e = desk_store(d, &run, &res);
	if (e == OK)
		m->last = entry_id(res.r.parts[0].header);
	store_res_free(&res);
	return e;
}

enum err marks_find(struct desk *d, const struct id32 *identity, const struct keyset_view *v, struct marks *m)
{
	struct store_req req = {.op = STORE_LOG_LIST, .a.identity = *identity};
	struct store_res res;
	size_t n = 0;
	enum err e = desk_store(d, &req, &res);
	struct reach *logs = e == OK ? (struct reach *)calloc(res.r.n + 1, sizeof *logs) : NULL;
	if (e == OK && !logs)
		e = ERR_MEMORY;
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		if (res.r.logs[i].end)
			logs[n++] = (struct reach){{.log = res.r.logs[i].log, .length = res.r.logs[i].end},
				keyset_view_device(v, &res.r.logs[i].log) != NULL};
	store_res_free(&res);
	if (n)
		qsort(logs, n, sizeof *logs, reach_compare);
	*m = (struct marks){.n = n < LIMIT_END_MARKS ? n : LIMIT_END_MARKS};
	m->unmarked = n - m->n;
	for (size_t i = 0; e == OK && i < m->n; i++) {
		m->at[i] = logs[i].mark;
		e = find_last(d, &m->at[i]);
	}
	free(logs);
	return e;
}

static int by_log(const void *x, const void *y)
{
	return id32_cmp(&((const struct keyset_mark *)x)->log, &((const struct keyset_mark *)y)->log);
}

void marks_sort(struct marks *m)
{
	if (m->n)
		qsort(m->at, m->n, sizeof m->at[0], by_log);
}

json_t *marks_json(const struct marks *m)
{
	json_t *list = json_array();
	for (size_t i = 0; i < m->n; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:o, s:o}", "log", compose_id_json(&m->at[i].log), "length",
				compose_number_json(m->at[i].length), "last",
				compose_id_json(&m->at[i].last)));
	return list;
}
