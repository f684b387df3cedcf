/* lint.c -- see lint.h. */
#include "protocol/award/lint.h"
#include "protocol/award/json.h"

#include <stdarg.h>
#include <stdio.h>

enum { NEAR_BYTES_MAX = 40, DESCRIPTION_BYTES = 180 };

/* ---- findings */

__attribute__((format(printf, 4, 0))) static void add(
	struct lint *l, unsigned line, const struct lint_at *at, const char *format, va_list args)
{
	struct finding *f = &l->found[l->n++];
	*f = (struct finding){.line = line};
	lint_field(at, f->field, sizeof f->field);
	vsnprintf(f->what, sizeof f->what, format, args);
}

void lint_add(struct lint *l, const struct lint_at *at, const char *format, ...)
{
	if (l->n >= DEFINITION_FINDINGS_MAX)
		return;
	if (!l->found) {
		l->n++;
		return;
	}
	va_list args;
	va_start(args, format);
	add(l, lint_line(l->text, at, &l->memory), at, format, args);
	va_end(args);
}

void lint_add_line(struct lint *l, unsigned line, const char *format, ...)
{
	if (l->n >= DEFINITION_FINDINGS_MAX)
		return;
	if (!l->found) {
		l->n++;
		return;
	}
	va_list args;
	va_start(args, format);
	add(l, line, NULL, format, args);
	va_end(args);
}

json_t *lint_parse(struct lint *l)
{
	char why[JSON_WHY_BYTES];
	json_t *doc = NULL;
	enum err e = json_parse(l->text, &doc, why);
	if (e == OK)
		return doc;
	if (e == ERR_MEMORY) {
		l->memory = true;
		return NULL;
	}
	/* why: "line 12: …" */
	const char *text = strchr(why, ':');
	unsigned long line = text ? strtoul(why + strlen("line "), NULL, 10) : 0;
	lint_add_line(l, (unsigned)line, "is not sound JSON: %s", text ? text + 2 : why);
	return NULL;
}

enum err lint_end(struct lint *l)
{
	if (l->memory)
		return ERR_MEMORY;
	for (size_t i = 1; l->found && i < l->n; i++) {
		struct finding f = l->found[i];
		size_t k = i;
		for (; k > 0 && l->found[k - 1].line > f.line; k--)
			l->found[k] = l->found[k - 1];
		l->found[k] = f;
	}
	return OK;
}

/* ---- what was meant */

static char plain(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	return c == '_' || c == ' ' ? '-' : c;
}

/* Letters to change, add or leave out to get from one to the other; capitals and dashes do not matter. */
static size_t distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t row[NEAR_BYTES_MAX + 1];
	for (size_t k = 0; k <= bn; k++)
		row[k] = k;
	for (size_t i = 1; i <= an; i++) {
		size_t before = row[0];
		row[0] = i;
		for (size_t k = 1; k <= bn; k++) {
			size_t changed = before + (plain(a[i - 1]) != plain(b[k - 1]));
			size_t least = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
			before = row[k];
			row[k] = changed < least ? changed : least;
		}
	}
	return row[bn];
}

const char *lint_near(const char *given, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t len = strlen(given), least = SIZE_MAX;
	if (len > NEAR_BYTES_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t name_len = strlen(names[i]);
		if (name_len > NEAR_BYTES_MAX)
			continue;
		size_t d = distance(given, len, names[i], name_len);
		if (d < least && d <= (name_len < 6 ? 1 : name_len / 3)) {
			least = d;
			best = names[i];
		}
	}
	return best;
}

