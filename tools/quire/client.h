/* client.h -- HTTP to the daemon through the Unix socket in the home. */
#ifndef QUIRE_CLI_CLIENT_H
#define QUIRE_CLI_CLIENT_H

#include "cli.h"

struct cli_request {
	const char *method, *path; /* path: with its query */
	json_t *body; /* NULL: none; borrowed */
	FILE *upload; /* instead of a body; NULL: none */
	uint64_t upload_size;
	const char *once; /* Idempotency-Key; NULL: none */
	FILE *sink; /* where content goes; NULL: the answer is JSON */
	uint64_t from; /* content from this offset on, if the daemon gives ranges */
	const char *what; /* what the progress is shown of; NULL: none is shown */
	bool whole_ok; /* of content: status 416 is no problem, but left to the caller */
	bool to_the_end; /* Ctrl-C waits for the answer: it would not be known what was done */
	bool quiet; /* do not say that no daemon answers */
	/* filled */
	long status;
	json_t *answer; /* an object; decref it */
	char verdict[512]; /* of the header Quire-Verdict; empty: there is none */
};

/* CLI_DONE: a 2xx status, with answer or sink filled. Otherwise it has been said, and is the exit code. */
int cli_ask(struct cli_call *c, struct cli_request *r);
/* The same for a plain question. */
int cli_ask_json(struct cli_call *c, const char *method, const char *path, json_t *body, json_t **answer);

/* Ctrl-C: true once it was pressed. cli_interruptible(true): it stops what is under way instead of the program. */
bool cli_interrupted(void);
void cli_interruptible(bool on);

/* A line on the terminal that says how far it is; shown after two seconds, then four times a second. */
struct cli_progress {
	struct cli_call *c;
	const char *what;
	uint64_t before; /* bytes that were there already */
	int64_t begun_ms, shown_ms;
	bool shown;
};
void cli_progress(struct cli_progress *p, uint64_t now, uint64_t total);
void cli_progress_end(struct cli_progress *p);

#endif
