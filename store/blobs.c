/* blobs.c -- what is known of blobs, which entries pin them, and the content of small ones. SPEC.md sections 6 and 11. */
#include "store/db.h"
#include "store/blobfile.h"

#define PAGE_BYTES (BLOB_PAGE_LEAVES * 32)

struct blob_row {
	int64_t no;
	enum blob_state state;
	bool in_rows;
	uint64_t size;
	struct id32 owner;
};

static enum err get_row(struct store *s, const struct id32 *root, struct blob_row *b)
{
	*b = (struct blob_row){0};
	struct query get = q_start(s, Q_BLOB_STATE);
	q_id(&get, root);
	bool found = q_row(&get);
	if (found)
		*b = (struct blob_row){
			.no = qc_int(&get, 0),
			.state = (enum blob_state)qc_int(&get, 1),
			.in_rows = qc_int(&get, 2) != 0,
			.size = qc_uint(&get, 3),
			.owner = qc_id(&get, 4),
		};
	enum err e = q_end(&get);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

static enum err want(struct store *s, const struct id32 *root, const struct id32 *owner, uint64_t size)
{
	store_touch(s);
	struct query put = q_start(s, Q_BLOB_WANT);
	q_id(&put, root);
	q_id(&put, owner);
	q_uint(&put, size);
	return q_done(&put);
}

static enum err on_row(struct store *s, enum query_name name, int64_t no)
{
	struct query q = q_start(s, name);
	q_int(&q, no);
	return q_done(&q);
}

static enum err pinned_by(struct store *s, const struct id32 *root, const struct id32 *identity, bool *yes)
{
	struct query any = q_start(s, Q_PIN_OF);
	q_id(&any, root);
	q_id(&any, identity);
	*yes = q_row(&any);
	return q_end(&any);
}

/* Until its pages are here, nobody knows whose the blob is that two name: it is looked for anew as that of whoever named it last. */
static enum err want_as(struct store *s, const struct blob_row *b, const struct id32 *root,
	const struct id32 *owner, uint64_t size)
{
	if (b->state != BLOB_WANTED || id32_equal(&b->owner, owner))
		return OK;
	enum err e = on_row(s, Q_BLOB_DROP, b->no);
	return e == OK ? want(s, root, owner, size) : e;
}

enum err pins_put(
	struct store *s, const struct id32 *owner, int64_t key, const struct store_pin *pin, bool *lacking)
{
	struct blob_row b;
	struct query put = q_start(s, Q_PIN_PUT);
	q_id(&put, &pin->root);
	q_int(&put, key);
	enum err e = q_done(&put);
	if (e == OK)
		e = get_row(s, &pin->root, &b);
	if (e == ERR_NOT_FOUND)
		e = want(s, &pin->root, owner, pin->size);
	else if (e == OK)
		e = b.state == BLOB_COMPLETE ? on_row(s, Q_UNATTACHED_DROP, b.no)
					     : want_as(s, &b, &pin->root, owner, pin->size);
	*lacking = *lacking || b.state != BLOB_COMPLETE;
	return e;
}

/* SPEC 12.2: "no other entry of the owner pins"; what has no pages yet may be anybody's who names it. */
static enum err is_pinned(
	struct store *s, const struct id32 *root, const struct blob_row *b, struct id32 *by, bool *pinned)
{
	*by = b->owner;
	enum err e = pinned_by(s, root, &b->owner, pinned);
	if (e != OK || *pinned || b->state != BLOB_WANTED)
		return e;
	struct query any = q_start(s, Q_PIN_ANY);
	q_id(&any, root);
	*pinned = q_row(&any);
	if (*pinned)
		*by = qc_id(&any, 0);
	return q_end(&any);
}

/* One root whose pin goes: *file says that the caller must remove its files. */
static enum err unpin(struct store *s, const struct id32 *root, int64_t key, bool *file)
{
	bool pinned;
	struct blob_row b;
	struct id32 by;
	*file = false;
	struct query drop = q_start(s, Q_PIN_DROP);
	q_id(&drop, root);
	q_int(&drop, key);
	enum err e = q_done(&drop);
	if (e == OK)
		e = get_row(s, root, &b);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	e = is_pinned(s, root, &b, &by, &pinned);
	if (e != OK || pinned)
		return e == OK ? want_as(s, &b, root, &by, b.size) : e;
	*file = !b.in_rows;
	return on_row(s, Q_BLOB_DROP, b.no);
}

enum err pins_drop(struct store *s, int64_t key, struct store_res *r)
{
	struct array roots = {0};
	struct query list = q_start(s, Q_PIN_ROOTS);
	q_int(&list, key);
	while (q_row(&list)) {
		struct id32 *root = array_add(&roots, sizeof *root, &list);
		if (root)
			*root = qc_id(&list, 0);
	}
	size_t n = roots.n;
	r->r.ids = array_give(&roots, &r->mem, &list);
	enum err e = q_end(&list);
	size_t kept = 0;
	for (size_t i = 0; e == OK && i < n; i++) {
		bool file;
		e = unpin(s, &r->r.ids[i], key, &file);
		if (file)
			r->r.ids[kept++] = r->r.ids[i];
	}
	r->r.n = kept;
	return e;
}

static void read_blob(struct query *q, struct store_blob *b, struct arena *mem)
{
	b->root = qc_id(q, 0);
	b->owner = qc_id(q, 1);
	b->size = qc_uint(q, 2);
	b->state = (enum blob_state)qc_int(q, 3);
	b->in_rows = qc_int(q, 4) != 0;
	b->pages = qc_copy(q, 5, mem);
	b->have = qc_copy(q, 6, mem);
	b->have_n = qc_uint(q, 7);
	b->pins = qc_uint(q, 8);
	b->no = qc_uint(q, 9);
}

enum err op_BLOB_GET(struct store *s, const struct store_req *q, struct store_res *r)
{
	r->r.blobs = arena_alloc(&r->mem, sizeof *r->r.blobs);
	if (!r->r.blobs)
		return ERR_MEMORY;
	memset(r->r.blobs, 0, sizeof *r->r.blobs);
	r->r.n = 1;
	struct query get = q_start(s, Q_BLOB_GET);
	q_id(&get, &q->a.root);
	bool found = q_row(&get);
	if (found)
		read_blob(&get, r->r.blobs, &r->mem);
	if (found && q->a.flag && r->r.blobs->in_rows)
		r->r.bytes = qc_copy(&get, 10, &r->mem);
	enum err e = q_end(&get);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

enum err op_BLOB_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct array blobs = {0};
	struct query list = q_start(s, q->a.flag ? Q_BLOB_LIST_WANTED : Q_BLOB_LIST);
	q_uint(&list, q->a.seq);
	q_int(&list, q->a.max && q->a.max < INT32_MAX ? (int64_t)q->a.max : -1);
	while (q_row(&list)) {
		struct store_blob *b = array_add(&blobs, sizeof *b, &list);
		if (b)
			read_blob(&list, b, &r->mem);
		if (b && q->a.flag)
			b->hosted = qc_int(&list, 10) != 0;
	}
	r->r.n = blobs.n;
	r->r.blobs = array_give(&blobs, &r->mem, &list);
	enum err e = q_end(&list);
	if (e != OK || !q->a.flag || q->a.end != 1)
		return e;
	struct query used = q_start(s, Q_BLOB_USED);
	if (q_row(&used))
		r->r.number = qc_uint(&used, 0);
	return q_end(&used);
}

static uint64_t chunks_of(uint64_t size)
{
	return size == 0 ? 1 : (size - 1) / BLOB_CHUNK_BYTES + 1;
}

static bool pages_fit(uint64_t size, struct slice pages)
{
	uint64_t chunks = chunks_of(size);
	return chunks <= LIMIT_BLOB_CHUNKS &&
		pages.n == (chunks + BLOB_PAGE_LEAVES - 1) / BLOB_PAGE_LEAVES * 32;
}

static enum err set_meta(
	struct store *s, const struct blob_row *b, const struct id32 *owner, struct slice pages)
{
	struct query set = q_start(s, Q_BLOB_META);
	q_id(&set, owner);
	q_uint(&set, b->size);
	q_int(&set, BLOB_META);
	q_blob(&set, pages);
	q_int(&set, b->no);
	return q_done(&set);
}

/* The row, made if need be, with what the root binds. */
static enum err put_meta(struct store *s, const struct store_req *q, struct blob_row *b)
{
	enum err e = want(s, &q->a.root, &q->a.identity, q->a.number);
	if (e == OK)
		e = get_row(s, &q->a.root, b);
	if (e != OK || b->state > BLOB_META)
		return e;
	b->size = q->a.number;
	return set_meta(s, b, &q->a.identity, q->a.bytes);
}

static enum err put_leaves(struct store *s, int64_t no, uint64_t page, struct slice leaves)
{
	struct query put = q_start(s, Q_LEAVES_PUT);
	q_int(&put, no);
	q_uint(&put, page);
	q_blob(&put, leaves);
	return q_done(&put);
}

static enum err complete(struct store *s, const struct blob_row *b, struct slice content)
{
	store_touch(s);
	struct query done = q_start(s, Q_BLOB_DONE);
	q_uint(&done, chunks_of(b->size));
	q_int(&done, content.n > 0);
	q_blob_or_null(&done, content);
	q_int(&done, b->no);
	return q_done(&done);
}

enum err op_BLOB_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct blob_row b;
	if (!pages_fit(q->a.number, q->a.bytes) ||
		q->a.bytes2.n != (q->a.flag || q->a.bytes2.n ? chunks_of(q->a.number) * 32 : 0))
		return ERR_RANGE;
	if (q->a.value.n > LIMIT_BLOB_INLINE_BYTES)
		return ERR_LIMIT;
	enum err e = put_meta(s, q, &b);
	for (size_t at = 0; e == OK && at < q->a.bytes2.n; at += PAGE_BYTES) {
		size_t n = q->a.bytes2.n - at < PAGE_BYTES ? q->a.bytes2.n - at : PAGE_BYTES;
		e = put_leaves(s, b.no, at / PAGE_BYTES, slice_of(q->a.bytes2.p + at, n));
	}
	if (e != OK || !q->a.flag || b.state == BLOB_COMPLETE)
		return e;
	e = complete(s, &b, q->a.value);
	return e == OK ? on_row(s, Q_UNATTACHED_PUT, b.no) : e;
}