void lint_add_choice(
	struct lint *l, const struct lint_at *at, const char *given, const char *const *names, size_t n)
{
	char list[DESCRIPTION_BYTES] = "";
	for (size_t i = 0, used = 0; i < n && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
	const char *near = lint_near(given, names, n);
	if (near)
		lint_add(l, at, "must be one of: %.120s; did you mean \"%.40s\"?", list, near);
	else
		lint_add(l, at, "must be one of: %s", list);
}

static void unknown_member(
	struct lint *l, const struct lint_at *at, const char *key, const struct lint_table *t)
{
	const struct lint_at here = {.up = at, .key = key};
	const char *names[32];
	size_t n = 0;
	for (; n < t->n && n < sizeof names / sizeof names[0]; n++)
		names[n] = t->members[n].name;
	const char *near = lint_near(key, names, n);
	if (near)
		lint_add(l, &here, "is not known here; did you mean \"%s\"?", near);
	else
		lint_add(l, &here, "is not known here; take it out");
}

/* ---- what it must be */

static void describe_one(const struct lint_member *m, char out[DESCRIPTION_BYTES])
{
	switch (m->type) {
	case LINT_TEXT: snprintf(out, DESCRIPTION_BYTES, "a text of %u to %u bytes", m->min, m->max); return;
	case LINT_NAME:
		snprintf(out, DESCRIPTION_BYTES, "a name of %u to %u small letters a-z, digits and dashes",
			m->min, m->max);
		return;
	case LINT_LANGUAGE:
		snprintf(out, DESCRIPTION_BYTES,
			"a language tag of at most %u bytes, such as \"en\" or \"pt-BR\"", m->max);
		return;
	case LINT_URI:
		snprintf(out, DESCRIPTION_BYTES,
			"an address with its scheme, such as \"https:\" or \"urn:\", at most %u bytes",
			m->max);
		return;
	case LINT_CHOICE: {
		size_t n = (size_t)snprintf(out, DESCRIPTION_BYTES, "one of: ");
		for (const char *c = m->choices; *c && n + 3 < DESCRIPTION_BYTES; c++) {
			out[n++] = *c == '|' ? ',' : *c;
			if (*c == '|')
				out[n++] = ' ';
		}
		out[n] = 0;
		return;
	}
	case LINT_NUMBER:
		snprintf(out, DESCRIPTION_BYTES, "a whole number from %u to %u", m->min, m->max);
		return;
	case LINT_BOOLEAN: snprintf(out, DESCRIPTION_BYTES, "true or false"); return;
	case LINT_OBJECT: snprintf(out, DESCRIPTION_BYTES, "an object in braces"); return;
	}
	abort();
}

static void describe(const struct lint_member *m, char out[DESCRIPTION_BYTES])
{
	char one[DESCRIPTION_BYTES];
	describe_one(m, one);
	if (m->list_max)
		snprintf(out, DESCRIPTION_BYTES, "a list of %u to %u; each: %.130s", m->list_min, m->list_max,
			one);
	else
		memcpy(out, one, sizeof one);
}

static void must_be(struct lint *l, const struct lint_at *at, const struct lint_member *m)
{
	char what[DESCRIPTION_BYTES];
	describe_one(m, what);
	lint_add(l, at, "must be %s", what);
}

/* ---- one value */

static void check_text(struct lint *l, const struct lint_at *at, json_t *v, const struct lint_member *m)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v);
	if (s && m->min > 0 && definition_blank(slice_of(s, n)))
		lint_add(l, at, "must not be blank");
	else if (s && n > m->max)
		lint_add(l, at, "is too long: %zu bytes, and %u are the most", n, m->max);
	else if (!s || n < m->min || (m->type == LINT_NAME && !lint_is_name(s)) ||
		(m->type == LINT_LANGUAGE && !lint_is_language(s)) ||
		(m->type == LINT_URI && !lint_is_uri(s)))
		must_be(l, at, m);
}

static void check_number(struct lint *l, const struct lint_at *at, json_t *v, const struct lint_member *m)
{
	double d = json_number_value(v);
	if (!json_is_number(v) || d < m->min || d > m->max || (double)(unsigned)d != d)
		must_be(l, at, m);
}

