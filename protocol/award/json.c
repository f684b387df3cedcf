#include "protocol/award/json.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

/* Digits that a double always holds; longer integers are looked at. */
#define INTEGER_DIGITS_SAFE 15u
#define INTEGER_DIGITS_MAX 309u
#define NUMBER_TEXT_MAX 40

static enum err refuse(char why[JSON_WHY_BYTES], enum err e, size_t line, const char *text)
{
	if (why)
		snprintf(why, JSON_WHY_BYTES, "line %zu: %s", line, text);
	return e;
}

static enum err put_number(double d, struct buf *out);

/* Whether the canonical form writes this double so. */
static bool is_written_so(double d, const char *text)
{
	struct buf b = {0};
	bool same = put_number(d, &b) == OK && slice_equal(buf_slice(&b), slice_str(text));
	buf_free(&b);
	return same;
}

/* Whether the digits (a sign may stand before them) are exactly a double, or the canonical form of one. */
static bool integer_is_held(struct slice digits)
{
	char text[INTEGER_DIGITS_MAX + 2], back[INTEGER_DIGITS_MAX + 4];
	if (digits.n <= INTEGER_DIGITS_SAFE)
		return true;
	if (digits.n >= sizeof text)
		return false;
	memcpy(text, digits.p, digits.n);
	text[digits.n] = 0;
	double d = strtod(text, NULL);
	if (!isfinite(d))
		return false;
	snprintf(back, sizeof back, "%.0f", d);
	return strcmp(text, back) == 0 || is_written_so(d, text);
}

static bool is_number_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* The number that begins at i; sets *end behind it. */
static bool number_is_held(struct slice text, size_t i, size_t *end)
{
	bool integer = true;
	size_t from = i;
	for (; i < text.n && is_number_byte(text.p[i]); i++)
		if (text.p[i] == '.' || text.p[i] == 'e' || text.p[i] == 'E')
			integer = false;
	*end = i;
	return !integer || integer_is_held(slice_of(text.p + from, i - from));
}

/* U+FFFE or U+FFFF at p, as it is or escaped: canonical N-Quads and other people's programs differ on them. */
static bool is_noncharacter(const uint8_t *p, size_t n)
{
	if (n >= 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe)
		return true;
	return n >= 6 && p[0] == '\\' && p[1] == 'u' &&
		(strncasecmp((const char *)p + 2, "fffe", 4) == 0 ||
			strncasecmp((const char *)p + 2, "ffff", 4) == 0);
}

/* Behind the closing quote of the string that begins at i, or the end of the text. *sound: no noncharacter in it. */
static size_t string_end(struct slice text, size_t i, bool *sound)
{
	for (i++; i < text.n && text.p[i] != '"'; i++) {
		*sound = *sound && !is_noncharacter(text.p + i, text.n - i);
		if (text.p[i] == '\\')
			i++;
	}
	return i + 1;
}

/* What jansson does not look at: depth, noncharacters, and integers that a double changes. Faults of syntax are left to it. */
static enum err scan(struct slice text, char why[JSON_WHY_BYTES])
{
	size_t line = 1, depth = 0, i = 0;
	bool sound = true;
	while (i < text.n) {
		uint8_t c = text.p[i];
		if (c == '"') {
			i = string_end(text, i, &sound);
			if (!sound)
				return refuse(
					why, ERR_FORMAT, line, "U+FFFE or U+FFFF, which is no character");
			continue;
		}
		if (c == '-' || (c >= '0' && c <= '9')) {
			if (!number_is_held(text, i, &i))
				return refuse(why, ERR_FORMAT, line, "an integer that a double cannot hold");
			continue;
		}
		if (c == '\n')
			line++;
		if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
			return refuse(why, ERR_LIMIT, line, "nested too deeply");
		if ((c == '}' || c == ']') && depth > 0)
			depth--;
		i++;
	}
	return OK;
}

