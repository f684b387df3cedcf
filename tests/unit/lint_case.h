/* lint_case.h -- a sound text with one place changed, and what lint must say of it. */
#ifndef QUIRE_TESTS_LINT_CASE_H
#define QUIRE_TESTS_LINT_CASE_H

#include "protocol/award/definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

struct lint_case {
	const char *old, *new; /* old: in the text once */
	unsigned line; /* 0 and field NULL: nothing is wrong */
	const char *field, *what; /* a part of what is said */
};

/* The whole file, ended with NUL; free it. */
static inline char *lint_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = (char *)calloc(1, 1u << 20);
	if (!f || !text || fread(text, 1, (1u << 20) - 1, f) == 0) {
		fprintf(stderr, "cannot read %s\n", path);
		abort();
	}
	fclose(f);
	return text;
}

/* A copy of the text with old, which must be there exactly once, replaced; free it. */
static inline char *lint_changed(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	if (!at || strstr(at + 1, old)) {
		fprintf(stderr, "not there exactly once: %s\n", old);
		abort();
	}
	size_t before = (size_t)(at - text), room = strlen(text) + strlen(new) + 1;
	char *out = (char *)calloc(1, room);
	if (!out)
		abort();
	snprintf(out, room, "%.*s%s%s", (int)before, text, new, at + strlen(old));
	return out;
}

static inline void lint_expect(const struct finding *found, const struct lint_case *c, size_t n)
{
	if (!c->field) {
		if (n > 0)
			fail_msg("%s: found %s: %s", c->new, found[0].field, found[0].what);
		return;
	}
	if (n != 1 || found[0].line != c->line || strcmp(found[0].field, c->field) != 0 ||
		!strstr(found[0].what, c->what))
		fail_msg("%s: %zu found, the first in line %u: \"%s\" %s", c->new, n, n ? found[0].line : 0,
			n ? found[0].field : "", n ? found[0].what : "");
}

#endif
