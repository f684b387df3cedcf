/* admissions.c -- see admissions.h. */
#include "admissions.h"

#include "log.h"
#include "protocol/log/entry.h"
#include "protocol/log/record.h"

/* ---- whom the network's logs name */

struct book {
	struct store_admission *at;
	size_t n;
	enum err err;
};

static void book_free(struct book *b)
{
	free(b->at);
}

static void note_admission(struct book *b, const struct store_admission *a)
{
	struct store_admission *at = (struct store_admission *)realloc(b->at, (b->n + 1) * sizeof *at);
	if (!at) {
		b->err = ERR_MEMORY;
		return;
	}
	b->at = at;
	b->at[b->n++] = *a;
}

/* node: NULL for all. */
static enum err read_book(struct desk *d, const struct id32 *network, const struct id32 *node, struct book *b)
{
	struct store_req req = {.op = STORE_ADMISSION_LIST, .a.identity = *network};
	struct store_res res;
	if (node)
		req.a.node = *node;
	b->err = desk_store(d, &req, &res);
	for (size_t i = 0; b->err == OK && i < res.r.n; i++)
		note_admission(b, &res.r.admissions[i]);
	store_res_free(&res);
	return b->err;
}

/* ---- writing */

/* Whoever asks next is to know of it already. */
static enum err settle(struct desk *d)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_ADMISSIONS};
	return desk_command(d, &cmd, NULL);
}

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
	return e == OK ? settle(d) : e;
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
	enum err e = read_book(d, network, node, &b);
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
		note_admission(b, &(struct store_admission){.node = x->node, .introducer = x->introducer});
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
		e = read_book(d, &network->identity, NULL, &b);
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

static enum err id_of(struct desk *d, struct entry_ref *ref)
{
	struct store_req req = {.op = STORE_IDS, .a.log = ref->log, .a.seqs = &ref->seq, .a.n = 1};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	if (e == OK)
		ref->id = res.r.ids[0];
	store_res_free(&res);
	return e;
}

enum err admissions_end(struct desk *d, const struct owner *network, const struct id32 *node)
{
	struct book b = {0};
	desk_lock(d);
	enum err e = read_book(d, &network->identity, node, &b);
	for (size_t i = 0; e == OK && i < b.n; i++) {
		struct entry_ref ref = {.log = b.at[i].log, .seq = b.at[i].seq};
		if (b.at[i].ended)
			continue;
		e = id_of(d, &ref);
		if (e == OK)
			e = put_end(d, network, &ref);
	}
	desk_unlock(d);
	book_free(&b);
	return e;
}
