/* cli.c -- from the command line to the exit code. */
#include "cli.h"

#include "daemon/config.h"

#include <unistd.h>

static bool wants_color(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(fileno(out)) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

/* The same rule as the daemon's. */
static void home_from_environment(struct cli_call *c)
{
	static struct config config;
	config_init(&config);
	memcpy(c->home, config.home, sizeof c->home);
}

static int version(struct cli_call *c)
{
	json_t *o = json_pack("{s:s}", "version", QUIRE_VERSION);
	if (c->json)
		cli_print_json(c, o);
	else
		fprintf(c->out, "quire %s\n", QUIRE_VERSION);
	json_decref(o);
	return CLI_DONE;
}

static void put_help(struct cli_call *c, const char *noun, FILE *f)
{
	if (c->command)
		cli_help_command(f, c->command);
	else if (noun)
		cli_help_noun(f, noun);
	else
		cli_help_all(f);
}

static int help(struct cli_call *c, const char *noun)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = c->json ? open_memstream(&text, &n) : c->out;
	if (!f)
		return cli_problem(c, "MEMORY", 0, "out of memory.");
	put_help(c, noun, f);
	if (!c->json)
		return CLI_DONE;
	(void)fclose(f);
	json_t *o = json_pack("{s:s}", "help", text);
	cli_print_json(c, o);
	json_decref(o);
	free(text);
	return CLI_DONE;
}

int cli_main(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
	struct cli_call *c = (struct cli_call *)calloc(1, sizeof *c);
	const char *noun = NULL;
	if (!c) {
		fputs("quire: out of memory.\n", err);
		return CLI_FAILED;
	}
	c->in = in;
	c->out = out;
	c->err = err;
	c->color = wants_color(out);
	home_from_environment(c);
	int code;
	bool json = argc == 3 && strcmp(argv[2], "--json") == 0;
	if ((argc == 2 || json) && strcmp(argv[1], "--version") == 0) {
		c->json = json;
		code = version(c);
		goto out;
	}
	code = cli_parse(c, argc, argv, &noun);
	if (code != CLI_DONE)
		goto out;
	if (c->help) {
		code = help(c, noun);
		goto out;
	}
	code = cli_consent(c);
	if (code == CLI_DONE)
		code = c->command->run ? c->command->run(c) : cli_run(c);
out:
	/* A full disk or a closed pipe loses data: that is no success. */
	if ((fflush(out) != 0 || ferror(out)) && code == CLI_DONE) {
		fputs("quire: the output could not be written.\n", err);
		code = CLI_FAILED;
	}
	free(c);
	return code;
}
