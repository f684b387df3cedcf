/* driver.h -- whole networks in one thread and in virtual time: real engines on real stores, everything else made up from one seed.
 *
 * Each node is an engine with a store in a folder of its own. Store requests are executed in order, work at once; if
 * `later` is set, their results come back later, as they do from threads, those of work in any order. Messages are delivered in an
 * order that the seed chooses, within what a connection promises: in each direction in order, bulk never before what was sent before it.
 * The same seed and the same calls give the same run. A failure that must not be (no memory, no disk) aborts. */
#ifndef QUIRE_TOOLS_SIM_DRIVER_H
#define QUIRE_TOOLS_SIM_DRIVER_H

#include "protocol/peer/channel.h"
#include "protocol/peer/engine.h"
#include "store/store.h"

#define SIM_HOME_BYTES 512
#define SIM_WALL_S 1800000000ull /* wall clock at virtual time 0 */
#define SIM_FLUSH_MS 2000 /* as conn.h: a close in order does not wait longer for a peer that is paused */

struct sim;
struct sim_node;
struct sim_link;

struct sim_options {
	uint64_t seed;
	bool later; /* results of store and work come later */
	bool cipher; /* messages go through two channels, in random fragments */
	uint32_t delay_ms; /* most virtual time between two deliveries; 0: 3 */
};

struct sim_node_options {
	const char *home; /* an empty folder, or that of a node that was closed */
	const char *name;
	struct id32 network;
	uint64_t blob_bytes_max, blob_rate;
	void (*heard)(void *ctx, struct sim_node *n, const struct engine_event *ev); /* may be NULL */
	void *ctx;
};

struct sim *sim_new(const struct sim_options *o);
void sim_free(struct sim *s); /* with its nodes */
uint64_t sim_now_ms(const struct sim *s);
uint64_t sim_random(struct sim *s, uint64_t below); /* for the choices of the test itself */
/* Every message that is delivered; for traces and statistics. */
void sim_watch(struct sim *s,
	void (*saw)(void *ctx, struct sim_node *from, struct sim_node *to, uint8_t type, struct slice body),
	void *ctx);

/* Opens (or makes) the store in home and starts an engine; its key follows from the seed and the order of the calls. */
struct sim_node *sim_node_new(struct sim *s, const struct sim_node_options *o);
/* Ends the process that the node stands for: connections are cut, what the store has committed stays. Then it starts again. */
void sim_node_restart(struct sim_node *n);
const struct id32 *sim_node_key(const struct sim_node *n);
struct engine *sim_node_engine(struct sim_node *n);
struct store *sim_node_store(struct sim_node *n);
const char *sim_node_home(const struct sim_node *n);

/* Executes one request on the node's store now, not through the engine. The caller frees both. */
void sim_store(struct sim_node *n, struct store_req *req, struct store_res *res);
/* Gives a command and runs the network until it is answered; aborts if that takes ten virtual minutes. */
struct engine_event sim_command(struct sim_node *n, struct engine_cmd *cmd);

/* a dials b; secret: of an invitation, or NULL. */
struct sim_link *sim_link(struct sim_node *a, struct sim_node *b, const uint8_t secret[16]);
/* What is under way is lost. Does nothing on a link that is closed. A link is freed with the simulation. */
void sim_cut(struct sim_link *l);
bool sim_link_open(const struct sim_link *l);
/* While it is stalled nothing is delivered on it. */
void sim_stall(struct sim_link *l, bool stalled);

/* One delivery, result or deadline, the latter only up to until_ms; false: nothing is left to do. */
bool sim_step(struct sim *s, uint64_t until_ms);
/* Until virtual time is until_ms. */
void sim_run(struct sim *s, uint64_t until_ms);
/* Until nothing but pings was delivered for quiet_ms of virtual time; false: that did not happen within most_ms. */
bool sim_settle(struct sim *s, uint64_t quiet_ms, uint64_t most_ms);

#endif
