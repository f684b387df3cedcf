/* rebuild.c -- makes anew what is derived from entries and follow sets; rebuilt equals grown. */
#include "store/db.h"

/* The blobs of an envelope. The store reads this much of it and no more: SPEC 4.5, key 1, which is the first if it is there.
 * What has another form pins nothing: such an envelope was never let in. */
static size_t envelope_blobs(struct slice e, struct store_pin out[LIMIT_ENVELOPE_BLOBS])
{
	const uint8_t *p = e.p, *end = e.p + e.n;
	if (e.n < 3 || (p[0] & 0xf0) != 0x80 || p[1] != 1)
		return 0;
	size_t n = p[2] & 0x0f;
	p += 3;
	if (e.p[2] == 0xdc && end - p >= 2) {
		n = be16_get(p);
		p += 2;
	} else if ((e.p[2] & 0xf0) != 0x90) {
		return 0;
	}
	if (n > LIMIT_ENVELOPE_BLOBS)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (end - p < 36 || p[0] != 0x92 || p[1] != 0xc4 || p[2] != 32)
			return 0;
		out[i] = (struct store_pin){.root = id32_from(p + 3), .size = p[35]};
		size_t width = p[35] < 0x80              ? 0
			: p[35] >= 0xcc && p[35] <= 0xcf ? (size_t)1 << (p[35] - 0xcc)
							 : 9;
		p += 36;
		if (width == 9 || (size_t)(end - p) < width)
			return 0;
		for (size_t k = 0; k < width; k++)
			out[i].size = (k ? out[i].size << 8 : 0) | p[k];
		p += width;
	}
	return n;
}

enum err pins_of_envelope(struct store *s, const struct id32 *identity, int64_t key, struct slice envelope)
{
	struct store_pin pins[LIMIT_ENVELOPE_BLOBS];
	size_t n = envelope_blobs(envelope, pins);
	enum err e = OK;
	bool lacking = false;
	for (size_t i = 0; e == OK && i < n; i++)
		e = pins_put(s, identity, key, &pins[i], &lacking);
	return e;
}

/* What a scan of a log's entries finds. */
struct scan {
	uint64_t length, bytes;
	struct id32 before_last;
};

static enum err scan_entry(struct store *s, const struct log_row *l, struct query *q, struct scan *c)
{
	struct slice header = qc_slice(q, 2);
	if (header.n != ENTRY_HEADER_BYTES)
		return ERR_CORRUPT;
	c->before_last = id32_from(header.p + HEADER_PREV_AT);
	int64_t kind = qc_int(q, 1);
	if (kind == 1)
		c->bytes += qc_uint(q, 4);
	c->length++;
	return kind == 2 ? OK : pins_of_envelope(s, &l->pub.identity, qc_int(q, 0), qc_slice(q, 3));
}

static enum err scan_log(struct store *s, const struct log_row *l, struct scan *c)
{
	*c = (struct scan){0};
	struct query q = q_start(s, Q_ENTRY_SCAN);
	q_int(&q, entry_key(l, 0));
	q_int(&q, entry_key(l, l->pub.length));
	while (q_row(&q) && qc_int(&q, 0) == entry_key(l, c->length)) {
		enum err e = scan_entry(s, l, &q, c);
		if (e != OK)
			q.e = e;
	}
	return q_end(&q);
}

static enum err drop_from(struct store *s, const struct log_row *l, uint64_t first)
{
	store_touch(s);
	struct query cut = q_start(s, Q_LOG_ENTRIES_CUT);
	q_int(&cut, entry_key(l, first));
	q_int(&cut, entry_key(l, LIMIT_SEQ) + 1);
	enum err e = q_done(&cut);
	return e == OK ? facts_drop(s, &l->pub.log, first, LIMIT_SEQ + 1) : e;
}

/* A hole in the chain: what lies behind it is fetched again. The id of the last entry before a hole is named nowhere, so that one goes
 * too. A log of ours that lost entries must not be appended to again. */
static enum err cut_hole(struct store *s, struct log_row *l, struct scan *c)
{
	uint64_t length = c->length ? c->length - 1 : 0;
	struct id32 last = c->before_last;
	log_bump(s, l);
	l->pub.length = length;
	l->pub.last = last;
	if (l->pub.own == OWN_ACTIVE)
		l->pub.own = OWN_RETIRED;
	enum err e = drop_from(s, l, length);
	return e == OK ? scan_log(s, l, c) : e;
}

static enum err rebuild_log(struct store *s, const struct id32 *id)
{
	struct log_row *l;
	struct scan c;
	enum err e = log_get(s, id, &l);
	if (e == OK)
		e = scan_log(s, l, &c);
	if (e == OK && c.length < l->pub.length)
		e = cut_hole(s, l, &c);
	if (e == OK)
		e = drop_from(s, l, l->pub.length);
	if (e != OK)
		return e;
	struct query count = q_start(s, Q_SIDE_COUNT);
	q_int(&count, l->no);
	uint64_t side = q_row(&count) ? qc_uint(&count, 0) : 0;
	e = q_end(&count);
	log_dirty(s, l);
	l->pub.bytes = c.bytes;
	l->pub.end = 0; /* from here it is settled anew */
	l->pub.erased_sum = (struct id32){{0}};
	l->side = side;
	return e == OK ? log_settle(s, l) : e;
}