/* The text may quote the document, cut anywhere: only what is printable ASCII of it is kept. */
static enum err parse_fault(const json_error_t *error, char why[JSON_WHY_BYTES])
{
	enum json_error_code code = json_error_code(error);
	if (code == json_error_out_of_memory)
		return ERR_MEMORY;
	refuse(why, ERR_FORMAT, error->line < 1 ? 1 : (size_t)error->line, error->text);
	for (char *p = why; p && *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	return code == json_error_stack_overflow ? ERR_LIMIT : ERR_FORMAT;
}

enum err json_parse(struct slice text, json_t **out, char why[JSON_WHY_BYTES])
{
	if (why)
		why[0] = 0;
	if (text.n > JSON_BYTES_MAX)
		return refuse(why, ERR_LIMIT, 1, "the document is too large");
	enum err e = scan(text, why);
	if (e != OK)
		return e;
	json_error_t error = {0};
	json_t *v = json_loadb(text.n ? (const char *)text.p : "", text.n,
		JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
	if (!v)
		return parse_fault(&error, why);
	*out = v;
	return OK;
}

/* ---- canonical form ---- */

/* Order of UTF-16 code units: that of bytes, but surrogates (four bytes of UTF-8) stand before U+E000 to U+FFFF. */
static int utf16_cmp(const void *a, const void *b)
{
	const uint8_t *x = *(const uint8_t *const *)a, *y = *(const uint8_t *const *)b;
	while (*x && *x == *y)
		x++, y++;
	if (*x >= 0xf0 && (*y == 0xee || *y == 0xef))
		return -1;
	if (*y >= 0xf0 && (*x == 0xee || *x == 0xef))
		return 1;
	return (int)*x - (int)*y;
}

static enum err put_text(struct buf *out, const char *text)
{
	return buf_put(out, text, strlen(text));
}

static enum err put_escape(char c, struct buf *out)
{
	static const char short_escapes[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	char escape[8];
	const char *found = c ? strchr(short_escapes, c) : NULL;
	if (found)
		snprintf(escape, sizeof escape, "\\%c", letters[found - short_escapes]);
	else
		snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(uint8_t)c);
	return put_text(out, escape);
}

static enum err put_string(const char *s, size_t n, struct buf *out)
{
	size_t from = 0;
	enum err e = put_text(out, "\"");
	for (size_t i = 0; e == OK && i < n; i++) {
		if ((uint8_t)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\')
			continue;
		e = buf_put(out, s + from, i - from);
		if (e == OK)
			e = put_escape(s[i], out);
		from = i + 1;
	}
	if (e == OK)
		e = buf_put(out, s + from, n - from);
	return e == OK ? put_text(out, "\"") : e;
}

static bool gives(const char *text, double d)
{
	double back = strtod(text, NULL);
	return back >= d && back <= d;
}

/* One more in the last place of "d.ddde±x"; false if that needs another digit. */
static bool step_up(char *text)
{
	for (char *p = strchr(text, 'e') - 1; p >= text; p--) {
		if (*p == '.')
			continue;
		if (*p != '9') {
			++*p;
			return true;
		}
		*p = '0';
	}
	return false;
}

/* The fewest digits that give the number back; returns n such that it is 0.digits × 10^n.
 * Below a power of two doubles lie closer than above: there the next decimal up may do where the nearest does not. */
static int shortest(double d, char digits[NUMBER_TEXT_MAX])
{
	char text[NUMBER_TEXT_MAX];
	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof text, "%.*e", precision, d);
		if (precision == 16 || gives(text, d) || (step_up(text) && gives(text, d)))
			break;
	}
	size_t k = 0;
	const char *p = text;
	for (; *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[k++] = *p;
	digits[k] = 0;
	return (int)strtol(p + 1, NULL, 10) + 1;
}

/* ECMAScript's Number::toString. */
static enum err put_number(double d, struct buf *out)
{
	char digits[NUMBER_TEXT_MAX], text[2 * NUMBER_TEXT_MAX];
	if (!isfinite(d))
		return ERR_RANGE;
	if (d == 0)
		return put_text(out, "0");
	enum err e = d < 0 ? put_text(out, "-") : OK;
	if (e != OK)
		return e;
	int n = shortest(fabs(d), digits), k = (int)strlen(digits);
	if (n > 21 || n <= -6)
		snprintf(text, sizeof text, "%c%s%se%+d", digits[0], k > 1 ? "." : "", digits + 1, n - 1);
	else if (n <= 0)
		snprintf(text, sizeof text, "0.%.*s%s", -n, "00000", digits);
	else if (k <= n)
		snprintf(text, sizeof text, "%s%.*s", digits, n - k, "00000000000000000000");
	else
		snprintf(text, sizeof text, "%.*s.%s", n, digits, digits + n);
	return put_text(out, text);
}

static enum err put_value(const json_t *v, unsigned depth, struct buf *out);

static enum err put_array(const json_t *v, unsigned depth, struct buf *out)
{
	enum err e = put_text(out, "[");
	for (size_t i = 0; e == OK && i < json_array_size(v); i++) {
		if (i)
			e = put_text(out, ",");
		if (e == OK)
			e = put_value(json_array_get(v, i), depth, out);
	}
	return e == OK ? put_text(out, "]") : e;
}

static enum err put_members(const json_t *v, const char **keys, size_t n, unsigned depth, struct buf *out)
{
	enum err e = put_text(out, "{");
	for (size_t i = 0; e == OK && i < n; i++) {
		if (i)
			e = put_text(out, ",");
		if (e == OK)
			e = put_string(keys[i], strlen(keys[i]), out);
		if (e == OK)
			e = put_text(out, ":");
		if (e == OK)
			e = put_value(json_object_get(v, keys[i]), depth, out);
	}
	return e == OK ? put_text(out, "}") : e;
}

static enum err put_object(const json_t *v, unsigned depth, struct buf *out)
{
	size_t n = 0, room = json_object_size(v);
	const char **keys = (const char **)malloc((room ? room : 1) * sizeof *keys);
	if (!keys)
		return ERR_MEMORY;
	/* jansson's iterators take no const; nothing is changed. */
	json_t *object = (json_t *)(uintptr_t)v;
	for (void *it = json_object_iter(object); it && n < room; it = json_object_iter_next(object, it))
		keys[n++] = json_object_iter_key(it);
	qsort(keys, n, sizeof *keys, utf16_cmp);
	enum err e = put_members(v, keys, n, depth, out);
	free(keys);
	return e;
}

/* Integers beyond 2^53 that happen to be doubles pass; others would change. */
static enum err put_integer(json_int_t i, struct buf *out)
{
	double d = (double)i;
	if (d >= 9223372036854775808.0 || (json_int_t)d != i)
		return ERR_RANGE;
	return put_number(d, out);
}

static enum err put_value(const json_t *v, unsigned depth, struct buf *out)
{
	if (depth > JSON_DEPTH_MAX)
		return ERR_LIMIT;
	switch (json_typeof(v)) {
	case JSON_OBJECT: return put_object(v, depth + 1, out);
	case JSON_ARRAY: return put_array(v, depth + 1, out);
	case JSON_STRING: return put_string(json_string_value(v), json_string_length(v), out);
	case JSON_INTEGER: return put_integer(json_integer_value(v), out);
	case JSON_REAL: return put_number(json_real_value(v), out);
	case JSON_TRUE: return put_text(out, "true");
	case JSON_FALSE: return put_text(out, "false");
	case JSON_NULL: return put_text(out, "null");
	}
	abort();
}

enum err json_canonical(const json_t *v, struct buf *out)
{
	return put_value(v, 0, out);
}
