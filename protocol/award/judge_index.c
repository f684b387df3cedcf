/* judge_index.c -- the facts of a case, sorted once and found by entry or by what they are about. See judge_int.h. */
#include "protocol/award/judge_int.h"

#include "protocol/award/facts.h"

/* ---- sorting. Every order is total, so that nothing depends on the order of arrival. */

static int data_compare(struct slice a, struct slice b)
{
	if (a.p == b.p && a.n == b.n)
		return 0;
	size_t least = a.n < b.n ? a.n : b.n;
	int c = least ? memcmp(a.p, b.p, least) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* What all facts of one entry share. What lies behind the end of its log comes first. */
static int entry_compare(const struct fact *a, const struct fact *b)
{
	int c = id32_cmp(&a->at.id, &b->at.id);
	if (c == 0)
		c = (int)b->cut - (int)a->cut;
	if (c == 0)
		c = data_compare(a->data, b->data);
	if (c == 0)
		c = id32_cmp(&a->at.log, &b->at.log);
	if (c == 0)
		c = (a->at.seq > b->at.seq) - (a->at.seq < b->at.seq);
	if (c == 0)
		c = id32_cmp(&a->author, &b->author);
	return c ? c : (int)a->flags - (int)b->flags;
}

static int fact_compare(const void *x, const void *y)
{
	const struct fact *a = *(const struct fact *const *)x, *b = *(const struct fact *const *)y;
	int c = entry_compare(a, b);
	if (c == 0)
		c = (int)a->kind - (int)b->kind;
	if (c == 0)
		c = id32_cmp(&a->about, &b->about);
	if (c == 0)
		c = id32_cmp(&a->party, &b->party);
	return c ? c : (a->hour > b->hour) - (a->hour < b->hour);
}

static int about_compare(const void *x, const void *y)
{
	const struct fact *a = (*(struct judge_node *const *)x)->f, *b = (*(struct judge_node *const *)y)->f;
	int c = id32_cmp(&a->about, &b->about);
	if (c == 0)
		c = (int)a->kind - (int)b->kind;
	return c ? c : id32_cmp(&a->at.id, &b->at.id);
}

static int id_compare(const void *x, const void *y)
{
	return memcmp(x, y, sizeof(struct id32));
}

/* Of one identity with two sets of key events the larger one counts. */
static int identity_compare(const void *x, const void *y)
{
	const struct judge_identity *a = ((const struct judge_keys *)x)->who,
				    *b = ((const struct judge_keys *)y)->who;
	int c = id32_cmp(&a->id, &b->id);
	if (c || a->keys == b->keys)
		return c;
	size_t an = keyset_count(a->keys), bn = keyset_count(b->keys);
	if (an != bn)
		return an > bn ? -1 : 1;
	struct id32 as = keyset_sum(a->keys), bs = keyset_sum(b->keys);
	return id32_cmp(&as, &bs);
}

/* ---- building */

void *judge_alloc(struct judge_index *ix, size_t n, size_t size)
{
	void *p = n <= SIZE_MAX / 4 / size ? arena_alloc(&ix->arena, n * size) : NULL;
	if (!p)
		ix->err = ERR_MEMORY;
	else
		memset(p, 0, n * size);
	return p;
}

static bool same_fact(const struct fact *a, const struct fact *b)
{
	return entry_compare(a, b) == 0 && a->kind == b->kind && id32_equal(&a->about, &b->about);
}

/* One node for each thing that an entry states. Of an entry that comes with two contents, which only a fault brings about, one is kept. */
static enum err add_facts(struct judge_index *ix)
{
	const struct judge_case *c = ix->c;
	const struct fact **sorted = (const struct fact **)judge_alloc(ix, c->facts_n, sizeof *sorted);
	ix->nodes = (struct judge_node *)judge_alloc(ix, c->facts_n, sizeof *ix->nodes);
	ix->about = (struct judge_node **)judge_alloc(ix, c->facts_n, sizeof(struct judge_node *));
	size_t n = 0;
	if (ix->err != OK)
		return ix->err;
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].kind > FACT_NONE && c->facts[i].kind < FACT_KIND_COUNT)
			sorted[n++] = &c->facts[i];
	if (n)
		qsort(sorted, n, sizeof(const struct fact *), fact_compare);
	for (size_t i = 0; i < n; i++) {
		const struct fact *last = ix->n ? ix->nodes[ix->n - 1].f : NULL;
		bool same_entry = last && id32_equal(&last->at.id, &sorted[i]->at.id);
		if (same_entry && (entry_compare(last, sorted[i]) != 0 || same_fact(last, sorted[i])))
			continue;
		ix->nodes[ix->n++].f = sorted[i];
	}
	for (size_t i = 0; i < ix->n; i++)
		if (!id32_is_zero(&ix->nodes[i].f->about))
			ix->about[ix->about_n++] = &ix->nodes[i];
	if (ix->about_n)
		qsort(ix->about, ix->about_n, sizeof(struct judge_node *), about_compare);
	return OK;
}

