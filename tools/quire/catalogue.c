/* catalogue.c -- what schools and issuers have published, for people: search with its reasons, frameworks in and out. */
#include "client.h"

#include <errno.h>
#include <sys/stat.h>

#define LINE_BYTES 4096

/* ---- shared */

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

/* A paragraph: with its label if it has one, each line under the first. Nothing if it is empty. */
static void put_text(struct cli_call *c, size_t indent, const char *label, const char *text)
{
	char line[LINE_BYTES], clean[LINE_BYTES];
	bool first = true;
	for (; *text; first = false) {
		size_t n = strcspn(text, "\n"), part = n < sizeof line - 1 ? n : sizeof line - 1;
		memcpy(line, text, part);
		line[part] = 0;
		fprintf(c->out, "%*s%s%s\n", (int)indent, "", first ? label : "",
			cli_clean(line, clean, sizeof clean));
		text += part + (part == n && text[n] ? 1 : 0);
	}
}

static void put_heading(struct cli_call *c, const char *text)
{
	fprintf(c->out, "\n%s%s%s\n", c->color ? "\033[1m" : "", text, c->color ? "\033[0m" : "");
}

/* ---- search */

/* What stands between ** is what was found. */
static void put_found(struct cli_call *c, const char *field, const char *snippet)
{
	char clean[LINE_BYTES];
	bool inside = false;
	fprintf(c->out, "  %s: ", field);
	for (const char *p = cli_clean(snippet, clean, sizeof clean); *p; p++) {
		if (p[0] != '*' || p[1] != '*') {
			fputc(*p, c->out);
			continue;
		}
		inside = !inside;
		fputs(!c->color ? "**" : inside ? "\033[1m" : "\033[0m", c->out);
		p++;
	}
	fputs(c->color && inside ? "\033[0m\n" : "\n", c->out);
}

static void put_item(struct cli_call *c, const json_t *item)
{
	const json_t *why = json_object_get(item, "why");
	char title[LINE_BYTES], ref[LINE_BYTES], issuer[LINE_BYTES], field[80];
	cli_clean(text_of(item, "title"), title, sizeof title);
	cli_clean(text_of(item, "ref"), ref, sizeof ref);
	cli_clean(text_of(json_object_get(item, "issuer"), "name"), issuer, sizeof issuer);
	char *colon = strchr(ref, ':');
	if (colon && colon - ref > 8)
		memmove(ref + 8, colon, strlen(colon) + 1);
	fprintf(c->out, "%s%s%s  %s%s%s\n", c->color ? "\033[1m" : "", title, c->color ? "\033[0m" : "", ref,
		*issuer ? "  " : "", issuer);
	put_found(c, cli_clean(text_of(why, "field"), field, sizeof field), text_of(why, "snippet"));
}

static bool escape(struct buf *b, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (; *text; text++) {
		char hex[4];
		snprintf(hex, sizeof hex, "%%%02X", (unsigned)(uint8_t)*text);
		bool one = strchr(plain, *text) != NULL;
		if (buf_put(b, one ? text : hex, one ? 1 : 3) != OK)
			return false;
	}
	return true;
}

int cli_search(struct cli_call *c)
{
	char path[CLI_PATH_BYTES];
	struct buf words = {0};
	size_t i = 0;
	json_t *answer = NULL;
	bool good = true;
	int code = cli_path(c, c->command->route, path);
	for (const char *word; good && (word = cli_next(c, "WORDS", &i));)
		good = (words.n == 0 || buf_put(&words, "%20", 3) == OK) && escape(&words, word);
	good = good && buf_put(&words, "", 1) == OK;
	size_t n = strlen(path);
	if (code == CLI_DONE && (!good || n + words.n + 4 > sizeof path))
		code = cli_problem(c, "USAGE", 0, "these are too many words.");
	if (code == CLI_DONE) {
		snprintf(path + n, sizeof path - n, "%sq=%s", strchr(path, '?') ? "&" : "?",
			(const char *)words.p);
		code = cli_ask_json(c, "GET", path, NULL, &answer);
	}
	buf_free(&words);
	const json_t *items = json_object_get(answer, "items");
	if (code == CLI_DONE && c->json)
		cli_print_json(c, answer);
	else if (code == CLI_DONE && json_array_size(items) == 0)
		cli_say(c, c->command->empty, NULL);
	else
		for (size_t k = 0; code == CLI_DONE && k < json_array_size(items); k++)
			put_item(c, json_array_get(items, k));
	json_decref(answer);
	return code;
}

