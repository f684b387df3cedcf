/* daemon/book.c: what a session can open, as facts, whatever the order in which bodies and keys come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/book_int.h"
#include "daemon/entries.h"
#include "tests/support/desk_fixture.h"

static void take_store(struct store *s, void *ctx)
{
	*(struct store **)ctx = s;
}

/* Without a daemon the desk reads from the store that it writes to. */
static struct store *the_store(void)
{
	struct store *s = NULL;
	with_store(take_store, &s);
	return s;
}

static struct book *book_of(const struct keyring *k)
{
	struct book *b = book_new(k);
	assert_non_null(b);
	assert_int_equal(book_catch_up(b, the_store()), OK);
	return b;
}

/* How many facts an entry says in the book; the record of the first must be `want`. */
static size_t facts_at(struct book *b, const struct entry_ref *at, struct slice want)
{
	struct store_req req = {.op = STORE_FACT_AT, .a.log = at->log, .a.seq = at->seq};
	struct store_res res;
	assert_int_equal(book_ask(b, &req, &res), OK);
	size_t n = res.r.n;
	if (n && want.n) {
		assert_memory_equal(res.r.facts[0].at.id.b, at->id.b, 32);
		assert_int_equal(res.r.facts[0].data.n, want.n);
		assert_memory_equal(res.r.facts[0].data.p, want.p, want.n);
	}
	store_res_free(&res);
	return n;
}

static bool has(struct book *b, const struct entry_ref *at)
{
	assert_int_equal(book_catch_up(b, the_store()), OK);
	return facts_at(b, at, (struct slice){0}) > 0;
}

static struct buf copy_of(const struct buf *b)
{
	struct buf c = {0};
	assert_int_equal(buf_put_slice(&c, buf_slice(b)), OK);
	return c;
}

static void what_is_sealed_for_somebody_is_in_that_book_alone(void **state)
{
	(void)state;
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON),
		       *bo = make_identity("Bo", IDENTITY_PERSON), *cy = make_identity("Cy", IDENTITY_PERSON);
	struct buf record = reflection("for Bo");
	struct entry_ref at = put_record(ada, readers(bo, NULL), copy_of(&record), false, NULL);
	struct entry_ref clear = put_record(ada, everybody(), reflection("for all"), false, NULL);
	struct book *of_ada = book_of(ada), *of_bo = book_of(bo), *of_cy = book_of(cy),
		    *of_none = book_of(NULL);
	assert_int_equal(facts_at(of_ada, &at, buf_slice(&record)), 1);
	assert_int_equal(facts_at(of_bo, &at, buf_slice(&record)), 1);
	assert_int_equal(facts_at(of_cy, &at, (struct slice){0}), 0);
	assert_int_equal(facts_at(of_none, &at, (struct slice){0}), 0);
	assert_int_equal(facts_at(of_bo, &clear, (struct slice){0}), 0); /* the store's tables have it */
	/* whose entries were opened is told once, and nobody is told of herself */
	struct id32 opened[BOOK_OPENED_MAX];
	assert_int_equal(book_opened(of_bo, opened), 1);
	assert_memory_equal(&opened[0], &ada->self.identity, 32);
	assert_int_equal(book_opened(of_bo, opened), 0);
	assert_int_equal(book_opened(of_ada, opened), 0);
	assert_int_equal(book_opened(of_cy, opened), 0);
	/* what comes later is found too, and what did not change is not lost */
	struct entry_ref later = put_record(ada, readers(cy, NULL), reflection("for Cy"), false, NULL);
	assert_true(has(of_cy, &later));
	assert_false(has(of_bo, &later));
	assert_true(has(of_bo, &at));
	book_free(of_ada);
	book_free(of_bo);
	book_free(of_cy);
	book_free(of_none);
	buf_free(&record);
	keyring_free(ada);
	keyring_free(bo);
	keyring_free(cy);
}

