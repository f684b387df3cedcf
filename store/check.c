/* check.c -- the integrity of the database file itself. */
#include "store/db.h"

#include <stdio.h>

enum err store_check(struct store *s, void (*found)(void *ctx, const char *text), void *ctx)
{
	struct query check = q_start(s, Q_CHECK);
	while (q_row(&check)) {
		const char *text = qc_text(&check, 0);
		if (strcmp(text, "ok") != 0)
			found(ctx, text);
	}
	enum err e = q_end(&check);
	if (e == OK) {
		struct query keys = q_start(s, Q_CHECK_KEYS);
		while (q_row(&keys)) {
			char text[160];
			snprintf(text, sizeof text,
				"row %lld of table %.40s names a row of %.40s that is not there",
				(long long)qc_int(&keys, 1), qc_text(&keys, 0), qc_text(&keys, 2));
			found(ctx, text);
		}
		e = q_end(&keys);
	}
	if (e == OK && !s->read_only) {
		struct query words = q_start(s, Q_WORDS_CHECK);
		e = q_done(&words);
	}
	if (e == ERR_CORRUPT) {
		found(ctx, s->last_error);
		e = OK; /* the check ran, and this is what it found */
	}
	return e;
}
