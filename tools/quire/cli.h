/* cli.h -- the command `quire`: one table of commands, from which the parser, the help, docs/cli.md and most of the work come.
 *
 * A command is a noun, a verb, options, a route of the API and a way to show the answer. What needs more than that has a function of
 * its own. Data goes to stdout, messages to stderr. Exit codes are those of enum cli_exit, and stay. */
#ifndef QUIRE_CLI_H
#define QUIRE_CLI_H

#include "bytes.h"

#include <jansson.h>
#include <stdio.h>

#define CLI_OPTIONS_MAX 12 /* of one command */
#define CLI_VALUES_MAX 600 /* given on one command line: room for the most readers an entry can have */
#define CLI_PATH_BYTES 4300
#define CLI_PASSPHRASE_BYTES 1024 /* with NUL */

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_UNREACHABLE = 3, /* no daemon */
	CLI_NOT_FOUND = 4,
	CLI_REFUSED = 5,
	CLI_FALSE = 6, /* verification failed */
	CLI_UNKNOWN = 7, /* could not verify: data is missing */
	CLI_PARTLY = 8, /* timed out, or partly done */
	CLI_INTERRUPTED = 130,
};

enum cli_kind {
	CLI_END = 0, /* of a list */
	CLI_TEXT,
	CLI_FLAG,
	CLI_NUMBER,
	CLI_SECONDS, /* a duration, sent in seconds */
	CLI_HOURS, /* a duration, sent in hours, rounded up */
	CLI_CHOICE, /* one of meta, separated by | */
	CLI_PATH, /* of a file; for a function of its own */
	CLI_CONTENT, /* of a file or of stdin (-): its text is sent */
	CLI_PIPED, /* given in the argument, or - for stdin */
	CLI_SECRET, /* a file that holds a secret; a prompt if it is not given */
	CLI_SECRET_NEW, /* the same, asked twice */
	CLI_IDENTITY, /* id, a prefix of 8 characters or more, or a name of an identity here; optional: the one that acts */
	CLI_READERS, /* private, public, or ids */
};

/* An option (--name VALUE), or with an upper-case name an argument that has its place. */
struct cli_option {
	const char *name;
	enum cli_kind kind;
	const char *meta; /* what stands for the value in help; of CHOICE the choices */
	const char *
		field; /* of the body, or of the query if the method is GET; "fields.x" is inside of "fields"; NULL: not sent so */
	const char *def; /* NULL: none */
	bool required, many;
	const char *help;
};

enum cli_form { FORM_TEXT, FORM_ID, FORM_REF, FORM_TIME, FORM_HOUR, FORM_SIZE };

struct cli_column {
	const char *title, *field;
	enum cli_form form;
};

struct cli_call;

struct cli_command {
	const char *noun, *verb; /* verb NULL: the noun is the command; it may be of two words */
	const char *help; /* one line */
	const char *examples; /* one a line, without "quire " */
	const char *method, *route; /* {NAME}: an argument; {as}: the identity that acts */
	const char *constant; /* JSON that the body begins with */
	bool acts; /* as an identity: ?as= goes along */
	const char *severe; /* what will be lost: typed consent, or --yes */
	const char *data; /* the answer's field that is the data, alone on stdout */
	const char *done; /* said on stderr after; {field} of the answer or {NAME} of an argument */
	const char *empty; /* said when a list has no items */
	const struct cli_column *columns; /* of a list; NULL: each field on a line */
	struct cli_option options[CLI_OPTIONS_MAX + 1];
	int (*run)(struct cli_call *c); /* NULL: cli_run() */
};

extern const struct cli_command cli_commands[];
extern const size_t cli_commands_n;

struct cli_value {
	const struct cli_option *option;
	const char *text;
};

/* One command line, understood. Texts are borrowed from argv and the environment. */
struct cli_call {
	const struct cli_command *command;
	char home[4096];
	const char *as; /* as given; NULL: not */
	char as_id[65]; /* of the identity that acts, once it is known */
	bool json, yes, color, help;
	size_t values_n;
	struct cli_value values[CLI_VALUES_MAX];
	FILE *in, *out, *err;
};

/* ---- main.c's only call. argv as of main. Exit code. */
int cli_main(int argc, char **argv, FILE *in, FILE *out, FILE *err);

/* ---- parse.c */

/* CLI_DONE: run c->command, or show help (c->help; command NULL: of noun, which may be NULL). Otherwise it has been said. */
int cli_parse(struct cli_call *c, int argc, char **argv, const char **noun);
/* The first value of an option, its default, or NULL. */
const char *cli_get(const struct cli_call *c, const char *name);
bool cli_given(const struct cli_call *c, const char *name);
/* The next value of an option from *i on, which moves behind it; NULL: no more. Begin with 0. */
const char *cli_next(const struct cli_call *c, const char *name, size_t *i);
bool cli_is_argument(const struct cli_option *o);

