/* office.h -- what is done for signed-in people without being asked: a log that turned out to be old is replaced, nodes that came by
 * invitation are admitted, and those that members introduced, if the settings say so. Loop thread. */
#ifndef QUIRE_DAEMON_OFFICE_H
#define QUIRE_DAEMON_OFFICE_H

#include "act.h"

/* Listens from now on. */
void office_open(struct node *n, struct sessions *sessions);
/* At sign-in, on a desk: logs that may be written, and admissions. *again: entries written again. */
MUST_CHECK enum err office_sign_in(struct desk *d, struct keyring *k, size_t *again);
/* A second node runs with a key of ours, or with a peer's: when it was seen, 0 never. */
uint64_t office_clone_seen(struct id32 *node);

#endif
