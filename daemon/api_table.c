/* api_table.c -- the routes of api.def, and the doors that serve them. */
#include "api.h"
#include "http.h"

#define API(method, path, name, who, body, summary) \
	{#method, path, #name, route_##name, API_##who, API_##body, summary},
static const struct api_route routes[] = {
#include "api.def"
};
#undef API

enum err http_start(struct node *n, char why[256], struct http **out)
{
	const struct http_options o = {.routes = routes, .routes_n = sizeof routes / sizeof *routes};
	return http_open(n, &o, why, out);
}