static void a_key_that_is_handed_on_opens_what_was_looked_at_before(void **state)
{
	(void)state;
	uint8_t key[32], got[32];
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON),
		       *bo = make_identity("Bo", IDENTITY_PERSON), *cy = make_identity("Cy", IDENTITY_PERSON);
	struct entry_ref at = put_record(ada, readers(NULL, NULL), reflection("hers"), false, key);
	struct book *of_bo = book_of(bo), *of_cy = book_of(cy), *of_none = book_of(NULL);
	assert_false(has(of_bo, &at));
	assert_int_equal(book_key(of_bo, the_store(), &at, got), ERR_LOCKED);
	put_record(ada, readers(bo, NULL), share(&at, key), false, NULL);
	assert_true(has(of_bo, &at));
	assert_false(has(of_cy, &at));
	assert_false(has(of_none, &at));
	assert_int_equal(book_key(of_bo, the_store(), &at, got), OK);
	assert_memory_equal(got, key, 32);
	/* whoever has it may publish it */
	put_record(bo, everybody(), share(&at, key), false, NULL);
	assert_true(has(of_cy, &at));
	assert_true(has(of_none, &at));
	/* a book that is opened afterwards finds all at once */
	struct book *late = book_of(NULL);
	assert_true(has(late, &at));
	book_free(late);
	book_free(of_bo);
	book_free(of_cy);
	book_free(of_none);
	keyring_free(ada);
	keyring_free(bo);
	keyring_free(cy);
}

static void keys_in_what_a_key_opens_are_taken_too(void **state)
{
	(void)state;
	uint8_t inner[32], outer[32];
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	struct book *of_none = book_of(NULL);
	struct entry_ref at = put_record(ada, readers(NULL, NULL), reflection("deep"), false, inner);
	struct entry_ref box = put_record(ada, readers(NULL, NULL), share(&at, inner), false, outer);
	assert_false(has(of_none, &at));
	put_record(ada, everybody(), share(&box, outer), false, NULL);
	assert_true(has(of_none, &at));
	book_free(of_none);
	keyring_free(ada);
}

static void a_wrong_key_keeps_nobody_from_the_right_one(void **state)
{
	(void)state;
	uint8_t key[32], wrong[32] = {1};
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON),
		       *eve = make_identity("Eve", IDENTITY_PERSON);
	struct entry_ref at = put_record(ada, readers(NULL, NULL), reflection("hers"), false, key);
	for (uint8_t i = 1; i < 12; i++) {
		wrong[0] = i;
		put_record(eve, everybody(), share(&at, wrong), false, NULL);
	}
	struct book *of_none = book_of(NULL);
	assert_false(has(of_none, &at));
	put_record(ada, everybody(), share(&at, key), false, NULL);
	assert_true(has(of_none, &at));
	/* a pointer whose parts do not agree hands nothing on */
	struct entry_ref other = put_record(ada, readers(NULL, NULL), reflection("more"), false, key),
			 bent = other;
	bent.seq--;
	put_record(ada, everybody(), share(&bent, key), false, NULL);
	assert_false(has(of_none, &other));
	book_free(of_none);
	keyring_free(ada);
	keyring_free(eve);
}

static void what_is_erased_leaves_the_book(void **state)
{
	(void)state;
	uint8_t key[32];
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	struct entry_ref at = put_record(ada, readers(NULL, NULL), reflection("gone soon"), false, NULL);
	struct entry_ref stays = put_record(ada, readers(NULL, NULL), reflection("stays"), false, NULL);
	struct book *of_ada = book_of(ada);
	assert_true(has(of_ada, &at));
	size_t records = of_ada->records, bytes = of_ada->bytes;
	erase_entry(ada, &at);
	assert_false(has(of_ada, &at));
	assert_true(has(of_ada, &stays));
	assert_int_equal(of_ada->records, records - 1);
	assert_true(of_ada->bytes < bytes);
	assert_int_equal(book_key(of_ada, the_store(), &at, key), ERR_ERASED);
	book_free(of_ada);
	keyring_free(ada);
}

static void a_chain_that_is_replaced_takes_its_facts_along(void **state)
{
	(void)state;
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	struct entry_ref first = put_record(ada, readers(NULL, NULL), reflection("first"), false, NULL);
	struct entry_ref second = put_record(ada, readers(NULL, NULL), reflection("second"), false, NULL);
	struct book *of_ada = book_of(ada);
	assert_true(has(of_ada, &second));
	/* as if a fork were proven there */
	struct store_req move = {
		.op = STORE_SIDE_MOVE, .a.log = first.log, .a.first = second.seq, .a.flag = false};
	assert_int_equal(desk_put(world.desk, &move), OK);
	assert_true(has(of_ada, &first));
	assert_false(has(of_ada, &second));
	assert_int_equal(of_ada->records, 1);
	book_free(of_ada);
	keyring_free(ada);
}

