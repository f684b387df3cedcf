/* judge_definition.c -- definitions that count, what descends from what, and the appointments that cover one. SPEC.md sections 16.3 and 16.4. */
#include "protocol/award/judge_int.h"

enum { DESCENT_STEPS_MAX = 64 };

/* ---- parsed */

static const struct definition *parse(struct judge_index *ix, struct judge_node *node)
{
	for (size_t i = 0; i < JUDGE_PARSED; i++)
		if (ix->parsed[i].node == node)
			return &ix->parsed[i].d;
	struct judge_parsed *p = &ix->parsed[ix->parsed_next];
	struct slice fields, text;
	if (p->node)
		definition_deinit(&p->d);
	p->node = NULL;
	if (!judge_fields(node, &fields) || record_get_str(fields, "definition", &text) != OK)
		return NULL;
	enum err e = definition_read_canonical(text, &p->d);
	if (e == ERR_MEMORY)
		ix->err = e;
	if (e != OK)
		return NULL;
	p->node = node;
	ix->parsed_next = (ix->parsed_next + 1) % JUDGE_PARSED;
	return &p->d;
}

const struct definition *judge_definition_of(struct judge_index *ix, struct judge_node *node)
{
	const struct definition *d = parse(ix, node);
	if (!d)
		ix->err = ERR_MEMORY; /* it was parsed before */
	return d;
}

/* SPEC 16.3: "A `microcredential` counts if its definition is as above and in canonical form" */
struct judge_reason judge_definition(struct judge_index *ix, struct judge_node *node)
{
	if (!node->counts.known) {
		struct judge_reason why = judge_act(ix, node);
		if (why.mark == JUDGE_GOOD && !parse(ix, node))
			why = judge_because(JUDGE_WRONG, "definition-unsound", &node->f->at.id,
				"The definition of the micro-credential is not as it must be, or not in canonical form.");
		node->counts = (struct judge_memo){true, why};
	}
	return node->counts.why;
}

struct judge_reason judge_definition_named(
	struct judge_index *ix, struct judge_node *node, const char *field, struct judge_node **definition)
{
	struct entry_ref ref;
	*definition = NULL;
	if (!judge_ref(node, field, &ref))
		return judge_because(JUDGE_WRONG, "malformed", &node->f->at.id, "The record is malformed.");
	enum judge_found found = judge_lookup(ix, &ref, FACT_DEFINITION, definition);
	return found == JUDGE_FOUND ? judge_definition(ix, *definition)
				    : judge_lost(found, FACT_DEFINITION, &ref.id);
}

/* ---- descent */

/* What x supersedes, if that counts; NULL otherwise. *gap: that is not at hand. */
static struct judge_node *superseded(struct judge_index *ix, struct judge_node *x, bool *gap)
{
	struct entry_ref ref;
	struct judge_node *older;
	if (!judge_ref(x, "supersedes", &ref))
		return NULL;
	enum judge_found found = judge_lookup(ix, &ref, FACT_DEFINITION, &older);
	if (found != JUDGE_FOUND) {
		*gap = found != JUDGE_OTHER;
		return NULL;
	}
	if (!id32_equal(&older->f->author, &x->f->author))
		return NULL;
	enum judge_mark mark = judge_definition(ix, older).mark;
	*gap = mark == JUDGE_UNKNOWN;
	return mark == JUDGE_GOOD ? older : NULL;
}

enum judge_mark judge_descends(struct judge_index *ix, struct judge_node *x, const struct judge_node *y)
{
	bool gap = false;
	for (size_t i = 0; x && i <= DESCENT_STEPS_MAX; i++) {
		if (x == y)
			return JUDGE_GOOD;
		x = superseded(ix, x, &gap);
	}
	return gap ? JUDGE_UNKNOWN : JUDGE_WRONG;
}

/* ---- appointments */

static int appointment_compare(const void *x, const void *y)
{
	const struct fact *a = ((const struct judge_appointment *)x)->f,
			  *b = ((const struct judge_appointment *)y)->f;
	int c = id32_cmp(&a->party, &b->party);
	return c ? c : id32_cmp(&a->at.id, &b->at.id);
}

static void read_marks(struct judge_index *ix, struct judge_node *node, struct judge_end *end)
{
	struct slice fields;
	struct mp_in in;
	size_t n;
	*end = (struct judge_end){.f = node->f};
	if (!judge_fields(node, &fields) || record_get(fields, "marks", &in) != OK ||
		mp_get_array(&in, 0, LIMIT_END_MARKS, &n) != OK)
		return;
	struct record_mark *marks = (struct record_mark *)judge_alloc(ix, n, sizeof *marks);
	for (size_t i = 0; marks && i < n; i++)
		if (record_get_mark(&in, &marks[i]) != OK)
			return;
	end->marks = marks;
	end->marks_n = marks ? n : 0;
}

