/* erasure.c -- see erasure.h. */
#include "protocol/log/erasure.h"
#include "protocol/log/secret.h"

#define ERASURE_DOMAIN "quire erasure v1"

/* The statement's fields, SPEC 12.1. */
enum {
	AT_VERSION = 0,
	AT_REASON = 1,
	AT_BY = 2,
	AT_ZERO = 3,
	AT_LOG = 4,
	AT_HOUR = 36,
	AT_SEQ = 40,
	AT_ENTRY = 48,
	AT_GENERATION = 80,
	AT_SIGNATURE = 112,
};

static bool in_range(const struct erasure *e)
{
	return e->reason <= ERASURE_MISTAKE && e->by <= ERASURE_BY_CUSTODIAN && e->of.seq <= LIMIT_SEQ;
}

void erasure_encode(
	const struct erasure *e, const uint8_t signing_secret[64], uint8_t out[LIMIT_ERASURE_BYTES])
{
	if (!in_range(e))
		abort();
	out[AT_VERSION] = 1;
	out[AT_REASON] = e->reason;
	out[AT_BY] = e->by;
	out[AT_ZERO] = 0;
	memcpy(out + AT_LOG, e->of.log.b, 32);
	be32_put(out + AT_HOUR, e->hour);
	be64_put(out + AT_SEQ, e->of.seq);
	memcpy(out + AT_ENTRY, e->of.id.b, 32);
	memcpy(out + AT_GENERATION, e->generation.b, 32);
	secret_sign(signing_secret, ERASURE_DOMAIN, slice_of(out, AT_SIGNATURE), out + AT_SIGNATURE);
}

enum err erasure_decode(struct slice bytes, struct erasure *e)
{
	if (bytes.n != LIMIT_ERASURE_BYTES)
		return ERR_FORMAT;
	const uint8_t *p = bytes.p;
	if (p[AT_VERSION] != 1)
		return ERR_VERSION;
	if (p[AT_ZERO] != 0)
		return ERR_FORMAT;
	const struct erasure got = {
		.reason = p[AT_REASON],
		.by = p[AT_BY],
		.of = {.log = id32_from(p + AT_LOG),
			.seq = be64_get(p + AT_SEQ),
			.id = id32_from(p + AT_ENTRY)},
		.hour = be32_get(p + AT_HOUR),
		.generation = id32_from(p + AT_GENERATION),
	};
	if (!in_range(&got))
		return ERR_RANGE;
	*e = got;
	return OK;
}

enum err erasure_verify(struct slice bytes, const struct id32 *signing_key)
{
	if (bytes.n != LIMIT_ERASURE_BYTES)
		return ERR_SIGNATURE;
	return secret_verify(
		signing_key, ERASURE_DOMAIN, slice_of(bytes.p, AT_SIGNATURE), bytes.p + AT_SIGNATURE);
}
