/* verify.c -- what a badge is worth: `quire verify`. No daemon, no network: the file, and whom the reader trusts. SPEC.md sections 17.8 and 18. */
#include "client.h"

#include "protocol/award/bake.h"
#include "protocol/award/verdict.h"

#include <errno.h>
#include <sodium.h>
#include <time.h>

#define ROOTS_LINE_BYTES 512

/* ---- files */

static int read_all(struct cli_call *c, const char *path, struct buf *out)
{
	bool in = strcmp(path, "-") == 0;
	FILE *f = in ? c->in : fopen(path, "rb");
	if (!f)
		return cli_problemf(c, "IO", "cannot read %s: %s.", path, strerror(errno));
	enum err e = OK;
	bool more = true;
	while (e == OK && more && out->n <= BAKE_PICTURE_MAX) {
		e = buf_reserve(out, 1 << 16);
		size_t n = e == OK ? fread(out->p + out->n, 1, 1 << 16, f) : 0;
		out->n += n;
		more = n > 0;
	}
	bool failed = ferror(f) != 0;
	if (!in)
		(void)fclose(f);
	if (e != OK)
		return cli_problem(c, "MEMORY", 0, "out of memory.");
	if (failed)
		return cli_problemf(c, "IO", "cannot read %s.", path);
	if (out->n > BAKE_PICTURE_MAX)
		return cli_problemf(c, "LIMIT", "%s is larger than any badge: more than %u MB.", path,
			BAKE_PICTURE_MAX / 1000000);
	return CLI_DONE;
}

/* ---- whom the reader trusts */

struct trusted {
	size_t n;
	struct id32 ids[VERDICT_ROOTS_MAX];
};

static bool read_id(const char *text, size_t n, struct id32 *id)
{
	size_t got = 0;
	return n == 64 && sodium_hex2bin(id->b, 32, text, n, NULL, &got, NULL) == 0 && got == 32;
}

static int add_root(struct cli_call *c, struct trusted *t, const struct id32 *id)
{
	if (t->n == VERDICT_ROOTS_MAX)
		return cli_problemf(c, "USAGE", "more than %u roots.", VERDICT_ROOTS_MAX);
	t->ids[t->n++] = *id;
	return CLI_DONE;
}

static int roots_given(struct cli_call *c, struct trusted *t)
{
	const char *text;
	struct id32 id;
	int code = CLI_DONE;
	for (size_t i = 0; code == CLI_DONE && (text = cli_next(c, "root", &i)) != NULL;)
		code = read_id(text, strlen(text), &id)
			? add_root(c, t, &id)
			: cli_problemf(c, "USAGE",
				  "--root must be an identity's id, 64 hexadecimal digits: %s", text);
	return code;
}

/* One line of HOME/roots: an id, a comment behind #, or nothing. */
static int roots_line(struct cli_call *c, struct trusted *t, char *line, unsigned number)
{
	struct id32 id;
	line[strcspn(line, "#\r\n")] = 0;
	const char *text = line + strspn(line, " \t");
	size_t n = strlen(text);
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	if (n == 0)
		return CLI_DONE;
	return read_id(text, n, &id)
		? add_root(c, t, &id)
		: cli_problemf(c, "INPUT",
			  "%s/roots, line %u: it must be an identity's id, 64 hexadecimal digits.", c->home,
			  number);
}

static int roots_of_home(struct cli_call *c, struct trusted *t)
{
	char path[CLI_PATH_BYTES], line[ROOTS_LINE_BYTES];
	snprintf(path, sizeof path, "%s/roots", c->home);
	FILE *f = fopen(path, "r");
	if (!f && (errno == ENOENT || errno == ENOTDIR))
		return CLI_DONE;
	if (!f)
		return cli_problemf(c, "IO", "cannot read %s: %s.", path, strerror(errno));
	int code = CLI_DONE;
	for (unsigned number = 1; code == CLI_DONE && fgets(line, sizeof line, f); number++)
		code = strlen(line) + 1 == sizeof line
			? cli_problemf(c, "INPUT", "%s, line %u is too long.", path, number)
			: roots_line(c, t, line, number);
	(void)fclose(f);
	return code;
}

/* ---- what is said */

static const char *const mark_words[] = {
	[JUDGE_GOOD] = "ok", [JUDGE_NOTE] = "note", [JUDGE_UNKNOWN] = "?", [JUDGE_WRONG] = "wrong"};
static const char *const mark_names[] = {
	[JUDGE_GOOD] = "good", [JUDGE_NOTE] = "note", [JUDGE_UNKNOWN] = "unknown", [JUDGE_WRONG] = "wrong"};

static const char *verdict_word(const struct verdict *v)
{
	switch (v->worst) {
	case JUDGE_GOOD:
	case JUDGE_NOTE: return "good";
	case JUDGE_UNKNOWN: return "unknown";
	case JUDGE_WRONG: return "wrong";
	}
	return "unknown";
}

static void known_until(const struct verdict *v, char out[CREDENTIAL_TIME_BYTES])
{
	out[0] = 0;
	if (v->known_until_hour)
		credential_time_format((uint64_t)v->known_until_hour * 3600, out);
}

static json_t *text_json(const char *text)
{
	char clean[1024];
	return *text ? json_string(cli_clean(text, clean, sizeof clean)) : json_null();
}

