/* awards_bundle.c -- the proof bundle of an award, from what this node holds. SPEC.md section 18. See awards_export.h. */
#include "awards_export.h"

#include "protocol/award/bundle.h"
#include "protocol/log/entry.h"
#include "protocol/log/record.h"

#include <sodium.h>
#include <time.h>

#define NAMED_MAX 16u
#define ENTRIES_MAX 2048u

/* An entry that goes into the bundle. */
struct wanted {
	struct entry_ref at;
	bool bare; /* its header alone */
	bool erased; /* with its statement */
	bool aside; /* a review behind what counts of its log */
};

struct packing {
	struct catalogue *c;
	const struct award_look *look;
	struct id32 reviewers[NAMED_MAX];
	struct entry_ref reviews[NAMED_MAX];
	size_t reviews_n, reviewers_n;
	size_t n;
	struct wanted wanted[ENTRIES_MAX];
	size_t identities_n;
	const struct keyset *identities[BUNDLE_IDENTITIES_MAX];
	size_t runs_n;
	struct bundle_run runs[BUNDLE_RUNS_MAX];
	size_t marks_n;
	struct bundle_mark marks[BUNDLE_MARKS_MAX];
	struct arena mem;
	size_t secrets_n;
	uint8_t *secrets[BUNDLE_RUNS_MAX]; /* bodies of a run, with keys: wiped in the end */
	size_t secret_bytes[BUNDLE_RUNS_MAX];
};

/* ---- who */

