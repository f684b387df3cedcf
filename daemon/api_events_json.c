/* api_events_json.c -- engine events as JSON: names and ids, and texts of peers only when they have been cleaned. */
#include "api.h"
#include "api_events.h"
#include "http_uri.h"
#include "protocol/peer/engine.h"

#include <sodium.h>

/* Code points that turn or hide text: bidi marks, embeddings, isolates, separators, zero width, byte order mark. */
static bool hides(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
		(c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

json_t *api_clean(const char *text)
{
	size_t n = strlen(text), to = 0;
	char *out = (char *)malloc(n * 3 + 1);
	if (!out)
		return NULL;
	while (*text) {
		uint32_t c;
		size_t len = http_utf8_at((const uint8_t *)text, &c);
		if (!len) {
			memcpy(out + to, "\xef\xbf\xbd", 3);
			to += 3;
			text++;
			continue;
		}
		if (!hides(c)) {
			memcpy(out + to, text, len);
			to += len;
		}
		text += len;
	}
	json_t *s = json_stringn(out, to);
	free(out);
	return s;
}

static json_t *hex(const struct id32 *id)
{
	char text[65];
	sodium_bin2hex(text, sizeof text, id->b, 32);
	return json_string(text);
}

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *events_json(const struct engine_event *e, const char **name)
{
	switch (e->kind) {
	case ENGINE_EVENT_READY:
	case ENGINE_EVENT_RELAY_OFFER:
	case ENGINE_EVENT_ANSWER: return NULL;
	case ENGINE_EVENT_PEER_OPEN:
		*name = "peer-open";
		return json_pack("{s:o, s:o}", "node", hex(&e->node), "name", api_clean(e->text));
	case ENGINE_EVENT_PEER_CLOSED:
		*name = "peer-closed";
		return json_pack("{s:o, s:s, s:o}", "node", hex(&e->node), "code", err_name(e->err), "why",
			api_clean(e->text));
	case ENGINE_EVENT_JOINED:
		*name = "joined";
		return json_pack("{s:o, s:o, s:o}", "node", hex(&e->node), "network", hex(&e->id), "name",
			api_clean(e->text));
	case ENGINE_EVENT_REDEEMED:
		*name = "invitation-used";
		return json_pack("{s:o, s:o}", "node", hex(&e->node), "name", api_clean(e->text));
	case ENGINE_EVENT_INTRODUCED:
		*name = "introduced";
		return json_pack("{s:o, s:o, s:o}", "node", hex(&e->node), "name", api_clean(e->text),
			"introducer", hex(&e->id));
	case ENGINE_EVENT_ENTRY:
		*name = "entries";
		return json_pack("{s:o, s:o, s:o, s:o}", "log", hex(&e->log), "identity", hex(&e->identity),
			"seq", number(e->seq), "count", number(e->count));
	case ENGINE_EVENT_KEYS: *name = "keys"; return json_pack("{s:o}", "identity", hex(&e->identity));
	case ENGINE_EVENT_SYNCED:
		*name = "synced";
		return json_pack("{s:o, s:o}", "node", hex(&e->node), "entries", number(e->count));
	case ENGINE_EVENT_PROGRESS:
		*name = "progress";
		return json_pack("{s:o, s:o, s:o}", "node", hex(&e->node), "entries_to_come",
			number(e->count), "bytes", number(e->bytes));
	case ENGINE_EVENT_BLOB:
		*name = "blob";
		return json_pack("{s:o, s:o, s:o}", "id", hex(&e->id), "chunks", number(e->count), "of",
			number(e->total));
	case ENGINE_EVENT_FORK:
		*name = "fork";
		return json_pack("{s:o, s:o}", "log", hex(&e->log), "seq", number(e->seq));
	case ENGINE_EVENT_OWN_OLD:
		*name = "own-log-old";
		return json_pack("{s:o, s:o}", "log", hex(&e->log), "identity", hex(&e->identity));
	case ENGINE_EVENT_GUEST:
		*name = "guest";
		return json_pack("{s:o, s:o, s:o}", "identity", hex(&e->identity), "for", hex(&e->id), "node",
			hex(&e->node));
	case ENGINE_EVENT_CLONE: *name = "clone"; return json_pack("{s:o}", "node", hex(&e->node));
	case ENGINE_EVENT_STORE_ERROR:
		*name = "store-error";
		return json_pack("{s:s, s:o}", "code", err_name(e->err), "what", api_clean(e->text));
	}
	return NULL;
}