/* ---- bodies that come later: a second store, filled as peers fill it */

static struct store *second_store(char home[300])
{
	struct store *s = NULL;
	snprintf(home, 300, "%s/second", world.home);
	assert_int_equal(mkdir(home, 0700), 0);
	const struct store_options options = {.home = home, .create = true};
	assert_int_equal(store_open(&options, &s), OK);
	return s;
}

static void copy_keys(struct store *to, const struct keyring *of)
{
	struct store_req get = {.op = STORE_IDENTITY_GET, .a.identity = of->self.identity};
	struct store_res res, put;
	store_exec_one(the_store(), &get, &res);
	assert_int_equal(res.err, OK);
	struct store_req req = {.op = STORE_IDENTITY_PUT,
		.a.identity = of->self.identity,
		.a.events = res.r.events,
		.a.events_n = res.r.n,
		.a.count = res.r.n};
	req.a.sum.b[0] = (uint8_t)res.r.n; /* another set, another sum */
	store_exec_one(to, &req, &put);
	assert_int_equal(put.err, OK);
	store_res_free(&put);
	store_res_free(&res);
}

/* Entries from `first` on; without: the seq whose body does not come. */
static void copy_run(struct store *to, const struct keyring *of, uint64_t first, uint64_t without)
{
	const struct id32 log = ownlog_id(&of->self);
	struct store_req get = {.op = STORE_RUN_GET, .a.log = log, .a.first = first, .a.max = UINT32_MAX};
	struct store_res res, put;
	store_exec_one(the_store(), &get, &res);
	assert_int_equal(res.err, OK);
	for (size_t i = 0; i < res.r.n; i++)
		if (first + i == without) {
			res.r.parts[i].kind = BODY_ABSENT;
			res.r.parts[i].bytes = (struct slice){0};
		}
	struct store_req req = {.op = STORE_RUN_PUT,
		.a.log = log,
		.a.identity = of->self.identity,
		.a.first = first,
		.a.n = res.r.n,
		.a.parts = res.r.parts,
		.a.sig = res.r.sig,
		.a.id = entry_id(res.r.parts[res.r.n - 1].header)};
	if (first)
		req.a.prev = id32_from(res.r.parts[0].header + 42);
	store_exec_one(to, &req, &put);
	assert_int_equal(put.err, OK);
	store_res_free(&put);
	store_res_free(&res);
}

static void put_body(struct store *to, const struct entry_ref *at)
{
	struct store_req get = {.op = STORE_BODY_GET, .a.log = at->log, .a.seqs = &at->seq, .a.n = 1};
	struct store_res res, put;
	store_exec_one(the_store(), &get, &res);
	assert_int_equal(res.err, OK);
	struct store_req req = {.op = STORE_BODY_PUT,
		.a.log = at->log,
		.a.seq = at->seq,
		.a.id = at->id,
		.a.bytes = res.r.parts[0].bytes};
	store_exec_one(to, &req, &put);
	assert_int_equal(put.err, OK);
	store_res_free(&put);
	store_res_free(&res);
}

static void a_body_that_comes_after_its_key_is_opened_with_it(void **state)
{
	(void)state;
	char home[300];
	uint8_t key[32], got[32];
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	struct entry_ref at = put_record(ada, readers(NULL, NULL), reflection("late"), false, key);
	put_record(ada, everybody(), share(&at, key), false, NULL);
	struct store *s = second_store(home);
	copy_keys(s, ada);
	copy_run(s, ada, 0, at.seq);
	struct book *b = book_new(NULL);
	assert_non_null(b);
	assert_int_equal(book_catch_up(b, s), OK);
	assert_int_equal(facts_at(b, &at, (struct slice){0}), 0);
	assert_int_equal(book_key(b, s, &at, got), ERR_PENDING);
	put_body(s, &at);
	assert_int_equal(book_catch_up(b, s), OK);
	assert_int_equal(facts_at(b, &at, (struct slice){0}), 1);
	assert_int_equal(book_key(b, s, &at, got), OK);
	assert_memory_equal(got, key, 32);
	book_free(b);
	store_close(s);
	keyring_free(ada);
}

