/* vectors.h -- reading the vectors under tests/vectors/data (or $QUIRE_TEST_DATA), which tools/vectors/crypto.py made
 * from what their sources publish. Any fault ends the test program:
 * a vector that cannot be read must not look like one that passed. */
#ifndef QUIRE_TESTS_VECTORS_H
#define QUIRE_TESTS_VECTORS_H

#include "bytes.h"

#include <jansson.h>
#include <stdio.h>

#define VECTOR_BYTES_MAX 16384

struct vector_bytes {
	uint8_t b[VECTOR_BYTES_MAX];
	size_t n;
};

_Noreturn static inline void vectors_fail(const char *what, const char *which)
{
	fprintf(stderr, "vectors: %s: %s\n", what, which);
	abort();
}

/* Gives the document; json_decref it. */
static inline json_t *vectors_load(const char *file)
{
	char path[4096];
	const char *dir = getenv("QUIRE_TEST_DATA");
	int n = snprintf(path, sizeof path, "%s/%s", dir ? dir : "tests/vectors/data", file);
	if (n < 0 || (size_t)n >= sizeof path)
		vectors_fail("path too long", file);
	json_error_t error;
	json_t *doc = json_load_file(path, 0, &error);
	if (!doc)
		vectors_fail(error.text, path);
	if (!json_is_array(json_object_get(doc, "tests")))
		vectors_fail("no tests", path);
	return doc;
}

static inline unsigned vectors_nibble(char c, const char *field)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	vectors_fail("not lower-case hex", field);
}

/* The bytes of a hex field; false if the test has no such field. */
static inline bool vectors_get(const json_t *test, const char *field, struct vector_bytes *out)
{
	const char *hex = json_string_value(json_object_get(test, field));
	if (!hex)
		return false;
	size_t n = strlen(hex);
	if (n % 2 || n / 2 > sizeof out->b)
		vectors_fail("bad length", field);
	for (size_t i = 0; i < n / 2; i++)
		out->b[i] = (uint8_t)(vectors_nibble(hex[2 * i], field) << 4 |
			vectors_nibble(hex[2 * i + 1], field));
	out->n = n / 2;
	return true;
}

static inline void vectors_need(const json_t *test, const char *field, struct vector_bytes *out)
{
	if (!vectors_get(test, field, out))
		vectors_fail("field missing", field);
}

static inline struct slice vectors_slice(const struct vector_bytes *v)
{
	return slice_of(v->b, v->n);
}

#endif
