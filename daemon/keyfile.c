/* keyfile.c -- see keyfile.h. */
#include "keyfile.h"

#include "home.h"
#include "protocol/log/mp.h"
#include "protocol/log/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t magic[12] = "QUIREKEYS1\n"; /* with its NUL */
enum {
	HEAD_BYTES = 12 + 4 + 4 + 16 + 24,
	NONCE_AT = 36,
	TAG_BYTES = 16,
	SUM_BYTES = 8,
	FILE_BYTES_MAX = 16384
};

static enum err derive(struct keyfile_lock *lock, struct slice passphrase)
{
	if (passphrase.n == 0 || passphrase.n > PASSPHRASE_BYTES_MAX)
		return ERR_INPUT;
	return crypto_pwhash(lock->key, sizeof lock->key, (const char *)passphrase.p, passphrase.n,
		       lock->salt, lock->passes, (size_t)lock->kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0
		? OK
		: ERR_MEMORY;
}

enum err keyfile_lock_new(struct slice passphrase, struct keyfile_lock *lock)
{
	*lock = (struct keyfile_lock){.passes = KEYFILE_PASSES, .kib = KEYFILE_KIB};
	randombytes_buf(lock->salt, sizeof lock->salt);
	return derive(lock, passphrase);
}

/* ---- the file's path and bytes */

static enum err path_of(
	const char *home, const struct id32 *identity, const char *end, char out[HOME_PATH_BYTES])
{
	char name[96], hex[65];
	sodium_bin2hex(hex, sizeof hex, identity->b, 32);
	snprintf(name, sizeof name, "keys/%s.key%s", hex, end);
	return home_path(home, name, out);
}

bool keyfile_exists(const char *home, const struct id32 *identity)
{
	char path[HOME_PATH_BYTES];
	struct stat st;
	return path_of(home, identity, "", path) == OK && stat(path, &st) == 0;
}

static enum err foreign(void)
{
	return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err read_file(const char *path, uint8_t file[FILE_BYTES_MAX], size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	ssize_t got = pread(fd, file, FILE_BYTES_MAX, 0);
	close(fd);
	if (got < 0)
		return ERR_IO;
	*n = (size_t)got;
	return OK;
}

static enum err write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return foreign();
		p += w;
		n -= (size_t)w;
	}
	return fsync(fd) == 0 ? OK : foreign();
}

static enum err sync_keys(const char *home)
{
	char path[HOME_PATH_BYTES];
	if (home_path(home, "keys", path) != OK)
		return ERR_LIMIT;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = fd >= 0 && fsync(fd) == 0 ? OK : foreign();
	if (fd >= 0)
		close(fd);
	return e;
}

static enum err replace(const char *home, const struct id32 *identity, const uint8_t *p, size_t n)
{
	char path[HOME_PATH_BYTES], temporary[HOME_PATH_BYTES];
	if (path_of(home, identity, "", path) != OK || path_of(home, identity, ".new", temporary) != OK)
		return ERR_LIMIT;
	(void)unlink(temporary); /* what an interrupted run left */
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return foreign();
	enum err e = write_all(fd, p, n);
	close(fd);
	if (e == OK && rename(temporary, path) != 0)
		e = foreign();
	if (e != OK) {
		(void)unlink(temporary);
		return e;
	}
	return sync_keys(home);
}

static void sum(const uint8_t *p, size_t n, uint8_t out[SUM_BYTES])
{
	uint8_t digest[32];
	crypto_generichash(digest, sizeof digest, p, n, NULL, 0);
	memcpy(out, digest, SUM_BYTES);
}

/* ---- what is sealed in it: keys ascending */

