/* config.c -- see config.h. The table of keys comes from config.def; parser, check and explanation read the same table. */
#include "config.h"

#include "address.h"
#include "proxy.h"

#include <errno.h>
#include <stdio.h>

#define FILE_BYTES_MAX 65536u
#define WHY_BYTES 512

enum kind { KIND_STR, KIND_UINT, KIND_CHOICE };

struct setting {
	const char *section, *key, *name; /* name: "section.key" */
	enum kind kind;
	size_t offset;
	const char *def; /* of strings and choices */
	uint64_t def_uint, min, max;
	const char *unit, *choices, *help;
};

static const struct setting settings[] = {
#define CONFIG_STR(s, k, field, d, h) \
	{.section = #s, \
		.key = #k, \
		.name = #s "." #k, \
		.kind = KIND_STR, \
		.offset = offsetof(struct config, field), \
		.def = (d), \
		.help = (h)},
#define CONFIG_UINT(s, k, field, d, lo, hi, u, h) \
	{.section = #s, \
		.key = #k, \
		.name = #s "." #k, \
		.kind = KIND_UINT, \
		.offset = offsetof(struct config, field), \
		.def_uint = (d), \
		.min = (lo), \
		.max = (hi), \
		.unit = (u), \
		.help = (h)},
#define CONFIG_CHOICE(s, k, field, d, c, h) \
	{.section = #s, \
		.key = #k, \
		.name = #s "." #k, \
		.kind = KIND_CHOICE, \
		.offset = offsetof(struct config, field), \
		.def = (d), \
		.choices = (c), \
		.help = (h)},
#include "config.def"
#undef CONFIG_STR
#undef CONFIG_UINT
#undef CONFIG_CHOICE
};

#define SETTINGS (sizeof settings / sizeof settings[0])
#define NAME_BYTES_MAX 64u

static char *text_at(struct config *c, const struct setting *s)
{
	return (char *)c + s->offset;
}

static const char *text_of(const struct config *c, const struct setting *s)
{
	return (const char *)c + s->offset;
}

static uint64_t uint_of(const struct config *c, const struct setting *s)
{
	uint64_t v;
	memcpy(&v, (const char *)c + s->offset, sizeof v);
	return v;
}

/* ---- defaults */

static void home_from_environment(char *out, size_t n)
{
	const char *home = getenv("QUIRE_HOME"), *data = getenv("XDG_DATA_HOME"), *user = getenv("HOME");
	if (home && *home)
		snprintf(out, n, "%s", home);
	else if (data && *data == '/')
		snprintf(out, n, "%s/quire", data);
	else
		snprintf(out, n, "%s/.local/share/quire", user && *user ? user : "");
}

void config_init(struct config *c)
{
	*c = (struct config){0};
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &settings[i];
		if (s->kind == KIND_UINT)
			memcpy((char *)c + s->offset, &s->def_uint, sizeof s->def_uint);
		else
			memcpy(text_at(c, s), s->def, strlen(s->def) + 1);
	}
	home_from_environment(c->home, sizeof c->home);
}

/* ---- one value */

static size_t least3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* How many letters must be put in, taken out or changed to make b of a (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_BYTES_MAX + 1], b_n = strnlen(b, NAME_BYTES_MAX);
	for (size_t j = 0; j <= b_n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_n; j++) {
			size_t above = row[j];
			row[j] = least3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_n];
}

static const char *nearest(const char *name)
{
	const char *best = settings[0].name;
	size_t best_distance = SIZE_MAX;
	for (size_t i = 0; i < SETTINGS; i++) {
		const char *dot = strchr(name, '.');
		size_t d = distance(name, settings[i].name);
		/* The right key in the wrong section is nearest of all. */
		if (dot && strcmp(dot + 1, settings[i].key) == 0)
			d = 0;
		if (d < best_distance) {
			best_distance = d;
			best = settings[i].name;
		}
	}
	return best;
}

static const struct setting *find(const char *name)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t n = strlen(value);
	for (const char *p = choices; *p;) {
		size_t m = strcspn(p, "|");
		if (m == n && memcmp(p, value, n) == 0)
			return true;
		p += m + (p[m] == '|');
	}
	return false;
}

