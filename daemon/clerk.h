/* clerk.h -- what institutions that are open on this node do without being asked: they take up reviews (SPEC.md section 16.6), countersign what is met
 * where the definition says "automatic" (sections 16.3 and 16.8), and hand on to reviewers and officers what came without them (section 16.4). Loop thread.
 *
 * It goes over all that was submitted, in slices of about a tenth of a second, when entries or keys have come, at sign-in, and a minute after a failure; at once, but with
 * pauses of CLERK_WAIT_MS, or four times as long as it looked. Each failure is logged once.
 * Submissions that are awarded or withdrawn, with every review taken up, are not judged again until another review of them is there;
 * handing on is thought of when something of a submission, its reviewers or the officers have changed. */
#ifndef QUIRE_DAEMON_CLERK_H
#define QUIRE_DAEMON_CLERK_H

#include "node.h"
#include "session.h"

#define CLERK_WAIT_MS 200u
#define CLERK_PAUSE_MAX_MS 2000u
#define CLERK_RETRY_MS 60000u
#define CLERK_SESSIONS_MAX SESSIONS_MAX /* whoever is signed in may have published something */

struct clerk;

/* Listens from now on. Borrows both. NULL: out of memory. */
struct clerk *clerk_new(struct node *n, struct sessions *sessions);
/* Begins nothing more; closed(ctx) from the loop. */
void clerk_close(struct clerk *c, void (*closed)(void *ctx), void *ctx);
/* After the node has stopped. NULL is fine. */
void clerk_free(struct clerk *c);

/* Somebody has signed in. NULL is fine. */
void clerk_wake(struct clerk *c);

#endif
