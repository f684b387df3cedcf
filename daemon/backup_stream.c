/* backup_stream.c -- the frames of a backup. See backup.h. */
#include "backup_int.h"

#include "keyfile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const uint8_t magic[12] = "QUIREBAK1\n"; /* with two NULs */
enum { FLAG_AT = 12, PASSES_AT = 13, KIB_AT = 17, SALT_AT = 21, STREAM_AT = 37 };

static enum err foreign(void)
{
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO;
}

static enum err write_frame(struct backup_stream *b, uint8_t tag)
{
	unsigned long long n = 0;
	if (crypto_secretstream_xchacha20poly1305_push(&b->state, b->cipher, &n, b->plain, b->n,
		    b->first ? b->head : NULL, b->first ? sizeof b->head : 0, tag) != 0)
		return ERR_MEMORY;
	b->first = false;
	b->n = 0;
	return fwrite(b->cipher, 1, (size_t)n, b->f) == n ? OK : foreign();
}

enum err backup_begin(struct backup_stream *b, struct slice passphrase)
{
	struct keyfile_lock lock = {0};
	enum err e = passphrase.n ? keyfile_lock_new(passphrase, &lock) : OK;
	if (e != OK)
		return e;
	memcpy(b->head, magic, sizeof magic);
	b->head[FLAG_AT] = passphrase.n > 0;
	be32_put(b->head + PASSES_AT, lock.passes);
	be32_put(b->head + KIB_AT, lock.kib);
	memcpy(b->head + SALT_AT, lock.salt, sizeof lock.salt);
	crypto_secretstream_xchacha20poly1305_init_push(&b->state, b->head + STREAM_AT, lock.key);
	sodium_memzero(&lock, sizeof lock);
	b->first = true;
	b->n = 0;
	return fwrite(b->head, 1, sizeof b->head, b->f) == sizeof b->head ? OK : foreign();
}

enum err backup_put(struct backup_stream *b, const void *p, size_t n)
{
	const uint8_t *from = (const uint8_t *)p;
	while (n) {
		size_t room = sizeof b->plain - b->n, piece = n < room ? n : room;
		memcpy(b->plain + b->n, from, piece);
		b->n += piece;
		from += piece;
		n -= piece;
		enum err e = b->n == sizeof b->plain ? write_frame(b, 0) : OK;
		if (e != OK)
			return e;
	}
	return OK;
}

enum err backup_end(struct backup_stream *b)
{
	enum err e = write_frame(b, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
	return e == OK && (fflush(b->f) != 0 || fsync(fileno(b->f)) != 0) ? foreign() : e;
}

enum err backup_read_head(struct backup_stream *b, bool *encrypted)
{
	if (fread(b->head, 1, sizeof b->head, b->f) != sizeof b->head)
		return ferror(b->f) ? ERR_IO : ERR_FORMAT;
	if (memcmp(b->head, magic, 8) != 0)
		return ERR_FORMAT;
	if (memcmp(b->head, magic, sizeof magic) != 0)
		return ERR_VERSION;
	if (b->head[FLAG_AT] > 1)
		return ERR_CORRUPT;
	*encrypted = b->head[FLAG_AT] == 1;
	return OK;
}

static enum err read_frame(struct backup_stream *b)
{
	unsigned long long got = 0;
	uint8_t tag = 0;
	size_t n = fread(b->cipher, 1, sizeof b->cipher, b->f);
	b->at = b->n = 0;
	if (n < crypto_secretstream_xchacha20poly1305_ABYTES ||
		crypto_secretstream_xchacha20poly1305_pull(&b->state, b->plain, &got, &tag, b->cipher, n,
			b->first ? b->head : NULL, b->first ? sizeof b->head : 0) != 0)
		return ferror(b->f) ? ERR_IO : ERR_CORRUPT;
	b->first = false;
	b->n = (size_t)got;
	b->final = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	return !b->final && b->n != sizeof b->plain ? ERR_CORRUPT : OK;
}

enum err backup_open(struct backup_stream *b, struct slice passphrase)
{
	struct keyfile_lock lock = {
		.passes = be32_get(b->head + PASSES_AT), .kib = be32_get(b->head + KIB_AT)};
	memcpy(lock.salt, b->head + SALT_AT, sizeof lock.salt);
	bool encrypted = b->head[FLAG_AT] == 1;
	enum err e = OK;
	if (encrypted &&
		(lock.passes < 1 || lock.passes > KEYFILE_PASSES_MAX || lock.kib < 8 ||
			lock.kib > KEYFILE_KIB_MAX))
		e = ERR_CORRUPT;
	if (e == OK && encrypted)
		e = keyfile_lock_derive(passphrase, &lock);
	if (e == OK &&
		crypto_secretstream_xchacha20poly1305_init_pull(&b->state, b->head + STREAM_AT, lock.key) !=
			0)
		e = ERR_CORRUPT;
	sodium_memzero(&lock, sizeof lock);
	b->first = true;
	b->final = false;
	if (e == OK)
		e = read_frame(b);
	return e == ERR_CORRUPT && encrypted ? ERR_PASSPHRASE : e;
}

enum err backup_get(struct backup_stream *b, void *p, size_t n)
{
	uint8_t *to = (uint8_t *)p;
	while (n) {
		if (b->at == b->n) {
			enum err e = b->final ? ERR_CORRUPT : read_frame(b);
			if (e != OK)
				return e;
			continue;
		}
		size_t piece = b->n - b->at < n ? b->n - b->at : n;
		memcpy(to, b->plain + b->at, piece);
		b->at += piece;
		to += piece;
		n -= piece;
	}
	return OK;
}

bool backup_at_end(struct backup_stream *b)
{
	if (!b->final && b->at == b->n && read_frame(b) != OK)
		return false; /* what ends with a full frame has an empty one behind it */
	return b->final && b->at == b->n && getc(b->f) == EOF;
}
