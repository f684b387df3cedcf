/* fuzz_framework.c -- competency frameworks (SPEC 13): what is read has a tree in which each parent comes first, and its canonical form reads
 * to the same.
 * Input: at most 16384 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/award/framework.h"

static struct finding found[DEFINITION_FINDINGS_MAX];

static void tree(const struct framework *f)
{
	fuzz_must(
		f->title && f->uri && f->items_n <= FRAMEWORK_ITEMS_MAX, "a framework has a title and items");
	for (size_t i = 0; i < f->items_n; i++) {
		const struct framework_item *item = &f->items[i];
		fuzz_must(item->uri && item->statement, "an item has its texts");
		fuzz_must(item->depth <= (i ? f->items[i - 1].depth + 1 : 0), "a parent before its children");
		if (item->depth == 0)
			continue;
		size_t parent = i;
		while (parent > 0 && f->items[parent].depth >= item->depth)
			parent--;
		fuzz_must(item->parent_uri && strcmp(item->parent_uri, f->items[parent].uri) == 0,
			"its parent is the last one above it");
	}
	for (size_t i = 0; i < f->levels_n; i++)
		fuzz_must(f->levels[i].criterion && f->levels[i].quality && f->levels[i].description,
			"a level has its texts");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct framework f = {0}, again = {0};
	struct buf canonical = {0}, second = {0};
	size_t findings = 0;
	enum err e = framework_read(slice_of(data, n), &f, found, &findings, &canonical);
	fuzz_must(e == OK || e == ERR_LIMIT, "the errors of its header");
	fuzz_must(findings <= DEFINITION_FINDINGS_MAX, "findings are bounded");
	if (e == OK && findings == 0) {
		tree(&f);
		fuzz_must(framework_read(buf_slice(&canonical), &again, found, &findings, &second) == OK &&
				findings == 0 && fuzz_same(&canonical, &second),
			"the canonical form reads to itself");
		fuzz_must(
			again.items_n == f.items_n && again.levels_n == f.levels_n, "with all that is in it");
		framework_deinit(&again);
	}
	framework_deinit(&f);
	buf_free(&canonical);
	buf_free(&second);
	return 0;
}
