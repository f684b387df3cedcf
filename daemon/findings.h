/* findings.h -- what lint found wrong with a text, as answers say it. protocol/award/definition.h. */
#ifndef QUIRE_DAEMON_FINDINGS_H
#define QUIRE_DAEMON_FINDINGS_H

#include "act.h"
#include "protocol/award/definition.h"

/* [{"line", "field", "what"}]; NULL: out of memory. */
json_t *findings_json(const struct finding *found, size_t n);
/* The request is answered with a problem (400, FORMAT) that has "ok": false and "findings" besides; what: "definition" … Returns OK, or ERR_MEMORY. */
MUST_CHECK enum err findings_refuse(struct act *a, const char *what, const struct finding *found, size_t n);
/* The same with any error, words and findings, [{…, "what"}]. Takes findings, also on error. */
MUST_CHECK enum err findings_problem(struct act *a, enum err e, const char *detail, json_t *findings);

#endif
