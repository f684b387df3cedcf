/* bundle_runs.c -- runs of headers in a bundle: whose they are, that they verify, and how far they count. See bundle_int.h. */
#include "protocol/award/bundle_int.h"

#include <stdio.h>

/* ---- one run */

static enum err read_headers(struct bundle_reader *r, const json_t *o, struct bundle_read_run *run)
{
	char where[BUNDLE_WHERE_BYTES + 16];
	struct slice bytes;
	snprintf(where, sizeof where, "%s.headers", run->where);
	enum err e = bundle_get_bytes(r, json_object_get(o, "headers"), where, ENTRY_HEADER_BYTES,
		(size_t)LIMIT_RUN_ENTRIES * ENTRY_HEADER_BYTES, &bytes);
	if (e == OK && bytes.n % ENTRY_HEADER_BYTES)
		e = bundle_fault(r, ERR_FORMAT, where, "these are no whole headers.");
	if (e != OK)
		return e;
	run->headers = bytes.p;
	run->n = bytes.n / ENTRY_HEADER_BYTES;
	const json_t *signature = json_object_get(o, "signature");
	if (!signature)
		return OK;
	snprintf(where, sizeof where, "%s.signature", run->where);
	e = bundle_get_bytes(r, signature, where, ENTRY_SIGNATURE_BYTES, ENTRY_SIGNATURE_BYTES, &bytes);
	run->signature = bytes.p;
	return e;
}

static enum err read_form(struct bundle_reader *r, const json_t *o, struct bundle_read_run *run)
{
	static const char *const members[] = {
		"!identity", "!log", "!first", "!headers", "signature", "!bodies", NULL};
	char where[BUNDLE_WHERE_BYTES + 16];
	enum err e = bundle_members(r, o, run->where, members);
	if (e != OK)
		return e;
	snprintf(where, sizeof where, "%s.identity", run->where);
	e = bundle_get_id(r, json_object_get(o, "identity"), where, &run->identity);
	snprintf(where, sizeof where, "%s.log", run->where);
	if (e == OK)
		e = bundle_get_id(r, json_object_get(o, "log"), where, &run->log);
	snprintf(where, sizeof where, "%s.first", run->where);
	if (e == OK)
		e = bundle_get_number(r, json_object_get(o, "first"), where, LIMIT_SEQ, &run->first);
	if (e == OK)
		e = read_headers(r, o, run);
	run->bodies = json_object_get(o, "bodies");
	snprintf(where, sizeof where, "%s.bodies", run->where);
	return e == OK ? bundle_get_list(r, run->bodies, where, 0, run->n) : e;
}

/* Does a closing name the run's last entry? */
static bool is_closed_by(const struct keyset_device *d, const struct bundle_read_run *run)
{
	struct id32 last = entry_id(run->headers + (run->n - 1) * ENTRY_HEADER_BYTES);
	return d->closed && id32_equal(&d->closed_last, &last);
}

/* The device whose log it is. SPEC 4.1 makes the log's id of identity and device key, so nobody else's log has it.
 * SPEC 18: "or has no signature and no closing in force names its last entry" */
static void find_device(const struct bundle *b, struct bundle_read_run *run)
{
	run->who = bundle_who(b, &run->identity);
	if (run->who != BUNDLE_NOBODY)
		run->device = keyset_view_device(&b->views[run->who], &run->log);
	if (run->device && !run->signature && !is_closed_by(run->device, run))
		run->device = NULL;
}

static enum err check_run(struct bundle_reader *r, struct bundle_read_run *run)
{
	static const char *const words[] = {
		[ERR_RANGE] = "a header is malformed, or it crosses an interval of 64 entries.",
		[ERR_VERSION] = "a header is of another version.",
		[ERR_FORMAT] = "a header is malformed.",
		[ERR_CHAIN] = "its headers do not form a chain of that log.",
		[ERR_SIGNATURE] = "its last header is not signed by the device."};
	const struct keyset_device *d = run->device;
	struct run_ends ends;
	const struct run check = {.log = run->log,
		.first = run->first,
		.n = run->n,
		.headers = run->headers,
		.signature = run->signature,
		.closing = d->closed ? &d->closed_last : NULL};
	enum err e = run_verify(&check, &d->sign_key, &ends);
	if (e == OK && ends.n != run->n)
		e = ERR_SIGNATURE;
	if (e != OK)
		return bundle_fault(r, e, run->where, "%s",
			(size_t)e < sizeof words / sizeof words[0] && words[e] ? words[e] : err_text(e));
	run->prev = ends.prev;
	run->ids = (struct id32 *)arena_alloc(&r->b->arena, run->n * sizeof *run->ids);
	if (!run->ids)
		return ERR_MEMORY;
	for (size_t i = 0; i < run->n; i++)
		run->ids[i] = entry_id(run->headers + i * ENTRY_HEADER_BYTES);
	return OK;
}

