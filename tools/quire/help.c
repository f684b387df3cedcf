/* help.c -- help, examples first, from the table. */
#include "cli.h"

static const char globals[] =
	"  --home DIR     the node's folder; else $QUIRE_HOME, $XDG_DATA_HOME/quire, ~/.local/share/quire\n"
	"  --as IDENTITY  who acts: an id, 8 characters of one, or a name\n"
	"  --json         one JSON object with \"v\": 1 on stdout, also for errors\n"
	"  --yes          do not ask before what cannot be undone\n"
	"  --no-color     no bold; so does $NO_COLOR\n"
	"  -h, --help     this help\n";

static const char exits[] = "exit codes: 0 done, 1 failed, 2 usage, 3 no daemon, 4 not found, 5 refused,\n"
			    "  6 verification failed, 7 could not verify, 8 timed out or partly done\n";

static void put_examples(FILE *f, const struct cli_command *k, const char *indent)
{
	for (const char *p = k->examples; *p;) {
		size_t n = strcspn(p, "\n");
		fprintf(f, "%squire %.*s\n", indent, (int)n, p);
		p += n + (p[n] ? 1 : 0);
	}
}

static void put_name(FILE *f, const struct cli_command *k)
{
	fprintf(f, "quire %s%s%s", k->noun, k->verb ? " " : "", k->verb ? k->verb : "");
}

/* Choices that would fill the line are named there only. */
static const char *meta_of(const struct cli_option *o, bool long_too)
{
	if (o->kind == CLI_SECRET || o->kind == CLI_SECRET_NEW)
		return "FILE";
	if (o->kind == CLI_CHOICE && !long_too && strlen(o->meta) > 40)
		return "KIND";
	return o->meta;
}

static void put_usage(FILE *f, const struct cli_command *k)
{
	put_name(f, k);
	for (const struct cli_option *o = k->options; o->kind; o++) {
		const char *many = o->many ? "…" : "", *open = o->required ? "" : "[",
			   *close = o->required ? "" : "]";
		if (cli_is_argument(o))
			fprintf(f, " %s%s%s%s", open, o->name, many, close);
		else if (o->kind == CLI_FLAG)
			fprintf(f, " [--%s]", o->name);
		else
			fprintf(f, " %s--%s %s%s%s", open, o->name, meta_of(o, false), close, many);
	}
	fputc('\n', f);
}

static void put_option(FILE *f, const struct cli_option *o)
{
	char left[80];
	bool argument = cli_is_argument(o);
	const char *meta = argument || o->kind == CLI_FLAG ? NULL : meta_of(o, false);
	snprintf(left, sizeof left, "%s%s%s%s", argument ? "" : "--", o->name, meta ? " " : "",
		meta ? meta : "");
	if (strlen(left) > 24)
		fprintf(f, "  %s\n%28s%s", left, "", o->help);
	else
		fprintf(f, "  %-24s  %s", left, o->help);
	if (o->def)
		fprintf(f, " (else %s)", o->def);
	if (meta && meta != meta_of(o, true)) {
		fprintf(f, ":\n%28s", "");
		for (const char *p = o->meta; *p; p++)
			fputs(*p == '|' ? ", " : (char[]){*p, 0}, f);
	}
	fputc('\n', f);
}

void cli_help_command(FILE *f, const struct cli_command *k)
{
	put_examples(f, k, "  ");
	fprintf(f, "\n");
	put_name(f, k);
	fprintf(f, ": %s\n\nusage: ", k->help);
	put_usage(f, k);
	if (k->options[0].kind) {
		fputs("\n", f);
		for (const struct cli_option *o = k->options; o->kind; o++)
			put_option(f, o);
	}
	fprintf(f, "\neverywhere:\n%s", globals);
}

static void put_line(FILE *f, const struct cli_command *k)
{
	char name[64];
	snprintf(name, sizeof name, "%s%s%s", k->noun, k->verb ? " " : "", k->verb ? k->verb : "");
	fprintf(f, "  %-24s  %s\n", name, k->help);
}

void cli_help_noun(FILE *f, const char *noun)
{
	for (size_t i = 0; i < cli_commands_n; i++)
		if (strcmp(cli_commands[i].noun, noun) == 0)
			put_line(f, &cli_commands[i]);
	fprintf(f, "\nMore of each: quire %s VERB --help\n", noun);
}

void cli_help_all(FILE *f)
{
	fputs("  quire init --name \"Ana Sousa\" --kind person\n"
	      "  quire artifact add lesson.mp4 --title \"Pauses in class\" --kind video\n"
	      "  quire peer invite\n\n"
	      "usage: quire [--home DIR] [--as IDENTITY] [--json] [--yes] NOUN VERB …\n",
		f);
	for (size_t i = 0; i < cli_commands_n; i++) {
		if (i == 0 || strcmp(cli_commands[i].noun, cli_commands[i - 1].noun) != 0)
			fputc('\n', f);
		put_line(f, &cli_commands[i]);
	}
	fprintf(f, "\neverywhere:\n%s\n%s\nMore of each: quire NOUN VERB --help\n", globals, exits);
}

/* ---- docs/cli.md */

static void put_cell(FILE *f, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%c", text[i] == '|' ? "\\" : "", text[i]);
}

void cli_help_markdown(FILE *f)
{
	fputs("# The command `quire`\n\n"
	      "Made from the table of commands by `quire help markdown`; do not edit it by hand. `quire NOUN VERB --help` "
	      "says more of each.\n\n"
	      "| command | what it does | example |\n| --- | --- | --- |\n",
		f);
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct cli_command *k = &cli_commands[i];
		fprintf(f, "| `%s%s%s` | ", k->noun, k->verb ? " " : "", k->verb ? k->verb : "");
		put_cell(f, k->help, strlen(k->help));
		fputs(" | `quire ", f);
		put_cell(f, k->examples, strcspn(k->examples, "\n"));
		fputs("` |\n", f);
	}
	fprintf(f, "\n## Everywhere\n\n```\n%s```\n\n", globals);
	fputs("A secret comes from a file, whose first line it is, or from a prompt that shows nothing: never from an argument "
	      "or the environment. Data goes to stdout, messages to stderr. REF is `LOG:SEQ`; 8 characters of LOG will do.\n\n"
	      "## Exit codes\n\n| code | meaning |\n| --- | --- |\n"
	      "| 0 | done |\n| 1 | failed |\n| 2 | usage: the command line, or a value in it, is not right |\n"
	      "| 3 | no daemon answers |\n| 4 | not found |\n| 5 | refused: locked, wrong passphrase, not allowed, expired |\n"
	      "| 6 | verification failed |\n| 7 | could not verify: data is missing |\n| 8 | timed out or partly done |\n"
	      "| 130 | stopped with Ctrl-C |\n",
		f);
}

int cli_help_run(struct cli_call *c)
{
	if (!c->json) {
		cli_help_markdown(c->out);
		return CLI_DONE;
	}
	char *text = NULL;
	size_t n = 0;
	FILE *memory = open_memstream(&text, &n);
	if (!memory)
		return cli_problem(c, "MEMORY", 0, "out of memory.");
	cli_help_markdown(memory);
	(void)fclose(memory);
	json_t *o = json_pack("{s:s}", "markdown", text);
	cli_print_json(c, o);
	json_decref(o);
	free(text);
	return CLI_DONE;
}
