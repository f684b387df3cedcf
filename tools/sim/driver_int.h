/* driver_int.h -- what driver.c (nodes, time) and link.c (connections) share. */
#ifndef QUIRE_TOOLS_SIM_DRIVER_INT_H
#define QUIRE_TOOLS_SIM_DRIVER_INT_H

#include "driver.h"

struct sim_result { /* of the store or of work, on its way back */
	struct sim_result *next;
	struct store_res res;
	struct engine_work *work;
};

struct sim_message {
	struct sim_message *next;
	uint64_t number; /* in the order of sending */
	uint8_t type;
	struct buf body;
};

struct sim_queue {
	struct sim_message *first, **last;
};

struct sim_end { /* one side of a link */
	struct sim_node *node;
	conn_id conn;
	struct channel channel;
	struct sim_queue urgent, bulk; /* sent by this side */
	bool paused; /* this side does not read */
	bool closing; /* this side closes when its queues are empty */
	uint64_t closing_ms;
};

struct sim_link {
	struct sim_link *next;
	struct sim *sim;
	bool open, stalled;
	struct sim_end ends[2]; /* 0 dialled */
	uint64_t sent;
};

struct sim_node {
	struct sim_node *next;
	struct sim *sim;
	struct sim_node_options options;
	char home[SIM_HOME_BYTES], name[LIMIT_NAME_BYTES + 1];
	struct noise_keypair keys;
	struct engine *engine;
	struct store *store;
	struct sim_result *stored, **stored_last; /* in order */
	struct sim_result *worked;
	size_t stored_n, worked_n;
	uint64_t next_tag;
	bool answered;
	bool busy; /* its outputs are being carried out */
	struct engine_event answer;
};

struct sim {
	struct sim_options options;
	uint64_t state; /* of the random stream */
	uint64_t now_ms;
	conn_id next_conn;
	struct sim_node *nodes, **nodes_last;
	struct sim_link *links, **links_last;
	uint64_t noted_ms; /* when something other than a ping was delivered */
	void (*saw)(void *ctx, struct sim_node *from, struct sim_node *to, uint8_t type, struct slice body);
	void *saw_ctx;
};

struct random_source sim_source(struct sim *s);
/* Feeds an input and carries out what comes of it. */
void sim_feed(struct sim_node *n, struct engine_in *in);

/* Outputs that concern connections. */
void sim_link_out(struct sim_node *n, struct engine_out *out);
/* How many deliveries are possible now; does the one with that index. */
size_t sim_link_ready(struct sim_link *l);
void sim_link_deliver(struct sim_link *l, size_t index);
/* Closes those that wait too long for a peer that does not read. Returns when the next one is due. */
uint64_t sim_link_time(struct sim_link *l);
void sim_link_free(struct sim_link *l);

#endif
