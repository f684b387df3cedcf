/* faulty.h -- what a process asks of its surroundings, and which of these calls fails: memory, the store, writes and syncs, reads.
 *
 * The linker puts these functions before the real ones (--wrap, see the Makefile): malloc and its kin, the calls on files, and the doors of
 * engine and store, so that only what runs behind such a door is counted and fails. SQLite and jansson take their memory here too. One thread. */
#ifndef QUIRE_SIM_FAULTY_H
#define QUIRE_SIM_FAULTY_H

#include "tools/sim/disk.h"

enum faulty_kind {
	FAULTY_MEMORY, /* allocations */
	FAULTY_STORE, /* store requests */
	FAULTY_DISK, /* writes, syncs and truncations, and calls that make or change names */
	FAULTY_READ,
	FAULTY_KINDS
};

/* Before anything else in the process; tracks: what is allocated behind a door is kept in a list, for faulty_leaks. */
void faulty_install(bool tracks);
/* Reads and writes of these disks count. */
void faulty_disks(struct disks *d);
/* From now on the nth call of that kind fails (1: the next one), and with for_good every one behind it. Counts begin anew. */
void faulty_arm(enum faulty_kind kind, uint64_t nth, bool for_good);
void faulty_disarm(void); /* counts stay */
uint64_t faulty_count(enum faulty_kind kind);
uint64_t faulty_hits(void); /* how many calls failed since it was armed */
/* Blocks that were allocated behind a door and not freed; the first ones are told on stderr, with who asked. */
size_t faulty_leaks(void);
/* Locks on folders are always given: for a process that shares its descriptors with the one that it was forked from. */
void faulty_forked(void);

#endif
