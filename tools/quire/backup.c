/* backup.c -- a home in one file, and back. Needs no daemon, and does not mind one. */
#include "client.h"

#include "daemon/backup.h"

#include <sodium.h>

static const struct cli_option *passphrase_option(const struct cli_call *c)
{
	const struct cli_option *o = c->command->options;
	while (strcmp(o->name, "passphrase-file") != 0)
		o++;
	return o;
}

static int done(struct cli_call *c, const struct backup_counts *n)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I}", "files", (json_int_t)n->files, "blobs",
		(json_int_t)n->blobs, "bytes", (json_int_t)n->bytes, "left_out", (json_int_t)n->left_out);
	if (c->json)
		cli_print_json(c, o);
	cli_say(c, c->command->done, o);
	if (n->left_out)
		cli_say(c,
			"{left_out} key files of an older form were left out: unlock their identities once, and back up again.",
			o);
	json_decref(o);
	return CLI_DONE;
}

int cli_backup_create(struct cli_call *c)
{
	char passphrase[CLI_PASSPHRASE_BYTES] = "", why[BACKUP_WHY_BYTES] = "";
	struct backup_counts n = {0};
	int code = CLI_DONE;
	if (!cli_given(c, "unencrypted"))
		code = cli_secret(c, passphrase_option(c), passphrase);
	if (code == CLI_DONE) {
		enum err e = backup_create(c->home, cli_get(c, "FILE"), slice_str(passphrase),
			!cli_given(c, "without-blobs"), &n, why);
		code = e == OK ? done(c, &n) : cli_problem(c, err_name(e), 0, *why ? why : err_text(e));
	}
	sodium_memzero(passphrase, sizeof passphrase);
	return code;
}

int cli_backup_restore(struct cli_call *c)
{
	char passphrase[CLI_PASSPHRASE_BYTES] = "", why[BACKUP_WHY_BYTES] = "";
	struct backup_counts n = {0};
	bool encrypted = false;
	enum err e = backup_look(cli_get(c, "FILE"), &encrypted, why);
	int code = CLI_DONE;
	if (e == OK && encrypted)
		code = cli_secret(c, passphrase_option(c), passphrase);
	if (e == OK && code == CLI_DONE)
		e = backup_restore(c->home, cli_get(c, "FILE"), slice_str(passphrase), &n, why);
	if (e != OK)
		code = cli_problem(c, err_name(e), 0, *why ? why : err_text(e));
	else if (code == CLI_DONE)
		code = done(c, &n);
	sodium_memzero(passphrase, sizeof passphrase);
	return code;
}
