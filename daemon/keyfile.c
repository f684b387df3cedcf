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

static const uint8_t magic[12] = "QUIREKEYS2\n", old_magic[12] = "QUIREKEYS1\n"; /* with their NUL */
enum {
	HEAD_BYTES = 12 + 4 + 4 + 16 + 24,
	NONCE_AT = 36,
	TAG_BYTES = 16,
	SUM_BYTES = 8,
	LENGTH_BYTES = 2, /* of the first sealed part; not in the old form */
	DEVICE_BYTES = 64,
	DEVICE_PART_BYTES = 24 + DEVICE_BYTES + TAG_BYTES,
	FILE_BYTES_MAX = KEYFILE_BYTES_MAX
};

enum err keyfile_lock_derive(struct slice passphrase, struct keyfile_lock *lock)
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
	return keyfile_lock_derive(passphrase, lock);
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
	mp_put_map(&m, 3);
	mp_put_cstr(&m, "badge");
	mp_put_bin(&m, slice_of(s->badge_seed, s->has_badge ? 32 : 0));
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

static enum err unpack(struct slice text, bool old, struct owner *o)
{
	struct identity_secrets *s = &o->secrets;
	uint8_t scratch[64];
	bool box = !old, device = !old;
	size_t n, keys = old ? 5 : 3;
	if (mp_check(text, 256) != OK)
		return ERR_CORRUPT;
	struct mp_in in = mp_open(text);
	if (mp_get_map(&in, keys, &n) != OK || n != keys ||
		!get_secret(&in, "badge", s->badge_seed, &s->has_badge) ||
		(old && !get_secret(&in, "box", o->device.box_secret, &box)) ||
		(old && !get_secret(&in, "device", o->device.sign_seed, &device)) || !get_readings(&in, s) ||
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

static bool is_old(const uint8_t *file)
{
	return memcmp(file, old_magic, sizeof old_magic) == 0;
}

/* How long the first sealed part is. */
static size_t first_part(const uint8_t *file)
{
	return be16_get(file + HEAD_BYTES);
}

static enum err check_form(const uint8_t *file, size_t n, struct keyfile_lock *lock)
{
	uint8_t expected[SUM_BYTES];
	if (n < HEAD_BYTES + TAG_BYTES + SUM_BYTES)
		return ERR_CORRUPT;
	sum(file, n - SUM_BYTES, expected);
	if (memcmp(expected, file + n - SUM_BYTES, SUM_BYTES) != 0)
		return ERR_CORRUPT;
	if (!is_old(file) && memcmp(file, magic, sizeof magic) != 0)
		return ERR_VERSION;
	if (!is_old(file) && first_part(file) + HEAD_BYTES + LENGTH_BYTES + SUM_BYTES != n &&
		first_part(file) + HEAD_BYTES + LENGTH_BYTES + DEVICE_PART_BYTES + SUM_BYTES != n)
		return ERR_CORRUPT;
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

static enum err open_device(const uint8_t *part, const uint8_t *ad, struct owner *o)
{
	uint8_t secrets[DEVICE_BYTES];
	int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(secrets, NULL, NULL, part + 24,
		DEVICE_PART_BYTES - 24, ad, HEAD_BYTES + 32, part, o->lock.key);
	memcpy(o->device.sign_seed, secrets, 32);
	memcpy(o->device.box_secret, secrets + 32, 32);
	sodium_memzero(secrets, sizeof secrets);
	return bad ? ERR_PASSPHRASE : OK;
}

/* From the file's bytes, once the lock's key is there. */
static enum err open_bytes(const uint8_t *file, size_t n, struct owner *o)
{
	uint8_t ad[HEAD_BYTES + 32];
	unsigned long long length = 0;
	bool old = is_old(file);
	size_t from = HEAD_BYTES + (old ? 0 : LENGTH_BYTES);
	size_t sealed = old ? n - HEAD_BYTES - SUM_BYTES : first_part(file);
	uint8_t *text = (uint8_t *)sodium_malloc(FILE_BYTES_MAX);
	if (!text)
		return ERR_MEMORY;
	associate(file, &o->identity, ad);
	int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(
		text, &length, NULL, file + from, sealed, ad, sizeof ad, file + NONCE_AT, o->lock.key);
	enum err e = bad ? ERR_PASSPHRASE : unpack(slice_of(text, (size_t)length), old, o);
	sodium_free(text);
	if (e == OK && !old && n > from + sealed + SUM_BYTES)
		e = open_device(file + from + sealed, ad, o);
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
		e = keyfile_lock_derive(passphrase, &o->lock);
	if (e == OK)
		e = open_bytes(file, n, o);
	if (e == OK && is_old(file))
		e = keyfile_save(home, o);
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

static void seal_device(const struct owner *o, const uint8_t *ad, uint8_t out[DEVICE_PART_BYTES])
{
	uint8_t secrets[DEVICE_BYTES];
	memcpy(secrets, o->device.sign_seed, 32);
	memcpy(secrets + 32, o->device.box_secret, 32);
	randombytes_buf(out, 24);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		out + 24, NULL, secrets, sizeof secrets, ad, HEAD_BYTES + 32, NULL, out, o->lock.key);
	sodium_memzero(secrets, sizeof secrets);
}

enum err keyfile_without_device(
	const char *home, const struct id32 *identity, uint8_t out[KEYFILE_BYTES_MAX], size_t *n)
{
	char path[HOME_PATH_BYTES];
	struct keyfile_lock lock;
	enum err e = path_of(home, identity, "", path);
	if (e == OK)
		e = read_file(path, out, n);
	if (e == OK)
		e = check_form(out, *n, &lock);
	if (e == OK && is_old(out))
		e = ERR_STATE;
	if (e != OK)
		return e;
	size_t end = HEAD_BYTES + LENGTH_BYTES + first_part(out);
	sum(out, end, out + end);
	*n = end + SUM_BYTES;
	return OK;
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
		crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEAD_BYTES + LENGTH_BYTES, &n, text.p,
			text.n, ad, sizeof ad, NULL, file + NONCE_AT, o->lock.key);
		be16_put(file + HEAD_BYTES, (uint16_t)n);
		size_t end = HEAD_BYTES + LENGTH_BYTES + (size_t)n;
		seal_device(o, ad, file + end);
		end += DEVICE_PART_BYTES;
		sum(file, end, file + end);
		e = replace(home, &o->identity, file, end + SUM_BYTES);
	}
	if (text.p)
		sodium_memzero(text.p, text.cap);
	buf_free(&text);
	return e;
}