/* ---- all runs of a log together */

/* The id that the run shows for a seq: its own headers', or the one that its first header names. NULL: none. */
static const struct id32 *id_at(const struct bundle_read_run *run, uint64_t seq)
{
	if (seq + 1 == run->first)
		return &run->prev;
	return seq >= run->first && seq - run->first < run->n ? &run->ids[seq - run->first] : NULL;
}

static bool same_log(const struct bundle_read_run *a, const struct bundle_read_run *b)
{
	return a->device && b->device && id32_equal(&a->log, &b->log);
}

/* The first seq for which the two show different ids; UINT64_MAX: none. */
static uint64_t fork_of(const struct bundle_read_run *a, const struct bundle_read_run *b)
{
	uint64_t from = a->first > b->first ? a->first : b->first;
	uint64_t end = a->first + a->n < b->first + b->n ? a->first + a->n : b->first + b->n;
	for (uint64_t seq = from ? from - 1 : 0; seq < end; seq++) {
		const struct id32 *x = id_at(a, seq), *y = id_at(b, seq);
		if (x && y && !id32_equal(x, y))
			return seq;
	}
	return UINT64_MAX;
}

/* SPEC 18: "Two runs of a log that show different ids for one seq prove a fork" */
static void find_forks(struct bundle *b)
{
	for (size_t i = 0; i < b->runs_n; i++)
		for (size_t k = i + 1; k < b->runs_n; k++) {
			struct bundle_read_run *x = &b->runs[i], *y = &b->runs[k];
			if (!same_log(x, y) || x->device->closed)
				continue;
			uint64_t seq = fork_of(x, y);
			for (size_t l = 0; seq != UINT64_MAX && l < b->runs_n; l++)
				if (same_log(x, &b->runs[l]) && seq < b->runs[l].forked)
					b->runs[l].forked = seq;
		}
}

/* Walks back from the entry that the closing names, from run to run. */
static void follow_closing(struct bundle *b, const struct keyset_device *d)
{
	struct id32 id = d->closed_last;
	uint64_t seq = d->closed_length - 1;
	for (size_t i = 0; i < b->runs_n; i++) {
		struct bundle_read_run *run = &b->runs[i];
		if (run->device != d || seq < run->first || seq - run->first >= run->n ||
			!id32_equal(&run->ids[seq - run->first], &id) || seq - run->first < run->chained)
			continue;
		run->chained = (size_t)(seq - run->first) + 1;
		if (run->first == 0)
			return;
		id = run->prev;
		seq = run->first - 1;
		i = SIZE_MAX; /* from the first run again: each round gives one more run its chain */
	}
}

static void find_chains(struct bundle *b)
{
	for (size_t who = 0; who < b->identities_n; who++)
		for (size_t i = 0; i < b->views[who].devices_n; i++)
			if (b->views[who].devices[i].closed && b->views[who].devices[i].closed_length > 0)
				follow_closing(b, &b->views[who].devices[i]);
}

enum err bundle_read_runs(struct bundle_reader *r, const json_t *list)
{
	struct bundle *b = r->b;
	enum err e = bundle_get_list(r, list, "runs", 0, BUNDLE_RUNS_MAX);
	if (e != OK)
		return e;
	b->runs = (struct bundle_read_run *)calloc(json_array_size(list) + 1, sizeof *b->runs);
	if (!b->runs)
		return ERR_MEMORY;
	for (size_t i = 0; e == OK && i < json_array_size(list); i++) {
		struct bundle_read_run *run = &b->runs[b->runs_n++];
		snprintf(run->where, sizeof run->where, "runs[%zu]", i);
		run->forked = UINT64_MAX;
		e = read_form(r, json_array_get(list, i), run);
		if (e == OK)
			find_device(b, run);
		if (e == OK && run->device)
			e = check_run(r, run);
	}
	if (e == OK) {
		find_forks(b);
		find_chains(b);
	}
	return e;
}
