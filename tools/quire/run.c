/* run.c -- what most commands do: a body from the options, a route, an answer. */
#include "client.h"

#include "bounds.h"

#include <errno.h>
#include <sodium.h>

#define CONTENT_BYTES_MAX 49152u /* of a reflection */
#define PAGES_MAX 1000

/* ---- identities */

static bool is_hex(const char *text)
{
	return text[strspn(text, "0123456789abcdefABCDEF")] == 0;
}

/* Those of the list that fit; NULL given: all that are here. The last that fits is *id. A network has its school's name and
 * signs in with it, so it is meant only where its id is given. */
static size_t matches(const json_t *items, const char *given, const char **id)
{
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		const char *an_id = json_string_value(json_object_get(item, "id"));
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *kind = json_string_value(json_object_get(item, "kind"));
		const json_t *here = json_object_get(item, "hosted");
		bool network = kind && strcmp(kind, "network") == 0;
		bool fits = given ? (name && !network && strcmp(name, given) == 0) ||
				(an_id && strlen(given) >= 8 && is_hex(given) &&
					strncasecmp(an_id, given, strlen(given)) == 0)
				  : !network && !json_is_false(here);
		if (fits && an_id && strlen(an_id) == 64) {
			*id = an_id;
			n++;
		}
	}
	return n;
}

int cli_identity(struct cli_call *c, const char *given, char out[65])
{
	json_t *list = NULL;
	const char *id = NULL;
	char shown[80];
	if (!given)
		given = c->as;
	if (given && strlen(given) == 64 && is_hex(given)) {
		for (size_t i = 0; i <= 64; i++)
			out[i] = given[i] >= 'A' && given[i] <= 'F' ? (char)(given[i] + 32) : given[i];
		return CLI_DONE;
	}
	int code = cli_ask_json(
		c, "GET", given ? "/api/v1/identities?all=1" : "/api/v1/identities", NULL, &list);
	if (code != CLI_DONE)
		return code;
	size_t n = matches(json_object_get(list, "items"), given, &id);
	if (n == 1)
		memcpy(out, id, 65);
	else if (n > 1)
		code = cli_problem(c, "AMBIGUOUS", 0,
			given ? "more than one identity fits: give more of its id. See: quire identity list"
			      : "there are several identities here: say which one with --as. See: quire "
				"identity list");
	else
		code = cli_problemf(c, "NOT_FOUND",
			given ? "no identity here is called \"%s\", and none has an id that begins so (8 "
				"characters or more). See: quire identity list"
			      : "there is no identity here%s yet. Make one: quire identity create --name NAME",
			given ? cli_clean(given, shown, sizeof shown) : "");
	json_decref(list);
	return code;
}

int cli_act(struct cli_call *c, bool must)
{
	if (*c->as_id || (!c->as && !must))
		return CLI_DONE;
	return cli_identity(c, NULL, c->as_id);
}

/* ---- the path */

static bool put_escaped(struct buf *b, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (; *text; text++) {
		char hex[4];
		snprintf(hex, sizeof hex, "%%%02X", (unsigned)(uint8_t)*text);
		bool one = strchr(plain, *text) != NULL;
		if (buf_put(b, one ? text : hex, one ? 1 : 3) != OK)
			return false;
	}
	return true;
}

