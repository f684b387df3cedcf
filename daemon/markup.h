/* markup.h -- XML and HTML written piece by piece: what came from anybody goes through markup_text. Any thread. */
#ifndef QUIRE_DAEMON_MARKUP_H
#define QUIRE_DAEMON_MARKUP_H

#include "bytes.h"

struct markup {
	struct buf *out;
	enum err err; /* the first lack of memory; then nothing more is written */
};

/* As it is. */
void markup_put(struct markup *m, const char *text);
void markup_bytes(struct markup *m, struct slice bytes);
/* Up to 1,023 bytes; numbers and texts of our own only. */
void markup_format(struct markup *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Escaped for content and for attributes in double quotes; control characters, which XML does not have, become U+FFFD. UTF-8 must be sound. */
void markup_text(struct markup *m, const char *text);
/* Base64 with padding, for data: addresses. */
void markup_base64(struct markup *m, struct slice bytes);

#endif
