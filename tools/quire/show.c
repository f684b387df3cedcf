/* show.c -- answers and problems, as JSON or for people. */
#include "cli.h"

#include <stdarg.h>
#include <unistd.h>

#define CELL_BYTES 512
#define COLUMNS_MAX 10

void cli_print_json(struct cli_call *c, json_t *o)
{
	/* On a terminal nothing may turn or hide text. */
	size_t flags = JSON_INDENT(2) | (cli_terminal(c->out) ? JSON_ENSURE_ASCII : 0);
	json_object_set_new(o, "v", json_integer(1));
	if (json_dumpf(o, c->out, flags) == 0)
		fputc('\n', c->out);
}

/* "  line 3: pauses.level: what it must be" */
static void show_finding(struct cli_call *c, const json_t *one)
{
	static const char *const keys[] = {"field", "requirement", "what"};
	char clean[1024];
	json_int_t line = json_integer_value(json_object_get(one, "line"));
	fputs("  ", c->err);
	if (line)
		fprintf(c->err, "line %lld: ", (long long)line);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *text = json_string_value(json_object_get(one, keys[i]));
		if (text && *text)
			fprintf(c->err, "%s%s", cli_clean(text, clean, sizeof clean),
				i + 1 < sizeof keys / sizeof keys[0] ? ": " : "");
	}
	fputc('\n', c->err);
}

int cli_problem_with(struct cli_call *c, const char *code, long status, const char *detail, json_t *findings)
{
	int exit_code = cli_exit_of(code, status);
	char clean[1024];
	cli_clean(detail, clean, sizeof clean);
	if (!c->json) {
		fprintf(c->err, "quire: %s\n", clean);
		for (size_t i = 0; i < json_array_size(findings); i++)
			show_finding(c, json_array_get(findings, i));
		return exit_code;
	}
	json_t *o = json_pack(
		"{s:{s:s, s:s, s:i}}", "error", "code", code, "detail", clean, "exit", exit_code);
	if (o && status)
		json_object_set_new(json_object_get(o, "error"), "status", json_integer(status));
	if (o && findings)
		json_object_set(o, "findings", findings);
	if (o)
		cli_print_json(c, o);
	json_decref(o);
	return exit_code;
}

int cli_problem(struct cli_call *c, const char *code, long status, const char *detail)
{
	return cli_problem_with(c, code, status, detail, NULL);
}

int cli_problemf(struct cli_call *c, const char *code, const char *format, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return cli_problem(c, code, 0, text);
}

/* ---- one value as text */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

/* From the name of a field, where the table says nothing. */
static enum cli_form form_of(const char *field)
{
	static const char *const times[] = {"at", "time", "until", "expires", "since", "seen", "_s", "made"};
	if (strcmp(field, "hour") == 0)
		return FORM_HOUR;
	if (ends_with(field, "size") || ends_with(field, "bytes"))
		return FORM_SIZE;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		if (ends_with(field, times[i]))
			return FORM_TIME;
	return FORM_TEXT;
}

static void integer_cell(json_int_t v, enum cli_form form, char out[CELL_BYTES])
{
	if (form == FORM_SIZE && v >= 0)
		cli_size((uint64_t)v, out, CELL_BYTES);
	else if (form == FORM_HOUR && v > 0 && v < UINT32_MAX)
		cli_time(v * 3600, out, CELL_BYTES);
	else if (form == FORM_TIME && v > 1000000000)
		cli_time(v, out, CELL_BYTES);
	else
		snprintf(out, CELL_BYTES, "%lld", (long long)v);
}

static void cell(const json_t *v, enum cli_form form, char out[CELL_BYTES])
{
	*out = 0;
	if (json_is_string(v)) {
		cli_clean(json_string_value(v), out, CELL_BYTES);
		if (form == FORM_ID && strlen(out) > 8)
			out[8] = 0;
		char *colon = strchr(out, ':');
		if (form == FORM_REF && colon && colon - out > 8)
			memmove(out + 8, colon, strlen(colon) + 1);
	} else if (json_is_integer(v)) {
		integer_cell(json_integer_value(v), form, out);
	} else if (json_is_real(v)) {
		snprintf(out, CELL_BYTES, "%g", json_real_value(v));
	} else if (json_is_boolean(v)) {
		snprintf(out, CELL_BYTES, "%s", json_is_true(v) ? "yes" : "no");
	} else if (json_is_array(v)) {
		size_t n = 0;
		for (size_t i = 0; i < json_array_size(v) && n < CELL_BYTES - 2; i++) {
			char one[CELL_BYTES];
			cell(json_array_get(v, i), form, one);
			int more = snprintf(out + n, CELL_BYTES - n, "%s%s", i ? ", " : "", one);
			n = more < 0 ? CELL_BYTES : n + (size_t)more;
		}
	}
}

