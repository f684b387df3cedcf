/* names.h -- identities as answers show them. On a pool thread, with a store that is read-only. */
#ifndef QUIRE_DAEMON_NAMES_H
#define QUIRE_DAEMON_NAMES_H

#include "identities.h"
#include "store/store.h"

#include <jansson.h>

#define NAMES_MAX 512u /* that are remembered; beyond them each is looked up */

struct names;

/* For one read: what was looked up once is remembered. Borrows the store. NULL: out of memory. */
struct names *names_new(struct store *reader);
void names_free(struct names *n); /* NULL is fine */

/* {"id", "name", "did", "kind"}: the name of the newest profile that anybody can read, cleaned, or "" ; did by the badge key in force, and kind:
 * "" where its key events are not on this node. NULL: out of memory. */
json_t *names_json(struct names *n, const struct id32 *id);
/* The cleaned name alone; "" if there is none. Good until the next call. */
const char *names_text(struct names *n, const struct id32 *id);

#endif
