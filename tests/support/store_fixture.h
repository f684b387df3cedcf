/* store_fixture.h -- a store in a folder of its own, and logs of made-up entries for it: the store reads no more of a header than seq and prev. */
#ifndef QUIRE_TEST_STORE_FIXTURE_H
#define QUIRE_TEST_STORE_FIXTURE_H

#include "store/store.h"

#define FAKE_ENTRIES_MAX 512

/* A chain of entries, its ids chosen here. */
struct fake_log {
	struct id32 identity, log, device_key;
	size_t n;
	struct id32 ids[FAKE_ENTRIES_MAX];
	uint8_t headers[FAKE_ENTRIES_MAX][ENTRY_HEADER_BYTES];
	uint8_t bodies[FAKE_ENTRIES_MAX][64];
	uint8_t sigs[FAKE_ENTRIES_MAX][64];
};

/* A home of its own under $TMPDIR, with an open writer; ends the program on error. */
struct fixture {
	char home[256];
	struct store *store;
};

int fixture_setup(void **state);
int fixture_teardown(void **state); /* removes the folder */
void fixture_reopen(struct fixture *f);
void fixture_close(struct fixture *f);
void fixture_path(const struct fixture *f, const char *name, char out[512]);
bool fixture_file_holds(const struct fixture *f, const char *name, const void *bytes, size_t n);
void fixture_copy_file(const char *from, const char *to);
void fixture_remove_tree(const char *path);
void fixture_copy_home(const char *from, const char *to); /* the files at its top */

struct id32 fake_id(unsigned a, unsigned b);
/* Entries from `from` on are those of `branch`. */
struct fake_log *fake_log_new(unsigned number, size_t n);
void fake_log_branch(struct fake_log *l, size_t from, unsigned branch);

/* One request; the result's error. `res` may be NULL. */
enum err run(struct fixture *f, struct store_req *q, struct store_res *res);

/* RUN_PUT of entries [first, end) with bodies; kinds, where given, one for each. */
void run_put_req(
	struct store_req *q, const struct fake_log *l, size_t first, size_t end, const uint8_t *kinds);
enum err put(struct fixture *f, const struct fake_log *l, size_t first, size_t end);
enum err put_kinds(
	struct fixture *f, const struct fake_log *l, size_t first, size_t end, const uint8_t *kinds);
struct store_log get_log(struct fixture *f, const struct id32 *log);
uint64_t last_number(struct fixture *f);
/* IDENTITY_PUT with `events` made-up events and one device for the log (closing: length and id if closed_last is given). */
enum err put_identity(struct fixture *f, const struct fake_log *l, size_t events,
	const uint64_t *closed_length, const struct id32 *closed_last);
enum err put_peer(struct fixture *f, const struct id32 *node, enum peer_origin origin);
void start(struct fixture *f, unsigned instance, bool *restored);

#endif
