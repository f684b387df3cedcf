/* submission_parts.h -- what was submitted for each requirement, the rubric, and what reviewers said, as JSON. SPEC.md sections 16.3, 16.5 and 16.6. */
#ifndef QUIRE_DAEMON_SUBMISSION_PARTS_H
#define QUIRE_DAEMON_SUBMISSION_PARTS_H

#include "protocol/log/record.h"
#include "submission.h"

/* Adds "requirements", "rubric", "scoring_guide", "same_school", "days" and "reviews" to out. s->defined must hold. ERR_MEMORY, the store's. */
MUST_CHECK enum err submission_parts(struct catalogue *c, const struct submission *s, json_t *out);

/* The i-th item of a manifest; false: there are no more. */
bool submission_manifest_item(const struct fact *manifest, size_t i, struct record_item *item);

#endif
