/* doctor_int.h -- what the parts of the doctor share: doctor.c (order, findings), doctor_logs.c, doctor_blobs.c. */
#ifndef QUIRE_DAEMON_DOCTOR_INT_H
#define QUIRE_DAEMON_DOCTOR_INT_H

#include "doctor.h"

#define DOCTOR_RUNS_IN_SLICE 32u
#define DOCTOR_CHUNKS_IN_SLICE 256u

enum doctor_stage { DOCTOR_BEGIN, DOCTOR_LOGS, DOCTOR_BLOBS, DOCTOR_PEERS, DOCTOR_END };

struct doctor {
	char home[4096];
	enum doctor_stage stage;
	json_t *items;
	unsigned errors, warnings;
	/* logs */
	struct store_res logs;
	size_t log_at;
	uint64_t seq;
	struct id32 last;
	uint64_t entries, bad_logs;
	/* blobs */
	struct store_res blobs;
	size_t blob_at;
	uint64_t chunk, checked, wanted, bad_blobs;
};

void doctor_say(struct doctor *d, const char *level, const char *cause, const char *cure, const char *format,
	...) __attribute__((format(printf, 5, 6)));

/* One slice each; false: done. */
MUST_CHECK bool doctor_logs(struct doctor *d, struct store *s);
MUST_CHECK bool doctor_blobs(struct doctor *d, struct store *s);

#endif
