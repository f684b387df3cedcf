/* submission_panel.c -- who will be able to read a submission, by name. The keys that it is sealed to come from audience_panel(). */
#include "submission.h"

#include "bounds.h"

struct panel {
	struct catalogue *c;
	json_t *readers, *skipped;
	size_t n;
	struct id32 seen[LIMIT_READERS];
};

static enum err add(struct panel *p, const struct id32 *id, const char *role)
{
	struct judge_identity found;
	for (size_t i = 0; i < p->n; i++)
		if (id32_equal(&p->seen[i], id))
			return OK;
	enum err e = cases_identity(p->c->cases, id, &found);
	const char *why = e == ERR_NOT_FOUND          ? "its keys are not on this node: follow it first"
		: e == OK && !found.view->has_reading ? "it has no reading key"
		: p->n == LIMIT_READERS - 1           ? "there are too many readers"
						      : NULL;
	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	json_t *one = names_json(p->c->names, id);
	if (!one || json_object_set_new(one, "role", json_string(role)) != 0 ||
		(why && json_object_set_new(one, "why", json_string(why)) != 0)) {
		json_decref(one);
		return ERR_MEMORY;
	}
	if (p->n < LIMIT_READERS)
		p->seen[p->n++] = *id;
	return json_array_append_new(why ? p->skipped : p->readers, one) == 0 ? OK : ERR_MEMORY;
}

/* Those whom audience_panel() adds, in its order. */
static enum err add_all(struct panel *p, const struct entry_ref *definition, const struct id32 *issuer,
	const struct id32 *earner)
{
	struct judge_identity institution;
	struct id32 *reviewers = NULL;
	size_t n = 0;
	enum err e = add(p, issuer, "issuer");
	if (e == OK && cases_identity(p->c->cases, issuer, &institution) == OK)
		for (size_t i = 0; e == OK && i < institution.view->officers_n; i++)
			if (institution.view->officers[i].rights & AUDIENCE_OFFICER_RIGHTS)
				e = add(p, &institution.view->officers[i].identity, "officer");
	if (e == OK && earner)
		e = add(p, earner, "earner");
	if (e == OK)
		e = cases_reviewers(p->c->cases, definition, &reviewers, &n);
	for (size_t i = 0; e == OK && i < n; i++)
		e = add(p, &reviewers[i], "reviewer");
	free(reviewers);
	return e;
}

enum err submission_readers(struct catalogue *c, const struct entry_ref *definition,
	const struct id32 *issuer, const struct id32 *earner, json_t **readers, json_t **skipped)
{
	struct panel *p = (struct panel *)calloc(1, sizeof *p);
	if (!p)
		return ERR_MEMORY;
	*p = (struct panel){.c = c, .readers = json_array(), .skipped = json_array()};
	enum err e = p->readers && p->skipped ? add_all(p, definition, issuer, earner) : ERR_MEMORY;
	if (e == OK) {
		*readers = p->readers;
		*skipped = p->skipped;
	} else {
		json_decref(p->readers);
		json_decref(p->skipped);
	}
	free(p);
	return e;
}
