/* fuzz_search.c -- what somebody types into a search (FACT_SEARCH): any bytes, on a store in memory. Never an error, results and snippets in
 * their bounds, marks in pairs; and a text that is stored is found by its own first word.
 * Input: at most 1024 bytes; the first says how. */
#include "tests/fuzz/fuzz.h"

#include "store/search.h"
#include "store/store.h"

static struct store *store;

static enum err put(uint64_t seq, enum fact_text field, struct slice text)
{
	struct fact fact = {.kind = FACT_DEFINITION,
		.at = {.log = {{1}}, .seq = seq, .id = {{2}}},
		.author = {{3}},
		.data = slice_str("record")};
	struct fact_words words = {0};
	words.text[field] = text;
	struct store_req q = {.op = STORE_FACT_PUT, .a.facts = &fact, .a.facts_n = 1, .a.words = &words};
	struct store_res r;
	store_exec_one(store, &q, &r);
	enum err e = r.err;
	store_res_free(&r);
	return e;
}

static void drop(uint64_t seq)
{
	struct store_req q = {.op = STORE_FACT_DROP, .a.log = {{1}}, .a.seq = seq};
	struct store_res r;
	store_exec_one(store, &q, &r);
	fuzz_must(r.err == OK, "a fact is dropped");
	store_res_free(&r);
}

static void once(void)
{
	static const char *const texts[] = {"Assessing reflections in the Caf\xc3\xa9", "Bridges of the town",
		"Who owns the moon", "critical thinking", "thinking slowly is critical",
		"cartography and maps", "\xe4\xb8\xad\xe6\x96\x87 title", "the the the", "AND OR NOT NEAR",
		"a b c d e f g"};
	if (store)
		return;
	fuzz_must(store_open_memory(&store) == OK, "a store in memory opens");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		fuzz_must(
			put(100 + i, (enum fact_text)(i % FACT_TEXTS), slice_str(texts[i])) == OK, "a fact");
}

static void marks(struct slice s, bool whole)
{
	bool open = false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != 1 && s.p[i] != 2)
			continue;
		fuzz_must(!whole || open == (s.p[i] == 2), "marks stand in pairs");
		open = s.p[i] == 1;
	}
	fuzz_must(!whole || !open, "the last mark is closed");
}

/* Does it find that entry? */
static bool search(struct slice typed, uint64_t mask, uint64_t seq)
{
	struct store_req q = {.op = STORE_FACT_SEARCH, .a.bytes = typed, .a.number = mask};
	struct store_res r;
	bool found = false;
	store_exec_one(store, &q, &r);
	fuzz_must(r.err == OK, "whatever is typed is a search");
	fuzz_must(r.r.n <= 50, "results are bounded");
	for (size_t i = 0; i < r.r.n; i++) {
		found = found || r.r.facts[i].at.seq == seq;
		fuzz_must(r.r.hits[i].snippet.n <= SNIPPET_BYTES && r.r.hits[i].field < FACT_TEXTS, "a hit");
	}
	store_res_free(&r);
	return found;
}

static bool plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n > 0;
}

/* The marks of what was stored are not ours: only plain text is held against its own words. */
static void store_and_find(struct slice text, enum fact_text field)
{
	static struct search_words words;
	if (put(7, field, text) != OK)
		return;
	search_split(text, &words);
	fuzz_must(words.n <= SEARCH_WORDS, "words are bounded");
	if (plain(text) && words.n > 0 && words.list[0].n < SEARCH_WORD_BYTES)
		fuzz_must(search(slice_of(words.list[0].text, words.list[0].n), 0, 7),
			"it is found by its word");
	(void)search(text, FACT_MASK(FACT_DEFINITION), 7);
	drop(7);
	fuzz_must(!search(text, 0, 7), "what is dropped is not found");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	once();
	struct fuzz_in in = fuzz_open(data, n);
	uint8_t how = fuzz_u8(&in);
	struct slice s = slice_of(in.p, in.n);
	char out[SNIPPET_BYTES];
	switch (how & 3) {
	case 0:
	case 1: (void)search(s, how & 4 ? FACT_MASK(FACT_DEFINITION) : 0, 0); break;
	case 2: store_and_find(s, (enum fact_text)(how / 4 % FACT_TEXTS)); break;
	case 3:
		n = snippet_cut(s, out);
		fuzz_must(n <= SNIPPET_BYTES, "a snippet is bounded");
		marks(slice_of(out, n), false);
		break;
	}
	return 0;
}
