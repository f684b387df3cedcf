/* search.h -- inside store/: what somebody typed, as words and as queries of FTS5 that no input can break. */
#ifndef QUIRE_SEARCH_H
#define QUIRE_SEARCH_H

#include "store/db.h"

#define SEARCH_WORDS 16 /* of what was typed; more are left out */
#define SEARCH_WORD_BYTES 64
#define SEARCH_PREFIX_LETTERS 4 /* so many letters find longer words too */
#define SNIPPET_BYTES 200

struct search_word {
	uint8_t text[SEARCH_WORD_BYTES];
	size_t n;
	size_t letters;
	bool stop; /* one that stands in every text, or that stood before */
	bool chosen;
	uint64_t rows; /* how many texts hold it */
};

struct search_words {
	struct search_word list[SEARCH_WORDS];
	size_t n;
};

/* Any bytes. Where only words that stand in every text were typed, they count. */
void search_split(struct slice typed, struct search_words *w);

/* Each appends to a query, in which one match is enough. ERR_MEMORY. */
MUST_CHECK enum err search_put_word(const struct search_word *w, struct buf *out);
MUST_CHECK enum err search_put_chosen(
	const struct search_words *w, struct buf *out); /* and the pairs in which they stand */
MUST_CHECK enum err search_put_titles(
	const struct search_words *w, struct buf *out); /* the same in titles; out must be empty */
/* What begins so. shorter: less its last letters, if it is long: a half typed ending ("assessm") is no beginning of any stem. */
MUST_CHECK enum err search_put_beginnings(const struct search_words *w, bool shorter, struct buf *out);

/* The part of a marked text with the most marks; at most SNIPPET_BYTES into out, returns how many. Marks stay in pairs. */
size_t snippet_cut(struct slice marked, char out[SNIPPET_BYTES]);

#endif
