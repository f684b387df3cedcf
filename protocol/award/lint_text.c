/* lint_text.c -- where in the text that somebody wrote a field stands, and how a field is named. */
#include "protocol/award/lint.h"

#include <stdio.h>

#define STEPS_MAX 16u

static size_t skip_space(struct slice t, size_t i)
{
	while (i < t.n && memchr("\t\n\r ", t.p[i], 4))
		i++;
	return i;
}

/* Behind the string that begins at i. */
static size_t skip_string(struct slice t, size_t i)
{
	for (i++; i < t.n && t.p[i] != '"'; i++)
		if (t.p[i] == '\\')
			i++;
	return i < t.n ? i + 1 : t.n;
}

/* Behind the value that begins at i. */
static size_t skip_value(struct slice t, size_t i)
{
	size_t depth = 0;
	while (i < t.n) {
		uint8_t c = t.p[i];
		if (c == '"') {
			i = skip_string(t, i);
		} else if (c == '{' || c == '[') {
			depth++;
			i++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return i;
			depth--;
			i++;
		} else if (depth == 0 && (c == ',' || memchr("\t\n\r ", c, 4))) {
			return i;
		} else {
			i++;
			continue; /* inside a number or a word */
		}
		if (depth == 0)
			return i;
	}
	return t.n;
}

/* raw: with its quotes, as written. */
static bool key_is(struct slice raw, const char *key, bool *memory)
{
	if (raw.n < 2)
		return false;
	if (!memchr(raw.p, '\\', raw.n))
		return slice_equal(slice_of(raw.p + 1, raw.n - 2), slice_str(key));
	json_t *s = json_loadb((const char *)raw.p, raw.n, JSON_DECODE_ANY, NULL);
	if (!s)
		*memory = true; /* the text is sound */
	bool is = s && strcmp(json_string_value(s), key) == 0;
	json_decref(s);
	return is;
}

/* From the value at *i to its member: *i the member's value, *named where its name begins. */
static bool enter_member(struct slice t, size_t *i, const char *key, size_t *named, bool *memory)
{
	size_t p = *i;
	if (p >= t.n || t.p[p] != '{')
		return false;
	do {
		p = skip_space(t, p + 1);
		if (p >= t.n || t.p[p] != '"')
			return false;
		size_t end = skip_string(t, p);
		bool is = key_is(slice_of(t.p + p, end - p), key, memory);
		size_t value = skip_space(t, skip_space(t, end) + 1);
		if (is) {
			*named = p;
			*i = value;
			return true;
		}
		p = skip_space(t, skip_value(t, value));
	} while (p < t.n && t.p[p] == ',');
	return false;
}

static bool enter_element(struct slice t, size_t *i, size_t index)
{
	size_t p = *i;
	if (p >= t.n || t.p[p] != '[')
		return false;
	p = skip_space(t, p + 1);
	for (; index > 0; index--) {
		p = skip_space(t, skip_value(t, p));
		if (p >= t.n || t.p[p] != ',')
			return false;
		p = skip_space(t, p + 1);
	}
	*i = p;
	return true;
}

unsigned lint_line(struct slice text, const struct lint_at *at, bool *memory)
{
	const struct lint_at *steps[STEPS_MAX];
	size_t n = 0;
	for (; at && n < STEPS_MAX; at = at->up)
		steps[n++] = at;
	size_t value = skip_space(text, 0), shown = value;
	while (n > 0) {
		const struct lint_at *s = steps[--n];
		if (s->key ? !enter_member(text, &value, s->key, &shown, memory)
			   : !enter_element(text, &value, s->index))
			break;
		if (!s->key)
			shown = value;
	}
	unsigned line = 1;
	for (size_t i = 0; i < shown && i < text.n; i++)
		line += text.p[i] == '\n';
	return line;
}

/* Whole characters only, and none that moves a terminal's cursor. */
static size_t put_key(const char *key, char *out, size_t used, size_t room)
{
	for (size_t i = 0; key[i];) {
		size_t n = 1;
		while (((uint8_t)key[i + n] & 0xc0) == 0x80)
			n++;
		if (used + n >= room)
			break;
		if (n == 1 && ((uint8_t)key[i] < 0x20 || key[i] == 0x7f))
			out[used] = '?';
		else
			memcpy(out + used, key + i, n);
		used += n;
		i += n;
	}
	out[used] = 0;
	return used;
}

static size_t put_field(const struct lint_at *at, char *out, size_t room)
{
	char index[32];
	if (!at)
		return 0;
	size_t used = put_field(at->up, out, room);
	if (at->key)
		return put_key(at->key, out, used ? put_key(".", out, used, room) : 0, room);
	snprintf(index, sizeof index, "[%zu]", at->index);
	return put_key(index, out, used, room);
}

void lint_field(const struct lint_at *at, char *out, size_t room)
{
	out[0] = 0;
	put_field(at, out, room);
}
