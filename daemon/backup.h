/* backup.h -- a home in one file: `quire backup create` and `quire backup restore`. ARCHITECTURE.md, "Backups".
 *
 * The file: "QUIREBAK1\n\0\0" (12), 1 if it is encrypted or 0 (u8), passes (u32), KiB (u32), salt (16), header of secretstream (24); then frames
 * of XChaCha20-Poly1305 secretstream over 65,536 bytes each, the last one shorter and tagged FINAL, all before the frames being associated
 * data of the first. Not encrypted, the key is zeros: damage is still found, intent is not. Inside: for each file its name (u16 and bytes), its
 * size (u64) and its bytes, at the end an empty name and the number of files (u64).
 *
 * Files: keys/node, keys/IDENTITY.key without device keys, quire.conf, roots, quire.db, and blobs. Not in it: `instance`, so that what is
 * restored is known as such, and no log of it is written again. */
#ifndef QUIRE_DAEMON_BACKUP_H
#define QUIRE_DAEMON_BACKUP_H

#include "bytes.h"

#define BACKUP_WHY_BYTES 512

struct backup_counts {
	uint64_t files, blobs, bytes; /* bytes: of all files */
	uint64_t left_out; /* key files of an old form: signing in once makes them new */
};

/* Of a home whose daemon may run. path must not exist. passphrase empty: not encrypted. Memory is bounded; beside path a copy of the database
 * stands until the end. ERR_EXISTS, ERR_NOT_FOUND: no home; ERR_FULL, ERR_IO, ERR_MEMORY; why: for people. */
MUST_CHECK enum err backup_create(const char *home, const char *path, struct slice passphrase, bool blobs,
	struct backup_counts *out, char why[BACKUP_WHY_BYTES]);
/* Is it encrypted? ERR_NOT_FOUND, ERR_FORMAT: no backup; ERR_VERSION, ERR_IO. */
MUST_CHECK enum err backup_look(const char *path, bool *encrypted, char why[BACKUP_WHY_BYTES]);
/* Into a home that is not there, or an empty folder: all is checked beside it first. ERR_EXISTS: the home is not empty; ERR_FORMAT: no backup;
 * ERR_VERSION; ERR_PASSPHRASE; ERR_CORRUPT: damaged or cut short; ERR_NEWER, ERR_FULL, ERR_IO, ERR_MEMORY. */
MUST_CHECK enum err backup_restore(const char *home, const char *path, struct slice passphrase,
	struct backup_counts *out, char why[BACKUP_WHY_BYTES]);

#endif
