/* quote.h -- a piece of somebody else's text inside a reason: short, whole characters, no control characters. */
#ifndef QUIRE_AWARD_QUOTE_H
#define QUIRE_AWARD_QUOTE_H

#define QUOTE_BYTES 72

static inline const char *quote(const char *text, char out[QUOTE_BYTES])
{
	unsigned n = 0;
	for (; text[n] && n < QUOTE_BYTES - 4; n++)
		out[n] = text[n] == '"' || text[n] == 0x7f || (unsigned char)text[n] < 0x20 ? '?' : text[n];
	if (text[n]) {
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		out[n++] = '.';
		out[n++] = '.';
		out[n++] = '.';
	}
	out[n] = 0;
	return out;
}

#endif