static enum err pack(const struct owner *o, struct buf *out)
{
	/* Reserved at once: a buffer that grows would leave copies of secrets behind. */
	enum err e = buf_reserve(out, 8192);
	struct mp_out m = mp_out_init(out);
	const struct identity_secrets *s = &o->secrets;
	if (e != OK)
		return e;
	mp_put_map(&m, 5);
	mp_put_cstr(&m, "badge");
	mp_put_bin(&m, slice_of(s->badge_seed, s->has_badge ? 32 : 0));
	mp_put_cstr(&m, "box");
	mp_put_bin(&m, slice_of(o->device.box_secret, 32));
	mp_put_cstr(&m, "device");
	mp_put_bin(&m, slice_of(o->device.sign_seed, 32));
	mp_put_cstr(&m, "readings");
	mp_put_array(&m, s->readings_n);
	for (size_t i = 0; i < s->readings_n; i++)
		mp_put_bin(&m, slice_of(s->readings[i].secret, 32));
	mp_put_cstr(&m, "signing");
	mp_put_bin(&m, slice_of(s->signing_seed, s->has_signing ? 32 : 0));
	return m.err;
}

/* A secret of 32 bytes, or none. */
static bool get_secret(struct mp_in *in, const char *name, uint8_t out[32], bool *has)
{
	struct slice key, value;
	if (mp_get_str(in, 0, 16, &key) != OK || !slice_equal(key, slice_str(name)) ||
		mp_get_bin(in, 0, 32, &value) != OK || (value.n != 0 && value.n != 32))
		return false;
	*has = value.n == 32;
	if (*has)
		memcpy(out, value.p, 32);
	return true;
}

static bool get_readings(struct mp_in *in, struct identity_secrets *s)
{
	struct slice key, value;
	if (mp_get_str(in, 0, 16, &key) != OK || !slice_equal(key, slice_str("readings")) ||
		mp_get_array(in, 0, IDENTITY_READINGS_MAX, &s->readings_n) != OK)
		return false;
	for (size_t i = 0; i < s->readings_n; i++) {
		if (mp_get_bin(in, 32, 32, &value) != OK)
			return false;
		memcpy(s->readings[i].secret, value.p, 32);
		secret_box_public(value.p, &s->readings[i].key);
	}
	return true;
}

static enum err unpack(struct slice text, struct owner *o)
{
	struct identity_secrets *s = &o->secrets;
	uint8_t scratch[64];
	bool box, device;
	size_t n;
	if (mp_check(text, 256) != OK)
		return ERR_CORRUPT;
	struct mp_in in = mp_open(text);
	if (mp_get_map(&in, 5, &n) != OK || n != 5 ||
		!get_secret(&in, "badge", s->badge_seed, &s->has_badge) ||
		!get_secret(&in, "box", o->device.box_secret, &box) ||
		!get_secret(&in, "device", o->device.sign_seed, &device) || !get_readings(&in, s) ||
		!get_secret(&in, "signing", s->signing_seed, &s->has_signing) || !box || !device)
		return ERR_CORRUPT;
	if (s->has_badge)
		secret_sign_pair(s->badge_seed, &s->badge_key, scratch);
	if (s->has_signing)
		secret_sign_pair(s->signing_seed, &s->signing_key, scratch);
	sodium_memzero(scratch, sizeof scratch);
	return OK;
}

/* ---- the whole */

static enum err check_form(const uint8_t *file, size_t n, struct keyfile_lock *lock)
{
	uint8_t expected[SUM_BYTES];
	if (n < HEAD_BYTES + TAG_BYTES + SUM_BYTES)
		return ERR_CORRUPT;
	sum(file, n - SUM_BYTES, expected);
	if (memcmp(expected, file + n - SUM_BYTES, SUM_BYTES) != 0)
		return ERR_CORRUPT;
	if (memcmp(file, magic, sizeof magic) != 0)
		return ERR_VERSION;
	lock->passes = be32_get(file + 12);
	lock->kib = be32_get(file + 16);
	memcpy(lock->salt, file + 20, sizeof lock->salt);
	return lock->passes < 1 || lock->passes > KEYFILE_PASSES_MAX || lock->kib < 8 ||
			lock->kib > KEYFILE_KIB_MAX
		? ERR_RANGE
		: OK;
}

