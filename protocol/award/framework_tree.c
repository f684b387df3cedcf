/* framework_tree.c -- the items as a tree: `isChildOf` leads from an item to its parent. An item with several parents stays with the first. */
#include "protocol/award/framework_int.h"

struct tree {
	size_t n;
	json_t *items, *associations;
	size_t *parents; /* of each item: an item, or FRAMEWORK_DOCUMENT, or FRAMEWORK_NONE: no association says */
	size_t *by; /* the association that says so */
	size_t *starts; /* of the children of item i - 1, in ranks; of the topmost at 0; n + 2 of them */
	size_t *stack; /* of ranks */
	unsigned *depths;
	struct framework_rank *ranks;
};

static enum err tree_init(struct tree *t, json_t *package)
{
	*t = (struct tree){.items = json_object_get(package, "CFItems"),
		.associations = json_object_get(package, "CFAssociations")};
	t->n = json_array_size(t->items);
	t->parents = (size_t *)calloc(t->n + 1, sizeof *t->parents);
	t->by = (size_t *)calloc(t->n + 1, sizeof *t->by);
	t->starts = (size_t *)calloc(t->n + 2, sizeof *t->starts);
	t->stack = (size_t *)calloc(t->n + 1, sizeof *t->stack);
	t->depths = (unsigned *)calloc(t->n + 1, sizeof *t->depths);
	t->ranks = (struct framework_rank *)calloc(t->n + 1, sizeof *t->ranks);
	if (!t->parents || !t->by || !t->starts || !t->stack || !t->depths || !t->ranks)
		return ERR_MEMORY;
	for (size_t i = 0; i < t->n; i++)
		t->parents[i] = FRAMEWORK_NONE;
	return OK;
}

static void tree_deinit(struct tree *t)
{
	free(t->parents);
	free(t->by);
	free(t->starts);
	free(t->stack);
	free(t->depths);
	free(t->ranks);
}

static void find_parents(struct tree *t, struct lint *l, const struct framework_index *x)
{
	const struct lint_at list = {.key = "CFAssociations"};
	for (size_t i = 0; i < json_array_size(t->associations); i++) {
		json_t *a = json_array_get(t->associations, i);
		if (strcmp(framework_text(a, "associationType"), "isChildOf") != 0)
			continue;
		const struct lint_at here = {.up = &list, .index = i},
				     from = {.up = &here, .key = "originNodeURI"},
				     to = {.up = &here, .key = "destinationNodeURI"};
		size_t child = framework_index_find(x, json_object_get(a, "originNodeURI"));
		size_t parent = framework_index_find(x, json_object_get(a, "destinationNodeURI"));
		if (child == FRAMEWORK_NONE)
			lint_add(l, &from, "must name an item of this package");
		else if (child == FRAMEWORK_DOCUMENT)
			lint_add(l, &from, "must name an item: the document is nobody's child");
		if (parent == FRAMEWORK_NONE)
			lint_add(l, &to, "must name the document or an item of this package");
		else if (child < t->n && t->parents[child] == FRAMEWORK_NONE) {
			t->parents[child] = parent;
			t->by[child] = i;
		}
	}
}

static void find_circles(struct tree *t, struct lint *l)
{
	/* depths: in which round an item was come by, from 1; 0: not yet */
	const struct lint_at list = {.key = "CFAssociations"};
	for (size_t i = 0; i < t->n; i++) {
		size_t k = i;
		unsigned round = (unsigned)i + 1;
		for (; k < t->n && t->depths[k] == 0; k = t->parents[k])
			t->depths[k] = round;
		if (k >= t->n || t->depths[k] != round)
			continue;
		const struct lint_at here = {.up = &list, .index = t->by[k]},
				     to = {.up = &here, .key = "destinationNodeURI"};
		lint_add(l, &to, "leads in a circle: an item would stand below itself");
	}
}

/* Where the children of each stand in the ranks. */
static void rank(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		bool top = t->parents[i] >= t->n;
		struct framework_rank *r = &t->ranks[i];
		*r = (struct framework_rank){.group = top ? 0 : t->parents[i] + 1, .index = i};
		if (t->parents[i] != FRAMEWORK_NONE)
			r->placed = framework_number(
				json_object_get(json_array_get(t->associations, t->by[i]), "sequenceNumber"),
				&r->place);
	}
	framework_rank_sort(t->ranks, t->n);
	for (size_t group = 0, i = 0; group < t->n + 2; group++) {
		while (i < t->n && t->ranks[i].group < group)
			i++;
		t->starts[group] = i;
	}
}

static void fill_item(const struct tree *t, size_t i, struct framework_item *out)
{
	json_t *v = json_array_get(t->items, i);
	*out = (struct framework_item){.uri = framework_text(v, "uri"),
		.code = framework_text(v, "humanCodingScheme"),
		.statement = framework_text(v, "fullStatement"),
		.short_statement = framework_text(v, "abbreviatedStatement"),
		.type = framework_text(v, "CFItemType"),
		.depth = t->depths[i]};
	if (t->parents[i] < t->n)
		out->parent_uri = framework_text(json_array_get(t->items, t->parents[i]), "uri");
}

static size_t push_children(struct tree *t, size_t group, size_t used)
{
	for (size_t r = t->starts[group + 1]; r > t->starts[group]; r--)
		t->stack[used++] = t->ranks[r - 1].index;
	return used;
}

/* Each item is on the stack once; there is no recursion, as chains may be long. */
static void fill(struct tree *t, struct framework *f)
{
	size_t used = push_children(t, 0, 0);
	while (used > 0) {
		size_t i = t->stack[--used];
		t->depths[i] = t->parents[i] < t->n ? t->depths[t->parents[i]] + 1 : 0;
		fill_item(t, i, &f->items[f->items_n++]);
		used = push_children(t, i + 1, used);
	}
}

enum err framework_tree(struct framework *f, struct lint *l, const struct framework_index *x, json_t *package)
{
	struct tree t;
	enum err e = tree_init(&t, package);
	if (e != OK)
		goto out;
	find_parents(&t, l, x);
	find_circles(&t, l);
	if (l->n > 0)
		goto out;
	f->items = (struct framework_item *)calloc(t.n + 1, sizeof *f->items);
	if (!f->items) {
		e = ERR_MEMORY;
		goto out;
	}
	rank(&t);
	fill(&t, f);
out:
	tree_deinit(&t);
	return e;
}
