/* task.h -- a desk in the daemon: a function that runs in sequence while the node answers. desk.h.
 *
 * Each task has a thread, which runs only while the loop thread waits for it: so a task may touch what belongs to the loop, and what takes
 * long goes to the pool (desk_work, desk_read). At most TASKS_MAX are under way; others wait their turn. */
#ifndef QUIRE_DAEMON_TASK_H
#define QUIRE_DAEMON_TASK_H

#include "desk.h"

#define TASKS_MAX 32u

/* On the loop thread. fn runs as soon as there is room, perhaps before this returns; then done on the loop thread. ERR_MEMORY: neither will be called. */
MUST_CHECK enum err task_begin(
	struct node *n, void (*fn)(struct desk *d, void *ctx), void (*done)(void *ctx), void *ctx);

#endif
