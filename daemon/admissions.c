/* admissions.c -- see admissions.h. */
#include "admissions.h"

#include "log.h"
#include "protocol/log/entry.h"
#include "protocol/log/record.h"

/* ---- who is named by the network's logs */

struct admitted {
	struct id32 node, introducer; /* introducer: zeros if nobody */
	struct entry_ref ref;
	bool ended;
};

struct book {
	struct admitted *at;
	size_t n;
	struct entry_ref *ends; /* admissions that are ended, which may be read later */
	size_t ends_n;
	enum err err;
};

static void book_free(struct book *b)
{
	free(b->at);
	free(b->ends);
}

static void note_end(struct book *b, const struct entry_ref *of)
{
	struct entry_ref *ends = (struct entry_ref *)realloc(b->ends, (b->ends_n + 1) * sizeof *ends);
	if (!ends) {
		b->err = ERR_MEMORY;
		return;
	}
	b->ends = ends;
	b->ends[b->ends_n++] = *of;
}

static void settle(struct book *b)
{
	for (size_t k = 0; k < b->ends_n; k++)
		for (size_t i = 0; i < b->n; i++)
			if (id32_equal(&b->at[i].ref.log, &b->ends[k].log) &&
				b->at[i].ref.seq == b->ends[k].seq)
				b->at[i].ended = true;
}

static void note_admission(
	struct book *b, const struct id32 *node, const struct id32 *introducer, const struct entry_ref *ref)
{
	struct admitted *at = (struct admitted *)realloc(b->at, (b->n + 1) * sizeof *at);
	if (!at) {
		b->err = ERR_MEMORY;
		return;
	}
	b->at = at;
	b->at[b->n++] = (struct admitted){.node = *node, .introducer = *introducer, .ref = *ref};
}

static void note_part(struct book *b, const struct id32 *log, uint64_t seq, const struct store_part *p)
{
	struct slice kind, fields;
	struct mp_in value;
	struct entry_ref ref = {.log = *log, .seq = seq, .id = entry_id(p->header)}, of;
	struct id32 node, introducer;
	if (p->kind != BODY_HERE || (p->header[1] & ENTRY_FLAG_SEALED) || p->bytes.n <= ENTRY_SALT_BYTES)
		return;
	struct slice record = slice_of(p->bytes.p + ENTRY_SALT_BYTES, p->bytes.n - ENTRY_SALT_BYTES);
	if (record_open(record, &kind, &fields) != OK || record_check(record, NULL) != OK)
		return;
	if (slice_equal(kind, slice_str("admission")) && record_get_id(fields, "node", &node) == OK) {
		if (record_get_id(fields, "introducer", &introducer) != OK)
			introducer = (struct id32){{0}};
		note_admission(b, &node, &introducer, &ref);
	}
	if (slice_equal(kind, slice_str("admission-end")) && record_get(fields, "of", &value) == OK &&
		record_get_ref(&value, &of) == OK)
		note_end(b, &of);
}

static void note_log(struct desk *d, const struct store_log *l, struct book *b)
{
	for (uint64_t seq = 0; b->err == OK && seq < l->end;) {
		struct store_req req = {.op = STORE_RUN_GET,
			.a.log = l->log,
			.a.first = seq,
			.a.end = run_interval_end(seq),
			.a.max = UINT32_MAX};
		struct store_res res;
		b->err = desk_store(d, &req, &res);
		for (size_t i = 0; b->err == OK && i < res.r.n; i++)
			note_part(b, &l->log, seq + i, &res.r.parts[i]);
		seq += res.r.n ? res.r.n : LIMIT_RUN_ENTRIES;
		store_res_free(&res);
	}
}

static enum err read_book(struct desk *d, const struct id32 *network, struct book *b)
{
	struct store_req req = {.op = STORE_LOG_LIST, .a.identity = *network};
	struct store_res res;
	b->err = desk_store(d, &req, &res);
	for (size_t i = 0; b->err == OK && i < res.r.n; i++)
		note_log(d, &res.r.logs[i], b);
	store_res_free(&res);
	settle(b);
	return b->err;
}

/* ---- writing */

