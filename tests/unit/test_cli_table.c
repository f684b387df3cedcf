/* tools/quire: the table of commands, the parser, help, and docs/cli.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/quire/cli.h"

#define ARGUMENTS_MAX 32

static char *out_text, *said_text;

/* Runs a command line of words between spaces; "…" keeps spaces; it ends at < and |. */
static size_t split(char *line, char *argv[ARGUMENTS_MAX])
{
	size_t n = 0;
	static char program[] = "quire";
	argv[n++] = program;
	for (char *p = line; *p && *p != '<' && *p != '|' && n + 1 < ARGUMENTS_MAX;) {
		char end = *p == '"' ? '"' : ' ';
		p += end == '"';
		argv[n++] = p;
		while (*p && *p != end)
			p++;
		while (*p == end || *p == ' ')
			*p++ = 0;
	}
	argv[n] = NULL;
	return n;
}

static int run(const char *words)
{
	char line[1024], *argv[ARGUMENTS_MAX], nothing[] = "\n";
	size_t out_n, err_n;
	free(out_text);
	free(said_text);
	snprintf(line, sizeof line, "%s", words);
	FILE *in = fmemopen(nothing, 1, "r"), *out = open_memstream(&out_text, &out_n),
	     *err = open_memstream(&said_text, &err_n);
	assert_true(in && out && err);
	int code = cli_main((int)split(line, argv), argv, in, out, err);
	(void)fclose(in);
	(void)fclose(out);
	(void)fclose(err);
	return code;
}

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void every_command_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct cli_command *k = &cli_commands[i];
		assert_true(k->noun && k->help && k->examples && *k->examples);
		assert_true(k->run || (k->method && k->route));
		assert_true(!k->severe || k->done);
		for (size_t j = 0; j < i; j++)
			assert_false(strcmp(k->noun, cli_commands[j].noun) == 0 &&
				(!k->verb || !cli_commands[j].verb ||
					strcmp(k->verb, cli_commands[j].verb) == 0));
		bool optional = false;
		for (const struct cli_option *o = k->options; o->kind; o++) {
			assert_non_null(o->help);
			assert_true(cli_is_argument(o) || o->kind == CLI_FLAG || o->meta || o->field);
			if (!cli_is_argument(o))
				continue;
			/* What must be there stands before what may. */
			assert_false(optional && o->required);
			optional = optional || !o->required;
		}
	}
}

static void every_example_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_commands_n; i++) {
		for (const char *p = cli_commands[i].examples; *p;) {
			char line[512], *argv[ARGUMENTS_MAX];
			const char *noun;
			size_t n = strcspn(p, "\n");
			snprintf(line, sizeof line, "%.*s", (int)n, p);
			p += n + (p[n] ? 1 : 0);
			static struct cli_call c;
			c = (struct cli_call){.out = stdout, .err = stderr, .in = stdin};
			int argc = (int)split(line, argv);
			assert_int_equal(cli_parse(&c, argc, argv, &noun), CLI_DONE);
			assert_ptr_equal(c.command, &cli_commands[i]);
		}
	}
}

static void values_are_taken_in_each_form(void **state)
{
	(void)state;
	static struct cli_call c;
	char line[] = "artifact add a.txt --title=T --kind video b.txt --tag x --tag y --json -- --c.txt";
	char *argv[ARGUMENTS_MAX];
	const char *noun;
	c = (struct cli_call){.out = stdout, .err = stderr};
	int argc = (int)split(line, argv);
	assert_int_equal(cli_parse(&c, argc, argv, &noun), CLI_DONE);
	assert_true(c.json);
	assert_string_equal(cli_get(&c, "title"), "T");
	assert_string_equal(cli_get(&c, "to"), "private");
	assert_false(cli_given(&c, "to"));
	size_t i = 0;
	assert_string_equal(cli_next(&c, "FILE", &i), "a.txt");
	assert_string_equal(cli_next(&c, "FILE", &i), "b.txt");
	assert_string_equal(cli_next(&c, "FILE", &i), "--c.txt");
	assert_null(cli_next(&c, "FILE", &i));
}

