/* home.c -- see home.h.
 *
 * keys/node, 116 bytes: "QUIRENODE1\n\0" (12), node secret (32, X25519), notice secret (32, X25519), receipt seed (32, Ed25519),
 * and the first 8 bytes of BLAKE2b over all before, so that a damaged file is told from a key that nobody knows. */
#include "home.h"

#include "protocol/peer/noise.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t magic[12] = "QUIRENODE1\n"; /* with its NUL */
#define SECRETS_BYTES 96u
#define SUM_BYTES 8u
#define KEYS_BYTES (sizeof magic + SECRETS_BYTES + SUM_BYTES)

/* ---- paths */

enum err home_path(const char *home, const char *name, char out[HOME_PATH_BYTES])
{
	int n = snprintf(out, HOME_PATH_BYTES, "%s/%s", home, name);
	return n < 0 || n >= HOME_PATH_BYTES ? ERR_LIMIT : OK;
}

enum err home_socket(const char *home, char out[HOME_SOCKET_BYTES], char why[HOME_WHY_BYTES])
{
	int n = snprintf(out, HOME_SOCKET_BYTES, "%s/quire.sock", home);
	if (n > 0 && n < HOME_SOCKET_BYTES)
		return OK;
	snprintf(why, HOME_WHY_BYTES,
		"the path of the socket in the home has %d bytes, and the system allows %d: choose a shorter --home",
		n, HOME_SOCKET_BYTES - 1);
	return ERR_LIMIT;
}

/* What errno says, with the path it is about. */
static enum err failed(const char *what, const char *path, char why[HOME_WHY_BYTES])
{
	int number = errno;
	snprintf(why, HOME_WHY_BYTES, "%s %.150s: %.70s", what, path, strerror(number));
	return number == ENOSPC || number == EDQUOT ? ERR_FULL : ERR_IO;
}

/* ---- making */

/* All folders of path. */
static enum err make_folders(const char *path, char why[HOME_WHY_BYTES])
{
	char p[HOME_PATH_BYTES];
	int n = snprintf(p, sizeof p, "%s", path);
	if (n <= 0 || (size_t)n >= sizeof p) {
		snprintf(why, HOME_WHY_BYTES, "the home's path is empty or too long: choose another --home");
		return ERR_LIMIT;
	}
	for (int i = 1; i <= n; i++) {
		if (p[i] != '/' && p[i] != 0)
			continue;
		char kept = p[i];
		struct stat st;
		p[i] = 0;
		if (mkdir(p, 0700) != 0 && (errno != EEXIST || stat(p, &st) != 0 || !S_ISDIR(st.st_mode)))
			return failed("cannot make the folder", p, why);
		p[i] = kept;
	}
	return OK;
}

static enum err sync_folder(const char *path, char why[HOME_WHY_BYTES])
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = fd < 0 || fsync(fd) != 0 ? failed("cannot sync the folder", path, why) : OK;
	if (fd >= 0)
		close(fd);
	return e;
}

/* A new file with these bytes, durable but for its name. */
static enum err write_new(const char *path, const uint8_t *p, size_t n, char why[HOME_WHY_BYTES])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return failed("cannot make", path, why);
	ssize_t written = write(fd, p, n);
	enum err e = OK;
	if (written != (ssize_t)n || fsync(fd) != 0) {
		if (written >= 0 && written != (ssize_t)n)
			errno = ENOSPC;
		e = failed("cannot write", path, why);
	}
	close(fd);
	if (e != OK)
		unlink(path);
	return e;
}

static void sum(const uint8_t file[KEYS_BYTES], uint8_t out[SUM_BYTES])
{
	uint8_t digest[crypto_generichash_BYTES];
	crypto_generichash(digest, sizeof digest, file, KEYS_BYTES - SUM_BYTES, NULL, 0);
	memcpy(out, digest, SUM_BYTES);
}

static enum err write_keys(const char *folder, char why[HOME_WHY_BYTES])
{
	char path[HOME_PATH_BYTES], temporary[HOME_PATH_BYTES];
	uint8_t file[KEYS_BYTES];
	if (home_path(folder, "node", path) != OK || home_path(folder, "node.new", temporary) != OK) {
		snprintf(why, HOME_WHY_BYTES, "the home's path is too long: choose another --home");
		return ERR_LIMIT;
	}
	memcpy(file, magic, sizeof magic);
	randombytes_buf(file + sizeof magic, SECRETS_BYTES);
	sum(file, file + KEYS_BYTES - SUM_BYTES);
	/* What an interrupted run left; nobody has seen those keys. */
	unlink(temporary);
	enum err e = write_new(temporary, file, sizeof file, why);
	sodium_memzero(file, sizeof file);
	if (e != OK)
		return e;
	/* link() and not rename(): it never takes the place of keys that are there. */
	if (link(temporary, path) != 0) {
		e = errno == EEXIST ? ERR_EXISTS : failed("cannot make", path, why);
		if (e == ERR_EXISTS)
			snprintf(why, HOME_WHY_BYTES,
				"there is a node in this home already: choose another --home");
	}
	unlink(temporary);
	return e == OK ? sync_folder(folder, why) : e;
}