enum err admissions_put(struct desk *d, const struct owner *network, const struct id32 *node,
	const char *name, const struct id32 *introducer)
{
	bool introduced = introducer && !id32_is_zero(introducer);
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "admission");
	mp_put_map(&m, introduced ? 3 : 2);
	if (introduced) {
		mp_put_cstr(&m, "introducer");
		mp_put_id(&m, introducer);
	}
	mp_put_cstr(&m, "name");
	mp_put_cstr(&m, name[0] ? name : "node");
	mp_put_cstr(&m, "node");
	mp_put_id(&m, node);
	enum err e = m.err;
	if (e == OK)
		e = ownlog_append_record(d, network, ENTRY_FLAG_KEEP, buf_slice(&record), NULL);
	buf_free(&record);
	return e;
}

static enum admission_standing standing(const struct book *b, const struct id32 *node)
{
	enum admission_standing s = ADMISSION_NONE;
	for (size_t i = 0; i < b->n && s != ADMISSION_IN_FORCE; i++)
		if (id32_equal(&b->at[i].node, node))
			s = b->at[i].ended ? ADMISSION_ENDED : ADMISSION_IN_FORCE;
	return s;
}

enum err admissions_standing(
	struct desk *d, const struct id32 *network, const struct id32 *node, enum admission_standing *out)
{
	struct book b = {0};
	enum err e = read_book(d, network, &b);
	*out = standing(&b, node);
	book_free(&b);
	return e;
}

/* One who introduces without end fills neither the network's log nor the table of peers: who is more waits to be asked about. */
static bool may_admit(const struct book *b, const struct id32 *introducer)
{
	size_t of = 0, all = 0;
	for (size_t i = 0; i < b->n; i++) {
		all += !b->at[i].ended && !id32_is_zero(&b->at[i].introducer);
		of += !b->at[i].ended && id32_equal(&b->at[i].introducer, introducer);
	}
	return of < LIMIT_INTRODUCTIONS_OF_ONE && all < LIMIT_INTRODUCED;
}

/* Those whom members introduced, where the owner wants all of them in. */
static enum err admit_introduced(struct desk *d, const struct owner *network, struct book *b)
{
	static const struct entry_ref here;
	struct store_req req = {.op = STORE_INTRODUCE_LIST};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		const struct store_introduction *x = &res.r.introductions[i];
		if (x->refused || standing(b, &x->node) != ADMISSION_NONE || !may_admit(b, &x->introducer))
			continue;
		e = admissions_put(d, network, &x->node, x->name, &x->introducer);
		if (e != OK)
			break;
		note_admission(b, &x->node, &x->introducer, &here);
		e = b->err;
		log_info("peer", log_text("event", "admitted"), log_id("node", &x->node),
			log_text("name", x->name), log_id("introducer", &x->introducer));
	}
	store_res_free(&res);
	return e;
}

static enum err ensure(struct desk *d, const struct owner *network)
{
	struct book b = {0};
	struct store_req req = {.op = STORE_PEER_LIST};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	if (e == OK)
		e = read_book(d, &network->identity, &b);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		const struct store_peer *p = &res.r.peers[i];
		if (p->origin == PEER_INVITED && standing(&b, &p->node) != ADMISSION_IN_FORCE)
			e = admissions_put(d, network, &p->node, p->name, NULL);
	}
	store_res_free(&res);
	if (e == OK && d->node && strcmp(node_config(d->node)->introductions, "admit") == 0)
		e = admit_introduced(d, network, &b);
	book_free(&b);
	return e;
}

enum err admissions_ensure(struct desk *d, const struct owner *network)
{
	desk_lock(d); /* so that two do not write the same one */
	enum err e = ensure(d, network);
	desk_unlock(d);
	return e;
}

static enum err put_end(struct desk *d, const struct owner *network, const struct entry_ref *of)
{
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "admission-end");
	mp_put_map(&m, 1);
	mp_put_cstr(&m, "of");
	record_put_ref(&m, of);
	enum err e = m.err;
	if (e == OK)
		e = ownlog_append_record(d, network, ENTRY_FLAG_KEEP, buf_slice(&record), NULL);
	buf_free(&record);
	return e;
}

enum err admissions_end(struct desk *d, const struct owner *network, const struct id32 *node)
{
	struct book b = {0};
	desk_lock(d);
	enum err e = read_book(d, &network->identity, &b);
	for (size_t i = 0; e == OK && i < b.n; i++)
		if (!b.at[i].ended && id32_equal(&b.at[i].node, node))
			e = put_end(d, network, &b.at[i].ref);
	desk_unlock(d);
	book_free(&b);
	return e;
}
