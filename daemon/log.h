/* log.h -- one line per event on stderr: `level module key=value ...`, or one JSON object a line.
 *
 * Values with spaces are quoted; control and bidi characters are taken out of every text, because names and reasons come
 * from peers and end on somebody's terminal. Under systemd ($JOURNAL_STREAM) each line begins with its priority, "<6>".
 * Any thread; a line leaves in one write. */
#ifndef QUIRE_DAEMON_LOG_H
#define QUIRE_DAEMON_LOG_H

#include "bytes.h"

#define LOG_LINE_BYTES_MAX 4096u /* longer lines are cut */
#define LOG_TEXT_BYTES_MAX 1024u /* of one value; longer ones are cut */

enum log_level {
	LOG_BROKEN, /* a thing that must never happen; a test that sees it fails */
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

enum log_kind { LOG_KIND_END, LOG_KIND_TEXT, LOG_KIND_UINT, LOG_KIND_ID };

struct log_field {
	const char *key; /* a-z and _ */
	enum log_kind kind;
	const char *text;
	size_t text_n;
	uint64_t value;
	const struct id32 *id; /* shown by its first 8 bytes */
};

static inline struct log_field log_text(const char *key, const char *text)
{
	return (struct log_field){.key = key,
		.kind = LOG_KIND_TEXT,
		.text = text ? text : "",
		.text_n = text ? strlen(text) : 0};
}

static inline struct log_field log_uint(const char *key, uint64_t value)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_UINT, .value = value};
}

static inline struct log_field log_id(const char *key, const struct id32 *id)
{
	return (struct log_field){.key = key, .kind = LOG_KIND_ID, .id = id};
}

/* The error's name, as `error=NOT_FOUND`. */
static inline struct log_field log_err(enum err e)
{
	return log_text("error", err_name(e));
}

/* Until it is called: info and above, as text. Looks at $JOURNAL_STREAM. */
void log_init(enum log_level most, bool json);
/* "error", "warning", "info", "debug". */
bool log_level_parse(const char *name, enum log_level *level);
bool log_shows(enum log_level level);
/* Lines go there instead of stderr; NULL: stderr again. For tests. */
void log_divert(void (*line)(void *ctx, const char *text, size_t n), void *ctx);

/* fields: up to the one whose kind is LOG_KIND_END. Use the macros below. */
void log_write(enum log_level level, const char *module, const struct log_field *fields);

#define LOG_WRITE(level, module, ...) \
	log_write(level, module, (const struct log_field[]){__VA_ARGS__, {.kind = LOG_KIND_END}})
#define log_broken(module, ...) LOG_WRITE(LOG_BROKEN, module, __VA_ARGS__)
#define log_error(module, ...) LOG_WRITE(LOG_ERROR, module, __VA_ARGS__)
#define log_warning(module, ...) LOG_WRITE(LOG_WARNING, module, __VA_ARGS__)
#define log_info(module, ...) LOG_WRITE(LOG_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) LOG_WRITE(LOG_DEBUG, module, __VA_ARGS__)

/* Copies text without control and bidi characters and line separators; what is no UTF-8 becomes '?'. out always ends with
 * NUL and never in the middle of a character. Returns its length. */
size_t log_clean(struct slice text, char *out, size_t out_bytes);

#endif
