#include "api_openapi.h"

/* json_pack takes what it is given also when it fails, so that out of memory shows at the end as NULL. */
static json_t *parameters(const char *path)
{
	json_t *list = json_array();
	for (const char *open = strchr(path, '{'); open; open = strchr(open + 1, '{')) {
		size_t n = strcspn(open + 1, "}");
		json_array_append_new(list,
			json_pack("{s:s%, s:s, s:b, s:{s:s}}", "name", open + 1, n, "in", "path", "required",
				1, "schema", "type", "string"));
	}
	return list;
}

static json_t *request_body(enum api_body body)
{
	const char *type = body == API_JSON ? "application/json" : "application/octet-stream";
	return json_pack("{s:b, s:{s:{s:{s:s}}}}", "required", body == API_UPLOAD, "content", type, "schema",
		"type", body == API_JSON ? "object" : "string");
}

static json_t *security(enum api_who who)
{
	switch (who) {
	case API_OPEN: return json_array();
	case API_OPERATOR: return json_pack("[{s:[]}]", "operator");
	case API_SESSION: return json_pack("[{s:[]}]", "session");
	case API_EITHER: return json_pack("[{s:[]}, {s:[]}]", "operator", "session");
	}
	return NULL;
}

static json_t *operation(const struct api_route *r)
{
	json_t *op = json_pack("{s:s, s:s, s:o, s:o, s:{s:{s:s}, s:{s:s, s:{s:{s:{s:s}}}}}}", "operationId",
		r->name, "summary", r->summary, "parameters", parameters(r->path), "security",
		security(r->who), "responses", "2XX", "description", "done", "default", "description",
		"a problem", "content", "application/problem+json", "schema", "$ref",
		"#/components/schemas/problem");
	if (op && r->body != API_NONE)
		json_object_set_new(op, "requestBody", request_body(r->body));
	return op;
}

static json_t *components(void)
{
	json_t *problem = json_pack("{s:s, s:[sss], s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}}}", "type",
		"object", "required", "status", "code", "title", "properties", "type", "type", "string",
		"title", "type", "string", "status", "type", "integer", "code", "type", "string", "detail",
		"type", "string");
	return json_pack("{s:{s:o}, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}}}", "schemas", "problem",
		problem, "securitySchemes", "operator", "type", "http", "scheme", "socket", "description",
		"the owner of the Unix socket in the home, or the operator's page", "session", "type",
		"apiKey", "in", "header", "name", "Quire-Token", "description",
		"an unlocked identity; over the socket Quire-As names it");
}

json_t *openapi_new(const struct api_route *routes, size_t n)
{
	json_t *paths = json_object();
	for (size_t i = 0; paths && i < n; i++) {
		char method[8] = "";
		for (size_t k = 0; routes[i].method[k] && k < sizeof method - 1; k++)
			method[k] = (char)(routes[i].method[k] | 0x20);
		json_t *at = json_object_get(paths, routes[i].path);
		if (!at) {
			json_object_set_new(paths, routes[i].path, json_object());
			at = json_object_get(paths, routes[i].path);
		}
		if (json_object_set_new(at, method, operation(&routes[i])) != 0) {
			json_decref(paths);
			return NULL;
		}
	}
	return json_pack("{s:s, s:{s:s, s:s}, s:o, s:o}", "openapi", "3.1.0", "info", "title", "Quire",
		"version", QUIRE_VERSION, "paths", paths, "components", components());
}
