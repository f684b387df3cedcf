/* parse.c -- a command line, by the table. Whole words only: an abbreviation that works today could mean two things tomorrow. */
#include "cli.h"

#define WORDS_MAX 64

bool cli_is_argument(const struct cli_option *o)
{
	return o->name[0] >= 'A' && o->name[0] <= 'Z';
}

/* ---- what was given */

const char *cli_next(const struct cli_call *c, const char *name, size_t *i)
{
	for (; *i < c->values_n; (*i)++)
		if (strcmp(c->values[*i].option->name, name) == 0)
			return c->values[(*i)++].text;
	return NULL;
}

const char *cli_get(const struct cli_call *c, const char *name)
{
	size_t i = 0;
	const char *given = cli_next(c, name, &i);
	for (const struct cli_option *o = c->command->options; !given && o->kind; o++)
		if (strcmp(o->name, name) == 0)
			given = o->def;
	return given;
}

bool cli_given(const struct cli_call *c, const char *name)
{
	size_t i = 0;
	return cli_next(c, name, &i) != NULL;
}

/* ---- words that nobody knows */

static void add_word(const char *words[WORDS_MAX], size_t *n, const char *word)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(words[i], word) == 0)
			return;
	if (*n < WORDS_MAX)
		words[(*n)++] = word;
}

static int unknown(struct cli_call *c, const char *what, const char *given, const char *const *words,
	size_t n, const char *help)
{
	char shown[80], hint[120] = "";
	const char *meant = cli_suggest(given, words, n);
	if (meant)
		snprintf(hint, sizeof hint, " Did you mean \"%s\"?", meant);
	return cli_problemf(c, "USAGE", "there is no %s \"%s\".%s See: quire %s%s--help", what,
		cli_clean(given, shown, sizeof shown), hint, help, *help ? " " : "");
}

static int unknown_noun(struct cli_call *c, const char *given)
{
	const char *words[WORDS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < cli_commands_n; i++)
		add_word(words, &n, cli_commands[i].noun);
	return unknown(c, "command", given, words, n, "");
}

static int unknown_verb(struct cli_call *c, const char *noun, const char *group, const char *word)
{
	char given[80];
	snprintf(given, sizeof given, "%s%s%s", group ? group : "", group ? " " : "", word);
	const char *words[WORDS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < cli_commands_n; i++)
		if (strcmp(cli_commands[i].noun, noun) == 0)
			add_word(words, &n, cli_commands[i].verb);
	return unknown(c, "verb", given, words, n, noun);
}

static int unknown_option(struct cli_call *c, const char *given)
{
	static const char *const global[] = {"home", "as", "json", "yes", "no-color", "help", "version"};
	const char *words[WORDS_MAX];
	char help[80] = "";
	size_t n = 0;
	for (size_t i = 0; i < sizeof global / sizeof global[0]; i++)
		add_word(words, &n, global[i]);
	if (c->command) {
		for (const struct cli_option *o = c->command->options; o->kind; o++)
			if (!cli_is_argument(o))
				add_word(words, &n, o->name);
		snprintf(help, sizeof help, "%s%s%s", c->command->noun, c->command->verb ? " " : "",
			c->command->verb ? c->command->verb : "");
	}
	char dashed[80];
	const char *meant = cli_suggest(given, words, n);
	snprintf(dashed, sizeof dashed, "--%s", meant ? meant : "");
	char shown[80], hint[120] = "";
	if (meant)
		snprintf(hint, sizeof hint, " Did you mean \"%s\"?", dashed);
	return cli_problemf(c, "USAGE", "there is no option \"--%s\".%s See: quire %s%s--help",
		cli_clean(given, shown, sizeof shown), hint, help, *help ? " " : "");
}

/* ---- one value */

static bool is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text);
	for (const char *p = choices; p && n; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
		if (strncmp(p, text, n) == 0 && (p[n] == '|' || p[n] == 0))
			return true;
	return false;
}

