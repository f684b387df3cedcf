/* admissions.c -- see admissions.h. */
#include "admissions.h"

#include "protocol/log/entry.h"
#include "protocol/log/record.h"

/* ---- who is named by the network's logs */

struct admitted {
	struct id32 node;
	struct entry_ref ref;
	bool ended;
};

struct book {
	struct admitted *at;
	size_t n;
	enum err err;
};

static void note_admission(struct book *b, const struct id32 *node, const struct entry_ref *ref)
{
	struct admitted *at = (struct admitted *)realloc(b->at, (b->n + 1) * sizeof *at);
	if (!at) {
		b->err = ERR_MEMORY;
		return;
	}
	b->at = at;
	b->at[b->n++] = (struct admitted){.node = *node, .ref = *ref};
}

static void note_part(struct book *b, const struct id32 *log, uint64_t seq, const struct store_part *p)
{
	struct slice kind, fields;
	struct mp_in value;
	struct entry_ref ref = {.log = *log, .seq = seq, .id = entry_id(p->header)}, of;
	struct id32 node;
	if (p->kind != BODY_HERE || (p->header[1] & ENTRY_FLAG_SEALED) || p->bytes.n <= ENTRY_SALT_BYTES)
		return;
	struct slice record = slice_of(p->bytes.p + ENTRY_SALT_BYTES, p->bytes.n - ENTRY_SALT_BYTES);
	if (record_open(record, &kind, &fields) != OK || record_check(record, NULL) != OK)
		return;
	if (slice_equal(kind, slice_str("admission")) && record_get_id(fields, "node", &node) == OK)
		note_admission(b, &node, &ref);
	if (slice_equal(kind, slice_str("admission-end")) && record_get(fields, "of", &value) == OK &&
		record_get_ref(&value, &of) == OK)
		for (size_t i = 0; i < b->n; i++)
			if (id32_equal(&b->at[i].ref.log, &of.log) && b->at[i].ref.seq == of.seq)
				b->at[i].ended = true;
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
	return b->err;
}

/* ---- writing */

enum err admissions_put(
	struct desk *d, const struct owner *network, const struct id32 *node, const char *name)
{
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "admission");
	mp_put_map(&m, 2);
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

static bool is_admitted(const struct book *b, const struct id32 *node)
{
	for (size_t i = 0; i < b->n; i++)
		if (!b->at[i].ended && id32_equal(&b->at[i].node, node))
			return true;
	return false;
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
		if (p->origin == PEER_INVITED && !is_admitted(&b, &p->node))
			e = admissions_put(d, network, &p->node, p->name);
	}
	store_res_free(&res);
	free(b.at);
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
	free(b.at);
	return e;
}