static void check_choice(struct lint *l, const struct lint_at *at, json_t *v, const struct lint_member *m)
{
	char words[DESCRIPTION_BYTES];
	const char *names[16], *s = json_string_value(v);
	size_t n = 0;
	snprintf(words, sizeof words, "%s", m->choices);
	for (char *w = words; w && n < sizeof names / sizeof names[0];) {
		names[n++] = w;
		w = strchr(w, '|');
		if (w)
			*w++ = 0;
	}
	for (size_t i = 0; s && i < n; i++)
		if (strcmp(s, names[i]) == 0)
			return;
	lint_add_choice(l, at, s ? s : "", names, n);
}

static void check_one(struct lint *l, const struct lint_at *at, json_t *v, const struct lint_member *m)
{
	switch (m->type) {
	case LINT_TEXT:
	case LINT_NAME:
	case LINT_LANGUAGE:
	case LINT_URI: check_text(l, at, v, m); return;
	case LINT_CHOICE: check_choice(l, at, v, m); return;
	case LINT_NUMBER: check_number(l, at, v, m); return;
	case LINT_BOOLEAN:
		if (!json_is_boolean(v))
			must_be(l, at, m);
		return;
	case LINT_OBJECT: lint_object(l, at, v, m->object); return;
	}
	abort();
}

/* ---- lists and objects */

/* What must differ of two elements. */
static json_t *identity_of(json_t *element, const struct lint_member *m)
{
	return m->object && m->object->distinct ? json_object_get(element, m->object->distinct) : element;
}

static void check_repeated(
	struct lint *l, const struct lint_at *list, json_t *v, size_t i, const struct lint_member *m)
{
	json_t *mine = identity_of(json_array_get(v, i), m);
	for (size_t k = 0; mine && k < i; k++) {
		if (!json_equal(mine, identity_of(json_array_get(v, k), m)))
			continue;
		const char *member = m->object ? m->object->distinct : NULL;
		const struct lint_at element = {.up = list, .index = i};
		const struct lint_at first = {.up = list, .index = k};
		const struct lint_at inner = {.up = &element, .key = member};
		char other[96];
		lint_field(&first, other, sizeof other);
		lint_add(l, member ? &inner : &element, "is the same as in %s; it may be there once", other);
		return;
	}
}

static void check_list(struct lint *l, const struct lint_at *at, json_t *v, const struct lint_member *m)
{
	size_t n = json_array_size(v);
	if (!json_is_array(v) || n < m->list_min || n > m->list_max) {
		char what[DESCRIPTION_BYTES];
		describe(m, what);
		lint_add(l, at, "must be %s", what);
	}
	for (size_t i = 0; i < n && i < m->list_max; i++) {
		const struct lint_at element = {.up = at, .index = i};
		check_one(l, &element, json_array_get(v, i), m);
		if (!m->object || !m->object->open)
			check_repeated(l, at, v, i, m);
	}
}

static const struct lint_member *member_find(const struct lint_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->members[i].name, name) == 0)
			return &t->members[i];
	return NULL;
}

static void check_member(
	struct lint *l, const struct lint_at *at, const char *key, json_t *v, const struct lint_table *t)
{
	const struct lint_at here = {.up = at, .key = key};
	const struct lint_member *m = member_find(t, key);
	if (!m) {
		if (!t->open)
			unknown_member(l, at, key, t);
	} else if (t->open && !m->required &&
		(json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))) {
		return;
	} else if (m->list_max) {
		check_list(l, &here, v, m);
	} else {
		check_one(l, &here, v, m);
	}
}

void lint_object(struct lint *l, const struct lint_at *at, json_t *v, const struct lint_table *t)
{
	if (!json_is_object(v)) {
		lint_add(l, at, "must be an object in braces");
		return;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct lint_member *m = &t->members[i];
		if (!m->required || json_object_get(v, m->name))
			continue;
		const struct lint_at here = {.up = at, .key = m->name};
		char what[DESCRIPTION_BYTES];
		describe(m, what);
		lint_add(l, &here, "is missing: it must be %s", what);
	}
	for (void *it = json_object_iter(v); it; it = json_object_iter_next(v, it))
		check_member(l, at, json_object_iter_key(it), json_object_iter_value(it), t);
	if (t->rules)
		t->rules(l, at, v);
}
