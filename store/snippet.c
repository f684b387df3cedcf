/* snippet.c -- the few words around what a search found. */
#include "store/search.h"

#define CUT "\xe2\x80\xa6" /* an ellipsis stands where text was left out */
#define CUT_BYTES 3u
#define BEFORE_BYTES 40u
#define PART_BYTES (SNIPPET_BYTES - 2 * CUT_BYTES - 1) /* with room for a mark that must be closed */

static bool inside_character(struct slice t, size_t at)
{
	return at < t.n && (t.p[at] & 0xc0) == 0x80;
}

/* Where a part that shows the mark at `mark` begins: a little before it, with a word, not inside of another mark. */
static size_t part_begin(struct slice t, size_t mark)
{
	size_t from = mark > BEFORE_BYTES ? mark - BEFORE_BYTES : 0;
	size_t next = from;
	while (t.p[next] != '\1' && t.p[next] != '\2')
		next++;
	bool inside = t.p[next] == '\2';
	for (size_t i = from; i < mark; i++) {
		if (!inside && (i == 0 || t.p[i - 1] == ' '))
			return i;
		if (t.p[i] == '\1' || t.p[i] == '\2')
			inside = t.p[i] == '\1';
	}
	return mark;
}

static size_t part_end(struct slice t, size_t from)
{
	size_t end = t.n - from > PART_BYTES ? from + PART_BYTES : t.n;
	while (end > from && inside_character(t, end))
		end--;
	return end;
}

static size_t count_marks(struct slice t, size_t from, size_t end)
{
	size_t n = 0;
	for (size_t i = from; i < end; i++)
		n += t.p[i] == '\2';
	return n;
}

/* Cuts back to before a mark that is not closed, or to the last space. *open: the mark must be closed, nothing stands before it. */
static size_t tidy_end(struct slice t, size_t from, size_t end, bool *open)
{
	size_t opened = end, space = end;
	for (size_t i = from; i < end; i++) {
		if (t.p[i] == '\1')
			opened = i;
		else if (t.p[i] == '\2')
			opened = end;
		else if (t.p[i] == ' ' && opened == end)
			space = i;
	}
	*open = opened == from;
	if (opened < end)
		return opened == from ? end : opened;
	return end < t.n && space > from + PART_BYTES / 2 ? space : end;
}

size_t snippet_cut(struct slice t, char out[SNIPPET_BYTES])
{
	if (t.n <= SNIPPET_BYTES) {
		if (t.n)
			memcpy(out, t.p, t.n);
		return t.n;
	}
	size_t from = 0, best = 0;
	bool any = false;
	for (size_t i = 0, tried = 0; i < t.n && tried < 64; i++) {
		if (t.p[i] != '\1')
			continue;
		tried++;
		size_t begin = part_begin(t, i);
		size_t marks = count_marks(t, begin, part_end(t, begin));
		if (marks == 0)
			begin = i; /* it is longer than a part: all the room is for it */
		if (!any || marks > best) {
			from = begin;
			best = marks;
			any = true;
		}
	}
	bool open = false;
	size_t end = tidy_end(t, from, part_end(t, from), &open), n = 0;
	if (from > 0) {
		memcpy(out, CUT, CUT_BYTES);
		n = CUT_BYTES;
	}
	if (end > from)
		memcpy(out + n, t.p + from, end - from);
	n += end - from;
	if (open)
		out[n++] = '\2';
	if (end < t.n) {
		memcpy(out + n, CUT, CUT_BYTES);
		n += CUT_BYTES;
	}
	return n;
}
