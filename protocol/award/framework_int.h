/* framework_int.h -- what the parts of framework share. SPEC.md section 13 (`framework`). */
#ifndef QUIRE_AWARD_FRAMEWORK_INT_H
#define QUIRE_AWARD_FRAMEWORK_INT_H

#include "protocol/award/framework.h"
#include "protocol/award/lint.h"

#define FRAMEWORK_ASSOCIATIONS_MAX 100000u
#define FRAMEWORK_NONE SIZE_MAX /* names nothing in this package */
#define FRAMEWORK_DOCUMENT (SIZE_MAX - 1) /* names the document */

extern const struct lint_table framework_table;

/* A number, also as a text of digits, as some programs write it; false: it is none. */
bool framework_number(json_t *v, double *out);
/* A text that is not empty, or NULL. */
const char *framework_text(json_t *object, const char *key);

/* Finds items by identifier or URI. */
struct framework_name {
	const char *text;
	size_t item; /* index in CFItems, or FRAMEWORK_DOCUMENT */
};
struct framework_index {
	size_t n; /* items and the document */
	struct framework_name *identifiers, *uris; /* ascending */
};
/* Names that are there twice are findings. ERR_MEMORY. */
MUST_CHECK enum err framework_index_make(struct framework_index *x, struct lint *l, json_t *package);
void framework_index_free(struct framework_index *x);
/* What {"identifier": …, "uri": …} names; the identifier decides. */
size_t framework_index_find(const struct framework_index *x, json_t *link);

/* One of several side by side: those with a number first, by it, then as they stand in the file. */
struct framework_rank {
	size_t group;
	bool placed;
	double place;
	size_t index;
};
void framework_rank_sort(struct framework_rank *ranks, size_t n);

/* Items and levels of a package that the table passed; links that lead nowhere and circles are findings, and then nothing is filled. ERR_MEMORY. */
MUST_CHECK enum err framework_tree(
	struct framework *f, struct lint *l, const struct framework_index *x, json_t *package);
MUST_CHECK enum err framework_rubrics(
	struct framework *f, struct lint *l, const struct framework_index *x, json_t *package);

#endif