/* What only others name is not kept for that, nor what was erased while it was being fetched. */
static enum err check_owner(struct store *s, const struct store_req *q)
{
	bool pinned;
	enum err e = pinned_by(s, &q->a.root, &q->a.identity, &pinned);
	return e == OK && !pinned ? ERR_NOT_FOUND : e;
}

enum err op_BLOB_META(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct blob_row b;
	enum err e = pages_fit(q->a.number, q->a.bytes) ? check_owner(s, q) : ERR_RANGE;
	return e == OK ? put_meta(s, q, &b) : e;
}

enum err op_BLOB_LEAVES_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct blob_row b;
	if (q->a.seq >= LIMIT_BLOB_PAGES || q->a.bytes.n == 0 || q->a.bytes.n > PAGE_BYTES ||
		q->a.bytes.n % 32)
		return ERR_RANGE;
	enum err e = get_row(s, &q->a.root, &b);
	if (e != OK)
		return e;
	store_touch(s);
	return put_leaves(s, b.no, q->a.seq, q->a.bytes);
}

enum err op_BLOB_LEAVES(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct query get = q_start(s, Q_LEAVES_GET);
	q_id(&get, &q->a.root);
	q_uint(&get, q->a.seq);
	bool found = q_row(&get);
	if (found)
		r->r.bytes = qc_copy(&get, 0, &r->mem);
	enum err e = q_end(&get);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

enum err op_BLOB_HAVE(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct blob_row b;
	enum err e = get_row(s, &q->a.root, &b);
	if (e != OK || b.state == BLOB_COMPLETE)
		return e;
	if (b.state == BLOB_WANTED)
		return ERR_STATE; /* without pages no chunk can have been checked */
	if (q->a.bytes.n != (chunks_of(b.size) + 7) / 8 || q->a.number > chunks_of(b.size))
		return ERR_RANGE;
	store_touch(s);
	struct query have = q_start(s, Q_BLOB_HAVE);
	q_blob(&have, q->a.bytes);
	q_uint(&have, q->a.number);
	q_int(&have, b.no);
	return q_done(&have);
}

/* Of one chunk, and nothing but its root was known until now: in one stroke. */
static enum err complete_whole(struct store *s, const struct store_req *q, const struct blob_row *b)
{
	if (b->size > BLOB_CHUNK_BYTES || q->a.bytes.n != 32 || q->a.bytes2.n != 32)
		return ERR_RANGE;
	enum err e = check_owner(s, q);
	if (e != OK)
		return e;
	store_touch(s);
	struct query whole = q_start(s, Q_BLOB_WHOLE);
	q_id(&whole, &q->a.identity);
	q_blob(&whole, q->a.bytes);
	q_int(&whole, q->a.value.n > 0);
	q_blob_or_null(&whole, q->a.value);
	q_int(&whole, b->no);
	e = q_done(&whole);
	return e == OK ? put_leaves(s, b->no, 0, q->a.bytes2) : e;
}

enum err op_BLOB_DONE(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct blob_row b;
	if (q->a.value.n > LIMIT_BLOB_INLINE_BYTES)
		return ERR_LIMIT;
	enum err e = get_row(s, &q->a.root, &b);
	if (e != OK || b.state == BLOB_COMPLETE)
		return e;
	if (q->a.bytes.n)
		return complete_whole(s, q, &b);
	return b.state == BLOB_WANTED ? ERR_STATE : complete(s, &b, q->a.value);
}

enum err op_BLOB_CONTENT(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct query get = q_start(s, Q_BLOB_CONTENT);
	q_id(&get, &q->a.root);
	bool found = q_row(&get);
	if (found)
		r->r.bytes = qc_copy(&get, 0, &r->mem);
	enum err e = q_end(&get);
	return e == OK && !found ? ERR_NOT_FOUND : e;
}

/* What entries still pin is wanted again. */
enum err op_BLOB_DROP(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct blob_row b;
	struct id32 by;
	bool pinned;
	enum err e = get_row(s, &q->a.root, &b);
	if (e == OK)
		e = is_pinned(s, &q->a.root, &b, &by, &pinned);
	if (e != OK)
		return e;
	store_touch(s);
	s->wipe = b.in_rows;
	if (!b.in_rows) {
		r->r.ids = arena_alloc(&r->mem, sizeof *r->r.ids);
		if (!r->r.ids)
			return ERR_MEMORY;
		r->r.ids[0] = q->a.root;
		r->r.n = 1;
	}
	if (!pinned)
		return on_row(s, Q_BLOB_DROP, b.no);
	e = on_row(s, Q_LEAVES_DROP, b.no);
	return e == OK ? on_row(s, Q_BLOB_RESET, b.no) : e;
}

struct tidy {
	struct store *s;
	enum err e;
};

static void tidy_file(void *ctx, const struct id32 *root, bool part, uint64_t bytes)
{
	struct tidy *t = ctx;
	struct blob_row b;
	(void)part;
	(void)bytes;
	if (t->e != OK)
		return;
	t->e = get_row(t->s, root, &b);
	if (t->e == ERR_NOT_FOUND) {
		blobfile_remove(t->s->home, root);
		t->e = OK;
	}
}

/* A crash came between a commit and the removal of a file, or between a file's publishing and its row; or nobody attached what was
 * written here, whose keys went with the last start. */
enum err blobs_tidy(struct store *s)
{
	struct tidy t = {.s = s};
	struct query drop = q_start(s, Q_BLOB_DROP_UNATTACHED);
	enum err e = q_done(&drop);
	blobfile_drop_temporaries(s->home);
	if (e == OK)
		e = blobfile_each(s->home, tidy_file, &t);
	return e != OK ? e : t.e;
}
