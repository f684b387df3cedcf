/* lint.c -- definitions as people write them: what is wrong with one, by field and line, and publishing it. Lint needs no daemon. */
#include "client.h"

#include "protocol/award/definition.h"

#include <errno.h>
#include <sodium.h>

#define TEXT_BYTES_MAX 393216u /* as it was written; the canonical form is shorter */

/* The file, or stdin (-). The exit code; it has been said. */
static int read_text(struct cli_call *c, const char *path, struct buf *text)
{
	FILE *f = strcmp(path, "-") == 0 ? c->in : fopen(path, "re");
	if (!f)
		return cli_problemf(c, "USAGE", "cannot read %s: %s.", path, strerror(errno));
	enum err e = buf_reserve(text, TEXT_BYTES_MAX + 1);
	text->n = e == OK ? fread(text->p, 1, TEXT_BYTES_MAX + 1, f) : 0;
	bool broken = ferror(f) != 0;
	if (f != c->in)
		(void)fclose(f);
	if (e != OK)
		return cli_problem(c, "MEMORY", 0, "out of memory.");
	if (broken)
		return cli_problemf(c, "IO", "%s cannot be read.", path);
	return text->n <= TEXT_BYTES_MAX
		? CLI_DONE
		: cli_problemf(c, "USAGE", "%s is longer than %u kB.", path, TEXT_BYTES_MAX / 1024);
}

static json_t *finding_json(const struct finding *found)
{
	char field[sizeof found->field], what[sizeof found->what];
	return json_pack("{s:i, s:s, s:s}", "line", (int)found->line, "field",
		cli_clean(found->field, field, sizeof field), "what",
		cli_clean(found->what, what, sizeof what));
}

static void show_json(struct cli_call *c, const struct finding *found, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, finding_json(&found[i]));
	json_t *o = json_pack("{s:b, s:o}", "ok", n == 0, "findings", list);
	if (o)
		cli_print_json(c, o);
	json_decref(o);
}

static void show_words(struct cli_call *c, const char *path, const struct finding *found, size_t n)
{
	char text[512];
	for (size_t i = 0; i < n; i++) {
		fprintf(c->out, "%s:%u: ", cli_clean(path, text, sizeof text), found[i].line);
		if (*found[i].field)
			fprintf(c->out, "%s: ", cli_clean(found[i].field, text, sizeof text));
		fprintf(c->out, "%s\n", cli_clean(found[i].what, text, sizeof text));
	}
}

/* CLI_DONE: it is sound, and nothing was shown. */
static int lint(struct cli_call *c, const char *path, struct slice text)
{
	size_t n = 0;
	int code = CLI_DONE;
	struct finding *found = (struct finding *)calloc(DEFINITION_FINDINGS_MAX, sizeof *found);
	if (!found || definition_lint(text, found, &n) != OK) {
		code = cli_problem(c, "MEMORY", 0, "out of memory.");
	} else if (n) {
		code = CLI_FAILED;
		if (c->json)
			show_json(c, found, n);
		else
			show_words(c, path, found, n);
	}
	free(found);
	return code;
}

int cli_lint(struct cli_call *c)
{
	struct buf text = {0};
	const char *path = cli_get(c, "FILE");
	char clean[512];
	int code = read_text(c, path, &text);
	if (code == CLI_DONE)
		code = lint(c, path, buf_slice(&text));
	if (code == CLI_DONE && c->json)
		show_json(c, NULL, 0);
	else if (code == CLI_DONE)
		fprintf(c->err, "%s is sound.\n", cli_clean(path, clean, sizeof clean));
	buf_free(&text);
	return code;
}

static int publish(struct cli_call *c, struct slice text)
{
	char path[CLI_PATH_BYTES], once[33];
	uint8_t random[16];
	int code = cli_path(c, c->command->route, path);
	json_t *body = code == CLI_DONE ? cli_body(c, &code) : NULL;
	if (code != CLI_DONE)
		return code;
	json_object_set_new(body, "definition", json_stringn((const char *)text.p, text.n));
	randombytes_buf(random, sizeof random);
	sodium_bin2hex(once, sizeof once, random, sizeof random);
	struct cli_request r = {
		.method = "POST", .path = path, .body = body, .once = once, .to_the_end = true};
	code = cli_ask(c, &r);
	json_decref(body);
	if (code == CLI_DONE)
		code = cli_show(c, r.answer);
	json_decref(r.answer);
	return code;
}

int cli_publish(struct cli_call *c)
{
	struct buf text = {0};
	const char *path = cli_get(c, "FILE");
	int code = read_text(c, path, &text);
	if (code == CLI_DONE)
		code = lint(c, path, buf_slice(&text));
	if (code == CLI_DONE)
		code = publish(c, buf_slice(&text));
	buf_free(&text);
	return code;
}
