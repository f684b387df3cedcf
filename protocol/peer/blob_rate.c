/* blob_rate.c -- how fast blobs are fetched, all peers together: engine_config.blob_rate. */
#include "engine_int.h"

bool blob_rate_allows(struct engine *e, uint64_t bytes)
{
	uint64_t rate = e->config.blob_rate;
	if (rate == 0)
		return true;
	uint64_t span = e->now_ms - e->rate_ms, filled = (bytes / rate + 1) * 1000;
	if (span > filled) /* a chunk may take seconds */
		span = filled;
	e->rate_tokens += rate * span / 1000;
	e->rate_ms = e->now_ms -
		rate * span % 1000 / rate; /* what is less than a byte counts the next time */
	uint64_t full = rate > bytes ? rate : bytes;
	if (e->rate_tokens > full)
		e->rate_tokens = full;
	if (e->rate_tokens < bytes) {
		uint64_t wait = (bytes - e->rate_tokens) * 1000 / rate + 1;
		if (!e->fetch_retry_ms || e->fetch_retry_ms > e->now_ms + wait)
			e->fetch_retry_ms = e->now_ms + wait;
		return false;
	}
	e->rate_tokens -= bytes;
	return true;
}
