/* branches.c -- see branches.h. */
#include "branches.h"

#include "protocol/log/entry.h"

#include <stdlib.h>

void branches_deinit(struct branches *b)
{
	free(b->entries);
	*b = (struct branches){0};
}

static int compare(const void *a, const void *b)
{
	const struct branch_entry *x = (const struct branch_entry *)a, *y = (const struct branch_entry *)b;
	return x->seq != y->seq ? (x->seq < y->seq ? -1 : 1) : id32_cmp(&x->id, &y->id);
}

static enum err add(struct branches *b, const uint8_t *header, bool here)
{
	struct entry_header h;
	enum err e = entry_header_decode(slice_of(header, ENTRY_HEADER_BYTES), &h);
	if (e == OK && h.seq >= b->fork && b->entries_n < BRANCH_ENTRIES_MAX)
		b->entries[b->entries_n++] = (struct branch_entry){
			.seq = h.seq, .id = entry_id(header), .prev = h.prev, .hour = h.hour, .here = here};
	return e;
}

static enum err add_run(struct branches *b, struct slice headers)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i + ENTRY_HEADER_BYTES <= headers.n; i += ENTRY_HEADER_BYTES)
		e = add(b, headers.p + i, false);
	return e;
}

static enum err read_proof(struct desk *d, const struct id32 *log, struct branches *b)
{
	struct store_req req = {.op = STORE_FORK_GET, .a.log = *log};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	if (e == OK) {
		b->fork = res.r.seq;
		e = add_run(b, res.r.bytes);
	}
	if (e == OK)
		e = add_run(b, res.r.bytes2);
	store_res_free(&res);
	return e == ERR_NOT_FOUND ? ERR_STATE : e;
}

static enum err read_aside(struct desk *d, const struct id32 *log, struct branches *b)
{
	struct store_req req = {
		.op = STORE_SIDE_ALL, .a.log = *log, .a.max = BRANCH_ENTRIES_MAX - b->entries_n};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		e = add(b, res.r.parts[i].header, res.r.parts[i].kind == BODY_HERE);
	store_res_free(&res);
	return e;
}

/* What counts of a forked log that is closed lies in the log itself. */
static enum err read_counting(struct desk *d, const struct id32 *log, struct branches *b)
{
	enum err e = OK;
	for (uint64_t seq = b->fork; e == OK && seq < b->end; seq = run_interval_end(seq)) {
		struct store_req req = {.op = STORE_RUN_GET, .a.log = *log, .a.first = seq, .a.end = b->end};
		struct store_res res;
		e = desk_store(d, &req, &res);
		for (size_t i = 0; e == OK && i < res.r.n; i++)
			e = add(b, res.r.parts[i].header, true);
		store_res_free(&res);
	}
	return e;
}

/* Each once, with its body if it is anywhere; and which of them another one follows. */
static void arrange(struct branches *b)
{
	size_t n = 0;
	qsort(b->entries, b->entries_n, sizeof *b->entries, compare);
	for (size_t i = 0; i < b->entries_n; i++) {
		if (n && compare(&b->entries[n - 1], &b->entries[i]) == 0)
			b->entries[n - 1].here |= b->entries[i].here;
		else
			b->entries[n++] = b->entries[i];
	}
	b->entries_n = n;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i; k-- > 0 && b->entries[k].seq + 1 >= b->entries[i].seq;)
			if (id32_equal(&b->entries[k].id, &b->entries[i].prev))
				b->entries[k].inner = true;
}

/* From its last entry back to the fork; false: it does not reach so far. */
static bool walk(const struct branches *b, size_t tip, struct branch *out)
{
	struct id32 want = b->entries[tip].id;
	*out = (struct branch){
		.last = want, .length = b->entries[tip].seq + 1, .last_hour = b->entries[tip].hour};
	for (size_t i = tip + 1; i-- > 0;) {
		const struct branch_entry *e = &b->entries[i];
		if (!id32_equal(&e->id, &want))
			continue;
		out->entries++;
		out->here += e->here;
		out->first_hour = e->hour;
		want = e->prev;
	}
	return out->entries == out->length - b->fork;
}

static void list(struct branches *b)
{
	for (size_t i = b->entries_n; i-- > 0 && b->n < BRANCHES_MAX;) {
		struct branch one;
		if (!b->entries[i].inner && walk(b, i, &one))
			b->list[b->n++] = one;
	}
}

enum err branches_find(struct desk *d, const struct id32 *log, struct branches *out)
{
	struct store_req req = {.op = STORE_LOG_GET, .a.log = *log};
	struct store_res res;
	*out = (struct branches){0};
	enum err e = desk_store(d, &req, &res);
	if (e == OK) {
		out->identity = res.r.logs[0].identity;
		out->end = res.r.logs[0].end;
		out->own = res.r.logs[0].own != OWN_NONE;
	}
	store_res_free(&res);
	if (e != OK)
		return e;
	out->entries = (struct branch_entry *)calloc(BRANCH_ENTRIES_MAX, sizeof *out->entries);
	e = out->entries ? read_proof(d, log, out) : ERR_MEMORY;
	if (e == OK)
		e = read_aside(d, log, out);
	if (e == OK)
		e = read_counting(d, log, out);
	if (e == OK) {
		arrange(out);
		list(out);
	}
	return e;
}

bool branches_on(const struct branches *b, const struct branch *of, const struct branch_entry *e)
{
	struct id32 want = of->last;
	for (size_t i = b->entries_n; i-- > 0;) {
		if (!id32_equal(&b->entries[i].id, &want))
			continue;
		if (&b->entries[i] == e)
			return true;
		want = b->entries[i].prev;
	}
	return false;
}