/* SPEC 16.4: "An `appointment-end` counts if `of` names an `appointment` of the same identity that counts." */
static void add_ends(struct judge_index *ix, struct judge_appointment *a)
{
	struct judge_range r = judge_about(ix, &a->f->at.id, FACT_APPOINTMENT_END);
	struct judge_end *ends = (struct judge_end *)judge_alloc(ix, r.n, sizeof *ends);
	a->ends = ends;
	for (size_t i = 0; ends && i < r.n; i++)
		if (id32_equal(&r.first[i]->f->author, &a->f->author) &&
			judge_points(r.first[i], "of", &a->f->at) &&
			judge_act(ix, r.first[i]).mark == JUDGE_GOOD)
			read_marks(ix, r.first[i], &ends[a->ends_n++]);
}

static void add_appointments(
	struct judge_index *ix, struct judge_covering *c, const struct judge_node *definition)
{
	struct judge_range r = judge_about(ix, &definition->f->at.id, FACT_APPOINTMENT);
	for (size_t i = 0; i < r.n && ix->err == OK; i++) {
		if (!id32_equal(&r.first[i]->f->author, &definition->f->author) ||
			!judge_points(r.first[i], "for", &definition->f->at))
			continue;
		struct judge_appointment *a = &c->appointments[c->n++];
		*a = (struct judge_appointment){.f = r.first[i]->f, .why = judge_act(ix, r.first[i])};
		if (a->why.mark == JUDGE_GOOD)
			add_ends(ix, a);
	}
}

/* SPEC 16.4: "it covers that one and all that descend from it" */
const struct judge_covering *judge_covering(struct judge_index *ix, struct judge_node *definition)
{
	struct judge_covering *c = &ix->covering;
	struct judge_node *versions[DESCENT_STEPS_MAX + 1], *x = definition;
	size_t n = 0, room = 0;
	if (c->definition == definition)
		return c;
	*c = (struct judge_covering){.definition = definition};
	while (x && n <= DESCENT_STEPS_MAX) {
		for (size_t i = 0; i < n; i++)
			if (versions[i] == x)
				x = NULL; /* a circle, which only a fault brings about */
		if (!x)
			break;
		room += judge_about(ix, &x->f->at.id, FACT_APPOINTMENT).n;
		versions[n++] = x;
		x = superseded(ix, x, &c->gap);
	}
	c->appointments = (struct judge_appointment *)judge_alloc(ix, room, sizeof *c->appointments);
	for (size_t i = 0; c->appointments && i < n; i++)
		add_appointments(ix, c, versions[i]);
	if (c->n)
		qsort(c->appointments, c->n, sizeof *c->appointments, appointment_compare);
	return c;
}

const struct judge_appointment *judge_appointments_of(
	const struct judge_covering *c, const struct id32 *reviewer, size_t *n)
{
	size_t low = 0, high = c->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (id32_cmp(&c->appointments[mid].f->party, reviewer) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*n = 0;
	while (low + *n < c->n && id32_equal(&c->appointments[low + *n].f->party, reviewer))
		++*n;
	return c->appointments + low;
}

struct judge_reason judge_appointed(
	const struct judge_covering *c, const struct id32 *reviewer, const struct id32 *entry)
{
	size_t n;
	const struct judge_appointment *a = judge_appointments_of(c, reviewer, &n);
	if (n == 0)
		return judge_because(JUDGE_UNKNOWN, "appointment-missing", entry,
			c->gap ? "No appointment of this reviewer is at hand, and older versions of the definition are not either."
			       : "No appointment of this reviewer by the issuer is at hand.");
	bool unknown = false, ended = false;
	for (size_t i = 0; i < n; i++) {
		if (a[i].why.mark == JUDGE_GOOD && a[i].ends_n == 0)
			return JUDGE_FINE;
		unknown = unknown || a[i].why.mark == JUDGE_UNKNOWN;
		ended = ended || a[i].why.mark == JUDGE_GOOD;
	}
	if (unknown)
		return judge_because(JUDGE_UNKNOWN, "appointment-unknown", entry,
			"It cannot be told if the reviewer's appointment counts, since the issuer's key events are not at hand.");
	if (ended)
		return judge_because(
			JUDGE_WRONG, "appointment-ended", entry, "The reviewer's appointment had ended.");
	return judge_because(JUDGE_WRONG, "appointment", entry,
		"The reviewer's appointment does not count: whoever made it could not, or it lies behind the end of its log.");
}
