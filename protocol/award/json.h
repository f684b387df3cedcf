/* json.h -- JSON as credentials have it: parsed strictly, and written in canonical form (JCS, RFC 8785). SPEC.md section 17.1.
 * Numbers are IEEE doubles (RFC 8785 section 3.2.2.3): integers that a double cannot hold are refused. */
#ifndef QUIRE_AWARD_JSON_H
#define QUIRE_AWARD_JSON_H

#include "bytes.h"

#include <jansson.h>

#define JSON_WHY_BYTES 200
#define JSON_DEPTH_MAX 64u
#define JSON_BYTES_MAX (8u << 20)

/* A whole document: one object or array, UTF-8, no duplicate keys, no lone surrogates, no NUL in texts, depth at most JSON_DEPTH_MAX, at most
 * JSON_BYTES_MAX bytes. Every number becomes a real. The result is the caller's (json_decref).
 * ERR_FORMAT, ERR_LIMIT, ERR_MEMORY; why (may be NULL): what is wrong and in which line. */
MUST_CHECK enum err json_parse(struct slice text, json_t **out, char why[JSON_WHY_BYTES]);

/* Appends the canonical form: keys sorted by UTF-16 code units, shortest numbers as ECMAScript writes them. Integers and reals alike.
 * ERR_RANGE: a number that is not finite, or an integer that a double cannot hold; ERR_LIMIT: deeper than JSON_DEPTH_MAX; ERR_MEMORY. */
MUST_CHECK enum err json_canonical(const json_t *v, struct buf *out);

#endif
