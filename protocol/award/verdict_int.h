/* verdict_int.h -- what the parts of verdict share. */
#ifndef QUIRE_AWARD_VERDICT_INT_H
#define QUIRE_AWARD_VERDICT_INT_H

#include "protocol/award/verdict.h"

struct verdict_task {
	const struct verdict_roots *roots;
	uint64_t now_s;
	struct verdict *v;
};

__attribute__((format(printf, 5, 6))) void verdict_say(struct verdict_task *t, enum judge_mark mark,
	const char *code, const struct id32 *entry, const char *format, ...);

/* validFrom and validUntil against the time. */
void verdict_validity(struct verdict_task *t, const json_t *credential);

/* A credential by itself. ERR_MEMORY. */
MUST_CHECK enum err verdict_bare(struct verdict_task *t, const json_t *credential);
/* A bundle; credential: the one that came with it, or NULL. ERR_MEMORY. */
MUST_CHECK enum err verdict_bundle(struct verdict_task *t, json_t *bundle, const json_t *credential);

#endif
