/* memfile.h -- files of SQLite whose bytes lie in this process's memory, under names of the real file system.
 *
 * Each has an empty real file as its name, found by its inode: so renaming, linking, unlinking and looking whether it is there are the
 * real thing, and a fork of the process has bytes of its own. One thread. */
#ifndef QUIRE_SIM_MEMFILE_H
#define QUIRE_SIM_MEMFILE_H

#include "bytes.h"

struct memfile;
struct memfiles {
	struct memfile *slots[256];
	uint64_t bytes; /* of all, as allocated */
};

/* n bytes of zeros, taken in a way that never fails by itself (faulty.h); free it. Aborts where there are none. */
void *memfile_take(size_t n);

/* NULL: there is none by that name (and create is false), or the real file system refused. path NULL: a file without a name. */
struct memfile *memfile_open(struct memfiles *m, const char *path, bool create);
/* Its shared memory goes with the last who has it open. */
void memfile_close(struct memfiles *m, struct memfile *f);
uint64_t memfile_bytes(const struct memfile *f);
/* The bytes at `at`, zeros behind the end; false: less was there than n. */
bool memfile_read(const struct memfile *f, void *out, size_t n, uint64_t at);
void memfile_write(struct memfiles *m, struct memfile *f, const void *p, size_t n, uint64_t at);
void memfile_cut(struct memfile *f, uint64_t bytes);
/* Region i of the memory that its openers share, zeroed when made; NULL: not made yet. */
void *memfile_region(struct memfile *f, size_t i, size_t bytes, bool make);
void memfile_drop_regions(struct memfile *f);

/* How long the file of that name is; 0: there is none. */
uint64_t memfile_size_at(const struct memfiles *m, const char *path);
/* What the file at `from` holds (nothing, if there is none) becomes what the one at `to` holds, which is there. */
void memfile_copy(struct memfiles *m, const char *from, const char *to);
void memfiles_deinit(struct memfiles *m);

#endif
