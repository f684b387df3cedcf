/* framework.h -- competency frameworks from CASE 1.0 packages (CFPackage): checked, normalised, read. SPEC.md section 13 (`framework`). Pure. */
#ifndef QUIRE_AWARD_FRAMEWORK_H
#define QUIRE_AWARD_FRAMEWORK_H

#include "protocol/award/definition.h"

#define FRAMEWORK_BYTES_MAX (4u << 20)
#define FRAMEWORK_ITEMS_MAX 20000u

struct framework_item {
	const char *uri, *code, *statement, *short_statement, *type,
		*parent_uri; /* all but uri and statement may be NULL */
	unsigned depth; /* 0: no parent in this package */
};

struct framework_level {
	const char *item_uri, *criterion, *quality, *description; /* item_uri may be NULL; the others "" */
	bool has_score;
	double score;
};

struct framework {
	json_t *json;
	const char *title, *creator, *language, *licence, *notes,
		*uri; /* all but title and uri may be NULL */
	size_t items_n; /* in the order of the tree: a parent before its children */
	struct framework_item *items;
	size_t levels_n;
	struct framework_level *levels;
};

/* findings as in definition_lint; *n == 0 and OK: *f is filled and canonical (may be NULL) gets the package in canonical form. Unknown members are kept: they are other people's.
 * ERR_MEMORY, ERR_LIMIT. */
MUST_CHECK enum err framework_read(
	struct slice text, struct framework *f, struct finding *found, size_t *n, struct buf *canonical);
void framework_deinit(struct framework *f);

#endif
