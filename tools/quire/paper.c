/* paper.c -- see paper.h. */
#include "paper.h"

#include <errno.h>
#include <sodium.h>

#define LINE_BYTES 4096

int paper_read(struct cli_call *c, const char *path, size_t max, json_t **out)
{
	FILE *f = strcmp(path, "-") == 0 ? c->in : fopen(path, "re");
	struct buf text = {0};
	int code = CLI_DONE;
	if (!f)
		return cli_problemf(c, "USAGE", "cannot read %s: %s.", path, strerror(errno));
	if (buf_reserve(&text, max + 2) != OK)
		code = cli_problem(c, "MEMORY", 0, "out of memory.");
	else
		text.n = fread(text.p, 1, max + 2, f);
	bool broken = ferror(f) != 0;
	if (f != c->in)
		(void)fclose(f);
	while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (code == CLI_DONE && (broken || text.n > max))
		code = cli_problemf(c, broken ? "IO" : "USAGE",
			broken ? "%s cannot be read." : "%s is longer than %zu kB.", path, max / 1024);
	*out = code == CLI_DONE ? json_stringn(text.n ? (const char *)text.p : "", text.n) : NULL;
	if (code == CLI_DONE && !*out)
		code = cli_problemf(c, "USAGE", "%s is no text in UTF-8.", path);
	buf_free(&text);
	return code;
}

int paper_post(struct cli_call *c, json_t *body, json_t **answer)
{
	char path[CLI_PATH_BYTES], once[33];
	uint8_t random[16];
	int code = cli_path(c, c->command->route, path);
	if (code != CLI_DONE)
		return code;
	randombytes_buf(random, sizeof random);
	sodium_bin2hex(once, sizeof once, random, sizeof random);
	struct cli_request r = {
		.method = "POST", .path = path, .body = body, .once = once, .to_the_end = true};
	code = cli_ask(c, &r);
	*answer = r.answer;
	return code;
}

const char *paper_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

long long paper_number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

void paper_text(struct cli_call *c, size_t indent, const char *label, const char *text)
{
	char line[LINE_BYTES], clean[LINE_BYTES], head[LINE_BYTES];
	size_t hang = indent + cli_width(cli_clean(label, head, sizeof head));
	for (bool first = true; *text; first = false) {
		size_t n = strcspn(text, "\n"), part = n < sizeof line - 1 ? n : sizeof line - 1;
		memcpy(line, text, part);
		line[part] = 0;
		fprintf(c->out, "%*s%s%s\n", (int)(first ? indent : hang), "", first ? head : "",
			cli_clean(line, clean, sizeof clean));
		text += part + (part == n && text[n] ? 1 : 0);
	}
}

void paper_heading(struct cli_call *c, const char *text)
{
	char clean[LINE_BYTES];
	fprintf(c->out, "\n%s%s%s\n", c->color ? "\033[1m" : "", cli_clean(text, clean, sizeof clean),
		c->color ? "\033[0m" : "");
}