/* ---- one micro-credential */

static void put_list(struct cli_call *c, const json_t *list, const char *heading)
{
	if (json_array_size(list))
		put_heading(c, heading);
	for (size_t i = 0; i < json_array_size(list); i++)
		put_text(c, 2, "- ", json_string_value(json_array_get(list, i)));
}

static long long number_of(const json_t *o, const char *key, long long otherwise)
{
	const json_t *v = json_object_get(o, key);
	return json_is_number(v) ? (long long)json_number_value(v) : otherwise;
}

static void put_requirements(struct cli_call *c, const json_t *list)
{
	char id[80];
	put_heading(c, "What is submitted");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		long long min = number_of(r, "min", 1), max = number_of(r, "max", min > 1 ? min : 1);
		fprintf(c->out, "  %s (%s", cli_clean(text_of(r, "id"), id, sizeof id), text_of(r, "kind"));
		fprintf(c->out, ", %lld", min);
		if (max != min)
			fprintf(c->out, " to %lld", max);
		const json_t *kinds = json_object_get(r, "evidence_kinds");
		for (size_t k = 0; k < json_array_size(kinds); k++)
			fprintf(c->out, "%s%s", k ? " or " : ": ",
				cli_clean(json_string_value(json_array_get(kinds, k)), id, sizeof id));
		if (number_of(r, "words_max", 0))
			fprintf(c->out, "; up to %lld words", number_of(r, "words_max", 0));
		fputs(")\n", c->out);
		put_text(c, 4, "", text_of(r, "prompt"));
	}
}

static void put_rubric(struct cli_call *c, const json_t *list)
{
	char text[LINE_BYTES], id[80];
	put_heading(c, "How it is judged (* is required)");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *criterion = json_array_get(list, i),
			     *levels = json_object_get(criterion, "levels");
		fprintf(c->out, "  %s: ", cli_clean(text_of(criterion, "id"), id, sizeof id));
		fprintf(c->out, "%s\n", cli_clean(text_of(criterion, "name"), text, sizeof text));
		for (size_t k = 0; k < json_array_size(levels); k++) {
			const json_t *level = json_array_get(levels, k);
			bool must = strcmp(text_of(level, "id"), text_of(criterion, "required_level")) == 0;
			fprintf(c->out, "   %s%s: ", must ? "*" : " ",
				cli_clean(text_of(level, "id"), id, sizeof id));
			fprintf(c->out, "%s\n", cli_clean(text_of(level, "description"), text, sizeof text));
		}
	}
}

static void put_alignment(struct cli_call *c, const json_t *list)
{
	char text[LINE_BYTES];
	if (json_array_size(list))
		put_heading(c, "Aligned with");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i), *held = json_object_get(one, "held");
		fprintf(c->out, "  %s", cli_clean(text_of(one, "framework"), text, sizeof text));
		fprintf(c->out, " %s", cli_clean(text_of(one, "code"), text, sizeof text));
		fprintf(c->out, " %s\n", cli_clean(text_of(one, "name"), text, sizeof text));
		if (json_is_object(held))
			put_text(c, 4, "it says: ", text_of(held, "statement"));
		else
			put_text(c, 4, "", text_of(one, "url"));
	}
}

static void put_versions(struct cli_call *c, const json_t *list)
{
	char text[LINE_BYTES], day[32];
	put_heading(c, "Versions");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		fprintf(c->out, "  %s  ", cli_time(number_of(one, "hour", 0) * 3600, day, sizeof day));
		fprintf(c->out, "%s", cli_clean(text_of(one, "ref"), text, sizeof text));
		fprintf(c->out, "  %s\n",
			json_is_true(json_object_get(one, "current"))          ? "current"
				: json_is_true(json_object_get(one, "counts")) ? "superseded"
									       : "does not count");
	}
}