static void associate(const uint8_t *file, const struct id32 *identity, uint8_t out[HEAD_BYTES + 32])
{
	memcpy(out, file, HEAD_BYTES);
	memcpy(out + HEAD_BYTES, identity->b, 32);
}

/* From the file's bytes, once the lock's key is there. */
static enum err open_bytes(const uint8_t *file, size_t n, struct owner *o)
{
	uint8_t ad[HEAD_BYTES + 32];
	unsigned long long length = 0;
	uint8_t *text = (uint8_t *)sodium_malloc(FILE_BYTES_MAX);
	if (!text)
		return ERR_MEMORY;
	associate(file, &o->identity, ad);
	int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(text, &length, NULL, file + HEAD_BYTES,
		n - HEAD_BYTES - SUM_BYTES, ad, sizeof ad, file + NONCE_AT, o->lock.key);
	enum err e = bad ? ERR_PASSPHRASE : unpack(slice_of(text, (size_t)length), o);
	sodium_free(text);
	return e;
}

enum err keyfile_open(const char *home, struct slice passphrase, struct owner *o)
{
	char path[HOME_PATH_BYTES];
	uint8_t file[FILE_BYTES_MAX];
	size_t n = 0;
	enum err e = path_of(home, &o->identity, "", path);
	if (e == OK)
		e = read_file(path, file, &n);
	if (e == OK)
		e = check_form(file, n, &o->lock);
	if (e == OK)
		e = derive(&o->lock, passphrase);
	if (e == OK)
		e = open_bytes(file, n, o);
	if (e != OK) {
		identity_secrets_wipe(&o->secrets);
		sodium_memzero(&o->device, sizeof o->device);
		sodium_memzero(&o->lock, sizeof o->lock);
	}
	return e;
}

enum err keyfile_reload(const char *home, struct owner *o)
{
	char path[HOME_PATH_BYTES];
	uint8_t file[FILE_BYTES_MAX];
	size_t n = 0;
	struct owner *next = (struct owner *)sodium_malloc(sizeof *next);
	if (!next)
		return ERR_MEMORY;
	memset(next, 0, sizeof *next);
	next->identity = o->identity;
	enum err e = path_of(home, &o->identity, "", path);
	if (e == OK)
		e = read_file(path, file, &n);
	if (e == OK)
		e = check_form(file, n, &next->lock);
	if (e == OK && memcmp(next->lock.salt, o->lock.salt, sizeof o->lock.salt) != 0)
		e = ERR_PASSPHRASE;
	if (e == OK) {
		memcpy(next->lock.key, o->lock.key, sizeof o->lock.key);
		e = open_bytes(file, n, next);
	}
	if (e == OK)
		*o = *next;
	sodium_free(next);
	return e;
}

enum err keyfile_save(const char *home, const struct owner *o)
{
	uint8_t file[FILE_BYTES_MAX], ad[HEAD_BYTES + 32];
	struct buf text = {0};
	enum err e = pack(o, &text);
	if (e == OK) {
		unsigned long long n = 0;
		memcpy(file, magic, sizeof magic);
		be32_put(file + 12, o->lock.passes);
		be32_put(file + 16, o->lock.kib);
		memcpy(file + 20, o->lock.salt, sizeof o->lock.salt);
		randombytes_buf(file + NONCE_AT, 24);
		associate(file, &o->identity, ad);
		crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEAD_BYTES, &n, text.p, text.n, ad,
			sizeof ad, NULL, file + NONCE_AT, o->lock.key);
		sum(file, HEAD_BYTES + (size_t)n, file + HEAD_BYTES + n);
		e = replace(home, &o->identity, file, HEAD_BYTES + (size_t)n + SUM_BYTES);
	}
	if (text.p)
		sodium_memzero(text.p, text.cap);
	buf_free(&text);
	return e;
}
