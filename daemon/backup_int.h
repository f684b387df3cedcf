/* backup_int.h -- what writing (backup_create.c) and reading (backup_restore.c) share: backup_stream.c. */
#ifndef QUIRE_DAEMON_BACKUP_INT_H
#define QUIRE_DAEMON_BACKUP_INT_H

#include "backup.h"

#include <sodium.h>
#include <stdio.h>

#define BACKUP_FRAME_BYTES 65536u
#define BACKUP_HEAD_BYTES (12u + 1u + 4u + 4u + 16u + crypto_secretstream_xchacha20poly1305_HEADERBYTES)
#define BACKUP_NAME_BYTES 128u /* of a file's name, with NUL */

struct backup_stream {
	FILE *f;
	crypto_secretstream_xchacha20poly1305_state state;
	uint8_t head[BACKUP_HEAD_BYTES];
	uint8_t plain[BACKUP_FRAME_BYTES];
	uint8_t cipher[BACKUP_FRAME_BYTES + crypto_secretstream_xchacha20poly1305_ABYTES];
	size_t n, at; /* bytes in plain; read so far */
	bool first, final;
};

MUST_CHECK enum err backup_begin(struct backup_stream *b, struct slice passphrase); /* writes the head */
MUST_CHECK enum err backup_put(struct backup_stream *b, const void *p, size_t n);
MUST_CHECK enum err backup_end(struct backup_stream *b); /* the last frame, synced */
MUST_CHECK enum err backup_read_head(
	struct backup_stream *b, bool *encrypted); /* ERR_FORMAT, ERR_VERSION, ERR_IO */
MUST_CHECK enum err backup_open(
	struct backup_stream *b, struct slice passphrase); /* ERR_PASSPHRASE: also a damaged first frame */
MUST_CHECK enum err backup_get(struct backup_stream *b, void *p, size_t n); /* ERR_CORRUPT */
bool backup_at_end(struct backup_stream *b); /* all was read, and nothing follows */

#endif