enum err home_create(const char *home, char why[HOME_WHY_BYTES])
{
	char keys[HOME_PATH_BYTES], blobs[HOME_PATH_BYTES];
	if (home_path(home, "keys", keys) != OK || home_path(home, "blobs", blobs) != OK) {
		snprintf(why, HOME_WHY_BYTES, "the home's path is too long: choose another --home");
		return ERR_LIMIT;
	}
	enum err e = make_folders(keys, why);
	if (e == OK)
		e = make_folders(blobs, why);
	if (e == OK)
		e = sync_folder(home, why);
	if (e == OK)
		e = write_keys(keys, why);
	return e;
}

/* ---- the lock */

static enum err lock_taken(const char *home, int fd, char why[HOME_WHY_BYTES])
{
	char pid[24] = {0};
	ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
	if (n > 0 && strspn(pid, "0123456789\n") == strlen(pid))
		pid[strcspn(pid, "\n")] = 0;
	else
		pid[0] = 0;
	snprintf(why, HOME_WHY_BYTES,
		"process %s uses the home %.120s: stop it first, or choose another --home",
		pid[0] ? pid : "(unknown)", home);
	return ERR_BUSY;
}

enum err home_lock(const char *home, int *out, char why[HOME_WHY_BYTES])
{
	char path[HOME_PATH_BYTES], pid[24];
	*out = -1;
	if (home_path(home, "lock", path) != OK) {
		snprintf(why, HOME_WHY_BYTES, "the home's path is too long: choose another --home");
		return ERR_LIMIT;
	}
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == ENOENT) {
		snprintf(why, HOME_WHY_BYTES,
			"there is no home at %.120s: make one with `quire init`, or give --home", home);
		return ERR_NOT_FOUND;
	}
	if (fd < 0)
		return failed("cannot open", path, why);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		enum err e = errno == EWOULDBLOCK ? lock_taken(home, fd, why)
						  : failed("cannot lock", path, why);
		close(fd);
		return e;
	}
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	/* Only for the words of a second daemon; the lock itself is the kernel's. */
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
		enum err e = failed("cannot write", path, why);
		close(fd);
		return e;
	}
	*out = fd;
	return OK;
}

void home_unlock(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- keys */

static void expand(const uint8_t *secrets, struct node_keys *keys)
{
	struct noise_keypair pair;
	noise_keypair_from_secret(&pair, secrets);
	keys->node_key = pair.public_key;
	memcpy(keys->node_secret, pair.secret, sizeof keys->node_secret);
	noise_keypair_from_secret(&pair, secrets + 32);
	keys->notice_key = pair.public_key;
	memcpy(keys->notice_secret, pair.secret, sizeof keys->notice_secret);
	noise_keypair_deinit(&pair);
	crypto_sign_seed_keypair(keys->receipt_key.b, keys->receipt_secret, secrets + 64);
}

static enum err read_keys(int fd, const char *path, uint8_t file[KEYS_BYTES + 1], char why[HOME_WHY_BYTES])
{
	struct stat st;
	uint8_t expected[SUM_BYTES];
	if (fstat(fd, &st) != 0)
		return failed("cannot read", path, why);
	if ((st.st_mode & 077) != 0) {
		snprintf(why, HOME_WHY_BYTES, "others on this machine can read %.150s: say `chmod 600` to it",
			path);
		return ERR_INPUT;
	}
	ssize_t n = pread(fd, file, KEYS_BYTES + 1, 0);
	if (n < 0)
		return failed("cannot read", path, why);
	sum(file, expected);
	if (n != (ssize_t)KEYS_BYTES || memcmp(file, magic, sizeof magic) != 0 ||
		memcmp(file + KEYS_BYTES - SUM_BYTES, expected, SUM_BYTES) != 0) {
		snprintf(why, HOME_WHY_BYTES, "%.150s is damaged: restore it from a backup", path);
		return ERR_CORRUPT;
	}
	return OK;
}

enum err home_keys(const char *home, struct node_keys *keys, char why[HOME_WHY_BYTES])
{
	char path[HOME_PATH_BYTES];
	uint8_t file[KEYS_BYTES + 1] = {0};
	if (home_path(home, "keys/node", path) != OK) {
		snprintf(why, HOME_WHY_BYTES, "the home's path is too long: choose another --home");
		return ERR_LIMIT;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		snprintf(why, HOME_WHY_BYTES,
			"there is no node in %.120s: make one with `quire init`, or give --home", home);
		return ERR_NOT_FOUND;
	}
	if (fd < 0)
		return failed("cannot open", path, why);
	enum err e = read_keys(fd, path, file, why);
	close(fd);
	if (e == OK)
		expand(file + sizeof magic, keys);
	sodium_memzero(file, sizeof file);
	return e;
}
