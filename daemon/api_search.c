/* api_search.c -- micro-credentials by words: of a problem, of a method, of a title; each with the reason why it was found. */
#include "catalogue.h"
#include "compose.h"

#include <string.h>
#include <strings.h>

#define FOUND_MAX 50u
#define WORDS_MAX 64u
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

/* The store marks what was found with \1 and \2. */
static json_t *snippet_json(struct slice snippet)
{
	struct buf text = {0};
	enum err e = OK;
	for (size_t i = 0; e == OK && i < snippet.n; i++) {
		bool mark = snippet.p[i] == 1 || snippet.p[i] == 2;
		e = buf_put(&text, mark ? MARK : (const char *)&snippet.p[i], mark ? strlen(MARK) : 1);
	}
	json_t *out = e == OK ? compose_text_json(buf_slice(&text)) : NULL;
	buf_free(&text);
	return out;
}

/* ---- the one problem that was meant */

/* What was typed, word by word, and what the store marked: it knows that words have endings. */
struct words {
	size_t n;
	struct slice at[WORDS_MAX];
};

static void add_words(struct words *w, struct slice text, const char *ends)
{
	size_t from = 0;
	for (size_t i = 0; i <= text.n && w->n < WORDS_MAX; i++) {
		if (i < text.n && !strchr(ends, text.p[i]))
			continue;
		if (i > from)
			w->at[w->n++] = slice_of(text.p + from, i - from);
		from = i + 1;
	}
}

static void add_marked(struct words *w, struct slice snippet)
{
	size_t from = 0;
	for (size_t i = 0; i < snippet.n && w->n < WORDS_MAX; i++)
		if (snippet.p[i] == 1)
			from = i + 1;
		else if (snippet.p[i] == 2 && from && i > from)
			w->at[w->n++] = slice_of(snippet.p + from, i - from);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80);
}

/* How many bytes of words begin at p, the longest; 0: none. */
static size_t words_at(const struct words *w, const char *text, const char *p)
{
	size_t longest = 0;
	if (p > text && is_letter(p[-1]))
		return 0;
	for (size_t i = 0; i < w->n; i++)
		if (w->at[i].n > longest && strncasecmp(p, (const char *)w->at[i].p, w->at[i].n) == 0 &&
			!is_letter(p[w->at[i].n]))
			longest = w->at[i].n;
	return longest;
}

static size_t count_found(const struct words *w, const char *text)
{
	size_t found = 0;
	for (const char *p = text; *p;) {
		size_t n = words_at(w, text, p);
		found += n;
		p += n ? n : 1;
	}
	return found;
}

/* Words that follow each other are marked as one. */
static enum err put_found(struct buf *out, const char *words, size_t n)
{
	static const char between[] = MARK " ";
	const size_t between_n = strlen(between);
	enum err e = OK;
	if (out->n >= between_n && memcmp(out->p + out->n - between_n, between, between_n) == 0) {
		out->n -= between_n;
		e = buf_put(out, " ", 1);
	} else {
		e = buf_put(out, MARK, strlen(MARK));
	}
	if (e == OK)
		e = buf_put(out, words, n);
	return e == OK ? buf_put(out, MARK, strlen(MARK)) : e;
}

static json_t *marked_json(const struct words *w, const char *text)
{
	struct buf out = {0};
	enum err e = OK;
	for (const char *p = text; e == OK && *p;) {
		size_t n = words_at(w, text, p);
		e = n ? put_found(&out, p, n) : buf_put(&out, p, 1);
		p += n ? n : 1;
	}
	json_t *shown = e == OK ? compose_text_json(buf_slice(&out)) : NULL;
	buf_free(&out);
	return shown;
}

/* Of several problems the one in which most was found, whole; NULL: in none as it was typed or marked. */
static json_t *problem_json(const struct definition *d, struct slice typed, struct slice snippet)
{
	struct words w = {.n = 0};
	const char *best = NULL;
	size_t most = 0;
	add_words(&w, typed, " \t\r\n\"*()");
	add_marked(&w, snippet);
	const json_t *problems = json_object_get(d->json, "problems");
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const char *text = json_string_value(json_array_get(problems, i));
		size_t found = text ? count_found(&w, text) : 0;
		if (found > most) {
			most = found;
			best = text;
		}
	}
	return best ? marked_json(&w, best) : NULL;
}

static json_t *why_json(const struct searching *s, const struct definition *d, const struct store_hit *hit)
{
	json_t *text = hit->field == FACT_PROBLEMS ? problem_json(d, s->words, hit->snippet) : NULL;
	return json_pack("{s:s, s:o}", "field", field_name(hit->field), "snippet",
		text ? text : snippet_json(hit->snippet));
}

/* One that is not sound does not count. */
static enum err put_hit(
	struct catalogue *c, struct searching *s, const struct fact *f, const struct store_hit *hit)
{
	struct definition d;
	json_t *item = NULL;
	enum err e = catalogue_read(f, &d);
	if (e != OK)
		return e == ERR_FORMAT ? OK : e;
	e = catalogue_item_of(c, f, &d, &item);
	if (e == OK && json_is_true(json_object_get(item, s->all ? "counts" : "current"))) {
		json_object_set_new(item, "why", why_json(s, &d, hit));
		e = json_array_append(s->items, item) == 0 ? OK : ERR_MEMORY;
	}
	json_decref(item);
	definition_deinit(&d);
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
	for (size_t i = 0; e == OK && i < res.r.n && json_array_size(s->items) < s->limit; i++)
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
	return catalogue_list(a, find, &s, &s.items);
}

void route_search(struct api_request *rq)
{
	act_begin(rq, search);
}
