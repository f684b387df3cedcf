/* lint.h -- JSON that people wrote, checked against tables of members: all that is wrong, each with its field and its line.
 * SPEC.md section 16.3. Pure. Used for definitions, scores and frameworks. */
#ifndef QUIRE_AWARD_LINT_H
#define QUIRE_AWARD_LINT_H

#include "protocol/award/definition.h"

enum lint_type {
	LINT_TEXT, /* min..max bytes; not blank unless min is 0 */
	LINT_NAME, /* a-z, 0-9 and - */
	LINT_LANGUAGE,
	LINT_URI,
	LINT_CHOICE,
	LINT_NUMBER, /* whole, min..max */
	LINT_BOOLEAN,
	LINT_OBJECT
};

struct lint_table;

struct lint_member {
	const char *name;
	enum lint_type type; /* of each element if it is a list */
	bool required;
	unsigned min, max; /* bytes of a text, value of a number */
	unsigned list_min, list_max; /* elements; list_max 0: no list */
	const char *choices; /* "a|b|c" */
	const struct lint_table *object;
};

struct lint;

/* Where in a document; a chain of these on the stack is a path. key NULL: element `index` of a list. The document itself: NULL. */
struct lint_at {
	const struct lint_at *up;
	const char *key;
	size_t index;
};

struct lint_table {
	size_t n;
	const struct lint_member *members;
	bool open; /* other people's form: unknown members pass, an empty member counts as absent, lists may repeat */
	const char *
		distinct; /* the member that differs in all objects of one list; NULL: the objects differ as a whole */
	void (*rules)(struct lint *l, const struct lint_at *at,
		json_t *object); /* what one member alone does not show; NULL */
};

#define LINT_MEMBERS(array) .n = sizeof(array) / sizeof(array)[0], .members = (array)

struct lint {
	struct slice text; /* as it was written */
	struct finding *found; /* room for DEFINITION_FINDINGS_MAX; NULL: only counted */
	size_t n;
	bool memory; /* it ran out: the findings are not to be used */
};

/* Parses. NULL: a finding says why, or memory ran out. The result is the caller's. */
json_t *lint_parse(struct lint *l);
/* Checks an object and all that is in it. */
void lint_object(struct lint *l, const struct lint_at *at, json_t *v, const struct lint_table *t);
/* Puts the findings in the order of the text. ERR_MEMORY. */
MUST_CHECK enum err lint_end(struct lint *l);

/* One finding; beyond DEFINITION_FINDINGS_MAX they are dropped. A member that is not there gets the line of its object. */
__attribute__((format(printf, 3, 4))) void lint_add(
	struct lint *l, const struct lint_at *at, const char *format, ...);
/* Of the whole document (line 0), or where it is no JSON. */
__attribute__((format(printf, 3, 4))) void lint_add_line(
	struct lint *l, unsigned line, const char *format, ...);
/* "must be one of: …", with what the given text may have meant. */
void lint_add_choice(
	struct lint *l, const struct lint_at *at, const char *given, const char *const *names, size_t n);
/* The name that the given text may be a misspelling of; NULL. */
const char *lint_near(const char *given, const char *const *names, size_t n);

/* ---- lint_text.c */

/* Line, from 1, of a place in a text that is sound JSON; of the innermost that is there. */
unsigned lint_line(struct slice text, const struct lint_at *at, bool *memory);
/* "rubric[2].levels[0].points", cut to the room, always ended with NUL. */
void lint_field(const struct lint_at *at, char *out, size_t room);

/* ---- lint_form.c: forms of texts. SPEC 16.3. */
bool lint_is_name(const char *s);
bool lint_is_language(const char *s);
bool lint_is_uri(const char *s);

#endif