/* "vouch" is a verb, and the first word of others. */
static void the_second_word_decides_where_one_is_a_verb_too(void **state)
{
	(void)state;
	static const struct {
		const char *line, *verb;
	} cases[] = {{"identity vouch aabbccdd", "vouch"}, {"identity vouch list", "vouch list"},
		{"identity vouch list aabbccdd", "vouch list"},
		{"identity vouch end aabbccdd:1", "vouch end"}, {"identity vouch --name list end", "vouch"},
		{"identity vouch -- list", "vouch"}, {"peer list", "list"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static struct cli_call c;
		char line[128], *argv[ARGUMENTS_MAX];
		const char *noun;
		snprintf(line, sizeof line, "%s", cases[i].line);
		c = (struct cli_call){.out = stdout, .err = stderr};
		int argc = (int)split(line, argv);
		assert_int_equal(cli_parse(&c, argc, argv, &noun), CLI_DONE);
		assert_string_equal(c.command->verb, cases[i].verb);
	}
}

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	static const struct {
		const char *line, *said;
	} cases[] = {{"pere list", "Did you mean \"peer\"?"}, {"peer lst", "Did you mean \"list\"?"},
		{"identity officer ad", "Did you mean \"officer add\"?"},
		{"identity oficer add", "no verb \"oficer\""},
		{"identity officer add aabbccdd", "--rights is missing"}, {"identity add", "no verb \"add\""},
		{"peer invite --expire 7d", "Did you mean \"--expires\"?"},
		{"peer invite --expires soon", "a time like"}, {"peer invite --uses many", "is a number"},
		{"peer invite --uses", "needs a value"}, {"peer invite --uses 1 --uses 2", "given twice"},
		{"peer join", "INVITATION is missing"}, {"peer join a b", "one argument too many"},
		{"identity create --name A --kind teacher", "one of person|school"},
		{"identity create --name A --kind per", "one of person|school"},
		{"identity create --name=", "is empty"}, {"peer list -j", "written out"},
		{"init --name A --recover=yes", "takes no value"}, {"--home", "needs a value"},
		{"peer remove aa", "say --yes"}, {"identity create --name A", "never an argument"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(run(cases[i].line), CLI_USAGE);
		contains(said_text, cases[i].said);
		assert_string_equal(out_text, "");
	}
}

static void an_error_is_json_if_that_was_asked_for(void **state)
{
	(void)state;
	assert_int_equal(run("pere list --json"), CLI_USAGE);
	assert_string_equal(said_text, "");
	json_t *o = json_loads(out_text, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_integer_value(json_object_get(o, "v")), 1);
	const json_t *e = json_object_get(o, "error");
	assert_string_equal(json_string_value(json_object_get(e, "code")), "USAGE");
	assert_int_equal(json_integer_value(json_object_get(e, "exit")), 2);
	json_decref(o);
}

static void help_is_there_at_each_level(void **state)
{
	(void)state;
	assert_int_equal(run(""), CLI_DONE);
	contains(out_text, "identity unlock");
	assert_int_equal(run("-h"), CLI_DONE);
	contains(out_text, "exit codes");
	assert_int_equal(run("peer"), CLI_DONE);
	contains(out_text, "peer invite");
	assert_null(strstr(out_text, "identity"));
	assert_int_equal(run("help markdown --json"), CLI_DONE);
	contains(out_text, "\"v\": 1");
	assert_int_equal(run("--version"), CLI_DONE);
	contains(out_text, QUIRE_VERSION);
	/* Golden: examples first. */
	assert_int_equal(run("blob get --help"), CLI_DONE);
	assert_string_equal(out_text,
		"  quire blob get 77ab03de… -o lesson.mp4\n"
		"  quire blob get 77ab03de… -o - | mpv -\n"
		"\n"
		"quire blob get: fetch a file of an entry; goes on where it was broken off\n"
		"\n"
		"usage: quire blob get ID --output FILE\n"
		"\n"
		"  ID                        of the file; see: quire entry show REF\n"
		"  --output FILE             where it goes (short: -o); - is stdout\n"
		"\n"
		"everywhere:\n"
		"  --home DIR     the node's folder; else $QUIRE_HOME, $XDG_DATA_HOME/quire, ~/.local/share/quire\n"
		"  --as IDENTITY  who acts: an id, 8 characters of one, or a name\n"
		"  --json         one JSON object with \"v\": 1 on stdout, also for errors\n"
		"  --yes          do not ask before what cannot be undone\n"
		"  --no-color     no bold; so does $NO_COLOR\n"
		"  -h, --help     this help\n");
}

static void the_document_is_what_the_table_makes(void **state)
{
	(void)state;
	const char *top = getenv("TOP");
	char path[4096];
	snprintf(path, sizeof path, "%s/docs/cli.md", top ? top : ".");
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	static char text[65536];
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	(void)fclose(f);
	assert_int_equal(run("help markdown"), CLI_DONE);
	if (strcmp(text, out_text) != 0)
		fail_msg("docs/cli.md is old. Make it again: quire help markdown > docs/cli.md");
}

static int teardown(void **state)
{
	(void)state;
	free(out_text);
	free(said_text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_whole),
		cmocka_unit_test(every_example_is_understood),
		cmocka_unit_test(values_are_taken_in_each_form),
		cmocka_unit_test(the_second_word_decides_where_one_is_a_verb_too),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(an_error_is_json_if_that_was_asked_for),
		cmocka_unit_test(help_is_there_at_each_level),
		cmocka_unit_test(the_document_is_what_the_table_makes),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
