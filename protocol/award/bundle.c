/* bundle.c -- a proof bundle, read and checked. See bundle.h; its parts in bundle_json.c, bundle_runs.c, bundle_bodies.c. */
#include "protocol/award/bundle_int.h"
#include "protocol/award/json.h"

#include <stdio.h>

/* More elements than a bundle of BUNDLE_BYTES_MAX that says something has; a text of empty lists has many more. */
#define BUNDLE_VALUES_MAX 400000u

/* ---- who is in it */

size_t bundle_who(const struct bundle *b, const struct id32 *identity)
{
	for (size_t i = 0; i < b->identities_n; i++)
		if (id32_equal(&b->identities[i].id, identity))
			return i;
	return BUNDLE_NOBODY;
}

static enum err add_event(struct bundle_reader *r, const json_t *pair, const char *where, struct keyset *ks)
{
	struct slice bytes, signatures;
	enum keyset_added added = KEYSET_NEW;
	enum err e = bundle_get_list(r, pair, where, 2, 2);
	if (e == OK)
		e = bundle_get_bytes(r, json_array_get(pair, 0), where, 1, LIMIT_KEYEVENT_ROOT_BYTES, &bytes);
	if (e == OK)
		e = bundle_get_bytes(r, json_array_get(pair, 1), where, 1, 128, &signatures);
	if (e != OK)
		return e;
	e = keyset_add(ks, bytes, signatures, &added);
	if (e ==
		ERR_NOT_FOUND) { /* an event that it needs is not there before it: nothing shows that this one is good */
		r->b->left_out++;
		return OK;
	}
	if (e == ERR_SIGNATURE)
		return bundle_fault(r, e, where, "the key event is not signed by who must sign it.");
	if (e != OK && e != ERR_MEMORY)
		return bundle_fault(r, e, where, "the key event is malformed, or another identity's.");
	if (e == OK && added == KEYSET_KNOWN)
		return bundle_fault(r, ERR_FORMAT, where, "the key event stands twice.");
	return e;
}

static enum err add_events(struct bundle_reader *r, const json_t *list, const char *where, struct keyset *ks)
{
	char at[BUNDLE_WHERE_BYTES + 32];
	enum err e = bundle_get_list(r, list, where, 1, LIMIT_KEYEVENTS);
	keyset_batch_begin(ks);
	for (size_t i = 0; e == OK && i < json_array_size(list); i++) {
		snprintf(at, sizeof at, "%s.events[%zu]", where, i);
		e = add_event(r, json_array_get(list, i), at, ks);
	}
	keyset_batch_end(ks);
	return e;
}

static enum err read_identity(struct bundle_reader *r, const json_t *o, const char *where)
{
	static const char *const members[] = {"!id", "!events", NULL};
	struct bundle *b = r->b;
	struct id32 id;
	enum err e = bundle_members(r, o, where, members);
	if (e == OK)
		e = bundle_get_id(r, json_object_get(o, "id"), where, &id);
	if (e == OK && bundle_who(b, &id) != BUNDLE_NOBODY)
		e = bundle_fault(r, ERR_FORMAT, where, "the identity stands twice.");
	if (e != OK)
		return e;
	size_t i = b->identities_n;
	b->keys[i] = keyset_new(&id);
	if (!b->keys[i])
		return ERR_MEMORY;
	b->identities[i] = (struct judge_identity){.id = id, .keys = b->keys[i], .view = &b->views[i]};
	b->identities_n++;
	e = add_events(r, json_object_get(o, "events"), where, b->keys[i]);
	if (e == OK)
		e = keyset_resolve(b->keys[i], &b->views[i]);
	if (e == ERR_NOT_FOUND) { /* without its inception nobody knows it */
		keyset_free(b->keys[--b->identities_n]);
		return OK;
	}
	return e;
}

enum err bundle_read_identities(struct bundle_reader *r, const json_t *list)
{
	char where[BUNDLE_WHERE_BYTES];
	enum err e = bundle_get_list(r, list, "identities", 0, BUNDLE_IDENTITIES_MAX);
	for (size_t i = 0; e == OK && i < json_array_size(list); i++) {
		snprintf(where, sizeof where, "identities[%zu]", i);
		e = read_identity(r, json_array_get(list, i), where);
	}
	return e;
}