/* Its form; what it means is the daemon's to judge. */
static int check_value(struct cli_call *c, const struct cli_option *o, const char *text)
{
	const char *dash = cli_is_argument(o) ? "" : "--";
	char shown[80];
	uint64_t n;
	cli_clean(text, shown, sizeof shown);
	if (!*text)
		return cli_problemf(c, "USAGE", "%s%s is empty.", dash, o->name);
	if (o->kind == CLI_CHOICE && !is_choice(o->meta, text))
		return cli_problemf(
			c, "USAGE", "%s%s is one of %s, not \"%s\".", dash, o->name, o->meta, shown);
	if (o->kind == CLI_NUMBER && cli_number(text, &n) != OK)
		return cli_problemf(c, "USAGE", "%s%s is a number, not \"%s\".", dash, o->name, shown);
	if ((o->kind == CLI_SECONDS || o->kind == CLI_HOURS) && cli_duration(text, &n) != OK)
		return cli_problemf(c, "USAGE",
			"%s%s is a time like 45m, 8h or 7d, up to ten years, not \"%s\".", dash, o->name,
			shown);
	return CLI_DONE;
}

static int add_value(struct cli_call *c, const struct cli_option *o, const char *text)
{
	if (!o->many && cli_given(c, o->name))
		return cli_problemf(c, "USAGE", "--%s was given twice.", o->name);
	if (c->values_n == CLI_VALUES_MAX)
		return cli_problemf(c, "USAGE", "too many values: at most %d.", CLI_VALUES_MAX);
	int code = check_value(c, o, text);
	if (code == CLI_DONE)
		c->values[c->values_n++] = (struct cli_value){.option = o, .text = text};
	return code;
}

/* ---- options */

struct cursor {
	int argc, at;
	char **argv;
};

static int take(
	struct cli_call *c, struct cursor *cursor, const char *name, const char *equals, const char **out)
{
	if (equals) {
		*out = equals + 1;
		return CLI_DONE;
	}
	if (cursor->at >= cursor->argc)
		return cli_problemf(c, "USAGE", "--%s needs a value after it.", name);
	*out = cursor->argv[cursor->at++];
	return CLI_DONE;
}

static int set_home(struct cli_call *c, const char *home)
{
	if (!*home || strlen(home) >= sizeof c->home)
		return cli_problemf(c, "USAGE", "--home is empty or too long.");
	memcpy(c->home, home, strlen(home) + 1);
	return CLI_DONE;
}

static bool global_flag(struct cli_call *c, const char *name)
{
	if (strcmp(name, "json") == 0)
		c->json = true;
	else if (strcmp(name, "yes") == 0)
		c->yes = true;
	else if (strcmp(name, "no-color") == 0)
		c->color = false;
	else if (strcmp(name, "help") == 0)
		c->help = true;
	else
		return false;
	return true;
}

static int option(struct cli_call *c, struct cursor *cursor, const char *word)
{
	char name[64];
	const char *equals = strchr(word, '='), *text = NULL;
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	if (n >= sizeof name)
		return unknown_option(c, word);
	memcpy(name, word, n);
	name[n] = 0;
	if (!equals && global_flag(c, name))
		return CLI_DONE;
	if (strcmp(name, "home") == 0 || strcmp(name, "as") == 0) {
		int code = take(c, cursor, name, equals, &text);
		if (code == CLI_DONE && name[0] == 'h')
			return set_home(c, text);
		c->as = text;
		return code;
	}
	for (const struct cli_option *o = c->command ? c->command->options : NULL; o && o->kind; o++) {
		if (cli_is_argument(o) || strcmp(o->name, name) != 0)
			continue;
		if (o->kind == CLI_FLAG)
			return equals ? cli_problemf(c, "USAGE", "--%s takes no value.", name)
				      : add_value(c, o, "yes");
		int code = take(c, cursor, name, equals, &text);
		return code == CLI_DONE ? add_value(c, o, text) : code;
	}
	return unknown_option(c, name);
}

/* ---- arguments */