static enum err add_identities(struct judge_index *ix)
{
	const struct judge_case *c = ix->c;
	ix->identities = (struct judge_keys *)judge_alloc(ix, c->identities_n, sizeof *ix->identities);
	ix->erased = (struct id32 *)judge_alloc(ix, c->erased_n, sizeof *ix->erased);
	size_t n = 0, kept = 0;
	if (ix->err != OK)
		return ix->err;
	for (size_t i = 0; i < c->identities_n; i++)
		if (c->identities[i].keys && c->identities[i].view)
			ix->identities[n++].who = &c->identities[i];
	if (n)
		qsort(ix->identities, n, sizeof *ix->identities, identity_compare);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !id32_equal(&ix->identities[kept - 1].who->id, &ix->identities[i].who->id))
			ix->identities[kept++] = ix->identities[i];
	ix->identities_n = kept;
	ix->erased_n = c->erased_n;
	if (c->erased_n) {
		memcpy(ix->erased, c->erased, c->erased_n * sizeof *c->erased);
		qsort(ix->erased, ix->erased_n, sizeof *ix->erased, id_compare);
	}
	return OK;
}

enum err judge_index_new(const struct judge_case *c, struct judge_index **out)
{
	if (c->facts_n > JUDGE_FACTS_MAX)
		return ERR_LIMIT;
	struct judge_index *ix = (struct judge_index *)calloc(1, sizeof *ix);
	if (!ix)
		return ERR_MEMORY;
	ix->c = c;
	ix->proofs = c->proofs ? c->proofs : &ix->own_proofs;
	enum err e = add_facts(ix);
	if (e == OK)
		e = add_identities(ix);
	if (e == OK)
		*out = ix;
	else
		judge_index_free(ix);
	return e;
}

void judge_index_free(struct judge_index *ix)
{
	for (size_t i = 0; ix && i < JUDGE_PARSED; i++)
		if (ix->parsed[i].node)
			definition_deinit(&ix->parsed[i].d);
	if (ix)
		arena_free(&ix->arena);
	free(ix);
}

/* ---- finding */

static int place(const struct fact *f, const struct id32 *about, enum fact_kind kind)
{
	int c = id32_cmp(&f->about, about);
	return c ? c : (int)f->kind - (int)kind;
}

struct judge_range judge_about(const struct judge_index *ix, const struct id32 *about, enum fact_kind kind)
{
	size_t low = 0, high = ix->about_n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (place(ix->about[mid]->f, about, kind) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	struct judge_range r = {.first = ix->about + low};
	while (low + r.n < ix->about_n && place(r.first[r.n]->f, about, kind) == 0)
		r.n++;
	return r;
}

/* The first node of this entry whose kind is `kind` or a later one; ix->n: none. */
static size_t lower(const struct judge_index *ix, const struct id32 *entry, enum fact_kind kind)
{
	size_t low = 0, high = ix->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct fact *f = ix->nodes[mid].f;
		int c = id32_cmp(&f->at.id, entry);
		if (c < 0 || (c == 0 && f->kind < kind))
			low = mid + 1;
		else
			high = mid;
	}
	return low < ix->n && id32_equal(&ix->nodes[low].f->at.id, entry) ? low : ix->n;
}

