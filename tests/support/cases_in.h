/* cases_in.h -- what the parts of quire_cases.c share: drawing bytes, and writing one case after the other. */
#ifndef QUIRE_TESTS_CASES_IN_H
#define QUIRE_TESTS_CASES_IN_H

#include "protocol/log/entry.h"
#include "protocol/log/secret.h"
#include "seeded_random.h"

#include <jansson.h>
#include <sodium.h>

extern struct seeded_random cases_seed; /* a copy draws what comes next once more */
extern struct random_source cases_rnd; /* from it */
extern json_t *cases_list;

/* Append the cases of sections 1 to 4, and of sections 4.6, 5, 6, 8, 12 and 13. */
void cases_make_plain(void);
void cases_make_sealed(void);

static inline void must(bool ok)
{
	if (!ok)
		abort();
}

static inline void draw(void *out, size_t n)
{
	random_fill(&cases_rnd, out, n);
}

static inline struct id32 draw_id(void)
{
	struct id32 id;
	draw(id.b, 32);
	return id;
}

static inline json_t *hex(const void *p, size_t n)
{
	char *text = malloc(2 * n + 1);
	must(text != NULL);
	sodium_bin2hex(text, 2 * n + 1, p, n);
	json_t *v = json_string(text);
	free(text);
	return v;
}

static inline json_t *hex_id(const struct id32 *id)
{
	return hex(id->b, 32);
}

static inline json_t *hex_slice(struct slice s)
{
	return hex(s.p, s.n);
}

static inline void set(json_t *c, const char *field, json_t *value)
{
	must(json_object_set_new(c, field, value) == 0);
}

static inline void set_int(json_t *c, const char *field, uint64_t v)
{
	set(c, field, json_integer((json_int_t)v));
}

static inline json_t *begin(const char *name)
{
	json_t *c = json_object();
	set_int(c, "id", json_array_size(cases_list) + 1);
	set(c, "case", json_string(name));
	must(json_array_append_new(cases_list, c) == 0);
	return c;
}

static inline json_t *begin_refused(const char *name, const char *note)
{
	json_t *c = begin(name);
	set(c, "valid", json_false());
	set(c, "note", json_string(note));
	return c;
}

/* One who writes a log. */
struct writer {
	uint8_t seed[32], secret[64];
	struct id32 identity, key, log;
};

static inline struct writer draw_writer(void)
{
	struct writer w = {.identity = draw_id()};
	draw(w.seed, sizeof w.seed);
	secret_sign_pair(w.seed, &w.key, w.secret);
	w.log = entry_log_id(&w.identity, &w.key);
	return w;
}

#endif
