/* keyfile.h -- an identity's secrets on this node, under a passphrase: HOME/keys/IDENTITY.key. SPEC.md section 2.3.
 *
 * The file: "QUIREKEYS2\n\0" (12), passes (u32), KiB (u32), salt (16), nonce (24), XChaCha20-Poly1305 of a MessagePack map with all before and the
 * identity's id as associated data, its length before it (u16); then, but not in a backup, a nonce (24) and the device's two secrets, sealed likewise;
 * and the first 8 bytes of BLAKE2b over all, so that damage is told from a wrong passphrase. "QUIREKEYS1" had all in one map and no length; it is read, and written anew.
 * Any thread; what says *slow* takes a second and 64 MiB. */
#ifndef QUIRE_DAEMON_KEYFILE_H
#define QUIRE_DAEMON_KEYFILE_H

#include "protocol/log/identity.h"

#define KEYFILE_PASSES 3u
#define KEYFILE_KIB 65536u
#define KEYFILE_PASSES_MAX 16u /* of a file; more is refused */
#define KEYFILE_KIB_MAX 1048576u
#define PASSPHRASE_BYTES_MAX 1024u
#define KEYFILE_BYTES_MAX 16384u

/* What a passphrase comes to. Secret: wipe it. */
struct keyfile_lock {
	uint8_t key[32], salt[16];
	uint32_t passes, kib;
};

/* What is in the file. */
struct owner {
	struct id32 identity;
	struct identity_secrets secrets;
	struct identity_device device;
	struct keyfile_lock lock;
};

/* A lock for a new file, or a new passphrase. Slow. ERR_INPUT: empty or too long; ERR_MEMORY. */
MUST_CHECK enum err keyfile_lock_new(struct slice passphrase, struct keyfile_lock *lock);
/* The same for a salt, passes and KiB that are there. */
MUST_CHECK enum err keyfile_lock_derive(struct slice passphrase, struct keyfile_lock *lock);
/* The bytes of the file without the device's keys: for a backup. ERR_STATE: a file of the first form, which holds them inseparably. ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION, ERR_RANGE, ERR_IO. */
MUST_CHECK enum err keyfile_without_device(
	const char *home, const struct id32 *identity, uint8_t out[KEYFILE_BYTES_MAX], size_t *n);
/* Reads and opens; a device that is not in the file (a restored backup) is zeros. o->identity says which. Slow. ERR_NOT_FOUND: not on this node; ERR_PASSPHRASE, ERR_CORRUPT, ERR_VERSION, ERR_RANGE, ERR_IO, ERR_MEMORY. */
MUST_CHECK enum err keyfile_open(const char *home, struct slice passphrase, struct owner *o);
/* The same for one that is open, without the passphrase: another session may have changed the file. ERR_PASSPHRASE: it has another passphrase by now. */
MUST_CHECK enum err keyfile_reload(const char *home, struct owner *o);
/* Makes or replaces the file, durably. ERR_IO, ERR_FULL, ERR_MEMORY. */
MUST_CHECK enum err keyfile_save(const char *home, const struct owner *o);
bool keyfile_exists(const char *home, const struct id32 *identity);

#endif
