/* notice.c -- notices in the small world. */
#include "protocol/log/notice.h"

#include "tools/sim/world.h"

struct engine_event world_notice(struct world_node *n, const struct world_person *p,
	const struct entry_ref *of, const struct id32 *to, const struct world_node *at, uint32_t hours)
{
	struct random_source rnd = world_random_source(n->world);
	uint8_t bytes[LIMIT_NOTICE_BYTES];
	struct notice notice = {.to = *to, .from = p->id, .entry = *of, .node = n->key, .addresses_n = 1};
	world_address(n, notice.addresses[0]);
	if (notice_seal(&notice, &at->notice_key, &rnd, bytes) != OK)
		abort();
	struct engine_cmd cmd = {.kind = ENGINE_CMD_NOTICE,
		.identity = p->id,
		.node = at->key,
		.expires_hour = (uint32_t)(n->world->wall_s / 3600) + hours,
		.body = slice_of(bytes, sizeof bytes)};
	return world_command(n, &cmd);
}
