/* admissions.h -- what the network's owner writes about nodes: admissions and their ends. SPEC.md section 8.2. On a desk. */
#ifndef QUIRE_DAEMON_ADMISSIONS_H
#define QUIRE_DAEMON_ADMISSIONS_H

#include "ownlog.h"

/* Writes an admission into the network's log. Its notice and receipt keys are those of a hosting event that names the node; zeros while none is known. */
MUST_CHECK enum err admissions_put(
	struct desk *d, const struct owner *network, const struct id32 *node, const char *name);
/* Every node that redeemed an invitation here and has no admission yet gets one. */
MUST_CHECK enum err admissions_ensure(struct desk *d, const struct owner *network);
/* Ends every admission of that node. */
MUST_CHECK enum err admissions_end(struct desk *d, const struct owner *network, const struct id32 *node);

#endif
