/* telling.h -- word of a sealed entry to the nodes of its readers: notices. SPEC.md section 20.1. On a desk. */
#ifndef QUIRE_DAEMON_TELLING_H
#define QUIRE_DAEMON_TELLING_H

#include "audience.h"

/* A notice to each node that hosts a reader, lives elsewhere, and is due one (STORE_NOTICE_DUE). The entry stands, whatever becomes of this; a
 * failure is logged. */
void telling_send(
	struct desk *d, const struct id32 *author, const struct entry_ref *entry, const struct audience *to);

#endif
