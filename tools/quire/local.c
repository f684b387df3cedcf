/* local.c -- what needs no daemon: making a home, its settings, and the doctor. */
#include "client.h"

#include "daemon/config.h"
#include "daemon/doctor.h"
#include "daemon/setup.h"

#include <sodium.h>

/* ---- init */

static void put_id(json_t *o, const char *key, const struct id32 *id)
{
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, id->b, 32);
	json_object_set_new(o, key, json_string(hex));
}

static void show_home(struct cli_call *c, const struct setup *in, const struct setup_out *out)
{
	json_t *o = json_object();
	json_object_set_new(o, "home", json_string(c->home));
	put_id(o, "node", &out->node);
	if (!in->recover) {
		put_id(o, "id", &out->identity);
		put_id(o, "network", &out->network);
		json_object_set_new(o, "did", json_string(out->did));
		json_object_set_new(o, "name", json_string(in->name));
		json_object_set_new(o, "kind", json_string(cli_get(c, "kind")));
	}
	if (!in->recover)
		json_object_set_new(o, "recovery_code", json_string(out->code));
	cli_show(c, o);
	if (!c->json && in->recover)
		fprintf(c->err,
			"\nNext: quired --home %s\nThen, in another terminal: quire peer join INVITATION, "
			"and: quire identity recover\n",
			c->home);
	else if (!c->json)
		fprintf(c->err,
			"\nNext: quired --home %s\nThen, in another terminal: quire identity unlock\n",
			c->home);
	json_decref(o);
}

static const struct cli_option *passphrase_option(const struct cli_call *c)
{
	const struct cli_option *o = c->command->options;
	while (strcmp(o->name, "passphrase-file") != 0)
		o++;
	return o;
}

int cli_init(struct cli_call *c)
{
	char passphrase[CLI_PASSPHRASE_BYTES] = "", why[256] = "";
	struct setup in = {.home = c->home, .name = cli_get(c, "name"), .recover = cli_given(c, "recover")};
	struct setup_out out = {0};
	int code = CLI_DONE;
	if (identities_kind_parse(cli_get(c, "kind"), &in.kind) != OK)
		abort(); /* the parser lets no other through */
	if (!in.recover)
		code = cli_secret(c, passphrase_option(c), passphrase);
	in.passphrase = slice_str(passphrase);
	if (code == CLI_DONE) {
		enum err e = setup_home(&in, &out, why);
		if (e == OK)
			show_home(c, &in, &out);
		else
			code = cli_problem(c, err_name(e), 0, *why ? why : err_text(e));
	}
	sodium_memzero(passphrase, sizeof passphrase);
	sodium_memzero(&out, sizeof out);
	return code;
}

/* ---- settings */

static int read_config(struct cli_call *c, struct config *config, bool *found)
{
	char path[CLI_PATH_BYTES], why[512] = "";
	config_init(config);
	memcpy(config->home, c->home, sizeof config->home);
	snprintf(path, sizeof path, "%s/quire.conf", c->home);
	enum err e = config_read(config, path, why);
	*found = e == OK;
	return e == OK || e == ERR_NOT_FOUND ? CLI_DONE : cli_problem(c, err_name(e), 0, why);
}

int cli_config_check(struct cli_call *c)
{
	static struct config config;
	bool found = false;
	int code = read_config(c, &config, &found);
	if (code != CLI_DONE)
		return code;
	json_t *o = json_pack("{s:b, s:b}", "good", true, "file", found);
	if (c->json)
		cli_print_json(c, o);
	else
		fprintf(c->err,
			found ? "%s/quire.conf is good.\n"
			      : "%s/quire.conf is not there: every setting has its default.\n",
			c->home);
	json_decref(o);
	return CLI_DONE;
}

int cli_config_show(struct cli_call *c)
{
	static struct config config;
	struct buf b = {0};
	bool found = false;
	int code = read_config(c, &config, &found);
	if (code == CLI_DONE && config_show(&config, &b) != OK)
		code = cli_problem(c, "MEMORY", 0, "out of memory.");
	if (code == CLI_DONE && c->json) {
		json_t *o = json_pack("{s:s%}", "config", (const char *)b.p, b.n);
		cli_print_json(c, o);
		json_decref(o);
	} else if (code == CLI_DONE) {
		fwrite(b.p, 1, b.n, c->out);
	}
	buf_free(&b);
	return code;
}

/* ---- doctor */

static void show_finding(struct cli_call *c, const json_t *finding)
{
	static const struct {
		const char *field, *word;
	} lines[] = {{"cause", "why"}, {"cure", "what to do"}};
	char text[1024];
	const char *level = json_string_value(json_object_get(finding, "level"));
	const char *what = json_string_value(json_object_get(finding, "what"));
	fprintf(c->out, "%-8s %s\n", level ? level : "", cli_clean(what ? what : "", text, sizeof text));
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		const char *said = json_string_value(json_object_get(finding, lines[i].field));
		if (said && *said)
			fprintf(c->out, "         %s: %s\n", lines[i].word,
				cli_clean(said, text, sizeof text));
	}
}

static int show_findings(struct cli_call *c, json_t *answer)
{
	const json_t *items = json_object_get(answer, "items");
	json_int_t errors = json_integer_value(json_object_get(answer, "errors"));
	json_int_t warnings = json_integer_value(json_object_get(answer, "warnings"));
	if (c->json) {
		cli_print_json(c, answer);
	} else {
		for (size_t i = 0; i < json_array_size(items); i++)
			show_finding(c, json_array_get(items, i));
		fprintf(c->err,
			errors || warnings ? "Errors: %lld, warnings: %lld.\n" : "Nothing is wrong.\n",
			(long long)errors, (long long)warnings);
	}
	return errors ? CLI_FALSE : CLI_DONE;
}

/* Of the running node, or of the home while no node runs. */
int cli_doctor(struct cli_call *c)
{
	char path[CLI_PATH_BYTES], why[256] = "";
	int code = cli_path(c, c->command->route, path);
	if (code != CLI_DONE)
		return code;
	struct cli_request r = {.method = "GET", .path = path, .quiet = true};
	code = cli_ask(c, &r);
	if (code == CLI_UNREACHABLE) {
		enum err e = doctor_run(c->home, &r.answer, why);
		code = e == OK ? CLI_DONE : cli_problem(c, err_name(e), 0, *why ? why : err_text(e));
	}
	if (code == CLI_DONE)
		code = show_findings(c, r.answer);
	json_decref(r.answer);
	return code;
}

int cli_rebuild(struct cli_call *c)
{
	char why[256] = "";
	enum err e = doctor_rebuild(c->home, why);
	if (e == OK && c->json) {
		json_t *o = json_pack("{s:b}", "rebuilt", true);
		cli_print_json(c, o);
		json_decref(o);
	}
	if (e == ERR_BUSY)
		return cli_problem(c, err_name(e), 0, "a daemon runs on this home: stop quired first.");
	if (e != OK)
		return cli_problem(c, err_name(e), 0, *why ? why : err_text(e));
	cli_say(c, c->command->done, NULL);
	return CLI_DONE;
}