/* ---- head and status */

static enum err read_award(struct bundle_reader *r, const json_t *v)
{
	struct entry_ref *at = &r->b->award;
	enum err e = bundle_get_list(r, v, "award", 3, 3);
	if (e == OK)
		e = bundle_get_id(r, json_array_get(v, 0), "award[0]", &at->log);
	if (e == OK)
		e = bundle_get_number(r, json_array_get(v, 1), "award[1]", LIMIT_SEQ, &at->seq);
	return e == OK ? bundle_get_id(r, json_array_get(v, 2), "award[2]", &at->id) : e;
}

static enum err read_mark(struct bundle_reader *r, const json_t *v, const char *where, struct bundle_mark *m)
{
	uint64_t hour = 0;
	enum err e = bundle_get_list(r, v, where, 4, 4);
	if (e == OK)
		e = bundle_get_id(r, json_array_get(v, 0), where, &m->log);
	if (e == OK)
		e = bundle_get_number(r, json_array_get(v, 1), where, LIMIT_SEQ + 1, &m->length);
	if (e == OK)
		e = bundle_get_id(r, json_array_get(v, 2), where, &m->last);
	if (e == OK)
		e = bundle_get_number(r, json_array_get(v, 3), where, UINT32_MAX, &hour);
	m->hour = (uint32_t)hour;
	return e;
}

static enum err read_status(struct bundle_reader *r, const json_t *o)
{
	static const char *const members[] = {"!hour", "!logs", NULL};
	char where[BUNDLE_WHERE_BYTES];
	struct bundle *b = r->b;
	uint64_t hour = 0;
	const json_t *logs = json_object_get(o, "logs");
	enum err e = bundle_members(r, o, "status", members);
	if (e == OK)
		e = bundle_get_number(r, json_object_get(o, "hour"), "status.hour", UINT32_MAX, &hour);
	if (e == OK)
		e = bundle_get_list(r, logs, "status.logs", 0, BUNDLE_MARKS_MAX);
	if (e != OK)
		return e;
	b->hour = (uint32_t)hour;
	b->marks = (struct bundle_mark *)arena_alloc(
		&b->arena, (json_array_size(logs) + 1) * sizeof *b->marks);
	if (!b->marks)
		return ERR_MEMORY;
	for (size_t i = 0; e == OK && i < json_array_size(logs); i++) {
		snprintf(where, sizeof where, "status.logs[%zu]", i);
		e = read_mark(r, json_array_get(logs, i), where, &b->marks[b->marks_n]);
		for (size_t k = 0; e == OK && k < b->marks_n; k++)
			if (id32_equal(&b->marks[k].log, &b->marks[b->marks_n].log))
				e = bundle_fault(r, ERR_FORMAT, where, "the log stands twice.");
		b->marks_n++;
	}
	return e;
}

/* SPEC 18: "a log that its marks say to be shorter than its runs show" */
static enum err check_mark(struct bundle_reader *r, const struct bundle_mark *m)
{
	const struct bundle *b = r->b;
	const char *other = NULL;
	bool shown = false;
	for (size_t i = 0; i < b->runs_n; i++) {
		const struct bundle_read_run *run = &b->runs[i];
		if (!run->device || run->device->closed || !id32_equal(&m->log, &run->log))
			continue;
		uint64_t end = run->first + run->n;
		if (end > m->length)
			return bundle_fault(
				r, ERR_FORMAT, run->where, "\"status\" says that the log is shorter.");
		if (end < m->length)
			continue;
		bool same = id32_equal(&m->last, &run->ids[run->n - 1]);
		shown = shown || same;
		other = same ? other : run->where;
	}
	if (other && !shown)
		return bundle_fault(r, ERR_FORMAT, other, "\"status\" names another last entry.");
	return OK;
}

static enum err check_marks(struct bundle_reader *r)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < r->b->marks_n; i++)
		e = check_mark(r, &r->b->marks[i]);
	return e;
}

/* ---- the whole */

