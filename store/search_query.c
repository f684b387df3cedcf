/* search_query.c -- what somebody typed, as a query of FTS5. Only letters, digits and quotes of ours reach it. */
#include "store/search.h"

/* Words that stand in every text: they find nothing. Sorted. */
static const char *const stop_words[] = {"a", "about", "an", "and", "any", "are", "as", "at", "be", "been",
	"but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "how", "i",
	"if", "in", "into", "is", "it", "its", "may", "me", "more", "most", "my", "no", "not", "of", "on",
	"or", "our", "own", "s", "should", "so", "some", "such", "t", "than", "that", "the", "their", "them",
	"then", "there", "these", "they", "this", "those", "to", "was", "we", "were", "what", "when", "where",
	"which", "who", "whose", "why", "will", "with", "would", "you", "your"};

static int compare_word(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

static bool is_stop(const struct search_word *w)
{
	char text[SEARCH_WORD_BYTES + 1];
	memcpy(text, w->text, w->n);
	text[w->n] = 0;
	return bsearch(text, stop_words, sizeof stop_words / sizeof stop_words[0], sizeof stop_words[0],
		       compare_word) != NULL;
}

/* One code point of UTF-8: its bytes, or 0 if it is not well formed. */
static size_t code_point(const uint8_t *p, size_t n, uint32_t *out)
{
	size_t width = p[0] < 0x80            ? 1
		: p[0] >= 0xc2 && p[0] < 0xe0 ? 2
		: p[0] >= 0xe0 && p[0] < 0xf0 ? 3
		: p[0] >= 0xf0 && p[0] < 0xf5 ? 4
					      : 0;
	if (width == 0 || width > n)
		return 0;
	uint32_t c = width == 1 ? p[0] : p[0] & (0xffu >> (width + 1));
	for (size_t i = 1; i < width; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	*out = c;
	return c < least[width] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ? 0 : width;
}

/* What may stand in a word. The tokenizer decides again; this keeps signs from joining two words. */
static bool in_word(uint32_t c)
{
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	if (c < 0xc0)
		return c == 0xaa || c == 0xb5 || c == 0xba;
	return c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c < 0x2c00) && !(c >= 0x3000 && c < 0x3005) &&
		!(c >= 0x3008 && c < 0x3021) && !(c >= 0xfe00 && c < 0xfe70) && c != 0xfffd &&
		!(c >= 0xff01 && c < 0xff10) && !(c >= 0x1f000 && c < 0x20000);
}

static void end_word(struct search_words *w)
{
	struct search_word *last = &w->list[w->n];
	if (last->n == 0)
		return;
	last->stop = is_stop(last);
	w->n++;
}

static void split(struct slice typed, struct search_words *w)
{
	for (size_t i = 0; i < typed.n && w->n < SEARCH_WORDS;) {
		uint32_t c = 0;
		size_t width = code_point(typed.p + i, typed.n - i, &c);
		if (width == 0 || !in_word(c)) {
			end_word(w);
			i += width ? width : 1;
			continue;
		}
		struct search_word *last = &w->list[w->n];
		if (last->n + width <= SEARCH_WORD_BYTES) {
			memcpy(last->text + last->n, typed.p + i, width);
			if (c >= 'A' && c <= 'Z')
				last->text[last->n] = (uint8_t)(c + 32);
			last->n += width;
			last->letters++;
		}
		i += width;
	}
	if (w->n < SEARCH_WORDS)
		end_word(w);
}

static bool seen_before(const struct search_words *w, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (slice_equal(
			    slice_of(w->list[k].text, w->list[k].n), slice_of(w->list[i].text, w->list[i].n)))
			return true;
	}
	return false;
}

void search_split(struct slice typed, struct search_words *w)
{
	*w = (struct search_words){0};
	split(typed, w);
	bool telling = false;
	for (size_t i = 0; i < w->n; i++)
		telling |= !w->list[i].stop;
	for (size_t i = 0; i < w->n; i++)
		w->list[i].stop = (w->list[i].stop && telling) || seen_before(w, i);
}

static enum err put_term(struct buf *out, struct slice a, struct slice b, bool prefix)
{
	const struct slice parts[] = {out->n ? slice_str(" OR \"") : slice_str("\""), a,
		b.n ? slice_str(" ") : b, b, prefix ? slice_str("\" *") : slice_str("\"")};
	enum err e = OK;
	for (size_t i = 0; e == OK && i < sizeof parts / sizeof parts[0]; i++)
		e = buf_put_slice(out, parts[i]);
	return e;
}

static struct slice text_of(const struct search_word *w)
{
	return slice_of(w->text, w->n);
}

enum err search_put_word(const struct search_word *w, struct buf *out)
{
	return put_term(out, text_of(w), (struct slice){0}, false);
}

/* A pair adds no text that its chosen word does not find: it only lifts it. */
enum err search_put_chosen(const struct search_words *w, struct buf *out)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i + 1 < w->n; i++) {
		const struct search_word *a = &w->list[i], *b = a + 1;
		if (a->chosen || b->chosen)
			e = put_term(out, text_of(a), text_of(b), false);
	}
	for (size_t i = 0; e == OK && i < w->n; i++) {
		if (w->list[i].chosen)
			e = search_put_word(&w->list[i], out);
	}
	return e;
}

enum err search_put_titles(const struct search_words *w, struct buf *out)
{
	struct buf chosen = {0};
	enum err e = search_put_chosen(w, &chosen);
	if (e == OK)
		e = buf_put_slice(out, slice_str("title : ("));
	if (e == OK)
		e = buf_put_slice(out, buf_slice(&chosen));
	if (e == OK)
		e = buf_put_slice(out, slice_str(")"));
	buf_free(&chosen);
	return e;
}

#define SHORTER_BY 3

static size_t shorter_word(const struct search_word *w)
{
	return w->letters == w->n && w->n >= SEARCH_PREFIX_LETTERS + SHORTER_BY ? w->n - SHORTER_BY : w->n;
}

enum err search_put_beginnings(const struct search_words *w, bool shorter, struct buf *out)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < w->n; i++) {
		const struct search_word *word = &w->list[i];
		size_t n = shorter ? shorter_word(word) : word->n;
		if (!word->stop && word->letters >= SEARCH_PREFIX_LETTERS && (!shorter || n < word->n))
			e = put_term(out, slice_of(word->text, n), (struct slice){0}, true);
	}
	return e;
}