/* "a.b" is b inside of a. */
static json_t *field_of(const json_t *o, const char *field)
{
	const char *dot = strchr(field, '.');
	char first[64];
	if (!dot || (size_t)(dot - field) >= sizeof first)
		return json_object_get(o, field);
	memcpy(first, field, (size_t)(dot - field));
	first[dot - field] = 0;
	return json_object_get(json_object_get(o, first), dot + 1);
}

/* ---- lists */

struct table {
	struct cli_column columns[COLUMNS_MAX]; /* those that have something to show */
	size_t n, width[COLUMNS_MAX];
};

static bool has_content(const struct cli_column *column, const json_t *items)
{
	char text[CELL_BYTES];
	for (size_t i = 0; i < json_array_size(items); i++) {
		cell(field_of(json_array_get(items, i), column->field), column->form, text);
		if (*text)
			return true;
	}
	return false;
}

static void measure(struct table *t, const json_t *items, size_t terminal)
{
	char text[CELL_BYTES];
	size_t sum = 0;
	for (size_t k = 0; k < t->n; k++) {
		t->width[k] = cli_width(t->columns[k].title);
		for (size_t i = 0; i < json_array_size(items); i++) {
			cell(field_of(json_array_get(items, i), t->columns[k].field), t->columns[k].form,
				text);
			size_t w = cli_width(text);
			t->width[k] = w > t->width[k] ? w : t->width[k];
		}
		sum += t->width[k] + (k ? 2 : 0);
	}
	/* What does not fit is taken from the widest column. */
	while (terminal && sum > terminal) {
		size_t widest = 0;
		for (size_t k = 1; k < t->n; k++)
			widest = t->width[k] > t->width[widest] ? k : widest;
		if (t->width[widest] <= 8)
			return;
		t->width[widest]--;
		sum--;
	}
}

static void put_cell(FILE *f, const char *text, size_t width, bool last)
{
	size_t w = cli_width(text);
	if (w > width) {
		fprintf(f, "%.*s…", (int)cli_fit(text, width - 1), text);
		w = width;
	} else {
		fputs(text, f);
	}
	fprintf(f, "%*s", last ? 0 : (int)(width - w + 2), "");
}

static void show_items(struct cli_call *c, const json_t *items)
{
	struct table t = {0};
	char text[CELL_BYTES];
	for (const struct cli_column *k = c->command->columns; k->title && t.n < COLUMNS_MAX; k++)
		if (has_content(k, items))
			t.columns[t.n++] = *k;
	if (json_array_size(items) == 0) {
		cli_say(c, c->command->empty ? c->command->empty : "None.", NULL);
		return;
	}
	measure(&t, items, cli_terminal(c->out));
	fputs(c->color ? "\033[1m" : "", c->out);
	for (size_t k = 0; k < t.n; k++)
		put_cell(c->out, t.columns[k].title, t.width[k], k + 1 == t.n);
	fputs(c->color ? "\033[0m\n" : "\n", c->out);
	for (size_t i = 0; i < json_array_size(items); i++) {
		for (size_t k = 0; k < t.n; k++) {
			cell(field_of(json_array_get(items, i), t.columns[k].field), t.columns[k].form, text);
			put_cell(c->out, text, t.width[k], k + 1 == t.n);
		}
		fputc('\n', c->out);
	}
}

/* ---- objects */

static void show_text(struct cli_call *c, const char *text, size_t indent)
{
	char line[CELL_BYTES * 4], clean[CELL_BYTES * 4];
	for (bool first = true; *text; first = false) {
		size_t n = strcspn(text, "\n");
		size_t part = n < sizeof line - 1 ? n : sizeof line - 1;
		memcpy(line, text, part);
		line[part] = 0;
		fprintf(c->out, "%*s%s\n", first ? 0 : (int)indent, "", cli_clean(line, clean, sizeof clean));
		text += part + (part == n && text[n] ? 1 : 0);
	}
}