bool bundle_is(const json_t *doc)
{
	const char *type = json_string_value(json_object_get(doc, "type"));
	return type && strcmp(type, BUNDLE_TYPE) == 0;
}

static enum err read_head(struct bundle_reader *r, const json_t *doc)
{
	static const char *const members[] = {
		"!type", "!version", "!credential", "!award", "!identities", "!runs", "!status", NULL};
	uint64_t version = 0;
	enum err e = bundle_members(r, doc, "bundle", members);
	if (e == OK && !bundle_is(doc))
		e = bundle_fault(r, ERR_FORMAT, "type", "it must be \"" BUNDLE_TYPE "\".");
	if (e == OK)
		e = bundle_get_number(r, json_object_get(doc, "version"), "version", 1000000, &version);
	if (e == OK && version != 1)
		e = bundle_fault(r, ERR_VERSION, "version", "this program knows version 1 only.");
	r->b->credential = json_object_get(doc, "credential");
	if (e == OK && !json_is_object(r->b->credential))
		e = bundle_fault(r, ERR_FORMAT, "credential", "it must be an object.");
	return e;
}

static enum err read_all(struct bundle_reader *r, const json_t *doc)
{
	struct bundle *b = r->b;
	enum err e = read_head(r, doc);
	if (e == OK)
		e = read_award(r, json_object_get(doc, "award"));
	if (e == OK)
		e = read_status(r, json_object_get(doc, "status"));
	if (e == OK)
		e = bundle_read_identities(r, json_object_get(doc, "identities"));
	if (e == OK)
		e = bundle_read_runs(r, json_object_get(doc, "runs"));
	if (e == OK)
		e = check_marks(r);
	if (e == OK)
		e = bundle_read_bodies(r);
	b->judged = (struct judge_case){.facts_n = b->facts_n,
		.facts = b->facts,
		.identities_n = b->identities_n,
		.identities = b->identities,
		.erased_n = b->erased_n,
		.erased = b->erased};
	return e;
}

enum err bundle_read_json(json_t *doc, struct bundle **out, char why[BUNDLE_WHY_BYTES])
{
	struct bundle *b = (struct bundle *)calloc(1, sizeof *b);
	struct bundle_reader r = {.b = b, .why = why};
	why[0] = 0;
	if (!b)
		return ERR_MEMORY;
	b->json = json_incref(doc);
	enum err e = read_all(&r, doc);
	if (e == OK)
		*out = b;
	else
		bundle_free(b);
	return e;
}

enum err bundle_parse(struct slice text, json_t **out, char why[BUNDLE_WHY_BYTES])
{
	size_t values = 0;
	for (size_t i = 0; i < text.n; i++)
		values += text.p[i] == ',' || text.p[i] == '[' || text.p[i] == '{';
	if (text.n > BUNDLE_BYTES_MAX || values > BUNDLE_VALUES_MAX) {
		snprintf(why, BUNDLE_WHY_BYTES, "The document is too large.");
		return ERR_LIMIT;
	}
	return json_parse(text, out, why);
}

enum err bundle_read(struct slice text, struct bundle **out, char why[BUNDLE_WHY_BYTES])
{
	json_t *doc = NULL;
	enum err e = bundle_parse(text, &doc, why);
	if (e == OK)
		e = bundle_read_json(doc, out, why);
	json_decref(doc);
	return e;
}

void bundle_free(struct bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->identities_n; i++) {
		keyset_view_deinit(&b->views[i]);
		keyset_free(b->keys[i]);
	}
	free(b->runs);
	free(b->facts);
	arena_free(&b->arena);
	json_decref(b->json);
	free(b);
}

const json_t *bundle_credential(const struct bundle *b)
{
	return b->credential;
}

const struct judge_case *bundle_case(const struct bundle *b)
{
	return &b->judged;
}

struct entry_ref bundle_award(const struct bundle *b)
{
	return b->award;
}

uint32_t bundle_hour(const struct bundle *b)
{
	return b->hour;
}

size_t bundle_marks(const struct bundle *b, const struct bundle_mark **marks)
{
	*marks = b->marks;
	return b->marks_n;
}

size_t bundle_left_out(const struct bundle *b)
{
	return b->left_out;
}
