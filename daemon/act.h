/* act.h -- a handler of the API that runs in sequence, as a task: it asks, waits, asks again, and says in the end what the answer is. api.h, desk.h. */
#ifndef QUIRE_DAEMON_ACT_H
#define QUIRE_DAEMON_ACT_H

#include "api.h"
#include "desk.h"
#include "keyring.h"

#define ACT_WHY_BYTES 320

struct act {
	struct desk *desk;
	struct api_request *rq;
	struct keyring *keys; /* of the session; NULL: none */
	json_t *reply; /* on OK: taken */
	unsigned status; /* 200 unless set */
	char why[ACT_WHY_BYTES]; /* on error: for people; empty: the error's own text */
	/* on OK, instead of a reply: called on the loop thread, and the request is its */
	void (*then)(struct api_request *rq, void *ctx);
	void *then_ctx;
};

/* Runs fn; then its reply is sent, or the problem it returned. */
void act_begin(struct api_request *rq, enum err (*fn)(struct act *a));
/* Fills a->why. Returns e. */
enum err act_say(struct act *a, enum err e, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A text of the body, or NULL. */
const char *act_text(const struct act *a, const char *key);
/* A text that must be there. ERR_INPUT, said. */
MUST_CHECK enum err act_need(struct act *a, const char *key, const char **text);
/* A number of the body; absent: stays. ERR_INPUT, said. */
MUST_CHECK enum err act_number(struct act *a, const char *key, uint64_t max, uint64_t *n);
/* An identity by its id or a prefix of 8 digits or more. ERR_NOT_FOUND, ERR_AMBIGUOUS, ERR_INPUT, said. */
MUST_CHECK enum err act_identity(struct act *a, const char *text, struct id32 *id);
/* "LOG:SEQ", LOG perhaps shortened. The same errors; not said. */
MUST_CHECK enum err act_ref(struct desk *d, const char *text, struct id32 *log, uint64_t *seq);
/* The same with the entry's id; owner and keep (may be NULL): whose log it is, and whether it can't be erased. */
MUST_CHECK enum err act_entry(
	struct desk *d, const char *text, struct entry_ref *ref, struct id32 *owner, bool *keep);
/* Do the hexadecimal digits of an id begin so? */
bool act_begins(const struct id32 *id, const char *text);
/* Overwrites the passphrase or code in the request. */
void act_wipe(struct act *a, const char *key);

#endif
