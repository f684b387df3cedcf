/* facts.c -- see facts.h. */
#include "protocol/award/facts.h"

#include "protocol/award/definition.h"
#include "protocol/log/record.h"

/* What the facts of a kind are about: a field that holds one pointer, or a list of them. */
struct rule {
	const char *name; /* of the kind of record */
	enum fact_kind kind;
	const char *about, *party; /* fields of the first fact, or NULL */
	enum fact_kind more; /* further facts, or NONE */
	const char *list; /* the field that they are about */
};

static const struct rule rules[] = {
	{"profile", FACT_PROFILE, NULL, NULL, FACT_NONE, NULL},
	{"artifact", FACT_ARTIFACT, NULL, NULL, FACT_NONE, NULL},
	{"reflection", FACT_REFLECTION, NULL, NULL, FACT_NONE, NULL},
	{"framework", FACT_FRAMEWORK, NULL, NULL, FACT_NONE, NULL},
	{"microcredential", FACT_DEFINITION, "supersedes", NULL, FACT_NONE, NULL},
	{"appointment", FACT_APPOINTMENT, "for", "reviewer", FACT_NONE, NULL},
	{"appointment-end", FACT_APPOINTMENT_END, "of", NULL, FACT_NONE, NULL},
	{"manifest", FACT_MANIFEST, "for", NULL, FACT_NONE, NULL},
	{"submission", FACT_SUBMISSION, "for", NULL, FACT_REVISION, "revises"},
	{"claim", FACT_CLAIM, "of", NULL, FACT_NONE, NULL},
	{"release", FACT_RELEASE, "of", NULL, FACT_NONE, NULL},
	{"review", FACT_REVIEW, "of", NULL, FACT_NONE, NULL},
	{"take-up", FACT_NONE, NULL, NULL, FACT_TAKE_UP, "reviews"},
	{"withdraw", FACT_WITHDRAW, "of", NULL, FACT_NONE, NULL},
	{"award", FACT_AWARD, "submission", NULL, FACT_NAMED, "reviews"},
	{"acceptance", FACT_ACCEPTANCE, "of", NULL, FACT_NONE, NULL},
	{"revoke", FACT_REVOKE, "of", NULL, FACT_NONE, NULL},
	{"endorsement", FACT_ENDORSEMENT, "of", NULL, FACT_NONE, NULL},
	{"vouch", FACT_VOUCH, NULL, "who", FACT_NONE, NULL},
	{"vouch-end", FACT_VOUCH_END, "of", NULL, FACT_NONE, NULL},
	{"act", FACT_ACT, NULL, "institution", FACT_NONE, NULL},
	{"admission", FACT_ADMISSION, NULL, "node", FACT_NONE, NULL},
	{"admission-end", FACT_ADMISSION_END, "of", NULL, FACT_NONE, NULL},
	{"share", FACT_NONE, NULL, NULL, FACT_SHARE, "keys"},
};
enum { RULES = sizeof rules / sizeof rules[0] };

const char *facts_kind_name(enum fact_kind kind)
{
	for (size_t i = 0; kind != FACT_NONE && i < RULES; i++)
		if (rules[i].kind == kind || rules[i].more == kind)
			return rules[i].name;
	return "";
}

/* ---- words for search */

/* Texts of one column are lines, so that no phrase is found across two of them. */
static bool put_words(struct buf *keep, struct slice text)
{
	return text.n == 0 || (buf_put_slice(keep, text) == OK && buf_put(keep, "\n", 1) == OK);
}

static bool put_text_of(struct buf *keep, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return put_words(keep, slice_of(json_string_value(v), json_string_length(v)));
}

static bool put_list_of(struct buf *keep, const json_t *o, const char *key)
{
	const json_t *list = json_object_get(o, key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		if (!put_words(keep, slice_of(json_string_value(v), json_string_length(v))))
			return false;
	}
	return true;
}

static bool put_column(struct buf *keep, const json_t *o, enum fact_text column)
{
	switch (column) {
	case FACT_TITLE: return put_text_of(keep, o, "title");
	case FACT_COMPETENCY: return put_text_of(keep, o, "competency");
	case FACT_METHOD:
		return put_text_of(keep, o, "key_method") && put_list_of(keep, o, "method_components");
	case FACT_PROBLEMS: return put_list_of(keep, o, "problems");
	case FACT_TAGS: return put_list_of(keep, o, "tags") && put_list_of(keep, o, "categories");
	case FACT_OTHER: return put_list_of(keep, o, "research") && put_list_of(keep, o, "resources");
	}
	return false;
}

/* The columns of *words from where their texts begin in keep; those that memory had no room for are empty. */
static void set_columns(struct fact_words *words, const struct buf *keep, const size_t *begins, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (begins[i + 1] > begins[i])
			words->text[i] = slice_of(
				keep->p + begins[i], begins[i + 1] - begins[i] - 1); /* less the LF */
}

static void definition_words(struct slice fields, struct fact_words *words, struct buf *keep)
{
	struct slice text;
	struct definition d;
	size_t begins[FACT_TEXTS + 1] = {keep->n}, n = 0;
	if (record_get_str(fields, "definition", &text) != OK || definition_read(text, &d, NULL) != OK)
		return;
	while (n < FACT_TEXTS && put_column(keep, d.json, (enum fact_text)n))
		begins[++n] = keep->n;
	definition_deinit(&d);
	set_columns(words, keep, begins, n);
}

