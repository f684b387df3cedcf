/* text.c -- what a terminal may see, and how much room it takes. */
#include "cli.h"

#include "daemon/http_uri.h"

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

/* Controls, and what turns, hides or breaks text: bidi marks, separators, zero width, byte order mark, tags. */
static bool hides(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
		(c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

char *cli_clean(const char *text, char *out, size_t n)
{
	size_t to = 0;
	while (*text) {
		uint32_t c = 0;
		const char *from = text;
		size_t len = http_utf8_at((const uint8_t *)text, &c), put = len;
		text += len ? len : 1;
		if (!len) {
			from = "\xef\xbf\xbd";
			put = 3;
		} else if (c == '\n' || c == '\t') {
			from = " ";
		} else if (hides(c)) {
			continue;
		}
		if (to + put >= n)
			break;
		memcpy(out + to, from, put);
		to += put;
	}
	out[to] = 0;
	return out;
}

char *cli_size(uint64_t bytes, char *out, size_t n)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	if (bytes < 1000) {
		snprintf(out, n, "%u B", (unsigned)bytes);
		return out;
	}
	double v = (double)bytes / 1000;
	size_t i = 0;
	for (; v >= 999.5 && i + 1 < sizeof units / sizeof units[0]; i++)
		v /= 1000;
	snprintf(out, n, v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[i]);
	return out;
}

char *cli_time(int64_t unix_s, char *out, size_t n)
{
	time_t t = (time_t)unix_s;
	struct tm tm;
	if (!localtime_r(&t, &tm) || strftime(out, n, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, n, "?");
	return out;
}

/* The bytes of the first character, and the columns that it takes. */
static size_t character(const char *text, size_t *width)
{
	uint32_t c = 0;
	size_t len = http_utf8_at((const uint8_t *)text, &c);
	int w = len ? wcwidth((wchar_t)c) : 1;
	*width = w < 0 ? 1 : (size_t)w;
	return len ? len : 1;
}

size_t cli_width(const char *text)
{
	size_t sum = 0, w;
	while (*text) {
		text += character(text, &w);
		sum += w;
	}
	return sum;
}

size_t cli_fit(const char *text, size_t width)
{
	size_t at = 0, sum = 0, w;
	while (text[at]) {
		size_t len = character(text + at, &w);
		if (sum + w > width)
			break;
		sum += w;
		at += len;
	}
	return at;
}

size_t cli_terminal(FILE *f)
{
	struct winsize size;
	int fd = fileno(f);
	if (fd < 0 || !isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}