static void what_was_locked_is_tried_again_with_keys_that_come_later(void **state)
{
	(void)state;
	char home[300];
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON),
		       *bo = make_identity("Bo", IDENTITY_PERSON);
	struct entry_ref at = put_record(ada, readers(bo, NULL), reflection("for Bo"), false, NULL);
	struct store *s = second_store(home);
	copy_run(s, ada, 0, UINT64_MAX);
	/* the author's key events are not here yet */
	struct book *b = book_new(bo);
	assert_non_null(b);
	assert_int_equal(book_catch_up(b, s), OK);
	assert_int_equal(facts_at(b, &at, (struct slice){0}), 0);
	copy_keys(s, ada);
	assert_int_equal(book_catch_up(b, s), OK);
	assert_int_equal(facts_at(b, &at, (struct slice){0}), 1);
	book_free(b);
	/* nor are ours: a session that learns its reading key late */
	struct keyring *empty = keyring_new();
	b = book_new(empty);
	assert_int_equal(book_catch_up(b, s), OK);
	assert_int_equal(facts_at(b, &at, (struct slice){0}), 0);
	book_keys(b, bo);
	assert_int_equal(book_catch_up(b, s), OK);
	assert_int_equal(facts_at(b, &at, (struct slice){0}), 1);
	book_free(b);
	keyring_free(empty);
	store_close(s);
	keyring_free(ada);
	keyring_free(bo);
}

static void entries_show_what_shared_keys_open(void **state)
{
	(void)state;
	uint8_t key[32];
	json_t *out = NULL;
	struct buf record = {0};
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON),
		       *bo = make_identity("Bo", IDENTITY_PERSON);
	struct entry_ref at = put_record(ada, readers(NULL, NULL), reflection("hers"), false, key), bent;
	put_record(ada, readers(bo, NULL), share(&at, key), false, NULL);
	struct book *b = book_of(bo);
	struct opener *o = book_opener(b);
	assert_non_null(o);
	assert_int_equal(entries_one(the_store(), o, &at.log, at.seq, &out), OK);
	assert_string_equal(json_string_value(json_object_get(out, "state")), "here");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(out, "fields"), "text")), "hers");
	assert_int_equal(book_record(b, the_store(), &at, &record), OK);
	struct buf same = reflection("hers");
	assert_int_equal(record.n, same.n);
	assert_memory_equal(record.p, same.p, same.n);
	bent = at;
	bent.id.b[0] ^= 1;
	assert_int_equal(book_record(b, the_store(), &bent, &record), ERR_NOT_FOUND);
	struct entry_ref clear = put_record(ada, everybody(), reflection("open"), false, NULL);
	assert_int_equal(book_key(b, the_store(), &clear, key), ERR_STATE);
	json_decref(out);
	buf_free(&record);
	buf_free(&same);
	opener_free(o);
	book_free(b);
	keyring_free(ada);
	keyring_free(bo);
}

/* An artifact with one file. */
static struct buf artifact(const struct record_blob *file)
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "artifact", 4);
	mp_put_cstr(&m, "blobs");
	mp_put_array(&m, 1);
	record_put_blob(&m, file);
	mp_put_cstr(&m, "depicts");
	mp_put_cstr(&m, "nobody");
	mp_put_cstr(&m, "kind");
	mp_put_cstr(&m, "photo");
	mp_put_cstr(&m, "title");
	mp_put_cstr(&m, "A board");
	assert_int_equal(m.err, OK);
	return b;
}

static enum err find_file(struct book *b, const struct record_blob *file, const struct keyring *owner)
{
	const struct store_blob blob = {.root = file->root, .owner = owner->self.identity};
	struct record_blob found = {.size = 0};
	struct buf keep = {0};
	assert_int_equal(book_catch_up(b, the_store()), OK);
	struct opener *o = book_opener(b);
	assert_non_null(o);
	enum err e = entries_blob_key(the_store(), o, &blob, NULL, 0, &found, &keep);
	if (e == OK)
		assert_memory_equal(found.key, file->key, 32);
	opener_free(o);
	buf_free(&keep);
	return e;
}