static int argument(struct cli_call *c, const char *text)
{
	for (const struct cli_option *o = c->command->options; o->kind; o++)
		if (cli_is_argument(o) && (o->many || !cli_given(c, o->name)))
			return add_value(c, o, text);
	char shown[80];
	return cli_problemf(c, "USAGE", "\"%s\" is one argument too many. See: quire %s%s%s --help",
		cli_clean(text, shown, sizeof shown), c->command->noun, c->command->verb ? " " : "",
		c->command->verb ? c->command->verb : "");
}

static int complete(struct cli_call *c)
{
	for (const struct cli_option *o = c->command->options; o->kind; o++)
		if (o->required && !cli_given(c, o->name))
			return cli_problemf(c, "USAGE", "%s%s is missing. See: quire %s%s%s --help",
				cli_is_argument(o) ? "" : "--", o->name, c->command->noun,
				c->command->verb ? " " : "", c->command->verb ? c->command->verb : "");
	return CLI_DONE;
}

/* word behind group (NULL: none) is the verb. */
static bool is_verb(const char *verb, const char *group, const char *word)
{
	size_t n = group ? strlen(group) : 0;
	if (!group)
		return strcmp(verb, word) == 0;
	return strncmp(verb, group, n) == 0 && verb[n] == ' ' && strcmp(verb + n + 1, word) == 0;
}

/* word is the first of a verb's two. */
static bool is_group(const char *verb, const char *word)
{
	size_t n = strlen(word);
	return strncmp(verb, word, n) == 0 && verb[n] == ' ';
}

/* The command of these words; NULL: it needs another word. */
static int find(struct cli_call *c, const char **noun, const char **group, const char *word)
{
	bool known = false;
	const char *begun = NULL;
	for (size_t i = 0; i < cli_commands_n; i++) {
		const struct cli_command *k = &cli_commands[i];
		if (*noun && k->verb && strcmp(k->noun, *noun) == 0) {
			if (is_verb(k->verb, *group, word))
				c->command = k;
			else if (!*group && is_group(k->verb, word))
				begun = word;
		}
		if (*noun || strcmp(k->noun, word) != 0)
			continue;
		known = true;
		if (!k->verb)
			c->command = k;
	}
	if (!*noun && !known)
		return unknown_noun(c, word);
	if (*noun && !c->command && !begun)
		return unknown_verb(c, *noun, *group, word);
	*group = begun;
	if (!*noun)
		*noun = word;
	return CLI_DONE;
}

/* "vouch" may be a verb and the first of two words as well: the second decides, if nothing stands between. */
static const struct cli_command *longer(const struct cli_call *c, const char *noun, const char *word)
{
	for (size_t i = 0; c->values_n == 0 && c->command->verb && i < cli_commands_n; i++)
		if (strcmp(cli_commands[i].noun, noun) == 0 && cli_commands[i].verb &&
			is_verb(cli_commands[i].verb, c->command->verb, word))
			return &cli_commands[i];
	return NULL;
}

/* Is --json anywhere? Then errors are JSON too, wherever they stand. */
static bool asks_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

int cli_parse(struct cli_call *c, int argc, char **argv, const char **noun)
{
	struct cursor cursor = {.argc = argc, .argv = argv, .at = 1};
	const char *group = NULL; /* of a verb of two words, the first */
	bool options = true;
	int code = CLI_DONE;
	*noun = NULL;
	c->json = asks_json(argc, argv);
	while (code == CLI_DONE && cursor.at < argc) {
		const char *word = argv[cursor.at++];
		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && strcmp(word, "-h") == 0)
			c->help = true;
		else if (options && strncmp(word, "--", 2) == 0)
			code = option(c, &cursor, word + 2);
		else if (options && strcmp(word, "-o") == 0)
			code = option(c, &cursor, "output");
		else if (options && word[0] == '-' && word[1])
			code = cli_problemf(c, "USAGE", "options are written out, with two dashes: --help");
		else if (!c->command)
			code = find(c, noun, &group, word);
		else if (options && longer(c, *noun, word))
			c->command = longer(c, *noun, word);
		else
			code = argument(c, word);
	}
	if (code != CLI_DONE || c->help || !c->command) {
		c->help = true;
		return code;
	}
	return complete(c);
}
