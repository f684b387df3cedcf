/* framework_index.c -- items by their names, and the order of what stands side by side. */
#include "protocol/award/framework_int.h"

static int name_cmp(const void *a, const void *b)
{
	const struct framework_name *x = (const struct framework_name *)a,
				    *y = (const struct framework_name *)b;
	int c = strcmp(x->text, y->text);
	/* The document first, then as they stand in the file. */
	return c ? c : (x->item + 2 > y->item + 2) - (x->item + 2 < y->item + 2);
}

static void twice(struct lint *l, const struct framework_name *names, size_t n, const char *key)
{
	const struct lint_at items = {.key = "CFItems"};
	for (size_t i = 1; i < n && l->n < DEFINITION_FINDINGS_MAX; i++) {
		if (strcmp(names[i - 1].text, names[i].text) != 0)
			continue;
		const struct lint_at item = {.up = &items, .index = names[i].item},
				     here = {.up = &item, .key = key};
		if (names[i - 1].item == FRAMEWORK_DOCUMENT)
			lint_add(l, &here, "is the same as that of CFDocument");
		else
			lint_add(l, &here, "is the same as that of CFItems[%zu]", names[i - 1].item);
	}
}

static void put(struct framework_index *x, json_t *v, size_t item)
{
	x->identifiers[x->n] = (struct framework_name){framework_text(v, "identifier"), item};
	x->uris[x->n++] = (struct framework_name){framework_text(v, "uri"), item};
}

enum err framework_index_make(struct framework_index *x, struct lint *l, json_t *package)
{
	json_t *items = json_object_get(package, "CFItems");
	size_t n = json_array_size(items);
	*x = (struct framework_index){
		.identifiers = (struct framework_name *)calloc(n + 1, sizeof *x->identifiers),
		.uris = (struct framework_name *)calloc(n + 1, sizeof *x->uris)};
	if (!x->identifiers || !x->uris)
		return ERR_MEMORY;
	put(x, json_object_get(package, "CFDocument"), FRAMEWORK_DOCUMENT);
	for (size_t i = 0; i < n; i++)
		put(x, json_array_get(items, i), i);
	qsort(x->identifiers, x->n, sizeof *x->identifiers, name_cmp);
	qsort(x->uris, x->n, sizeof *x->uris, name_cmp);
	twice(l, x->identifiers, x->n, "identifier");
	twice(l, x->uris, x->n, "uri");
	return OK;
}

void framework_index_free(struct framework_index *x)
{
	free(x->identifiers);
	free(x->uris);
	*x = (struct framework_index){0};
}

static size_t find(const struct framework_name *names, size_t n, const char *text)
{
	size_t low = 0, high = n;
	while (text && low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(names[middle].text, text);
		if (c == 0)
			return names[middle].item;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return FRAMEWORK_NONE;
}

size_t framework_index_find(const struct framework_index *x, json_t *link)
{
	size_t item = find(x->identifiers, x->n, framework_text(link, "identifier"));
	return item != FRAMEWORK_NONE ? item : find(x->uris, x->n, framework_text(link, "uri"));
}

static int rank_cmp(const void *a, const void *b)
{
	const struct framework_rank *x = (const struct framework_rank *)a,
				    *y = (const struct framework_rank *)b;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->placed != y->placed)
		return x->placed ? -1 : 1;
	if (x->placed && (x->place < y->place || x->place > y->place))
		return x->place < y->place ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

void framework_rank_sort(struct framework_rank *ranks, size_t n)
{
	qsort(ranks, n, sizeof *ranks, rank_cmp);
}
