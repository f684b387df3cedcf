/* secret.c -- secrets come from a file or from a prompt that shows nothing; consent is typed. */
#include "client.h"

#include <errno.h>
#include <sodium.h>
#include <termios.h>
#include <unistd.h>

/* One line without its end. Buffers of stdio would keep it: read() alone. */
static enum err read_line(int fd, char *out, size_t n)
{
	size_t at = 0;
	for (;;) {
		char ch;
		ssize_t got = read(fd, &ch, 1);
		if (got < 0 && errno == EINTR && cli_interrupted())
			return ERR_CLOSED;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_IO;
		if (got == 0 || ch == '\n')
			break;
		if (at + 1 >= n)
			return ERR_LIMIT;
		out[at++] = ch;
	}
	if (at && out[at - 1] == '\r')
		at--;
	out[at] = 0;
	return OK;
}

static enum err ask(struct cli_call *c, const char *prompt, char *out, size_t n)
{
	struct termios before, silent;
	int fd = fileno(c->in);
	fprintf(c->err, "%s: ", prompt);
	(void)fflush(c->err);
	/* Ctrl-C must not leave a terminal behind that shows nothing. */
	cli_interruptible(true);
	bool hid = tcgetattr(fd, &before) == 0;
	if (hid) {
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		hid = tcsetattr(fd, TCSAFLUSH, &silent) == 0;
	}
	enum err e = hid ? read_line(fd, out, n) : ERR_IO;
	if (hid)
		(void)tcsetattr(fd, TCSAFLUSH, &before);
	cli_interruptible(false);
	fputc('\n', c->err);
	return e;
}

static int from_file(struct cli_call *c, const char *path, char out[CLI_PASSPHRASE_BYTES])
{
	FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "re");
	if (!f && strcmp(path, "-") != 0)
		return cli_problemf(c, "USAGE", "cannot read %s: %s.", path, strerror(errno));
	enum err e = read_line(fileno(f ? f : c->in), out, CLI_PASSPHRASE_BYTES);
	if (f)
		(void)fclose(f);
	if (e == OK && !*out)
		return cli_problemf(c, "USAGE", "%s is empty: its first line is the secret.", path);
	return e == OK ? CLI_DONE
		       : cli_problemf(c, "USAGE", "%s holds no secret: one line of less than %d bytes.", path,
				 CLI_PASSPHRASE_BYTES);
}

int cli_secret(struct cli_call *c, const struct cli_option *o, char out[CLI_PASSPHRASE_BYTES])
{
	const char *path = cli_get(c, o->name);
	if (path)
		return from_file(c, path, out);
	if (!isatty(fileno(c->in)))
		return cli_problemf(c, "USAGE",
			"no terminal to ask on: give --%s FILE. A secret is never an argument, where others "
			"could read it.",
			o->name);
	bool code = o->meta && strcmp(o->meta, "code") == 0;
	if (ask(c,
		    code                                ? "Recovery code"
			    : o->kind == CLI_SECRET_NEW ? "New passphrase"
							: "Passphrase",
		    out, CLI_PASSPHRASE_BYTES) != OK ||
		!*out)
		return cli_interrupted() ? cli_problem(c, "INTERRUPTED", 0, "stopped: nothing was done.")
					 : cli_problem(c, "USAGE", 0, "nothing was typed.");
	if (o->kind != CLI_SECRET_NEW)
		return CLI_DONE;
	char again[CLI_PASSPHRASE_BYTES] = "";
	bool same = ask(c, "The same again", again, sizeof again) == OK && strcmp(out, again) == 0;
	sodium_memzero(again, sizeof again);
	if (cli_interrupted())
		return cli_problem(c, "INTERRUPTED", 0, "stopped: nothing was done.");
	return same ? CLI_DONE : cli_problemf(c, "USAGE", "the two are not the same. Nothing was done.");
}

int cli_consent(struct cli_call *c)
{
	const struct cli_command *k = c->command;
	const char *word = k->verb ? k->verb : k->noun;
	char typed[64] = "";
	if (!k->severe || c->yes)
		return CLI_DONE;
	if (!isatty(fileno(c->in)) || c->json)
		return cli_problemf(c, "USAGE", "this cannot be undone: say --yes, or run it on a terminal.");
	cli_say(c, k->severe, NULL);
	fprintf(c->err, "Type %s to go on: ", word);
	(void)fflush(c->err);
	if (read_line(fileno(c->in), typed, sizeof typed) != OK || strcmp(typed, word) != 0)
		return cli_problemf(c, "REFUSED", "nothing was done.");
	return CLI_DONE;
}