static void a_file_is_read_with_the_shared_key_of_its_entry(void **state)
{
	(void)state;
	uint8_t key[32];
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON),
		       *bo = make_identity("Bo", IDENTITY_PERSON);
	const struct record_blob file = {.root = {{4}},
		.key = {5},
		.size = 12,
		.name = slice_str("board.png"),
		.type = slice_str("image/png")};
	const struct envelope env = {.blobs_n = 1, .blobs = {{.root = file.root, .size = file.size}}};
	struct buf record = artifact(&file), envelope = {0};
	struct audience *to = readers(NULL, NULL);
	struct entry_ref at;
	assert_int_equal(envelope_encode(&env, &envelope), OK);
	const struct writing w = {.to = to, .envelope = buf_slice(&envelope), .record = buf_slice(&record)};
	assert_int_equal(writing_put(&world.act, &ada->self, &w, &at, key), OK);
	struct book *b = book_of(bo);
	assert_int_equal(find_file(b, &file, ada), ERR_LOCKED);
	put_record(ada, readers(bo, NULL), share(&at, key), false, NULL);
	assert_int_equal(find_file(b, &file, ada), OK);
	audience_free(to);
	buf_free(&record);
	buf_free(&envelope);
	book_free(b);
	keyring_free(ada);
	keyring_free(bo);
}

static void a_book_answers_questions_and_takes_no_writing(void **state)
{
	(void)state;
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	struct entry_ref at = put_record(
		ada, readers(NULL, NULL), reflection("pauses in discussion"), false, NULL);
	struct book *b = book_of(ada);
	struct store_res res;
	struct store_req drop = {.op = STORE_FACT_DROP, .a.log = at.log, .a.seq = at.seq};
	assert_int_equal(book_ask(b, &drop, &res), ERR_REFUSED);
	store_res_free(&res);
	struct store_req search = {.op = STORE_FACT_SEARCH, .a.bytes = slice_str("pauses"), .a.max = 10};
	assert_int_equal(book_ask(b, &search, &res), OK);
	assert_int_equal(res.r.n, 1);
	assert_memory_equal(res.r.facts[0].at.id.b, at.id.b, 32);
	store_res_free(&res);
	assert_false(book_full(b));
	book_free(b);
	keyring_free(ada);
}

struct asking {
	struct book *book;
	const struct entry_ref *at;
	uv_thread_t thread;
	bool good;
};

/* As on a pool thread, with a reader of its own. */
static void ask_a_lot(void *ctx)
{
	struct asking *a = ctx;
	struct store *s = NULL;
	const struct store_options options = {.home = world.home, .read_only = true};
	a->good = store_open(&options, &s) == OK;
	for (size_t i = 0; i < 20 && a->good; i++) {
		uint8_t key[32];
		struct store_req req = {.op = STORE_FACT_AT, .a.log = a->at->log, .a.seq = a->at->seq};
		struct store_res res;
		a->good = book_catch_up(a->book, s) == OK && book_key(a->book, s, a->at, key) == OK &&
			book_ask(a->book, &req, &res) == OK && res.r.n == 1;
		store_res_free(&res);
		struct opener *o = book_opener(a->book);
		a->good = a->good && o;
		opener_free(o);
	}
	if (s)
		store_close(s);
}

static void several_threads_may_use_one_book(void **state)
{
	(void)state;
	uint8_t key[32];
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON),
		       *bo = make_identity("Bo", IDENTITY_PERSON);
	struct entry_ref at = put_record(ada, readers(NULL, NULL), reflection("hers"), false, key);
	put_record(ada, readers(bo, NULL), share(&at, key), false, NULL);
	struct book *b = book_new(bo);
	struct asking all[4];
	assert_non_null(b);
	for (size_t i = 0; i < 4; i++) {
		all[i] = (struct asking){.book = b, .at = &at};
		assert_int_equal(uv_thread_create(&all[i].thread, ask_a_lot, &all[i]), 0);
	}
	for (size_t i = 0; i < 20; i++) {
		book_keys(b, bo);
		put_record(ada, readers(bo, NULL), reflection("more"), false, NULL);
	}
	for (size_t i = 0; i < 4; i++) {
		uv_thread_join(&all[i].thread);
		assert_true(all[i].good);
	}
	book_free(b);
	keyring_free(ada);
	keyring_free(bo);
}