static json_t *id_json(const struct id32 *id)
{
	char hex[65];
	if (id32_is_zero(id))
		return json_null();
	sodium_bin2hex(hex, sizeof hex, id->b, 32);
	return json_string(hex);
}

static json_t *credential_json(const struct verdict *v)
{
	const struct credential_about *a = &v->about;
	if (!v->readable)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "id", text_json(a->id), "type",
		text_json(a->type), "name", text_json(a->name), "issuer", text_json(a->issuer), "issuer_name",
		text_json(a->issuer_name), "subject", text_json(a->subject), "valid_from",
		text_json(a->valid_from), "valid_until", text_json(a->valid_until), "endorsements",
		(json_int_t)a->endorsements, "evidence", (json_int_t)a->evidence);
}

static json_t *checks_json(const struct verdict *v)
{
	json_t *list = json_array();
	for (size_t i = 0; i < v->lines.lines_n; i++) {
		const struct judge_line *l = &v->lines.lines[i];
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:o, s:o}", "mark", mark_names[l->mark], "code", l->code,
				"text", text_json(l->text), "entry", id_json(&l->entry)));
	}
	return list;
}

static void show_json(struct cli_call *c, const struct verdict *v, const char *headline)
{
	char until[CREDENTIAL_TIME_BYTES];
	known_until(v, until);
	json_t *o = json_pack("{s:s, s:i, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "verdict", verdict_word(v),
		"exit", verdict_exit_code(v), "headline", text_json(headline), "bundled", v->bundled,
		"credential", credential_json(v), "state",
		v->bundled ? json_string(award_state_name(v->state)) : json_null(), "vouched_by",
		id_json(&v->voucher), "known_until", text_json(until), "checks", checks_json(v));
	cli_print_json(c, o);
	json_decref(o);
}

static void show_field(struct cli_call *c, const char *name, const char *text)
{
	char clean[1024];
	if (*text)
		fprintf(c->out, "%-12s %s\n", name, cli_clean(text, clean, sizeof clean));
}

static void show_words(struct cli_call *c, const struct verdict *v, const char *headline)
{
	char clean[1024], voucher[65] = "";
	const struct credential_about *a = &v->about;
	fprintf(c->out, "%s\n\n", cli_clean(headline, clean, sizeof clean));
	if (v->vouched)
		sodium_bin2hex(voucher, sizeof voucher, v->voucher.b, 32);
	show_field(c, "badge", a->name);
	show_field(c, "issuer", a->issuer_name);
	show_field(c, "", a->issuer);
	show_field(c, "given to", a->subject);
	show_field(c, "valid from", a->valid_from);
	show_field(c, "valid until", a->valid_until);
	show_field(c, "state", v->bundled ? award_state_name(v->state) : "");
	show_field(c, "vouched by", voucher);
	if (v->readable)
		fputc('\n', c->out);
	for (size_t i = 0; i < v->lines.lines_n; i++)
		fprintf(c->out, "%-6s %s\n", mark_words[v->lines.lines[i].mark],
			cli_clean(v->lines.lines[i].text, clean, sizeof clean));
}

/* ---- the command */

/* --at, or now. */
static int time_given(struct cli_call *c, uint64_t *now_s)
{
	const char *text = cli_get(c, "at");
	char whole[CREDENTIAL_TIME_BYTES];
	*now_s = (uint64_t)time(NULL);
	if (!text)
		return CLI_DONE;
	snprintf(whole, sizeof whole, "%sT00:00:00Z", strlen(text) == 10 ? text : "");
	if (credential_time_parse(strlen(text) == 10 ? whole : text, now_s) == OK && *now_s > 0)
		return CLI_DONE;
	return cli_problemf(c, "USAGE",
		"--at must be a day or a time, like 2026-01-31 or 2026-01-31T12:00:00Z: %s", text);
}

int cli_verify(struct cli_call *c)
{
	static struct trusted trusted;
	static struct verdict v;
	const char *beside = cli_get(c, "bundle");
	struct buf file = {0}, bundle = {0};
	char headline[256];
	uint64_t now_s;
	trusted.n = 0;
	int code = time_given(c, &now_s);
	if (code == CLI_DONE)
		code = roots_given(c, &trusted);
	if (code == CLI_DONE)
		code = roots_of_home(c, &trusted);
	if (code == CLI_DONE)
		code = read_all(c, cli_get(c, "FILE"), &file);
	if (code == CLI_DONE && beside)
		code = read_all(c, beside, &bundle);
	if (code == CLI_DONE && beside && bundle.n == 0)
		code = cli_problemf(c, "IO", "%s is empty.", beside);
	const struct verdict_roots roots = {.n = trusted.n, .ids = trusted.ids};
	if (code == CLI_DONE &&
		verdict_of_files(buf_slice(&file), buf_slice(&bundle), &roots, now_s, &v) != OK)
		code = cli_problem(c, "MEMORY", 0, "out of memory.");
	if (code == CLI_DONE) {
		verdict_headline(&v, headline);
		if (c->json)
			show_json(c, &v, headline);
		else
			show_words(c, &v, headline);
		code = verdict_exit_code(&v);
	}
	buf_free(&file);
	buf_free(&bundle);
	return code;
}
