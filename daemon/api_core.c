/* api_core.c -- routes about the daemon itself. */
#include "api.h"
#include "api_openapi.h"
#include "exchange.h"
#include "node.h"

/* Anybody may ask: it says nothing about people. */
void route_health(struct api_request *rq)
{
	bool full = node_disk_full(rq->node), restored = node_restored(rq->node, NULL);
	api_reply(rq, 200,
		json_pack("{s:s, s:s, s:b, s:b}", "status", full ? "read-only" : "ok", "version",
			QUIRE_VERSION, "disk_full", full, "restored", restored));
}

void route_openapi(struct api_request *rq)
{
	const struct http *h = exchange_of(rq)->http;
	json_t *text = openapi_new(h->routes, h->routes_n);
	char *dump = text ? json_dumps(text, JSON_INDENT(1)) : NULL;
	json_decref(text);
	if (dump)
		api_bytes(rq, 200, "application/json", dump, strlen(dump));
	else
		api_problem(rq, ERR_MEMORY, "Try again in a moment.");
	free(dump);
}
