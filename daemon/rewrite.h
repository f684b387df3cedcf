/* rewrite.h -- writes again, in a log that may be written, what an old state of this node had written and not announced. SPEC.md section 10.5. */
#ifndef QUIRE_DAEMON_REWRITE_H
#define QUIRE_DAEMON_REWRITE_H

#include "ownlog.h"

/* Each with `was` in its envelope. A sealed body names its log, so it is opened and sealed anew, for the same readers as far as this node knows them. */
MUST_CHECK enum err rewrite_side(struct desk *d, const struct owner *o, size_t *again);

#endif