static void show_object(struct cli_call *c, json_t *o, size_t indent)
{
	const char *key;
	json_t *v;
	size_t widest = 0, i;
	char name[64], text[CELL_BYTES];
	json_object_foreach(o, key, v) if (!json_is_object(v) && strlen(key) > widest &&
		strlen(key) < sizeof name) widest = strlen(key);
	json_object_foreach(o, key, v)
	{
		if (indent == 0 && strcmp(key, "v") == 0)
			continue;
		cli_clean(key, name, sizeof name);
		for (char *p = name; *p; p++)
			*p = *p == '_' ? ' ' : *p;
		bool nested = json_is_object(v) || (json_is_array(v) && json_is_object(json_array_get(v, 0)));
		fprintf(c->out, "%*s%-*s%s", (int)indent, "", nested ? 0 : (int)widest + 2, name,
			nested ? "\n" : "");
		if (json_is_object(v) && indent < 8) {
			show_object(c, v, indent + 2);
		} else if (nested && json_is_array(v) && indent < 8) {
			json_t *item;
			json_array_foreach(v, i, item)
			{
				show_object(c, item, indent + 2);
				fputs(i + 1 < json_array_size(v) ? "\n" : "", c->out);
			}
		} else if (json_is_string(v) && *json_string_value(v)) {
			show_text(c, json_string_value(v), indent + widest + 2);
		} else {
			cell(v, form_of(key), text);
			fprintf(c->out, "%s\n", text);
		}
	}
}

/* ---- sentences */

void cli_say(struct cli_call *c, const char *template, json_t *answer)
{
	char name[64], text[CELL_BYTES];
	if (c->json || !template)
		return;
	for (const char *p = template; *p; p++) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		if (!end || (size_t)(end - p) > sizeof name) {
			fputc(*p, c->err);
			continue;
		}
		memcpy(name, p + 1, (size_t)(end - p - 1));
		name[end - p - 1] = 0;
		json_t *v = answer ? field_of(answer, name) : NULL;
		const char *given = v ? NULL : cli_get(c, name);
		if (v)
			cell(v, form_of(name), text);
		else
			cli_clean(given ? given : "", text, sizeof text);
		fputs(text, c->err);
		p = end;
	}
	fputc('\n', c->err);
}

static void show_code(struct cli_call *c, const char *given)
{
	char code[64];
	cli_clean(given, code, sizeof code);
	fputs("\n  +", c->err);
	for (size_t i = 0; i < strlen(code) + 4; i++)
		fputc('-', c->err);
	fprintf(c->err, "+\n  |  %s  |\n  +", code);
	for (size_t i = 0; i < strlen(code) + 4; i++)
		fputc('-', c->err);
	fputs("+\n\n"
	      "This is the recovery code. Write it on paper now: it is shown this once, and kept nowhere.\n"
	      "With it you get the identity back if this machine or the passphrase is lost. So does\n"
	      "whoever else holds it. Without both passphrase and code nobody can help you.\n\n",
		c->err);
}

int cli_show(struct cli_call *c, json_t *answer)
{
	const struct cli_command *k = c->command;
	const json_t *items = json_object_get(answer, "items");
	/* Of use to a browser only, and a secret. */
	json_object_del(answer, "token");
	if (c->json) {
		cli_print_json(c, answer);
		return CLI_DONE;
	}
	const char *warning = json_string_value(json_object_get(answer, "warning"));
	char clean[4096];
	if (warning)
		fprintf(c->err, "quire: warning: %s\n", cli_clean(warning, clean, sizeof clean));
	const char *code = json_string_value(json_object_get(answer, "recovery_code"));
	if (code) {
		show_code(c, code);
		json_object_del(answer, "recovery_code");
	}
	const char *data = k->data ? json_string_value(json_object_get(answer, k->data)) : NULL;
	if (k->columns && json_is_array(items))
		show_items(c, items);
	else if (data)
		fprintf(c->out, "%s\n", cli_clean(data, clean, sizeof clean));
	else if (!k->done)
		show_object(c, answer, 0);
	(void)fflush(c->out);
	cli_say(c, k->done, answer);
	return CLI_DONE;
}
