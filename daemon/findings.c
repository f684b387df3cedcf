/* findings.c -- see findings.h. */
#include "findings.h"

#include <stdio.h>

json_t *findings_json(const struct finding *found, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < n; i++) {
		json_t *one = json_pack("{s:i, s:o, s:o}", "line", (int)found[i].line, "field",
			api_clean(found[i].field), "what", api_clean(found[i].what));
		if (!one || json_array_append_new(list, one) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static void send_problem(struct api_request *rq, void *ctx)
{
	char *text = (char *)ctx;
	api_bytes(rq, api_status(ERR_FORMAT), "application/problem+json", text, strlen(text));
	free(text);
}

enum err findings_refuse(struct act *a, const char *what, const struct finding *found, size_t n)
{
	char detail[512];
	snprintf(detail, sizeof detail, "The %s has %zu fault%s. Line %u: %s%s%s%s", what, n,
		n == 1 ? "" : "s", found[0].line, found[0].field, *found[0].field ? ": " : "", found[0].what,
		n == 1 ? "." : " …");
	json_t *problem = json_pack("{s:i, s:s, s:s, s:i, s:s, s:o, s:b, s:o}", "v", 1, "type", "about:blank",
		"title", err_text(ERR_FORMAT), "status", (int)api_status(ERR_FORMAT), "code",
		err_name(ERR_FORMAT), "detail", api_clean(detail), "ok", 0, "findings",
		findings_json(found, n));
	char *text = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
	json_decref(problem);
	if (!text)
		return ERR_MEMORY;
	a->then = send_problem;
	a->then_ctx = text;
	return OK;
}
