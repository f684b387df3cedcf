/* beacon.c -- see beacon.h. */
#include "beacon.h"

#include "protocol/log/hash.h"

#define MAGIC "QUIR"
#define VERSION 1
#define AT_VERSION 4
#define AT_PORT 5
#define AT_SALT 7
#define AT_MARK (AT_SALT + BEACON_SALT_BYTES)

_Static_assert(
	AT_MARK + BEACON_MARK_BYTES == BEACON_BYTES, "the fields of SPEC 19.4 lie one behind the other");

/* SPEC 19.4: "the first 16 bytes of H(`quire.beacon`, salt, network id, sender's node key)" */
static struct id32 mark_of(
	const uint8_t salt[BEACON_SALT_BYTES], const struct id32 *network, const struct id32 *node)
{
	const struct slice parts[] = {slice_of(salt, BEACON_SALT_BYTES),
		slice_of(network->b, sizeof network->b), slice_of(node->b, sizeof node->b)};
	return hash_parts(HASH_BEACON, parts, 3);
}

void beacon_write(uint16_t port, const uint8_t salt[BEACON_SALT_BYTES], const struct id32 *network,
	const struct id32 *node, uint8_t out[BEACON_BYTES])
{
	const struct id32 mark = mark_of(salt, network, node);
	memcpy(out, MAGIC, AT_VERSION);
	out[AT_VERSION] = VERSION;
	be16_put(out + AT_PORT, port);
	memcpy(out + AT_SALT, salt, BEACON_SALT_BYTES);
	memcpy(out + AT_MARK, mark.b, BEACON_MARK_BYTES);
}

enum err beacon_read(struct slice datagram, struct beacon *out)
{
	const uint8_t *p = datagram.p;
	if (datagram.n != BEACON_BYTES || memcmp(p, MAGIC, AT_VERSION) != 0 || p[AT_VERSION] != VERSION ||
		be16_get(p + AT_PORT) == 0)
		return ERR_FORMAT;
	out->port = be16_get(p + AT_PORT);
	memcpy(out->salt, p + AT_SALT, BEACON_SALT_BYTES);
	memcpy(out->mark, p + AT_MARK, BEACON_MARK_BYTES);
	return OK;
}

bool beacon_is_from(const struct beacon *b, const struct id32 *network, const struct id32 *node)
{
	const struct id32 mark = mark_of(b->salt, network, node);
	return memcmp(mark.b, b->mark, BEACON_MARK_BYTES) == 0;
}

bool beacon_gate_look(struct beacon_gate *g, uint64_t now_ms)
{
	if (now_ms - g->second_ms >= 1000) {
		g->second_ms = now_ms;
		g->looked = 0;
	}
	/* SPEC 19.4: "at no more than 20 in a second" */
	if (g->looked == BEACON_LOOKS_PER_S)
		return false;
	g->looked++;
	return true;
}
