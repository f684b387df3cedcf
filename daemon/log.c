/* log.c -- see log.h. */
#include "log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"broken", "error", "warning", "info", "debug"};
static const char level_priorities[] = {'2', '3', '4', '6', '7'}; /* sd-daemon(3) */

static atomic_int level_most = LOG_INFO;
static atomic_bool format_json, under_journal;
static void (*divert_line)(void *ctx, const char *text, size_t n);
static void *divert_ctx;

void log_init(enum log_level most, bool json)
{
	const char *journal = getenv("JOURNAL_STREAM");
	level_most = (int)most;
	format_json = json;
	under_journal = journal && *journal;
}

bool log_level_parse(const char *name, enum log_level *level)
{
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool log_shows(enum log_level level)
{
	return (int)level <= level_most;
}

void log_divert(void (*line)(void *ctx, const char *text, size_t n), void *ctx)
{
	divert_line = line;
	divert_ctx = ctx;
}

/* ---- cleaning */

/* How many bytes the character at s takes, and its number; 0 if it is no UTF-8 in shortest form. */
static size_t utf8_read(struct slice s, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t b = s.p[0];
	if (b < 0x80) {
		*c = b;
		return 1;
	}
	size_t n = b >= 0xf0 && b < 0xf8 ? 4 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xc0 && b < 0xe0 ? 2 : 0;
	if (n == 0 || s.n < n)
		return 0;
	*c = b & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s.p[i] & 0x3fu);
	}
	return *c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff) ? 0 : n;
}

/* Moves the cursor, changes the direction of text, hides or breaks lines. */
static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
		(c >= 0xe0000 && c <= 0xe007f);
}

size_t log_clean(struct slice text, char *out, size_t out_bytes)
{
	size_t n = 0;
	while (text.n > 0) {
		uint32_t c = 0;
		size_t taken = utf8_read(text, &c);
		size_t given = taken ? taken : 1;
		if (taken == 0 || !is_harmful(c)) {
			if (n + given >= out_bytes)
				break;
			if (taken == 0)
				out[n] = '?';
			else
				memcpy(out + n, text.p, taken);
			n += given;
		}
		text = slice_of(text.p + given, text.n - given);
	}
	out[n] = 0;
	return n;
}

/* ---- writing */

struct line {
	char p[LOG_LINE_BYTES_MAX];
	size_t n;
};

#define LINE_TAIL_BYTES 3 /* kept free for `"}` and the line's end */

static void put(struct line *l, const char *p, size_t n)
{
	if (n <= sizeof l->p - LINE_TAIL_BYTES - l->n) {
		memcpy(l->p + l->n, p, n);
		l->n += n;
	}
}

static void put_text(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static void put_value(struct line *l, const char *p, size_t n, bool json)
{
	bool plain = !json && n > 0 && !memchr(p, ' ', n) && !memchr(p, '"', n) && !memchr(p, '=', n) &&
		!memchr(p, '\\', n);
	if (plain) {
		put(l, p, n);
		return;
	}
	/* All or nothing, so that a cut line still has its quotes. */
	char quoted[2 * LOG_TEXT_BYTES_MAX + 2];
	size_t m = 0;
	quoted[m++] = '"';
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			quoted[m++] = '\\';
		quoted[m++] = p[i];
	}
	quoted[m++] = '"';
	put(l, quoted, m);
}

static void put_field(struct line *l, const struct log_field *f, bool json)
{
	char value[LOG_TEXT_BYTES_MAX];
	size_t n = 0;
	if (f->kind == LOG_KIND_UINT)
		n = (size_t)snprintf(value, sizeof value, "%llu", (unsigned long long)f->value);
	for (size_t i = 0; f->kind == LOG_KIND_ID && i < 8; i++)
		n += (size_t)snprintf(value + n, sizeof value - n, "%02x", f->id->b[i]);
	if (f->kind == LOG_KIND_TEXT)
		n = log_clean(slice_of(f->text, f->text_n), value, sizeof value);
	if (2 * n + strlen(f->key) + 8 > sizeof l->p - LINE_TAIL_BYTES - l->n)
		return;
	put_text(l, json ? ",\"" : " ");
	put_text(l, f->key);
	put_text(l, json ? "\":" : "=");
	if (json && f->kind == LOG_KIND_UINT)
		put(l, value, n);
	else
		put_value(l, value, n, json);
}

static void put_head(struct line *l, enum log_level level, const char *module, bool json)
{
	if (under_journal) {
		const char priority[3] = {'<', level_priorities[level], '>'};
		put(l, priority, sizeof priority);
	}
	if (!json) {
		put_text(l, level_names[level]);
		put_text(l, " ");
		put_text(l, module);
		return;
	}
	char head[128];
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t n = strftime(head, sizeof head, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &utc);
	put(l, head, n);
	n = (size_t)snprintf(head, sizeof head, ".%03ldZ\",\"level\":\"%s\",\"module\":\"%s\"",
		now.tv_nsec / 1000000, level_names[level], module);
	put(l, head, n);
}

void log_write(enum log_level level, const char *module, const struct log_field *fields)
{
	if (!log_shows(level))
		return;
	struct line l;
	l.n = 0;
	bool json = format_json;
	put_head(&l, level, module, json);
	for (const struct log_field *f = fields; f->kind != LOG_KIND_END; f++)
		put_field(&l, f, json);
	if (json)
		l.p[l.n++] = '}';
	l.p[l.n++] = '\n';
	if (divert_line) {
		divert_line(divert_ctx, l.p, l.n);
		return;
	}
	/* A log that cannot be written has nobody to be told to. */
	ssize_t written = write(STDERR_FILENO, l.p, l.n);
	(void)written;
}