static void put_head(struct cli_call *c, const json_t *o, const json_t *d)
{
	char text[LINE_BYTES];
	const json_t *issuer = json_object_get(o, "issuer");
	fprintf(c->out, "%s%s%s\n", c->color ? "\033[1m" : "",
		cli_clean(text_of(o, "title"), text, sizeof text), c->color ? "\033[0m" : "");
	put_text(c, 0, "", text_of(o, "competency"));
	fputc('\n', c->out);
	put_text(c, 0, "ref       ", text_of(o, "ref"));
	put_text(c, 0, "issuer    ", text_of(issuer, "name"));
	put_text(c, 0, "          ", text_of(issuer, "id"));
	put_text(c, 0, "asked by  ", text_of(json_object_get(o, "by"), "name"));
	put_text(c, 0, "language  ", text_of(d, "language"));
	put_text(c, 0, "licence   ", text_of(d, "licence"));
	if (!json_is_true(json_object_get(o, "counts")))
		put_text(c, 0, "", "This entry does not count as a micro-credential.");
	else if (!json_is_true(json_object_get(o, "current")))
		put_text(c, 0, "superseded by ", text_of(o, "superseded_by"));
}

static void put_review(struct cli_call *c, const json_t *d)
{
	const json_t *r = json_object_get(d, "review");
	bool automatic = strcmp(text_of(r, "countersign"), "automatic") == 0;
	put_heading(c, "Review");
	fprintf(c->out, "  %lld reviewers%s, within %lld days, up to %lld times anew; %s\n",
		number_of(r, "reviewers", 1),
		json_is_true(json_object_get(r, "same_school")) ? ", who may be of the earner's school" : "",
		number_of(r, "days", 14), number_of(r, "resubmissions_max", 5),
		automatic ? "the issuer's node countersigns by itself" : "an officer countersigns");
	if (number_of(d, "valid_months", 0))
		fprintf(c->out, "  valid for %lld months\n", number_of(d, "valid_months", 0));
}

int cli_microcredential_show(struct cli_call *c)
{
	char path[CLI_PATH_BYTES];
	json_t *o = NULL;
	int code = cli_path(c, c->command->route, path);
	if (code == CLI_DONE)
		code = cli_ask_json(c, "GET", path, NULL, &o);
	const json_t *d = json_object_get(o, "definition");
	if (code == CLI_DONE && c->json) {
		cli_print_json(c, o);
	} else if (code == CLI_DONE) {
		put_head(c, o, d);
		put_text(c, 0, "\nMethod\n  ", text_of(d, "key_method"));
		put_list(c, json_object_get(d, "method_components"), "Step by step");
		put_list(c, json_object_get(d, "problems"), "Helps when");
		put_requirements(c, json_object_get(d, "requirements"));
		put_rubric(c, json_object_get(d, "rubric"));
		put_text(c, 0, "\nFor reviewers\n  ", text_of(d, "scoring_guide"));
		put_review(c, d);
		put_alignment(c, json_object_get(o, "alignment"));
		put_list(c, json_object_get(d, "research"), "Research");
		put_list(c, json_object_get(d, "resources"), "Resources");
		put_versions(c, json_object_get(o, "versions"));
	}
	json_decref(o);
	return code;
}

/* ---- frameworks */

