/* admissions.h -- what the network's owner writes about nodes: admissions and their ends. SPEC.md section 8.2. On a desk. */
#ifndef QUIRE_DAEMON_ADMISSIONS_H
#define QUIRE_DAEMON_ADMISSIONS_H

#include "ownlog.h"

/* What the network's log says of a node. */
enum admission_standing { ADMISSION_NONE, ADMISSION_IN_FORCE, ADMISSION_ENDED };

/* Writes an admission into the network's log. introducer: who introduced it; NULL or zeros: nobody. */
MUST_CHECK enum err admissions_put(struct desk *d, const struct owner *network, const struct id32 *node,
	const char *name, const struct id32 *introducer);
/* Every node that redeemed an invitation here and has no admission yet gets one; if the settings say so, every one that a member introduced too. */
MUST_CHECK enum err admissions_ensure(struct desk *d, const struct owner *network);
/* Needs no keys: reads what the network's logs say. ERR_MEMORY, and what the store says. */
MUST_CHECK enum err admissions_standing(
	struct desk *d, const struct id32 *network, const struct id32 *node, enum admission_standing *out);
/* Ends every admission of that node. */
MUST_CHECK enum err admissions_end(struct desk *d, const struct owner *network, const struct id32 *node);

#endif