/* ---- value.c */

/* 30s, 45m, 8h, 7d, 2w. ERR_INPUT: something else; ERR_RANGE: zero, or more than ten years. */
MUST_CHECK enum err cli_duration(const char *text, uint64_t *seconds);
MUST_CHECK enum err cli_number(const char *text, uint64_t *out);
/* How many letters must be changed to make b of a. */
size_t cli_distance(const char *a, const char *b);
/* The word that was probably meant, or NULL. */
const char *cli_suggest(const char *given, const char *const *words, size_t n);
/* By the name of an error (err.def) or, if there is none of that name, by the HTTP status. */
int cli_exit_of(const char *code, long status);

/* ---- text.c: what a terminal may see. Both write at most n bytes with NUL, and return out. */

/* Without control and bidi characters, broken UTF-8 replaced. */
char *cli_clean(const char *text, char *out, size_t n);
char *cli_size(uint64_t bytes, char *out, size_t n);
char *cli_time(int64_t unix_s, char *out, size_t n);
/* Columns on a terminal. */
size_t cli_width(const char *text);
/* The first bytes of text that take at most `width` columns. */
size_t cli_fit(const char *text, size_t width);
/* Columns of the terminal that f is; 0: it is none. */
size_t cli_terminal(FILE *f);

/* ---- show.c */

/* One answer: as JSON, or for people as the command says. Returns the exit code. */
int cli_show(struct cli_call *c, json_t *answer);
/* An object, complete with "v". */
void cli_print_json(struct cli_call *c, json_t *o);
/* What went wrong, on stderr or as JSON on stdout. Returns the exit code of `code`. */
int cli_problem(struct cli_call *c, const char *code, long status, const char *detail);
/* The same with a list of what is wrong, [{"line", "field" or "requirement", "what"}]; findings may be NULL. */
int cli_problem_with(struct cli_call *c, const char *code, long status, const char *detail, json_t *findings);
int cli_problemf(struct cli_call *c, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* With {names} filled in, for people; nothing with --json. */
void cli_say(struct cli_call *c, const char *template, json_t *answer);

/* ---- help.c */
void cli_help_command(FILE *f, const struct cli_command *command);
void cli_help_noun(FILE *f, const char *noun);
void cli_help_all(FILE *f);
void cli_help_markdown(FILE *f);

/* ---- secret.c */

/* From the file, or asked on the terminal (twice if it is new). Wipe it. Returns the exit code; it has been said. */
int cli_secret(struct cli_call *c, const struct cli_option *o, char out[CLI_PASSPHRASE_BYTES]);
/* Typed consent to a severe act. Returns the exit code. */
int cli_consent(struct cli_call *c);

/* ---- run.c */

/* What the table says: ask the route, show the answer. */
int cli_run(struct cli_call *c);
/* The body that the options give, or NULL with *code set; it has been said. */
json_t *cli_body(struct cli_call *c, int *code);
/* route with its {NAMES}, and for GET the options, filled in. */
MUST_CHECK int cli_path(struct cli_call *c, const char *route, char out[CLI_PATH_BYTES]);
/* Full id of an identity: id, prefix, name; NULL: --as, or the only one here. Returns the exit code. */
int cli_identity(struct cli_call *c, const char *given, char out[65]);
/* c->as_id from --as, if it was given or `must`. */
int cli_act(struct cli_call *c, bool must);

/* ---- commands with a function of their own */
int cli_init(struct cli_call *c);
int cli_artifact_add(struct cli_call *c);
int cli_blob_get(struct cli_call *c);
int cli_lint(struct cli_call *c);
int cli_publish(struct cli_call *c);
int cli_microcredential_show(struct cli_call *c);
int cli_search(struct cli_call *c);
int cli_framework_import(struct cli_call *c);
int cli_framework_show(struct cli_call *c);
int cli_award_show(struct cli_call *c);
int cli_award_export(struct cli_call *c);
int cli_reviewer_end(struct cli_call *c);
int cli_submission_create(struct cli_call *c);
int cli_submission_show(struct cli_call *c);
int cli_review_show(struct cli_call *c);
int cli_review_decide(struct cli_call *c);
int cli_backup_create(struct cli_call *c);
int cli_backup_restore(struct cli_call *c);
int cli_doctor(struct cli_call *c);
int cli_rebuild(struct cli_call *c);
int cli_verify(struct cli_call *c);
int cli_config_show(struct cli_call *c);
int cli_config_check(struct cli_call *c);
int cli_help_run(struct cli_call *c);

#endif
