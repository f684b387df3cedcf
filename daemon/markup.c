/* markup.c -- see markup.h. */
#include "markup.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

void markup_bytes(struct markup *m, struct slice bytes)
{
	if (m->err == OK)
		m->err = buf_put_slice(m->out, bytes);
}

void markup_put(struct markup *m, const char *text)
{
	markup_bytes(m, slice_str(text));
}

void markup_format(struct markup *m, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof text)
		abort();
	markup_put(m, text);
}

void markup_text(struct markup *m, const char *text)
{
	for (; *text && m->err == OK; text++) {
		switch (*text) {
		case '&': markup_put(m, "&amp;"); break;
		case '<': markup_put(m, "&lt;"); break;
		case '>': markup_put(m, "&gt;"); break;
		case '"': markup_put(m, "&quot;"); break;
		case '\'': markup_put(m, "&#39;"); break;
		default:
			if (((uint8_t)*text < 0x20 && *text != '\n' && *text != '\t') || *text == 0x7f)
				markup_put(m, "\xef\xbf\xbd");
			else
				markup_bytes(m, slice_of(text, 1));
		}
	}
}

void markup_base64(struct markup *m, struct slice bytes)
{
	size_t n = sodium_base64_ENCODED_LEN(bytes.n, sodium_base64_VARIANT_ORIGINAL);
	char *text = (char *)malloc(n);
	if (!text) {
		m->err = ERR_MEMORY;
		return;
	}
	markup_put(m,
		sodium_bin2base64(text, n, bytes.n ? bytes.p : (const uint8_t *)"", bytes.n,
			sodium_base64_VARIANT_ORIGINAL));
	free(text);
}
