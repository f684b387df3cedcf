/* disk.h -- the disks under the stores of a simulated world: they fill up, fail, and lose power.
 *
 * A VFS of SQLite over files in memory (memfile.h). Until a file is synced, the old content of every sector that was written is kept beside it; when the
 * power goes, each such sector has reached the disk or has not, by chance. So a write is lost, kept or torn, and what was synced stays.
 * Files of blobs are written by others: disk_chunk and disk_synced tell of them. One thread. */
#ifndef QUIRE_SIM_DISK_H
#define QUIRE_SIM_DISK_H

#include "bytes.h"

struct disks;

struct disk_counts {
	uint64_t writes, syncs;
	uint64_t refused_full; /* writes refused: no room */
	uint64_t sync_failures;
	uint64_t cuts; /* of power */
	uint64_t lost, kept; /* sectors (512 bytes) that were not synced when the power went */
	uint64_t torn_files; /* of which some were lost and some kept */
	uint64_t chunks_lost; /* of growing blob files */
};

/* Becomes the VFS that SQLite uses from now on; every random byte that SQLite draws comes from the seed. NULL: out of memory. */
struct disks *disks_new(uint64_t seed);
/* All files must be closed. */
void disks_free(struct disks *d);
struct disk_counts disks_counts(const struct disks *d);
uint64_t disks_memory_bytes(const struct disks *d); /* what SQLite uses, and the files */

/* A database's files have real names, and their bytes are here: how many, and that somebody copied such a file by its name. */
uint64_t disk_file_bytes(const struct disks *d, const char *path);
void disk_file_copied(struct disks *d, const char *from, const char *to);
/* A new file with these bytes, on the disk already. */
void disk_file_put(struct disks *d, const char *path, struct slice bytes);

/* No room: what would grow a file is refused. */
void disk_full(struct disks *d, const char *home, bool full);
/* For a write beside SQLite's: is it refused? Counted. */
bool disk_refuses(struct disks *d, const char *home);
/* The next sync of a file of this home fails, once. */
void disk_sync_fails(struct disks *d, const char *home);
/* The power goes at the n-th write or sync from now (n at least 1). */
void disk_arm(struct disks *d, const char *home, uint64_t n);
/* The program is killed: from now on nothing more reaches the disk, and all that was written stays. */
void disk_halt(struct disks *d, const char *home);
/* Is the power gone? Nothing reaches the disk any more; closing the files loses what was not synced. */
bool disk_is_off(struct disks *d, const char *home);
/* Power is back. Files are closed. */
void disk_on(struct disks *d, const char *home);
/* A spoilt disk: a sync does nothing. For runs that must be seen to fail. */
void disks_lie(struct disks *d);

/* Asked at each read, and at each write, truncation and sync: true: it fails. */
void disks_may_fail(struct disks *d, bool (*fails_now)(bool read));
/* Asked at each of SQLite's allocations. Before SQLite is used at all. */
void disks_memory_may_fail(bool (*fails_now)(void));

/* A chunk of n bytes at offset `at` went into a growing file; what was written to it was synced. */
void disk_chunk(struct disks *d, const char *home, const struct id32 *root, uint64_t at, size_t n);
void disk_synced(struct disks *d, const char *home, const struct id32 *root);

#endif