int cli_framework_import(struct cli_call *c)
{
	char path[CLI_PATH_BYTES], id[65];
	const char *file = cli_get(c, "FILE"), *source = cli_get(c, "source"),
		   *institution = cli_get(c, "institution");
	struct stat st;
	struct buf query = {0};
	int code = cli_path(c, c->command->route, path);
	if (code == CLI_DONE && institution)
		code = cli_identity(c, institution, id);
	bool good = code == CLI_DONE && buf_put(&query, path, strlen(path)) == OK;
	if (good && institution)
		good = buf_put(&query, "&institution=", 13) == OK && escape(&query, id);
	if (good && source)
		good = buf_put(&query, "&source=", 8) == OK && escape(&query, source);
	if (code == CLI_DONE && (!good || buf_put(&query, "", 1) != OK || query.n > CLI_PATH_BYTES))
		code = cli_problem(c, "USAGE", 0, "the source is too long.");
	FILE *f = code == CLI_DONE ? fopen(file, "re") : NULL;
	if (code == CLI_DONE && (!f || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)))
		code = cli_problemf(
			c, "USAGE", "cannot read %s: %s.", file, f ? "it is no file" : strerror(errno));
	if (code == CLI_DONE) {
		struct cli_request r = {.method = "POST",
			.path = (const char *)query.p,
			.upload = f,
			.upload_size = (uint64_t)st.st_size,
			.to_the_end = true};
		code = cli_ask(c, &r);
		if (code == CLI_DONE)
			code = cli_show(c, r.answer);
		json_decref(r.answer);
	}
	if (f)
		(void)fclose(f);
	buf_free(&query);
	return code;
}

static void put_level(struct cli_call *c, const json_t *level, size_t indent)
{
	char head[LINE_BYTES], text[512];
	snprintf(head, sizeof head, "%s: ", cli_clean(text_of(level, "quality"), text, sizeof text));
	put_text(c, indent, head, text_of(level, "description"));
}

int cli_framework_show(struct cli_call *c)
{
	char path[CLI_PATH_BYTES], head[LINE_BYTES], text[512];
	json_t *o = NULL;
	int code = cli_path(c, c->command->route, path);
	if (code == CLI_DONE)
		code = cli_ask_json(c, "GET", path, NULL, &o);
	if (code == CLI_DONE && c->json)
		cli_print_json(c, o);
	const json_t *items = json_object_get(o, "items");
	bool words = code == CLI_DONE && !c->json;
	if (words) {
		put_text(c, 0, "", text_of(o, "title"));
		put_text(c, 0, "by ", text_of(o, "creator"));
		put_text(c, 0, "held by ", text_of(json_object_get(o, "issuer"), "name"));
		put_text(c, 0, "licence: ", text_of(o, "licence"));
		put_text(c, 0, "source: ", text_of(o, "source"));
		fputc('\n', c->out);
	}
	for (size_t i = 0; words && i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i), *levels = json_object_get(item, "levels");
		size_t indent = 2 * (size_t)(number_of(item, "depth", 0) % 32);
		cli_clean(text_of(item, "code"), text, sizeof text);
		snprintf(head, sizeof head, "%s%s", text, *text ? "  " : "");
		put_text(c, indent, head, text_of(item, "statement"));
		for (size_t k = 0; k < json_array_size(levels); k++)
			put_level(c, json_array_get(levels, k), indent + 4);
	}
	json_decref(o);
	return code;
}

/* ---- reviewers */

/* An appointment (LOG:SEQ), or a reviewer with --for. */
int cli_reviewer_end(struct cli_call *c)
{
	char path[CLI_PATH_BYTES], id[65];
	const char *who = cli_get(c, "WHO"), *definition = cli_get(c, "for");
	bool is_ref = strchr(who, ':') != NULL;
	json_t *body = NULL, *answer = NULL;
	int code = cli_path(c, c->command->route, path);
	if (code == CLI_DONE && !is_ref && !definition)
		code = cli_problem(c, "USAGE", 0,
			"say with --for of which micro-credential, or name the appointment: see quire reviewer list.");
	if (code == CLI_DONE && !is_ref)
		code = cli_identity(c, who, id);
	if (code == CLI_DONE)
		body = is_ref ? json_pack("{s:s}", "appointment", who)
			      : json_pack("{s:s, s:s}", "reviewer", id, "for", definition);
	if (code == CLI_DONE && !body)
		code = cli_problem(c, "USAGE", 0, "these are no names in UTF-8.");
	if (code == CLI_DONE)
		code = cli_ask_json(c, "POST", path, body, &answer);
	if (code == CLI_DONE)
		code = cli_show(c, answer);
	json_decref(body);
	json_decref(answer);
	return code;
}
