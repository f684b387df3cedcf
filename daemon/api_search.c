/* api_search.c -- micro-credentials by words: of a problem, of a method, of a title; each with the reason why it was found. */
#include "catalogue.h"
#include "compose.h"

#include <string.h>

#define FOUND_MAX 50u
#define MARK "**"

struct searching {
	struct slice words;
	bool all;
	uint64_t limit;
	json_t *items;
};

static const char *field_name(enum fact_text field)
{
	switch (field) {
	case FACT_TITLE: return "title";
	case FACT_COMPETENCY: return "competency";
	case FACT_METHOD: return "method";
	case FACT_PROBLEMS: return "problems";
	case FACT_TAGS: return "tags and categories";
	case FACT_OTHER: break;
	}
	return "research and resources";
}

/* Lists stand in a field line by line: those in which nothing was found are left out. */
static bool is_wanted(struct slice line, bool any)
{
	return !any || memchr(line.p, 1, line.n) || memchr(line.p, 2, line.n);
}

/* The store marks what was found with \1 and \2. */
static enum err put_line(struct buf *text, struct slice line)
{
	enum err e = text->n ? buf_put(text, " · ", strlen(" · ")) : OK;
	for (size_t i = 0; e == OK && i < line.n; i++) {
		bool mark = line.p[i] == 1 || line.p[i] == 2;
		e = buf_put(text, mark ? MARK : (const char *)&line.p[i], mark ? strlen(MARK) : 1);
	}
	return e;
}

static json_t *snippet_json(struct slice snippet)
{
	struct buf text = {0};
	enum err e = OK;
	const bool any = snippet.n && memchr(snippet.p, 1, snippet.n);
	while (e == OK && snippet.n) {
		const uint8_t *end = (const uint8_t *)memchr(snippet.p, '\n', snippet.n);
		size_t n = end ? (size_t)(end - snippet.p) : snippet.n;
		const struct slice line = slice_of(snippet.p, n);
		if (n && is_wanted(line, any))
			e = put_line(&text, line);
		n += end ? 1 : 0;
		snippet = slice_of(snippet.p + n, snippet.n - n);
	}
	json_t *out = e == OK ? compose_text_json(buf_slice(&text)) : NULL;
	buf_free(&text);
	return out;
}

static enum err put_hit(
	struct catalogue *c, struct searching *s, const struct fact *f, const struct store_hit *hit)
{
	json_t *item = NULL;
	enum err e = catalogue_item(c, f, &item);
	if (e != OK)
		return e;
	const char *must = s->all ? "counts" : "current";
	if (json_is_true(json_object_get(item, must)) && json_array_size(s->items) < s->limit) {
		json_object_set_new(item, "why",
			json_pack("{s:s, s:o}", "field", field_name(hit->field), "snippet",
				snippet_json(hit->snippet)));
		e = json_array_append(s->items, item) == 0 ? OK : ERR_MEMORY;
	}
	json_decref(item);
	return e;
}

static enum err find(struct catalogue *c, void *ctx)
{
	struct searching *s = (struct searching *)ctx;
	struct store_req req = {.op = STORE_FACT_SEARCH,
		.a.bytes = s->words,
		.a.number = FACT_MASK(FACT_DEFINITION),
		.a.max = FOUND_MAX};
	struct store_res res = {0};
	store_exec_one(c->store, &req, &res);
	enum err e = res.err;
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		e = put_hit(c, s, &res.r.facts[i], &res.r.hits[i]);
	store_res_free(&res);
	return e;
}

static enum err search(struct act *a)
{
	const char *words = api_query(a->rq, "q");
	struct searching s = {.all = api_query(a->rq, "all") != NULL, .limit = FOUND_MAX};
	uint64_t unused = 0;
	enum err e = catalogue_page(a, &s.limit, &unused);
	if (e == OK && (!words || !*words))
		e = act_say(a, ERR_INPUT, "\"q\" is missing: the words to search for.");
	if (e != OK)
		return e;
	s.words = slice_str(words);
	s.items = json_array();
	e = s.items ? catalogue_ask(a, a->rq->session, find, &s) : ERR_MEMORY;
	if (e != OK)
		json_decref(s.items);
	else
		a->reply = json_pack("{s:o}", "items", s.items);
	return e;
}

void route_search(struct api_request *rq)
{
	act_begin(rq, search);
}