static void tags_words(struct slice fields, struct buf *keep)
{
	struct mp_in in;
	struct slice tag;
	size_t n;
	if (record_get(fields, "tags", &in) != OK || mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return;
	while (n-- > 0 && mp_get_str(&in, 0, SIZE_MAX, &tag) == OK && put_words(keep, tag))
		;
}

/* What people write freely: a title, tags, and all the rest. */
static void plain_words(const char *title, const char *const *others, struct slice fields,
	struct fact_words *words, struct buf *keep)
{
	struct slice s;
	size_t begins[FACT_TEXTS + 1];
	if (title && record_get_str(fields, title, &s) == OK)
		words->text[FACT_TITLE] = s;
	for (size_t i = 0; i <= FACT_TAGS; i++)
		begins[i] = keep->n;
	tags_words(fields, keep);
	begins[FACT_OTHER] = keep->n;
	for (; *others; others++)
		if (record_get_str(fields, *others, &s) == OK && !put_words(keep, s))
			break;
	begins[FACT_TEXTS] = keep->n;
	s = words->text[FACT_TITLE];
	set_columns(words, keep, begins, FACT_TEXTS);
	words->text[FACT_TITLE] = s;
}

static void make_words(enum fact_kind kind, struct slice fields, struct fact_words *words, struct buf *keep)
{
	static const char *const of_framework[] = {"notes", "source", NULL};
	static const char *const of_artifact[] = {"about", "subject", "grade", NULL};
	static const char *const of_reflection[] = {"prompt", "text", NULL};
	static const char *const of_profile[] = {"about", NULL}, *const of_admission[] = {NULL};
	if (kind == FACT_DEFINITION)
		definition_words(fields, words, keep);
	else if (kind == FACT_FRAMEWORK)
		plain_words("title", of_framework, fields, words, keep);
	else if (kind == FACT_ARTIFACT)
		plain_words("title", of_artifact, fields, words, keep);
	else if (kind == FACT_REFLECTION)
		plain_words(NULL, of_reflection, fields, words, keep);
	else if (kind == FACT_PROFILE)
		plain_words("name", of_profile, fields, words, keep);
	else if (kind == FACT_ADMISSION)
		plain_words("name", of_admission, fields, words, keep);
}

/* ---- facts */

struct made {
	struct fact *out;
	size_t n;
	struct fact base;
};

/* One fact for each thing that it is about, however often it is named. */
static void add(struct made *m, enum fact_kind kind, const struct id32 *about, const struct id32 *party)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->out[i].kind == kind && id32_equal(&m->out[i].about, about))
			return;
	if (m->n == FACTS_OF_ENTRY_MAX)
		return;
	struct fact *f = &m->out[m->n++];
	*f = m->base;
	f->kind = kind;
	f->about = *about;
	f->party = *party;
}

static void add_list(struct made *m, enum fact_kind kind, struct slice fields, const char *name)
{
	static const struct id32 nobody;
	struct mp_in in;
	struct entry_ref ref;
	uint8_t key[32];
	size_t n;
	if (record_get(fields, name, &in) != OK)
		return;
	if (kind == FACT_REVISION) {
		if (record_get_ref(&in, &ref) == OK)
			add(m, kind, &ref.id, &nobody);
		return;
	}
	if (mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return;
	while (n-- > 0) {
		enum err e = kind == FACT_SHARE ? record_get_key(&in, &ref, key) : record_get_ref(&in, &ref);
		if (e != OK)
			return;
		add(m, kind, &ref.id, &nobody);
	}
}

static void add_first(struct made *m, const struct rule *r, struct slice fields)
{
	struct id32 about = {0}, party = {0};
	struct mp_in in;
	struct entry_ref ref;
	if (r->about && record_get(fields, r->about, &in) == OK && record_get_ref(&in, &ref) == OK)
		about = ref.id;
	if (r->party && record_get_id(fields, r->party, &party) != OK)
		return;
	if (r->kind == FACT_ADMISSION && record_get_id(fields, "introducer", &about) != OK)
		about = (struct id32){0};
	add(m, r->kind, &about, &party);
}

static const struct rule *rule_of(struct slice name)
{
	for (size_t i = 0; i < RULES; i++)
		if (slice_equal(name, slice_str(rules[i].name)))
			return &rules[i];
	return NULL;
}

size_t facts_make(const struct fact_source *src, struct fact *out, struct fact_words *words, struct buf *keep)
{
	struct slice kind, fields;
	struct made m = {.out = out,
		.base = {.at = src->at,
			.author = src->author,
			.flags = src->flags,
			.hour = src->hour,
			.data = src->record}};
	*words = (struct fact_words){0};
	const struct rule *r = record_open(src->record, &kind, &fields) == OK ? rule_of(kind) : NULL;
	if (!r || (FACT_MASK(r->kind) & src->left_out))
		return 0;
	/* SPEC 13: "is stored and relayed like any other, and counts for nothing" */
	if (record_check(src->record, NULL) != OK)
		return 0;
	if (r->kind != FACT_NONE)
		add_first(&m, r, fields);
	if (r->more != FACT_NONE)
		add_list(&m, r->more, fields, r->list);
	make_words(r->kind, fields, words, keep);
	return m.n;
}
