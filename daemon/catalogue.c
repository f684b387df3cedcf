/* catalogue.c -- see catalogue.h. As answers show it: catalogue_json.c. */
#include "catalogue.h"

#include "log.h"
#include "protocol/log/record.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

struct asking {
	struct catalogue c;
	const struct id32 *me;
	catalogue_fn fn;
	void *ctx;
	enum err err;
};

static void ask(void *ctx, struct store *s, enum err e)
{
	struct asking *q = (struct asking *)ctx;
	q->c.store = s;
	if (e == OK)
		e = cases_open(s, q->c.book, q->me, &q->c.cases);
	if (e == OK) {
		q->c.names = names_new(s);
		e = q->c.names ? q->fn(&q->c, q->ctx) : ERR_MEMORY;
	}
	names_free(q->c.names);
	cases_close(q->c.cases);
	q->err = e;
}

enum err catalogue_ask(struct act *a, struct session *s, catalogue_fn fn, void *ctx)
{
	return catalogue_ask_in(a, a->rq->sessions, s, fn, ctx);
}

/* SPEC 20.3: a guest stays as long as somebody here opens what it writes. The answer stands, whatever becomes of this. */
static void note_used(struct desk *d, struct book *b)
{
	struct id32 ids[BOOK_OPENED_MAX];
	struct store_req req = {.op = STORE_GUEST_USED, .a.ids = ids, .a.now_s = (uint64_t)time(NULL)};
	req.a.n = book_opened(b, ids);
	enum err e = req.a.n ? desk_put(d, &req) : OK;
	if (e != OK)
		log_warning("follow", log_text("event", "that guests are of use was not noted"), log_err(e));
}

/* SPEC 10.10: a peer may have what the state of an award rests on. What cannot be sought now is sought when somebody looks again. */
static void seek_sought(struct desk *d, struct book *b)
{
	struct entry_ref sought[BOOK_SOUGHT_MAX];
	const size_t n = book_sought(b, sought);
	for (size_t i = 0; i < n; i++) {
		struct engine_cmd cmd = {.kind = ENGINE_CMD_SEEK,
			.log = sought[i].log,
			.seq = sought[i].seq,
			.id = sought[i].id};
		enum err e = desk_command(d, &cmd, NULL);
		if (e != OK && e != ERR_EXISTS && e != ERR_LIMIT)
			log_warning("award",
				log_text("event", "a review behind the end of its log was not asked for"),
				log_id("entry", &sought[i].id), log_err(e));
	}
}

enum err catalogue_ask_in(struct act *a, struct sessions *ss, struct session *s, catalogue_fn fn, void *ctx)
{
	struct asking q = {.c.act = a, .c.book = session_book(ss, s), .fn = fn, .ctx = ctx};
	if (!q.c.book)
		return ERR_MEMORY;
	if (s && s->keyring)
		q.me = &s->identity;
	desk_read(a->desk, ask, &q);
	if (q.me)
		note_used(a->desk, q.c.book);
	seek_sought(a->desk, q.c.book);
	return q.err;
}

/* ---- what counts */

bool catalogue_act_counts(struct catalogue *c, const struct fact *f)
{
	struct judge_identity author;
	if (f->cut || cases_identity(c->cases, &f->author, &author) != OK)
		return false;
	const struct judge_case one = {.facts_n = 1, .facts = f, .identities_n = 1, .identities = &author};
	return judge_act_counts(&one, f);
}

enum err catalogue_read(const struct fact *f, struct definition *d)
{
	struct slice kind, fields, text;
	if (record_open(f->data, &kind, &fields) != OK || record_get_str(fields, "definition", &text) != OK)
		return ERR_FORMAT;
	enum err e = definition_read_canonical(text, d);
	return e == OK || e == ERR_MEMORY ? e : ERR_FORMAT;
}

static enum err is_sound(const struct fact *f, bool *sound)
{
	struct definition d;
	enum err e = catalogue_read(f, &d);
	*sound = e == OK;
	if (e == OK)
		definition_deinit(&d);
	return e == ERR_FORMAT ? OK : e;
}

