/* doctor_logs.c -- every entry hashed again, every chain followed, the signature of every run checked. SPEC.md section 4.3. */
#include "doctor_int.h"

#include "desk.h"
#include "protocol/log/entry.h"
#include "protocol/log/keyset.h"

#include <sodium.h>
#include <stdio.h>

static void name_log(const struct id32 *log, char out[17])
{
	sodium_bin2hex(out, 17, log->b, 8);
}

static void say_fork(struct doctor *d, const struct store_log *l, const char *name)
{
	static const char cause[] =
		"two entries have the same place in it: its key was used from an old copy";
	char cure[160];
	unsigned long long at = l->fork_seq1 - 1;
	if (l->end >= l->fork_seq1) { /* only a closing lets it reach so far */
		doctor_say(d, "ok", cause, "",
			"The log %s was forked at entry %llu; its owner has settled it", name, at);
		return;
	}
	(void)snprintf(cure, sizeof cure,
		l->own != OWN_NONE
			? "see both branches: quire fork show %s; unlock its owner, and choose: quire fork settle %s --keep LAST"
			: "only its owner can settle it; both branches: quire fork show %s",
		name, name);
	doctor_say(d, l->own != OWN_NONE ? "error" : "warning", cause, cure,
		"The log %s is forked at entry %llu", name, at);
}

/* What the log's row says. */
static void check_row(struct doctor *d, const struct store_log *l)
{
	char name[17];
	name_log(&l->log, name);
	if (l->fork_seq1)
		say_fork(d, l, name);
	if (l->own == OWN_RETIRED)
		doctor_say(d, "ok", "this home was restored or copied, or a peer had more of it", "",
			"The log %s of this node is ended; a new one begins at the next sign-in", name);
	if (l->own == OWN_ACTIVE && l->held_from < l->length)
		doctor_say(d, "ok", "no peer was asked yet whether it has more of it", "connect to a peer",
			"%llu entries of the log %s were not sent to anybody yet",
			(unsigned long long)(l->length - l->held_from), name);
	if (l->gaps)
		doctor_say(d, "warning", "they are still to come, or no connected peer has them",
			"connect to a peer that has them", "%llu entries of the log %s lack their content",
			(unsigned long long)l->gaps, name);
}

/* The id that stands in for a signature: a closing in force names the last entry that counts. Behind that one more may be held. */
static enum err find_closing(struct store *s, const struct store_log *l, struct id32 *out)
{
	struct keyset *ks = NULL;
	struct keyset_view v;
	*out = l->last;
	if (l->end == l->length)
		return OK;
	enum err e = desk_keyset_read(s, &l->identity, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK) {
		const struct keyset_device *device = keyset_view_device(&v, &l->log);
		if (device && device->closed)
			*out = device->closed_last;
		keyset_view_deinit(&v);
	}
	keyset_free(ks);
	return e;
}

/* The entry before the proven fork; zeros: none. */
static enum err find_fork_prev(struct store *s, const struct store_log *l, struct id32 *out)
{
	struct store_req req = {.op = STORE_FORK_GET, .a.log = l->log};
	struct store_res res = {0};
	struct entry_header h;
	*out = (struct id32){{0}};
	store_exec_one(s, &req, &res);
	if (res.err == OK && res.r.bytes.n >= ENTRY_HEADER_BYTES &&
		entry_header_decode(slice_of(res.r.bytes.p, ENTRY_HEADER_BYTES), &h) == OK)
		*out = h.prev;
	enum err e = res.err == ERR_NOT_FOUND ? OK : res.err;
	store_res_free(&res);
	return e;
}

static enum err verify(
	struct doctor *d, struct store *s, const struct store_log *l, const struct store_res *res)
{
	uint8_t headers[LIMIT_RUN_ENTRIES * ENTRY_HEADER_BYTES];
	struct entry_part parts[LIMIT_RUN_ENTRIES];
	struct run_ends ends;
	struct id32 closing = {{0}}, fork_prev = {{0}};
	enum err e = OK;
	if (res->r.n == 0 || res->r.n > LIMIT_RUN_ENTRIES)
		return ERR_CHAIN;
	for (size_t i = 0; i < res->r.n; i++) {
		memcpy(headers + i * ENTRY_HEADER_BYTES, res->r.parts[i].header, ENTRY_HEADER_BYTES);
		parts[i] = (struct entry_part){.envelope = res->r.parts[i].envelope,
			.kind = res->r.parts[i].kind,
			.bytes = res->r.parts[i].bytes};
	}
	bool is_signed = res->r.sig.n == ENTRY_SIGNATURE_BYTES;
	if (!is_signed)
		e = find_closing(s, l, &closing);
	if (!is_signed && e == OK)
		e = find_fork_prev(s, l, &fork_prev);
	if (e != OK)
		return e;
	const struct run r = {.log = l->log,
		.first = d->seq,
		.n = res->r.n,
		.headers = headers,
		.signature = is_signed ? res->r.sig.p : NULL,
		.closing = is_signed ? NULL : &closing,
		.fork_prev = is_signed ? NULL : &fork_prev,
		.parts = parts};
	e = run_verify(&r, &l->device_key, &ends);
	if (e == OK && (ends.n != r.n || !id32_equal(&ends.prev, &d->last)))
		e = ERR_CHAIN;
	if (e == OK)
		d->last = ends.last;
	return e;
}

static void next_log(struct doctor *d)
{
	d->log_at++;
	d->seq = 0;
	d->last = (struct id32){{0}};
}

static void check_run(struct doctor *d, struct store *s, const struct store_log *l)
{
	struct store_req req = {.op = STORE_RUN_GET,
		.a.log = l->log,
		.a.first = d->seq,
		.a.end = run_interval_end(d->seq),
		.a.max = UINT32_MAX};
	struct store_res res = {0};
	store_exec_one(s, &req, &res);
	enum err e = res.err == OK ? verify(d, s, l, &res) : res.err;
	if (e == OK) {
		d->entries += res.r.n;
		d->seq += res.r.n;
	} else {
		char name[17];
		name_log(&l->log, name);
		d->bad_logs++;
		doctor_say(d, "error", err_text(e), "restore a backup; peers send again what it lacks",
			"The log %s is damaged at or behind entry %llu", name, (unsigned long long)d->seq);
		next_log(d);
	}
	store_res_free(&res);
}

bool doctor_logs(struct doctor *d, struct store *s)
{
	if (!d->logs.r.logs) {
		struct store_req req = {.op = STORE_LOG_LIST};
		store_exec_one(s, &req, &d->logs);
		if (d->logs.err != OK) {
			doctor_find(d, "error", "The logs cannot be listed", err_text(d->logs.err),
				"restore a backup");
			return false;
		}
	}
	for (unsigned i = 0; i < DOCTOR_RUNS_IN_SLICE && d->log_at < d->logs.r.n; i++) {
		const struct store_log *l = &d->logs.r.logs[d->log_at];
		if (d->seq == 0)
			check_row(d, l);
		if (d->seq < l->end)
			check_run(d, s, l);
		else
			next_log(d);
	}
	if (d->log_at < d->logs.r.n)
		return true;
	if (!d->bad_logs)
		doctor_say(d, "ok", "", "",
			"%llu entries in %zu logs are what they were when they were signed",
			(unsigned long long)d->entries, d->logs.r.n);
	return false;
}