static bool uint_parse(const char *value, uint64_t *out)
{
	uint64_t v = 0;
	if (!*value)
		return false;
	for (const char *p = value; *p; p++) {
		uint64_t digit = (uint64_t)(*p - '0');
		if (*p < '0' || *p > '9' || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

/* Words of a list of addresses: at most four, each to be dialled by others. */
static bool advertise_ok(const char *value)
{
	size_t count = 0;
	for (const char *p = value; *p;) {
		size_t n = strcspn(p, " ");
		char word[CONFIG_TEXT_BYTES];
		struct address a;
		memcpy(word, p, n);
		word[n] = 0;
		if (n > 0 && (n > 64 || ++count > 4 || address_parse(word, false, &a) != OK))
			return false;
		p += n + (p[n] == ' ');
	}
	return true;
}

static enum err set_text(struct config *c, const struct setting *s, const char *value, char why[WHY_BYTES])
{
	struct address a;
	if (strlen(value) >= CONFIG_TEXT_BYTES) {
		snprintf(why, WHY_BYTES, "%s is longer than %d bytes", s->name, CONFIG_TEXT_BYTES - 1);
		return ERR_INPUT;
	}
	bool listens = strcmp(s->name, "peers.listen") == 0 || strcmp(s->name, "page.http") == 0;
	if (listens && strcmp(value, "off") != 0 && address_parse(value, true, &a) != OK) {
		snprintf(why, WHY_BYTES,
			"%s is \"%s\": it must be ADDRESS:PORT, as 127.0.0.1:7411 or [::1]:7411, or off",
			s->name, value);
		return ERR_INPUT;
	}
	if (strcmp(s->name, "peers.advertise") == 0 && !advertise_ok(value)) {
		snprintf(why, WHY_BYTES,
			"%s is \"%s\": it must be up to four HOST:PORT, separated by spaces, each of at most 64 bytes",
			s->name, value);
		return ERR_INPUT;
	}
	struct proxy_at proxy;
	if (strcmp(s->name, "peers.proxy") == 0 && proxy_parse(value, &proxy) != OK) {
		snprintf(why, WHY_BYTES,
			"%s must be socks5://[USER:PASSWORD@]HOST:PORT or http://[USER:PASSWORD@]HOST:PORT, or empty; in USER and PASSWORD, %%XX stands for what is no letter of a URL",
			s->name);
		return ERR_INPUT;
	}
	memcpy(text_at(c, s), value, strlen(value) + 1);
	return OK;
}

static enum err set_value(struct config *c, const struct setting *s, const char *value, char why[WHY_BYTES])
{
	uint64_t v = 0;
	switch (s->kind) {
	case KIND_STR: return set_text(c, s, value, why);
	case KIND_UINT:
		if (!uint_parse(value, &v) || v < s->min || v > s->max) {
			snprintf(why, WHY_BYTES,
				"%s is \"%.64s\": it must be a whole number from %llu to %llu (%s)", s->name,
				value, (unsigned long long)s->min, (unsigned long long)s->max, s->unit);
			return ERR_INPUT;
		}
		memcpy((char *)c + s->offset, &v, sizeof v);
		return OK;
	case KIND_CHOICE:
		if (!is_choice(s->choices, value)) {
			snprintf(why, WHY_BYTES, "%s is \"%.64s\": it must be one of %s", s->name, value,
				s->choices);
			return ERR_INPUT;
		}
		memcpy(text_at(c, s), value, strlen(value) + 1);
		return OK;
	}
	abort();
}

enum err config_set(struct config *c, const char *key, const char *value, char why[WHY_BYTES])
{
	const struct setting *s = find(key);
	if (!s) {
		snprintf(why, WHY_BYTES, "unknown setting %.64s; the nearest is %s", key, nearest(key));
		return ERR_INPUT;
	}
	return set_value(c, s, value, why);
}

/* ---- the file */

static char *trim(char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	size_t n = strlen(p);
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r'))
		p[--n] = 0;
	return p;
}

struct reader {
	struct config *c;
	const char *path;
	unsigned line;
	char section[NAME_BYTES_MAX];
	bool seen[SETTINGS];
};

static enum err wrong(const struct reader *r, char why[WHY_BYTES], const char *text)
{
	snprintf(why, WHY_BYTES, "%.200s:%u: %.290s", r->path, r->line, text);
	return ERR_INPUT;
}

static enum err read_section(struct reader *r, char *p, char why[WHY_BYTES])
{
	char text[WHY_BYTES];
	size_t n = strlen(p);
	if (p[n - 1] != ']')
		return wrong(r, why, "a section is written as [name]");
	p[n - 1] = 0;
	p = trim(p + 1);
	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(settings[i].section, p) == 0) {
			snprintf(r->section, sizeof r->section, "%s", p);
			return OK;
		}
	}
	const char *best = settings[0].section;
	for (size_t i = 1; i < SETTINGS; i++)
		if (distance(p, settings[i].section) < distance(p, best))
			best = settings[i].section;
	snprintf(text, sizeof text, "unknown section [%.64s]; the nearest is [%s]", p, best);
	return wrong(r, why, text);
}

static enum err read_line(struct reader *r, char *p, char why[WHY_BYTES])
{
	char name[2 * NAME_BYTES_MAX], text[WHY_BYTES];
	p = trim(p);
	if (!*p || *p == '#' || *p == ';')
		return OK;
	if (*p == '[')
		return read_section(r, p, why);
	char *equals = strchr(p, '=');
	if (!equals)
		return wrong(r, why, "a setting is written as key = value");
	if (!r->section[0])
		return wrong(r, why, "a setting stands before the first [section]");
	*equals = 0;
	snprintf(name, sizeof name, "%s.%.62s", r->section, trim(p));
	const struct setting *s = find(name);
	if (s && r->seen[s - settings]) {
		snprintf(text, sizeof text, "%s is set twice", name);
		return wrong(r, why, text);
	}
	enum err e = config_set(r->c, name, trim(equals + 1), text);
	if (e != OK)
		return wrong(r, why, text);
	r->seen[s - settings] = true;
	return OK;
}

static enum err read_all(const char *path, char *out, size_t *n, char why[WHY_BYTES])
{
	FILE *f = fopen(path, "re");
	if (!f) {
		enum err e = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
		snprintf(why, WHY_BYTES, "%.300s: %.100s", path, strerror(errno));
		return e;
	}
	*n = fread(out, 1, FILE_BYTES_MAX + 1, f);
	enum err e = ferror(f) ? ERR_IO : OK;
	(void)fclose(f);
	if (e != OK)
		snprintf(why, WHY_BYTES, "%.300s: cannot be read", path);
	else if (*n > FILE_BYTES_MAX || memchr(out, 0, *n)) {
		snprintf(why, WHY_BYTES, "%.300s: is no file of settings (over %u bytes, or not text)", path,
			FILE_BYTES_MAX);
		e = ERR_INPUT;
	}
	return e;
}

enum err config_read(struct config *c, const char *path, char why[WHY_BYTES])
{
	size_t n = 0;
	char *text = (char *)malloc(FILE_BYTES_MAX + 2);
	if (!text) {
		snprintf(why, WHY_BYTES, "%s", err_text(ERR_MEMORY));
		return ERR_MEMORY;
	}
	enum err e = read_all(path, text, &n, why);
	/* All or nothing: a wrong line leaves *c as it was. */
	struct config *fresh = (struct config *)malloc(sizeof *fresh);
	if (e == OK && !fresh) {
		snprintf(why, WHY_BYTES, "%s", err_text(ERR_MEMORY));
		e = ERR_MEMORY;
	}
	if (e == OK) {
		*fresh = *c;
		struct reader r = {.c = fresh, .path = path};
		text[n] = 0;
		for (char *p = text, *end; e == OK && p; p = end) {
			end = strchr(p, '\n');
			if (end)
				*end++ = 0;
			r.line++;
			e = read_line(&r, p, why);
		}
	}
	if (e == OK)
		*c = *fresh;
	free(fresh);
	free(text);
	return e;
}

static enum err show_one(const struct config *c, const struct setting *s, struct buf *out)
{
	char text[2 * CONFIG_TEXT_BYTES + 512];
	int n = 0;
	switch (s->kind) {
	case KIND_STR:
		n = snprintf(text, sizeof text, "# %s\n# default: %s\n%s = %s\n", s->help, s->def, s->key,
			text_of(c, s));
		break;
	case KIND_UINT:
		n = snprintf(text, sizeof text, "# %s\n# default: %llu; from %llu to %llu %s\n%s = %llu\n",
			s->help, (unsigned long long)s->def_uint, (unsigned long long)s->min,
			(unsigned long long)s->max, s->unit, s->key, (unsigned long long)uint_of(c, s));
		break;
	case KIND_CHOICE:
		n = snprintf(text, sizeof text, "# %s\n# default: %s; one of %s\n%s = %s\n", s->help, s->def,
			s->choices, s->key, text_of(c, s));
		break;
	}
	return buf_put(out, text, (size_t)n);
}

enum err config_show(const struct config *c, struct buf *out)
{
	const char *section = "";
	for (size_t i = 0; i < SETTINGS; i++) {
		char head[NAME_BYTES_MAX + 8];
		enum err e = OK;
		if (strcmp(section, settings[i].section) != 0) {
			section = settings[i].section;
			int n = snprintf(head, sizeof head, "%s[%s]\n", i ? "\n" : "", section);
			e = buf_put(out, head, (size_t)n);
		}
		if (e == OK)
			e = show_one(c, &settings[i], out);
		if (e != OK)
			return e;
	}
	return OK;
}
