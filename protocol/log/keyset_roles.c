/* keyset_roles.c -- hosting nodes and officers in force, the ends that name them, and what an officer may. SPEC.md sections 3.3 and 3.5. */
#include "protocol/log/keyset_internal.h"

struct roles {
	const struct keyset_state *st;
	const bool *in_force;
	bool *ended; /* of each event: an end in force names it */
	const struct record **ends; /* in force, of an officer event in force */
	size_t ends_n, marks_n;
};

static bool is_role(const struct roles *s, const struct record *r, enum keyevent_kind kind)
{
	return s->in_force[r->index] && r->kind == kind;
}

static size_t count_roles(const struct roles *s, enum keyevent_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < s->st->n; i++)
		n += is_role(s, s->st->order[i], kind);
	return n;
}

/* By the officer event that it names, then by its id. */
static int end_compare(const void *x, const void *y)
{
	const struct record *a = *(const struct record *const *)x, *b = *(const struct record *const *)y;
	int c = id32_cmp(&a->key[0], &b->key[0]);
	return c ? c : id32_cmp(&a->id, &b->id);
}

static int hosting_compare(const void *x, const void *y)
{
	const struct keyset_hosting *a = (const struct keyset_hosting *)x,
				    *b = (const struct keyset_hosting *)y;
	return id32_cmp(&a->event, &b->event);
}

static int officer_compare(const void *x, const void *y)
{
	const struct keyset_officer *a = (const struct keyset_officer *)x,
				    *b = (const struct keyset_officer *)y;
	return id32_cmp(&a->event, &b->event);
}

/* SPEC 3.5: "An *end* in force ends the officer or hosting event that it names, whatever the order." */
static void find_ends(struct roles *s)
{
	for (size_t i = 0; i < s->st->n; i++) {
		const struct record *r = s->st->order[i];
		const struct record *named = is_role(s, r, KEYEVENT_END) ? keyset_record(s->st, &r->key[0])
									 : NULL;
		if (!named)
			continue;
		s->ended[named->index] = true;
		/* SPEC 3.5: "only those of an end of an officer event mean anything" */
		if (!is_role(s, named, KEYEVENT_OFFICER))
			continue;
		s->ends[s->ends_n++] = r;
		s->marks_n += r->marks_n;
	}
	if (s->ends_n)
		qsort(s->ends, s->ends_n, sizeof *s->ends, end_compare);
}

static enum err view_ends(const struct roles *s, struct keyset_view *v)
{
	size_t at = 0;
	v->ends = (struct keyset_end *)calloc(s->ends_n + 1, sizeof *v->ends);
	v->marks = (struct keyset_mark *)calloc(s->marks_n + 1, sizeof *v->marks);
	if (!v->ends || !v->marks)
		return ERR_MEMORY;
	for (size_t i = 0; i < s->ends_n; i++) {
		const struct record *r = s->ends[i];
		if (r->marks_n)
			memcpy(v->marks + at, r->marks, r->marks_n * sizeof *r->marks);
		v->ends[v->ends_n++] = (struct keyset_end){r->id, r->marks_n, v->marks + at};
		at += r->marks_n;
	}
	return OK;
}

/* The ends stand in the order of the officer events that they name. */
static enum err view_officers(const struct roles *s, struct keyset_view *v)
{
	size_t n = count_roles(s, KEYEVENT_OFFICER), at = 0;
	v->officers = (struct keyset_officer *)calloc(n + 1, sizeof *v->officers);
	v->officers_all = (struct keyset_officer *)calloc(n + 1, sizeof *v->officers_all);
	if (!v->officers || !v->officers_all)
		return ERR_MEMORY;
	for (size_t i = 0; i < s->st->n; i++) {
		const struct record *r = s->st->order[i];
		if (is_role(s, r, KEYEVENT_OFFICER))
			v->officers_all[v->officers_all_n++] = (struct keyset_officer){.event = r->id,
				.identity = r->key[0],
				.rights = r->number,
				.ended = s->ended[i]};
	}
	qsort(v->officers_all, n, sizeof *v->officers_all, officer_compare);
	for (size_t i = 0; i < n; i++) {
		struct keyset_officer *o = &v->officers_all[i];
		if (!o->ended)
			v->officers[v->officers_n++] = *o;
		o->ends = v->ends + at;
		while (at < s->ends_n && id32_equal(&s->ends[at]->key[0], &o->event))
			at++;
		o->ends_n = (size_t)(v->ends + at - o->ends);
	}
	return OK;
}

static enum err view_hostings(const struct roles *s, struct keyset_view *v)
{
	v->hostings = (struct keyset_hosting *)calloc(
		count_roles(s, KEYEVENT_HOSTING) + 1, sizeof *v->hostings);
	if (!v->hostings)
		return ERR_MEMORY;
	for (size_t i = 0; i < s->st->n; i++) {
		const struct record *r = s->st->order[i];
		if (!s->ended[i] && is_role(s, r, KEYEVENT_HOSTING))
			v->hostings[v->hostings_n++] = (struct keyset_hosting){
				r->id, r->key[0], r->key[1], r->key[2]};
	}
	qsort(v->hostings, v->hostings_n, sizeof *v->hostings, hosting_compare);
	return OK;
}

enum err keyset_view_roles(const struct keyset_state *st, const bool *in_force, struct keyset_view *v)
{
	struct roles s = {.st = st, .in_force = in_force};
	enum err e = ERR_MEMORY;
	s.ended = (bool *)calloc(st->n + 1, sizeof *s.ended);
	s.ends = (const struct record **)calloc(st->n + 1, sizeof(const struct record *));
	if (!s.ended || !s.ends)
		goto out;
	find_ends(&s);
	e = view_hostings(&s, v);
	if (e == OK)
		e = view_ends(&s, v);
	if (e == OK)
		e = view_officers(&s, v);
out:
	free(s.ended);
	free(s.ends);
	return e;
}

/* SPEC 3.5: "each end in force of that event has a mark of l with a length greater than s" */
static bool is_marked(const struct keyset_end *end, const struct id32 *log, uint64_t seq)
{
	for (size_t i = 0; i < end->marks_n; i++)
		if (id32_equal(&end->marks[i].log, log))
			return end->marks[i].length > seq;
	return false;
}

static bool gives(const struct keyset_officer *o, const struct id32 *log, uint64_t seq)
{
	for (size_t i = 0; i < o->ends_n; i++)
		if (!is_marked(&o->ends[i], log, seq))
			return false;
	return true;
}

bool keyset_officer_may(const struct keyset_view *v, const struct id32 *officer, uint32_t right,
	const struct id32 *log, uint64_t seq)
{
	for (size_t i = 0; right && i < v->officers_all_n; i++) {
		const struct keyset_officer *o = &v->officers_all[i];
		/* SPEC 3.5: "Of several officer events one is enough." */
		if ((o->rights & right) == right && id32_equal(&o->identity, officer) && gives(o, log, seq))
			return true;
	}
	return false;
}
