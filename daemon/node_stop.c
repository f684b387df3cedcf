/* node_stop.c -- the end of a node, in stages, each of which begins when all parts of the one before are closed:
 *   1  listener, dialler, invitations, beacons, connections (bye to peers)
 *   2  the pool: what it works on comes to its end
 *   3  the store thread: what it was asked is committed, the database is closed
 *   4  commands without an answer are told, the engine goes
 *   5  the lock is given back and the keys are wiped */
#include "node_int.h"

#include "home.h"
#include "log.h"

#include <sodium.h>

static void release(struct node *n)
{
	void (*stopped)(void *ctx) = n->stopped;
	void *ctx = n->stopped_ctx;
	if (n->store)
		store_close(n->store);
	home_unlock(&n->lock_fd);
	sodium_free(n->keys);
	sodium_free(n->noise);
	free(n);
	if (stopped)
		stopped(ctx);
}

static void on_drive_closed(void *ctx)
{
	struct node *n = (struct node *)ctx;
	n->drive = NULL;
	release(n);
}

static void on_storew_closed(void *ctx)
{
	struct node *n = (struct node *)ctx;
	n->storew = NULL;
	if (n->drive)
		drive_close(n->drive, on_drive_closed, n);
	else
		release(n);
}

static void on_pool_closed(void *ctx)
{
	struct node *n = (struct node *)ctx;
	n->pool = NULL;
	if (n->drive)
		drive_finish(n->drive);
	if (n->storew)
		storew_close(n->storew, on_storew_closed, n);
	else
		on_storew_closed(n);
}

static void part_closed(struct node *n)
{
	if (--n->closing > 0)
		return;
	if (n->drive)
		drive_drain(n->drive);
	if (n->pool)
		pool_close(n->pool, on_pool_closed, n);
	else
		on_pool_closed(n);
}

/* Each goes at once: events still come while others are being closed. */
static void on_net_closed(void *ctx)
{
	((struct node *)ctx)->net = NULL;
	part_closed((struct node *)ctx);
}

static void on_dial_closed(void *ctx)
{
	((struct node *)ctx)->dial = NULL;
	part_closed((struct node *)ctx);
}

static void on_joins_closed(void *ctx)
{
	((struct node *)ctx)->joins = NULL;
	part_closed((struct node *)ctx);
}

static void on_reach_closed(void *ctx)
{
	((struct node *)ctx)->reach = NULL;
	part_closed((struct node *)ctx);
}

/* It tells reach whom to dial. */
static void on_beacons_closed(void *ctx)
{
	struct node *n = (struct node *)ctx;
	n->beacons = NULL;
	reach_close(n->reach, on_reach_closed, n);
}

static void on_set_closed(void *ctx)
{
	struct node *n = (struct node *)ctx;
	n->set = NULL;
	if (n->drive)
		drive_attach(n->drive, NULL);
	part_closed(n);
}

void node_end(struct node *n, void (*stopped)(void *ctx), void *ctx)
{
	if (n->stopping)
		return;
	n->stopping = true;
	n->stopped = stopped;
	n->stopped_ctx = ctx;
	n->closing = 1 + (n->net != NULL) + (n->dial != NULL) + (n->joins != NULL) + (n->reach != NULL) +
		(n->set != NULL);
	if (n->net)
		net_close(n->net, on_net_closed, n);
	if (n->dial)
		dial_close(n->dial, on_dial_closed, n);
	if (n->joins)
		joins_close(n->joins, on_joins_closed, n);
	if (n->beacons)
		beacons_close(n->beacons, on_beacons_closed, n);
	else if (n->reach)
		reach_close(n->reach, on_reach_closed, n);
	if (n->set)
		conn_set_close(n->set, on_set_closed, n);
	part_closed(n);
}