enum err catalogue_find(
	struct catalogue *c, const struct entry_ref *at, enum fact_kind kind, struct fact_list *found)
{
	enum err e = cases_at(c->cases, at, found);
	if (e == OK && (found->n == 0 || found->facts[0].kind != kind)) {
		fact_list_free(found);
		e = ERR_NOT_FOUND;
	}
	return e;
}

static enum err is_version(struct catalogue *c, const struct fact *f, bool *is)
{
	*is = catalogue_act_counts(c, f);
	return *is ? is_sound(f, is) : OK;
}

/* The definition, what it supersedes, and what that supersedes …: SPEC 16.3. Where that does not count, or is not here, `supersedes` means nothing. */
static enum err walk(struct catalogue *c, const struct fact *definition, struct id32 *ids, size_t *n)
{
	struct fact_list here = {0};
	const struct fact *f = definition;
	struct entry_ref at;
	bool is = false;
	enum err e = is_version(c, f, &is);
	while (e == OK && is) {
		struct fact_list up;
		ids[(*n)++] = f->at.id;
		if (*n == CATALOGUE_VERSIONS_MAX || cases_ref(f, "supersedes", &at) != OK)
			break;
		e = catalogue_find(c, &at, FACT_DEFINITION, &up);
		if (e != OK)
			break;
		fact_list_free(&here);
		here = up;
		f = &here.facts[0];
		is = id32_equal(&f->author, &definition->author);
		if (is)
			e = is_version(c, f, &is);
	}
	fact_list_free(&here);
	return e == ERR_NOT_FOUND ? OK : e;
}

enum err catalogue_counts(struct catalogue *c, const struct fact *definition, bool *counts)
{
	return is_version(c, definition, counts);
}

enum err catalogue_lineage(struct catalogue *c, const struct fact *definition, struct id32 *ids, size_t *n)
{
	*n = 0;
	return walk(c, definition, ids, n);
}

enum err catalogue_successor(struct catalogue *c, const struct fact *definition, struct fact_list *found)
{
	struct fact_list all;
	enum err e = cases_about(c->cases, &definition->at.id, FACT_MASK(FACT_DEFINITION), &all);
	*found = (struct fact_list){0};
	bool counts = false;
	for (size_t i = 0; e == OK && i < all.n && !counts; i++) {
		if (!id32_equal(&all.facts[i].author, &definition->author))
			continue;
		e = catalogue_counts(c, &all.facts[i], &counts);
		if (e == OK && counts)
			e = catalogue_find(c, &all.facts[i].at, FACT_DEFINITION, found);
	}
	fact_list_free(&all);
	return e;
}

enum err catalogue_ended(struct catalogue *c, const struct fact *f, enum fact_kind kind, bool *ended)
{
	struct fact_list ends;
	enum err e = cases_about(c->cases, &f->at.id, FACT_MASK(kind), &ends);
	*ended = false;
	if (e != OK)
		return e;
	for (size_t i = 0; i < ends.n && !*ended; i++)
		*ended = id32_equal(&ends.facts[i].author, &f->author) &&
			catalogue_act_counts(c, &ends.facts[i]);
	fact_list_free(&ends);
	return OK;
}

void catalogue_ref_text(const struct entry_ref *ref, char out[CATALOGUE_REF_BYTES])
{
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, ref->log.b, 32);
	snprintf(out, CATALOGUE_REF_BYTES, "%s:%llu", hex, (unsigned long long)ref->seq);
}

enum err catalogue_page(struct act *a, uint64_t *limit, uint64_t *cursor)
{
	static const struct {
		const char *name;
		uint64_t max;
	} numbers[] = {{"limit", 200}, {"cursor", INT64_MAX}};
	uint64_t *const out[] = {limit, cursor};
	for (size_t i = 0; i < 2; i++) {
		const char *text = api_query(a->rq, numbers[i].name);
		if (!text)
			continue;
		size_t n = strspn(text, "0123456789");
		uint64_t v = n && n < 20 && !text[n] ? strtoull(text, NULL, 10) : UINT64_MAX;
		if (v == 0 || v > numbers[i].max)
			return act_say(a, ERR_INPUT, "\"%s\" is a number from 1 to %llu.", numbers[i].name,
				(unsigned long long)numbers[i].max);
		*out[i] = v;
	}
	return OK;
}