/* ---- bounds of the keys */

static struct id32 number_id(uint32_t n, uint8_t salt)
{
	struct id32 id = {{salt}};
	be32_put(id.b + 28, n);
	return id;
}

static void keys_of_one_body_and_of_one_identity_are_bounded(void **state)
{
	(void)state;
	struct handed_keys h;
	enum handed_added added;
	uint8_t key[32] = {0}, got[32];
	const struct id32 owner = number_id(1, 9);
	struct entry_ref of = {.seq = 3, .id = number_id(1, 7)};
	handed_init(&h);
	for (uint32_t i = 0; i <= BOOK_KEYS_OF_BODY_MAX; i++) {
		struct id32 by = number_id(i, 1);
		key[0] = (uint8_t)(i + 1);
		assert_int_equal(handed_add(&h, &of, &by, &owner, key, &added), OK);
		assert_int_equal(added, i < BOOK_KEYS_OF_BODY_MAX ? HANDED_NEW : HANDED_NO_ROOM);
	}
	/* the owner finds room; the same again is known */
	key[0] = 99;
	assert_int_equal(handed_add(&h, &of, &owner, &owner, key, &added), OK);
	assert_int_equal(added, HANDED_NEW);
	assert_int_equal(handed_add(&h, &of, &owner, &owner, key, &added), OK);
	assert_int_equal(added, HANDED_KNOWN);
	bool found = false;
	size_t n = 0;
	while (handed_find(&h, &of, n, got)) {
		found = found || got[0] == 99;
		n++;
	}
	assert_true(found);
	assert_int_equal(n, BOOK_KEYS_OF_BODY_MAX);
	/* of one identity, for many bodies */
	const struct id32 eve = number_id(5, 5);
	for (uint32_t i = 0; i <= BOOK_KEYS_OF_ONE_MAX; i++) {
		of.id = number_id(i, 3);
		assert_int_equal(handed_add(&h, &of, &eve, NULL, key, &added), OK);
		assert_int_equal(added, i < BOOK_KEYS_OF_ONE_MAX ? HANDED_NEW : HANDED_NO_ROOM);
	}
	assert_int_equal(handed_add(&h, &of, &owner, NULL, key, &added), OK);
	assert_int_equal(added, HANDED_NEW);
	handed_deinit(&h);
}

static void all_keys_are_bounded(void **state)
{
	(void)state;
	struct handed_keys h;
	enum handed_added added = HANDED_NEW;
	uint8_t key[32] = {1};
	struct entry_ref of = {.seq = 3};
	size_t n = 0;
	handed_init(&h);
	for (uint32_t i = 0; added == HANDED_NEW; i++, n++) {
		struct id32 by = number_id(i / BOOK_KEYS_OF_ONE_MAX, 1);
		of.id = number_id(i, 3);
		assert_int_equal(handed_add(&h, &of, &by, NULL, key, &added), OK);
	}
	assert_int_equal(n - 1, BOOK_KEYS_MAX);
	handed_deinit(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(what_is_sealed_for_somebody_is_in_that_book_alone),
		DESK_TEST(a_key_that_is_handed_on_opens_what_was_looked_at_before),
		DESK_TEST(keys_in_what_a_key_opens_are_taken_too),
		DESK_TEST(a_wrong_key_keeps_nobody_from_the_right_one),
		DESK_TEST(what_is_erased_leaves_the_book),
		DESK_TEST(a_chain_that_is_replaced_takes_its_facts_along),
		DESK_TEST(a_body_that_comes_after_its_key_is_opened_with_it),
		DESK_TEST(what_was_locked_is_tried_again_with_keys_that_come_later),
		DESK_TEST(entries_show_what_shared_keys_open),
		DESK_TEST(a_file_is_read_with_the_shared_key_of_its_entry),
		DESK_TEST(a_book_answers_questions_and_takes_no_writing),
		DESK_TEST(several_threads_may_use_one_book),
		cmocka_unit_test(keys_of_one_body_and_of_one_identity_are_bounded),
		cmocka_unit_test(all_keys_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