static const struct cli_option *option_of(const struct cli_call *c, const char *name)
{
	for (const struct cli_option *o = c->command->options; o->kind; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static int put_param(struct cli_call *c, struct buf *b, const char *name)
{
	char id[65] = "";
	int code = CLI_DONE;
	const char *value = id;
	const struct cli_option *o = option_of(c, name);
	if (strcmp(name, "as") == 0) {
		code = cli_act(c, true);
		value = c->as_id;
	} else if (o && o->kind == CLI_IDENTITY) {
		code = cli_identity(c, cli_get(c, name), id);
	} else {
		value = cli_get(c, name);
	}
	if (code == CLI_DONE && !put_escaped(b, value ? value : ""))
		code = cli_problem(c, "MEMORY", 0, "out of memory.");
	return code;
}

static int put_route(struct cli_call *c, struct buf *b, const char *route)
{
	int code = CLI_DONE;
	for (const char *p = route; *p && code == CLI_DONE; p++) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		char name[32];
		if (!end || (size_t)(end - p) > sizeof name) {
			code = buf_put(b, p, 1) == OK ? CLI_DONE : CLI_FAILED;
			continue;
		}
		memcpy(name, p + 1, (size_t)(end - p - 1));
		name[end - p - 1] = 0;
		code = put_param(c, b, name);
		p = end;
	}
	return code;
}

static bool put_argument(struct buf *b, const char *name, const char *value)
{
	bool first = !b->n || !memchr(b->p, '?', b->n);
	return buf_put(b, first ? "?" : "&", 1) == OK && put_escaped(b, name) && buf_put(b, "=", 1) == OK &&
		put_escaped(b, value);
}

int cli_path(struct cli_call *c, const char *route, char out[CLI_PATH_BYTES])
{
	struct buf b = {0};
	bool fits = true;
	char id[65];
	int code = put_route(c, &b, route);
	if (code == CLI_DONE)
		code = cli_act(c, c->command->acts);
	if (code == CLI_DONE && c->command->acts)
		fits = put_argument(&b, "as", c->as_id);
	bool query = strcmp(c->command->method, "GET") == 0;
	for (const struct cli_option *o = c->command->options; query && code == CLI_DONE && o->kind; o++) {
		const char *value = cli_get(c, o->name);
		if (!o->field || !value)
			continue;
		if (o->kind == CLI_IDENTITY) {
			code = cli_identity(c, value, id);
			value = id;
		}
		fits = fits && put_argument(&b, o->field, value);
	}
	if (code == CLI_DONE && (!fits || b.n >= CLI_PATH_BYTES))
		code = cli_problem(c, "LIMIT", 0, "the values are too long.");
	if (code == CLI_DONE) {
		memcpy(out, b.p, b.n);
		out[b.n] = 0;
	}
	buf_free(&b);
	return code;
}

/* ---- the body */

static json_t *content(struct cli_call *c, const char *path, int *code)
{
	char text[CONTENT_BYTES_MAX + 1];
	FILE *f = strcmp(path, "-") == 0 ? c->in : fopen(path, "re");
	if (!f) {
		*code = cli_problemf(c, "USAGE", "cannot read %s: %s.", path, strerror(errno));
		return NULL;
	}
	size_t n = fread(text, 1, sizeof text, f);
	bool broken = ferror(f) != 0;
	if (f != c->in)
		(void)fclose(f);
	if (broken || n > CONTENT_BYTES_MAX) {
		*code = cli_problemf(c, broken ? "IO" : "USAGE", "%s %s.", path,
			broken ? "cannot be read" : "is longer than 48 kB");
		return NULL;
	}
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	json_t *v = n ? json_stringn(text, n) : NULL;
	if (!v)
		*code = cli_problemf(c, "USAGE", "%s is empty, or is no text in UTF-8.", path);
	return v;
}

static json_t *secret(struct cli_call *c, const struct cli_option *o, int *code)
{
	char text[CLI_PASSPHRASE_BYTES] = "";
	*code = cli_secret(c, o, text);
	json_t *v = *code == CLI_DONE ? json_string(text) : NULL;
	sodium_memzero(text, sizeof text);
	if (!v && *code == CLI_DONE)
		*code = cli_problem(c, "USAGE", 0, "the secret is no text in UTF-8.");
	return v;
}

/* "private", "public", or a list of ids. */
static json_t *readers(struct cli_call *c, const struct cli_option *o, int *code)
{
	json_t *ids = json_array();
	size_t i = 0;
	char id[65];
	const char *word = cli_next(c, o->name, &i), *only = word ? word : o->def;
	bool alone = strcmp(only, "private") == 0 || strcmp(only, "public") == 0;
	if (alone && cli_next(c, o->name, &i))
		*code = cli_problemf(c, "USAGE", "--%s %s stands alone.", o->name, only);
	for (; !alone && word && *code == CLI_DONE; word = cli_next(c, o->name, &i)) {
		*code = cli_identity(c, word, id);
		if (*code == CLI_DONE)
			json_array_append_new(ids, json_string(id));
	}
	if (!alone && *code == CLI_DONE)
		return ids;
	json_decref(ids);
	return *code == CLI_DONE ? json_string(only) : NULL;
}

static json_t *value(struct cli_call *c, const struct cli_option *o, const char *text, int *code)
{
	uint64_t n = 0;
	char id[65];
	switch (o->kind) {
	case CLI_NUMBER: return cli_number(text, &n) == OK ? json_integer((json_int_t)n) : NULL;
	case CLI_SECONDS: return cli_duration(text, &n) == OK ? json_integer((json_int_t)n) : NULL;
	case CLI_HOURS:
		return cli_duration(text, &n) == OK ? json_integer((json_int_t)((n + 3599) / 3600)) : NULL;
	case CLI_FLAG: return json_true();
	case CLI_CONTENT: return content(c, text, code);
	case CLI_PIPED:
		if (strcmp(text, "-") == 0)
			return content(c, text, code);
		break;
	case CLI_IDENTITY:
		*code = cli_identity(c, text, id);
		return *code == CLI_DONE ? json_string(id) : NULL;
	case CLI_SECRET:
	case CLI_SECRET_NEW: return secret(c, o, code);
	case CLI_READERS: return readers(c, o, code);
	case CLI_END:
	case CLI_TEXT:
	case CLI_CHOICE:
	case CLI_PATH: break;
	}
	return json_string(text);
}

static void put_field(json_t *body, const char *field, json_t *v)
{
	const char *dot = strchr(field, '.');
	if (!dot) {
		json_object_set_new(body, field, v);
		return;
	}
	json_t *fields = json_object_get(body, "fields");
	if (!fields) {
		fields = json_object();
		json_object_set_new(body, "fields", fields);
	}
	json_object_set_new(fields, dot + 1, v);
}

static json_t *many(struct cli_call *c, const struct cli_option *o, int *code)
{
	json_t *list = json_array();
	const char *text;
	for (size_t i = 0; *code == CLI_DONE && (text = cli_next(c, o->name, &i));)
		json_array_append_new(list, value(c, o, text, code));
	return list;
}

json_t *cli_body(struct cli_call *c, int *code)
{
	json_t *body = c->command->constant ? json_loads(c->command->constant, 0, NULL) : json_object();
	*code = CLI_DONE;
	for (const struct cli_option *o = c->command->options; o->kind && *code == CLI_DONE; o++) {
		bool asked = o->kind == CLI_SECRET || o->kind == CLI_SECRET_NEW;
		const char *text = cli_get(c, o->name);
		bool only = o->kind == CLI_IDENTITY &&
			cli_is_argument(o); /* the one that acts, or is alone here */
		if (!o->field || (!text && !asked && !only))
			continue;
		bool list = o->many && o->kind != CLI_READERS;
		json_t *v = list ? many(c, o, code) : value(c, o, text, code);
		if (!v && *code == CLI_DONE)
			*code = cli_problemf(c, "USAGE", "%s is no text in UTF-8.", o->name);
		if (*code == CLI_DONE)
			put_field(body, o->field, v);
		else
			json_decref(v);
	}
	if (*code == CLI_DONE)
		return body;
	json_decref(body);
	return NULL;
}

/* ---- the work */

/* A list that goes on is asked for to its end, unless a limit was given. */
static int more_pages(struct cli_call *c, const char *path, json_t *answer)
{
	json_t *items = json_object_get(answer, "items");
	char next[2 * CLI_PATH_BYTES];
	int code = CLI_DONE;
	for (int i = 0; i < PAGES_MAX && code == CLI_DONE && !cli_given(c, "limit"); i++) {
		const char *cursor = json_string_value(json_object_get(answer, "cursor"));
		json_t *page = NULL;
		struct buf b = {0};
		if (!cursor || !*cursor || !json_is_array(items))
			break;
		if (!put_escaped(&b, cursor) || buf_put(&b, "", 1) != OK) {
			buf_free(&b);
			return cli_problem(c, "MEMORY", 0, "out of memory.");
		}
		snprintf(next, sizeof next, "%s%ccursor=%s", path, strchr(path, '?') ? '&' : '?',
			(const char *)b.p);
		buf_free(&b);
		code = cli_ask_json(c, "GET", next, NULL, &page);
		if (code != CLI_DONE)
			break;
		json_array_extend(items, json_object_get(page, "items"));
		json_t *after = json_object_get(page, "cursor");
		if (after)
			json_object_set(answer, "cursor", after);
		else
			json_object_del(answer, "cursor");
		json_decref(page);
	}
	return code;
}

int cli_run(struct cli_call *c)
{
	char path[CLI_PATH_BYTES];
	json_t *body = NULL, *answer = NULL;
	bool get = strcmp(c->command->method, "GET") == 0;
	int code = cli_path(c, c->command->route, path);
	/* DELETE and PUT say all in their path. */
	if (code == CLI_DONE && strcmp(c->command->method, "POST") == 0)
		body = cli_body(c, &code);
	if (code == CLI_DONE)
		code = cli_ask_json(c, c->command->method, path, body, &answer);
	json_decref(body);
	if (code == CLI_DONE && get)
		code = more_pages(c, path, answer);
	if (code == CLI_DONE)
		code = cli_show(c, answer);
	json_decref(answer);
	return code;
}
