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

struct problem {
	unsigned status;
	char *text;
};

static void send_problem(struct api_request *rq, void *ctx)
{
	struct problem *p = (struct problem *)ctx;
	api_bytes(rq, p->status, "application/problem+json", p->text, strlen(p->text));
	free(p->text);
	free(p);
}

/* "Malformed bytes", which the error is called, is no word for what people wrote. */
enum err findings_problem(struct act *a, enum err e, const char *detail, json_t *findings)
{
	json_t *problem = json_pack("{s:i, s:s, s:s, s:i, s:s, s:o, s:b, s:o}", "v", 1, "type", "about:blank",
		"title", e == ERR_FORMAT ? detail : err_text(e), "status", (int)api_status(e), "code",
		err_name(e), "detail", api_clean(detail), "ok", 0, "findings", findings);
	struct problem *p = (struct problem *)calloc(1, sizeof *p);
	if (p && problem)
		*p = (struct problem){.status = api_status(e), .text = json_dumps(problem, JSON_COMPACT)};
	json_decref(problem);
	if (!p || !p->text) {
		free(p);
		return ERR_MEMORY;
	}
	a->then = send_problem;
	a->then_ctx = p;
	return OK;
}

enum err findings_refuse(struct act *a, const char *what, const struct finding *found, size_t n)
{
	char detail[512];
	snprintf(detail, sizeof detail, "The %s has %zu fault%s. Line %u: %s%s%s%s", what, n,
		n == 1 ? "" : "s", found[0].line, found[0].field, *found[0].field ? ": " : "", found[0].what,
		n == 1 ? "." : " …");
	return findings_problem(a, ERR_FORMAT, detail, findings_json(found, n));
}
