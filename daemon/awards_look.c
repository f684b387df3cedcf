/* awards_look.c -- one award, judged over what a session can open. See awards.h. */
#include "awards.h"

#include "protocol/log/record.h"

enum err awards_look(struct catalogue *c, const struct entry_ref *at, struct award_look *out)
{
	*out = (struct award_look){.j = (struct award_judgement *)calloc(1, sizeof *out->j)};
	if (!out->j)
		return ERR_MEMORY;
	enum err e = cases_award(c->cases, at, &out->g);
	if (e == OK)
		e = judge_award(&out->g.judge, &at->id, out->j);
	if (e == ERR_NOT_FOUND)
		e = act_say(c->act, e, "This entry is not an award that can be read here.");
	if (e != OK)
		awards_look_free(out);
	return e;
}

void awards_look_free(struct award_look *l)
{
	gathered_free(&l->g);
	free(l->j);
	l->j = NULL;
}

size_t awards_reviews(const struct fact *award, struct entry_ref *out, size_t max)
{
	struct slice kind, fields;
	struct mp_in in;
	size_t n = 0, got = 0;
	if (record_open(award->data, &kind, &fields) != OK || record_get(fields, "reviews", &in) != OK ||
		mp_get_array(&in, 0, max, &n) != OK)
		return 0;
	while (got < n && record_get_ref(&in, &out[got]) == OK)
		got++;
	return got;
}