static enum err rebuild_side_pins(struct store *s)
{
	struct query list = q_start(s, Q_PIN_SIDE_IDENTITY);
	while (q_row(&list)) {
		struct id32 identity = qc_id(&list, 1);
		if (qc_int(&list, 2) != 2 && list.e == OK)
			list.e = pins_of_envelope(s, &identity, -qc_int(&list, 0), qc_slice(&list, 3));
	}
	return q_end(&list);
}

static enum err rebuild_peer(struct store *s, const struct id32 *node)
{
	struct id32 sum = {{0}};
	struct query list = q_start(s, Q_PEER_FOLLOW_LIST);
	q_id(&list, node);
	while (q_row(&list)) {
		struct id32 identity = qc_id(&list, 0);
		sum_add(&sum, &identity);
	}
	enum err e = q_end(&list);
	if (e != OK)
		return e;
	struct query get = q_start(s, Q_PEER_GET);
	q_id(&get, node);
	bool known = q_row(&get) && qc_int(&get, 7) != 0;
	e = q_end(&get);
	if (e != OK)
		return e;
	struct query set = q_start(s, Q_PEER_VERSION);
	q_id(&set, &sum);
	q_int(&set, known);
	q_id(&set, node);
	return q_done(&set);
}

/* The ids are gathered first: what is done for each writes to the table. */
static enum err for_each(
	struct store *s, enum query_name name, enum err (*one)(struct store *s, const struct id32 *id))
{
	struct array ids = {0};
	struct query list = q_start(s, name);
	while (q_row(&list)) {
		struct id32 *id = array_add(&ids, sizeof *id, &list);
		if (id)
			*id = qc_id(&list, 0);
	}
	enum err e = q_end(&list);
	for (size_t i = 0; e == OK && i < ids.n; i++) {
		struct id32 id = id32_from(ids.b.p + i * 32);
		e = one(s, &id);
	}
	buf_free(&ids.b);
	return e;
}

/* A damaged entry states nothing. */
static enum err facts_of_entry(struct store *s, const struct log_row *l, struct query *row)
{
	struct slice header = qc_slice(row, 1);
	uint64_t seq = qc_uint(row, 0) & LIMIT_SEQ;
	struct id32 id;
	if (header.n != ENTRY_HEADER_BYTES || (header.p[HEADER_FLAGS_AT] & HEADER_SEALED))
		return OK;
	enum err e = log_id_at(s, l, seq, &id);
	if (e == ERR_CORRUPT)
		return OK;
	return e == OK ? facts_make_entry(s, l, seq, &id, header.p, qc_slice(row, 2)) : e;
}

static enum err facts_of_log(struct store *s, const struct id32 *id)
{
	struct log_row *l;
	enum err e = log_get(s, id, &l);
	if (e != OK)
		return e;
	struct query list = q_start(s, Q_FACT_SOURCES);
	q_int(&list, entry_key(l, 0));
	q_int(&list, entry_key(l, l->pub.length));
	while (q_row(&list))
		list.e = facts_of_entry(s, l, &list);
	return q_end(&list);
}

#define MADE_WITHOUT_ADMISSIONS 1 /* by an older version */
#define MADE 2

static enum err set_made(struct store *s, int made)
{
	store_touch(s);
	struct query set = q_start(s, Q_FACT_STATE_SET);
	q_int(&set, made);
	return q_done(&set);
}

static enum err make_facts(struct store *s)
{
	if (!s->facts)
		return OK;
	enum err e = facts_clear(s);
	if (e == OK)
		e = for_each(s, Q_LOG_IDS, facts_of_log);
	return e == OK ? set_made(s, MADE) : e;
}

/* What networks' logs say, once more: what they said of nodes was not kept. */
static enum err make_admissions(struct store *s)
{
	enum err e = for_each(s, Q_LOG_IDS_OF_NETWORKS, facts_of_log);
	return e == OK ? set_made(s, MADE) : e;
}

static enum err forget_made(struct store *s)
{
	return set_made(s, 0);
}

/* Who writes without a maker leaves bodies without facts; the next who has one makes them all. */
enum err facts_catch_up(struct store *s)
{
	struct query get = q_start(s, Q_FACT_STATE);
	int64_t made = q_row(&get) ? qc_int(&get, 0) : 0;
	enum err e = q_end(&get);
	if (e != OK || made == (s->facts ? MADE : 0))
		return e;
	return store_write_alone(s,
		!s->facts                                 ? forget_made
			: made == MADE_WITHOUT_ADMISSIONS ? make_admissions
							  : make_facts);
}

static enum err rebuild_inside(struct store *s)
{
	struct query clear = q_start(s, Q_PIN_CLEAR);
	enum err e = q_done(&clear);
	if (e == OK)
		e = for_each(s, Q_LOG_IDS, rebuild_log);
	if (e == OK)
		e = rebuild_side_pins(s);
	if (e == OK)
		e = make_facts(s);
	return e == OK ? for_each(s, Q_PEER_NODES, rebuild_peer) : e;
}

enum err store_rebuild(struct store *s)
{
	return s->read_only ? ERR_REFUSED : store_write_alone(s, rebuild_inside);
}