struct judge_node *judge_find(const struct judge_index *ix, const struct id32 *entry, enum fact_kind kind)
{
	size_t i = lower(ix, entry, kind);
	return i < ix->n && ix->nodes[i].f->kind == kind ? &ix->nodes[i] : NULL;
}

bool judge_refs_equal(const struct entry_ref *a, const struct entry_ref *b)
{
	return a->seq == b->seq && id32_equal(&a->id, &b->id) && id32_equal(&a->log, &b->log);
}

/* SPEC 16.1: "A pointer names a record only if log, seq and id agree." */
enum judge_found judge_lookup(const struct judge_index *ix, const struct entry_ref *ref, enum fact_kind kind,
	struct judge_node **node)
{
	*node = judge_find(ix, &ref->id, kind);
	if (*node && judge_refs_equal(&(*node)->f->at, ref))
		return JUDGE_FOUND;
	bool at_hand = *node || lower(ix, &ref->id, FACT_NONE) < ix->n;
	*node = NULL;
	if (at_hand)
		return JUDGE_OTHER;
	return ix->erased_n && bsearch(&ref->id, ix->erased, ix->erased_n, sizeof *ix->erased, id_compare)
		? JUDGE_ERASED
		: JUDGE_ABSENT;
}

struct judge_reason judge_lost(enum judge_found found, enum fact_kind kind, const struct id32 *entry)
{
	static const struct words {
		enum fact_kind kind;
		const char *code[3], *text[3];
	} all[] = {{FACT_DEFINITION, {"definition-missing", "definition-erased", "definition-pointer"},
			   {"The definition of the micro-credential is not at hand.",
				   "The definition of the micro-credential was erased.",
				   "What is named as the definition is another record."}},
		{FACT_SUBMISSION, {"submission-missing", "submission-erased", "submission-pointer"},
			{"The submission is not at hand.", "The submission was erased.",
				"What is named as the submission is another record."}},
		{FACT_MANIFEST, {"manifest-missing", "manifest-erased", "manifest-pointer"},
			{"The list of evidence is not at hand.", "The list of evidence was erased.",
				"What is named as the list of evidence is another record."}},
		{FACT_REVIEW, {"review-missing", "review-erased", "review-pointer"},
			{"A review that the award names is not at hand.",
				"A review that the award names was erased.",
				"What the award names as a review is another record."}}};
	size_t row = 0, column = found == JUDGE_ABSENT ? 0 : found == JUDGE_ERASED ? 1 : 2;
	while (row + 1 < sizeof all / sizeof all[0] && all[row].kind != kind)
		row++;
	return judge_because(column == 2 ? JUDGE_WRONG : JUDGE_UNKNOWN, all[row].code[column], entry,
		all[row].text[column]);
}

/* ---- reading records */

bool judge_fields(struct judge_node *node, struct slice *fields)
{
	struct slice kind;
	if (!node->opened) {
		node->opened = true;
		node->sound = record_check(node->f->data, NULL) == OK &&
			record_open(node->f->data, &kind, &node->fields) == OK &&
			slice_equal(kind, slice_str(facts_kind_name(node->f->kind)));
	}
	*fields = node->fields;
	return node->sound;
}

bool judge_ref(struct judge_node *node, const char *field, struct entry_ref *ref)
{
	struct slice fields;
	struct mp_in in;
	return judge_fields(node, &fields) && record_get(fields, field, &in) == OK &&
		record_get_ref(&in, ref) == OK;
}

bool judge_points(struct judge_node *node, const char *field, const struct entry_ref *at)
{
	struct entry_ref ref;
	return judge_ref(node, field, &ref) && judge_refs_equal(&ref, at);
}

bool judge_points_among(struct judge_node *node, const char *field, const struct entry_ref *at)
{
	struct slice fields;
	struct mp_in in;
	struct entry_ref ref;
	size_t n;
	if (!judge_fields(node, &fields) || record_get(fields, field, &in) != OK ||
		mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return false;
	while (n-- > 0 && record_get_ref(&in, &ref) == OK)
		if (judge_refs_equal(&ref, at))
			return true;
	return false;
}
