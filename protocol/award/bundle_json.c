/* bundle_json.c -- the members of a bundle, read strictly: every fault has its place and its words. See bundle_int.h. */
#include "protocol/award/bundle_int.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

enum err bundle_fault(struct bundle_reader *r, enum err e, const char *where, const char *format, ...)
{
	va_list args;
	int n = snprintf(r->why, BUNDLE_WHY_BYTES, "%s: ", where);
	va_start(args, format);
	vsnprintf(r->why + n, BUNDLE_WHY_BYTES - (size_t)n, format, args);
	va_end(args);
	return e;
}

static bool is_named(const char *const *names, const char *key)
{
	for (; *names; names++)
		if (strcmp(**names == '!' ? *names + 1 : *names, key) == 0)
			return true;
	return false;
}

enum err bundle_members(struct bundle_reader *r, const json_t *o, const char *where, const char *const *names)
{
	const char *key;
	json_t *value;
	if (!json_is_object(o))
		return bundle_fault(r, ERR_FORMAT, where, "it must be an object.");
	for (const char *const *name = names; *name; name++)
		if (**name == '!' && !json_object_get(o, *name + 1))
			return bundle_fault(r, ERR_FORMAT, where, "\"%s\" is missing.", *name + 1);
	/* jansson's macros iterate over what they could change. */
	json_object_foreach((json_t *)(uintptr_t)o, key, value)
	{
		if (!is_named(names, key))
			return bundle_fault(
				r, ERR_FORMAT, where, "it has a member that a bundle does not have.");
	}
	return OK;
}

/* SPEC 18: "ids are 64 lower-case hexadecimal digits" */
enum err bundle_get_id(struct bundle_reader *r, const json_t *v, const char *where, struct id32 *out)
{
	const char *text = json_string_value(v);
	size_t n = 0;
	if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64 ||
		sodium_hex2bin(out->b, 32, text, 64, NULL, &n, NULL) != 0 || n != 32)
		return bundle_fault(r, ERR_FORMAT, where, "it must be 64 lower-case hexadecimal digits.");
	return OK;
}

enum err bundle_get_number(
	struct bundle_reader *r, const json_t *v, const char *where, uint64_t max, uint64_t *out)
{
	double d = json_number_value(v);
	if (!json_is_number(v) || !(d >= 0 && d <= (double)max))
		return bundle_fault(r, ERR_RANGE, where, "it must be a whole number, 0 to %llu.",
			(unsigned long long)max);
	*out = (uint64_t)d;
	double back = (double)*out;
	if (back < d || back > d)
		return bundle_fault(r, ERR_RANGE, where, "it must be a whole number.");
	return OK;
}

/* SPEC 18: "bytes in base64 (RFC 4648 section 4) with padding and without anything else" */
enum err bundle_get_bytes(struct bundle_reader *r, const json_t *v, const char *where, size_t min, size_t max,
	struct slice *out)
{
	const char *text = json_string_value(v);
	size_t n = text ? strlen(text) : 0, got = 0;
	if (!text)
		return bundle_fault(r, ERR_FORMAT, where, "it must be bytes in base64.");
	if (n / 4 > max / 3 + 1)
		return bundle_fault(r, ERR_LIMIT, where, "it is too long.");
	uint8_t *p = (uint8_t *)arena_alloc(&r->b->arena, n / 4 * 3 + 3);
	if (!p)
		return ERR_MEMORY;
	if (sodium_base642bin(p, n / 4 * 3 + 3, text, n, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) !=
		0)
		return bundle_fault(r, ERR_FORMAT, where, "it must be bytes in base64.");
	if (got < min || got > max)
		return bundle_fault(
			r, ERR_LIMIT, where, "it has %zu bytes and must have %zu to %zu.", got, min, max);
	*out = slice_of(p, got);
	return OK;
}

enum err bundle_get_list(struct bundle_reader *r, const json_t *v, const char *where, size_t min, size_t max)
{
	if (!json_is_array(v))
		return bundle_fault(r, ERR_FORMAT, where, "it must be a list.");
	if (json_array_size(v) < min || json_array_size(v) > max)
		return bundle_fault(r, ERR_LIMIT, where, "it has %zu elements and must have %zu to %zu.",
			json_array_size(v), min, max);
	return OK;
}