static enum err add_identity(struct packing *p, const struct id32 *id)
{
	struct judge_identity found;
	if (id32_is_zero(id))
		return OK;
	for (size_t i = 0; i < p->identities_n; i++)
		if (id32_equal(keyset_identity(p->identities[i]), id))
			return OK;
	if (p->identities_n == BUNDLE_IDENTITIES_MAX)
		return OK; /* the last are those who vouch: some of them are enough */
	enum err e = cases_identity(p->c->cases, id, &found);
	if (e == OK)
		p->identities[p->identities_n++] = found.keys;
	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err add_identities(struct packing *p)
{
	const struct judge_case *k = &p->look->g.judge;
	enum err e = add_identity(p, &p->look->j->award->author);
	if (e == OK)
		e = add_identity(p, &p->look->j->earner);
	for (size_t i = 0; e == OK && i < p->reviewers_n; i++)
		e = add_identity(p, &p->reviewers[i]);
	for (size_t i = 0; e == OK && i < k->facts_n; i++)
		if (k->facts[i].kind == FACT_VOUCH &&
			id32_equal(&k->facts[i].party, &p->look->j->award->author))
			e = add_identity(p, &k->facts[i].author);
	return e;
}

/* ---- which entries */

static void want(struct packing *p, const struct wanted *w)
{
	/* What lies aside may stand beside an entry of the same number that counts. */
	for (size_t i = 0; i < p->n; i++)
		if (id32_equal(&p->wanted[i].at.log, &w->at.log) && p->wanted[i].at.seq == w->at.seq &&
			p->wanted[i].aside == w->aside)
			return;
	if (p->n < ENTRIES_MAX)
		p->wanted[p->n++] = *w;
}

static bool is_named(const struct packing *p, const struct id32 *review)
{
	for (size_t i = 0; i < p->reviews_n; i++)
		if (id32_equal(&p->reviews[i].id, review))
			return true;
	return false;
}

static bool is_reviewer(const struct packing *p, const struct id32 *id)
{
	for (size_t i = 0; i < p->reviewers_n; i++)
		if (id32_equal(&p->reviewers[i], id))
			return true;
	return false;
}

static bool is_of(const struct packing *p, const struct id32 *id, enum fact_kind kind)
{
	const struct judge_case *k = &p->look->g.judge;
	for (size_t i = 0; i < k->facts_n; i++)
		if (k->facts[i].kind == kind && id32_equal(&k->facts[i].at.id, id))
			return kind == FACT_APPOINTMENT
				? is_reviewer(p, &k->facts[i].party)
				: id32_equal(&k->facts[i].party, &p->look->j->award->author);
	return false;
}

/* SPEC 18: "The bundle of an award holds" */
static bool is_wanted(const struct packing *p, const struct fact *f)
{
	const struct award_judgement *j = p->look->j;
	const struct id32 *issuer = &j->award->author;
	bool issuers = id32_equal(&f->author, issuer);
	switch (f->kind) {
	case FACT_AWARD: return id32_equal(&f->at.id, &j->award->at.id);
	case FACT_DEFINITION: return issuers;
	case FACT_APPOINTMENT: return issuers && is_reviewer(p, &f->party);
	case FACT_APPOINTMENT_END: return issuers && is_of(p, &f->about, FACT_APPOINTMENT);
	case FACT_TAKE_UP: return issuers && is_named(p, &f->about);
	case FACT_MANIFEST: return j->manifest && id32_equal(&f->at.id, &j->manifest->at.id);
	case FACT_REVIEW: return is_named(p, &f->at.id);
	case FACT_ACCEPTANCE:
		return id32_equal(&f->about, &j->award->at.id) && id32_equal(&f->author, &j->earner);
	case FACT_REVOKE: return issuers && id32_equal(&f->about, &j->award->at.id);
	case FACT_VOUCH: return id32_equal(&f->party, issuer);
	case FACT_VOUCH_END: return is_of(p, &f->about, FACT_VOUCH);
	case FACT_NONE:
	case FACT_PROFILE:
	case FACT_ARTIFACT:
	case FACT_REFLECTION:
	case FACT_FRAMEWORK:
	case FACT_SUBMISSION:
	case FACT_REVISION:
	case FACT_CLAIM:
	case FACT_RELEASE:
	case FACT_WITHDRAW:
	case FACT_NAMED:
	case FACT_ENDORSEMENT:
	case FACT_ACT:
	case FACT_SHARE:
	case FACT_ADMISSION:
	case FACT_ADMISSION_END:
	case FACT_KIND_COUNT: break;
	}
	return false;
}

/* SPEC 18: "Evidence itself is not in it: of each piece that was erased, the header and the statement" */
static void want_erased(struct packing *p)
{
	const struct judge_case *k = &p->look->g.judge;
	const struct fact *manifest = p->look->j->manifest;
	struct slice kind, fields;
	struct mp_in in;
	struct record_item item;
	size_t n = 0;
	if (!manifest || record_open(manifest->data, &kind, &fields) != OK ||
		record_get(fields, "items", &in) != OK || mp_get_array(&in, 0, SIZE_MAX, &n) != OK)
		return;
	for (; n > 0 && record_get_item(&in, &item) == OK; n--)
		for (size_t i = 0; i < k->erased_n; i++)
			if (id32_equal(&k->erased[i], &item.at.id))
				want(p, &(struct wanted){.at = item.at, .erased = true});
}

static void want_all(struct packing *p)
{
	const struct judge_case *k = &p->look->g.judge;
	struct entry_ref submission;
	p->reviews_n = awards_reviews(p->look->j->award, p->reviews, NAMED_MAX);
	for (size_t i = 0; i < k->facts_n; i++)
		if (k->facts[i].kind == FACT_REVIEW && is_named(p, &k->facts[i].at.id) &&
			!is_reviewer(p, &k->facts[i].author) && p->reviewers_n < NAMED_MAX)
			p->reviewers[p->reviewers_n++] = k->facts[i].author;
	for (size_t i = 0; i < k->facts_n; i++)
		if (is_wanted(p, &k->facts[i]) && (!k->facts[i].cut || k->facts[i].kind == FACT_REVIEW))
			want(p, &(struct wanted){.at = k->facts[i].at, .aside = k->facts[i].cut});
	want_erased(p);
	if (cases_ref(p->look->j->award, "submission", &submission) == OK)
		want(p, &(struct wanted){.at = submission, .bare = true});
}

/* ---- runs */

static int by_place(const void *x, const void *y)
{
	const struct wanted *a = (const struct wanted *)x, *b = (const struct wanted *)y;
	int c = id32_cmp(&a->at.log, &b->at.log);
	if (c == 0)
		c = (int)b->aside - (int)a->aside;
	return c ? c : a->at.seq == b->at.seq ? 0 : a->at.seq < b->at.seq ? -1 : 1;
}

static enum err fill_body(
	struct packing *p, const struct wanted *w, const struct store_part *part, struct bundle_body *b)
{
	*b = (struct bundle_body){.seq = w->at.seq, .envelope = arena_copy(&p->mem, part->envelope)};
	struct slice bytes = arena_copy(&p->mem, part->bytes);
	if (!bytes.p || !b->envelope.p)
		return ERR_MEMORY;
	if (w->erased && part->kind == BODY_ERASED) {
		struct envelope envelope;
		b->erased = bytes;
		if (envelope_decode(b->envelope, &envelope) != OK || !envelope.has_custodian)
			return OK;
		return add_identity(p, &envelope.custodian);
	}
	if (part->kind != BODY_HERE)
		return OK; /* its header alone */
	b->body = bytes;
	enum err e = OK;
	if (part->header[1] & ENTRY_FLAG_SEALED) {
		e = book_key(p->c->book, p->c->store, &w->at, b->key);
		b->has_key = e == OK;
		if (e != OK)
			b->body = (struct slice){0}; /* of use to nobody */
	}
	return e == ERR_MEMORY || e == ERR_IO ? e : OK;
}

/* The run from the first wanted entry of an interval up to its signature; n wanted of it. */
static enum err fill_run(struct packing *p, const struct wanted *w, size_t n, const struct store_log *log,
	uint64_t first, const struct store_res *res)
{
	struct bundle_run *run = &p->runs[p->runs_n];
	uint8_t *headers = (uint8_t *)arena_alloc(&p->mem, res->r.n * ENTRY_HEADER_BYTES);
	size_t bytes = (n ? n : 1) * sizeof(struct bundle_body);
	struct bundle_body *bodies = (struct bundle_body *)arena_alloc(&p->mem, bytes);
	struct slice signature = arena_copy(&p->mem, res->r.sig);
	if (!headers || !bodies || !signature.p)
		return ERR_MEMORY;
	memset(bodies, 0, bytes);
	p->secrets[p->secrets_n] = (uint8_t *)bodies;
	p->secret_bytes[p->secrets_n++] = bytes;
	for (size_t i = 0; i < res->r.n; i++)
		memcpy(headers + i * ENTRY_HEADER_BYTES, res->r.parts[i].header, ENTRY_HEADER_BYTES);
	*run = (struct bundle_run){.identity = log->identity,
		.log = log->log,
		.first = first,
		.n = res->r.n,
		.headers = headers,
		.signature = signature.n == ENTRY_SIGNATURE_BYTES ? signature.p : NULL,
		.bodies = bodies};
	enum err e = OK;
	for (size_t i = 0; e == OK && i < n; i++)
		if (!w[i].bare && w[i].at.seq - first < res->r.n)
			e = fill_body(p, &w[i], &res->r.parts[w[i].at.seq - first], &bodies[run->bodies_n++]);
	p->runs_n++;
	return e;
}

static enum err add_run(
	struct packing *p, const struct wanted *w, size_t n, const struct store_log *log, uint64_t first)
{
	struct store_req req = {.op = STORE_RUN_GET,
		.a.log = log->log,
		.a.first = first,
		.a.end = run_interval_end(first),
		.a.max = BUNDLE_BYTES_MAX};
	struct store_res res = {0};
	if (p->runs_n == BUNDLE_RUNS_MAX)
		return act_say(p->c->act, ERR_LIMIT,
			"A proof bundle of this award would be too large: export the credential alone, as json.");
	store_exec_one(p->c->store, &req, &res);
	enum err e = res.err;
	if (e == OK)
		e = fill_run(p, w, n, log, first, &res);
	store_res_free(&res);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* NULL: no key event at hand names it. */
static enum err device_of(struct packing *p, const struct store_log *log, const struct keyset_device **out)
{
	struct judge_identity who;
	enum err e = cases_identity(p->c->cases, &log->identity, &who);
	*out = e == OK ? keyset_view_device(who.view, &log->log) : NULL;
	return e == ERR_NOT_FOUND ? OK : e;
}

/* SPEC 18: "one at or above n lies behind the closing": of a review there, what shows it. */
static enum err add_aside(struct packing *p, const struct wanted *w, const struct store_log *log)
{
	struct store_req req = {
		.op = STORE_SOUGHT_GET, .a.log = w->at.log, .a.seq = w->at.seq, .a.id = w->at.id};
	struct store_res res = {0};
	const struct keyset_device *device;
	enum err e = device_of(p, log, &device);
	/* Of the issuer's own logs without a closing, nothing may go beyond the marks. */
	if (e != OK ||
		(id32_equal(&log->identity, &p->look->j->award->author) && !(device && device->closed)))
		return e;
	store_exec_one(p->c->store, &req, &res);
	e = res.err;
	const size_t n = e == OK && res.r.parts && res.r.more && p->runs_n < BUNDLE_RUNS_MAX
		? res.r.bytes.n / ENTRY_HEADER_BYTES
		: 0;
	struct store_part *parts = n ? (struct store_part *)arena_alloc(&res.mem, n * sizeof *parts) : NULL;
	if (n && !parts)
		e = ERR_MEMORY;
	for (size_t i = 0; e == OK && i < n; i++)
		parts[i] = i ? (struct store_part){.header = res.r.bytes.p + i * ENTRY_HEADER_BYTES}
			     : res.r.parts[0];
	if (e == OK && n) {
		res.r.parts = parts;
		res.r.n = n;
		e = fill_run(p, w, 1, log, w->at.seq, &res);
	}
	store_res_free(&res);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* Of a closed log all headers up to the closing, which alone show that an entry is before it; else those up to the next signature. */
static enum err add_runs_of(struct packing *p, const struct wanted *w, size_t n, const struct store_log *log)
{
	const struct keyset_device *device;
	enum err e = device_of(p, log, &device);
	if (e != OK)
		return e;
	uint64_t end = w[n - 1].at.seq + 1;
	if (device && device->closed && device->closed_length > end)
		end = device->closed_length;
	e = OK;
	bool whole = device && device->closed;
	for (uint64_t first = w[0].at.seq; e == OK && first < end;) {
		uint64_t behind = run_interval_end(first);
		size_t some = 0;
		while (some < n && w[some].at.seq < behind)
			some++;
		e = add_run(p, w, some, log, first);
		w += some;
		n -= some;
		first = whole || n == 0 ? behind : w[0].at.seq;
	}
	return e;
}

static enum err find_log(struct packing *p, const struct id32 *id, struct store_log *out)
{
	struct store_req req = {.op = STORE_LOG_GET, .a.log = *id};
	struct store_res res = {0};
	store_exec_one(p->c->store, &req, &res);
	enum err e = res.err;
	if (e == OK)
		*out = res.r.logs[0];
	store_res_free(&res);
	return e;
}

static enum err add_runs(struct packing *p)
{
	enum err e = OK;
	if (p->n)
		qsort(p->wanted, p->n, sizeof p->wanted[0], by_place);
	for (size_t i = 0, n; e == OK && i < p->n; i += n) {
		struct store_log log;
		for (n = 1; i + n < p->n && id32_equal(&p->wanted[i + n].at.log, &p->wanted[i].at.log); n++)
			;
		e = find_log(p, &p->wanted[i].at.log, &log);
		size_t aside = 0; /* these stand first */
		for (; e == OK && aside < n && p->wanted[i + aside].aside; aside++)
			e = add_aside(p, &p->wanted[i + aside], &log);
		if (e == OK && aside < n)
			e = add_runs_of(p, &p->wanted[i + aside], n - aside, &log);
		else if (e == ERR_NOT_FOUND)
			e = OK;
	}
	return e;
}

/* ---- how far the issuer's logs are known */

static enum err add_mark(struct packing *p, const struct store_log *log)
{
	if (log->end == 0 || p->marks_n == BUNDLE_MARKS_MAX)
		return OK;
	struct store_req req = {
		.op = STORE_RUN_GET, .a.log = log->log, .a.first = log->end - 1, .a.end = log->end};
	struct store_res res = {0};
	struct entry_header header;
	store_exec_one(p->c->store, &req, &res);
	enum err e = res.err;
	if (e == OK)
		e = entry_header_decode(slice_of(res.r.parts[0].header, ENTRY_HEADER_BYTES), &header);
	if (e == OK)
		p->marks[p->marks_n++] = (struct bundle_mark){.log = log->log,
			.last = entry_id(res.r.parts[0].header),
			.length = log->end,
			.hour = header.hour};
	store_res_free(&res);
	return e;
}

static enum err add_marks(struct packing *p)
{
	struct store_req req = {.op = STORE_LOG_LIST, .a.identity = p->look->j->award->author};
	struct store_res res = {0};
	store_exec_one(p->c->store, &req, &res);
	enum err e = res.err;
	for (size_t i = 0; e == OK && i < res.r.n; i++)
		e = add_mark(p, &res.r.logs[i]);
	store_res_free(&res);
	return e;
}

/* ---- the whole */

enum err awards_bundle(
	struct catalogue *c, const struct award_look *l, const json_t *credential, struct buf *out)
{
	struct packing *p = (struct packing *)calloc(1, sizeof *p);
	if (!p)
		return ERR_MEMORY;
	p->c = c;
	p->look = l;
	want_all(p);
	enum err e = add_identities(p);
	if (e == OK)
		e = add_runs(p);
	if (e == OK)
		e = add_marks(p);
	if (e == OK) {
		const struct bundle_parts parts = {.credential = credential,
			.award = l->j->award->at,
			.identities_n = p->identities_n,
			.identities = p->identities,
			.runs_n = p->runs_n,
			.runs = p->runs,
			.hour = (uint32_t)(time(NULL) / 3600),
			.marks_n = p->marks_n,
			.marks = p->marks};
		e = bundle_write(&parts, out);
		if (e == ERR_LIMIT)
			e = act_say(c->act, e,
				"A proof bundle of this award would be too large: export the credential alone, as json.");
	}
	for (size_t i = 0; i < p->secrets_n; i++)
		sodium_memzero(p->secrets[i], p->secret_bytes[i]);
	arena_free(&p->mem);
	free(p);
	return e;
}
