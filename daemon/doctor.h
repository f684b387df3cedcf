/* doctor.h -- is everything here that should be, and is it what it was? Reads all, changes nothing. `quire doctor`.
 *
 * Works in slices, so that it shares the pool with others. A finding: {"level": "ok"|"warning"|"error", "what", "cause", "cure"}. */
#ifndef QUIRE_DAEMON_DOCTOR_H
#define QUIRE_DAEMON_DOCTOR_H

#include "store/store.h"

#include <jansson.h>

struct doctor;

/* home is copied. NULL: out of memory. */
struct doctor *doctor_new(const char *home);
void doctor_free(struct doctor *d);
/* One slice, on any one thread; false: that was all. */
MUST_CHECK bool doctor_step(struct doctor *d, struct store *s);
void doctor_find(struct doctor *d, const char *level, const char *what, const char *cause, const char *cure);
/* Gives {"items":[…], "errors":n, "warnings":n}. */
json_t *doctor_result(struct doctor *d);

/* Without a daemon: takes the home's lock. *out as doctor_result, also when the database cannot be opened. why: on error.
 * ERR_BUSY: a daemon runs; ERR_NOT_FOUND: no home. */
MUST_CHECK enum err doctor_run(const char *home, json_t **out, char why[256]);
/* Without a daemon: rebuilds what is derived. `quire admin rebuild`. The same errors, and those of store_open. */
MUST_CHECK enum err doctor_rebuild(const char *home, char why[256]);

#endif
