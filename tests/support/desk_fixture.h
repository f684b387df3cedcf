/* desk_fixture.h -- a home with a desk but no daemon, and identities in it, without the second that a passphrase takes. Included by one test program each. */
#ifndef QUIRE_TESTS_DESK_FIXTURE_H
#define QUIRE_TESTS_DESK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/book.h"
#include "daemon/home.h"
#include "daemon/identities.h"
#include "daemon/keyring.h"
#include "daemon/offline.h"
#include "daemon/writing.h"
#include "protocol/log/entry.h"
#include "protocol/log/erasure.h"
#include "protocol/log/record.h"
#include "protocol/log/secret.h"
#include "tests/support/files.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

static struct {
	char home[256];
	struct node_keys keys;
	struct offline *offline;
	struct desk *desk;
	struct act act;
} world;

static inline int open_world(void **state)
{
	char why[256];
	const char *folder = getenv("TMPDIR");
	(void)state;
	snprintf(world.home, sizeof world.home, "%s/deskXXXXXX", folder ? folder : "/tmp");
	if (sodium_init() < 0 || !mkdtemp(world.home) || home_create(world.home, why) != OK ||
		home_keys(world.home, &world.keys, why) != OK ||
		offline_open(world.home, true, &world.keys, NULL, &world.offline, why) != OK)
		return -1;
	world.desk = offline_desk(world.offline);
	world.act = (struct act){.desk = world.desk};
	return 0;
}

static inline int close_world(void **state)
{
	(void)state;
	offline_close(world.offline);
	return remove_tree(world.home);
}

/* As after a restart. */
static inline void reopen_world(void)
{
	char why[256];
	offline_close(world.offline);
	assert_int_equal(offline_open(world.home, true, &world.keys, NULL, &world.offline, why), OK);
	world.desk = world.act.desk = offline_desk(world.offline);
}

#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

/* A lock that no passphrase opens. */
static inline struct keyring *make_identity(const char *name, enum identity_kind kind)
{
	uint8_t entropy[RECOVERY_ENTROPY_BYTES];
	struct keyring *k = keyring_new();
	assert_non_null(k);
	randombytes_buf(entropy, sizeof entropy);
	randombytes_buf(k->self.lock.key, sizeof k->self.lock.key);
	k->self.lock.passes = KEYFILE_PASSES;
	k->self.lock.kib = KEYFILE_KIB;
	const struct identity_new in = {
		.kind = kind, .entropy = entropy, .label = RECOVERY_IDENTITY, .name = name, .followed = true};
	assert_int_equal(identities_make(world.desk, &in, &k->self), OK);
	return k;
}

static inline struct id32 id_of(const struct keyring *k)
{
	return k->self.identity;
}

/* Everybody, or nobody but the author: begins an audience. */
static inline struct audience *everybody(void)
{
	struct audience *to = audience_new();
	assert_non_null(to);
	to->clear = true;
	return to;
}

static inline struct audience *readers(const struct keyring *a, const struct keyring *b)
{
	struct audience *to = audience_new();
	assert_non_null(to);
	if (a)
		assert_int_equal(audience_add(&world.act, to, &a->self.identity), OK);
	if (b)
		assert_int_equal(audience_add(&world.act, to, &b->self.identity), OK);
	return to;
}

/* Takes to and record. key may be NULL. */
static inline struct entry_ref put_record(
	struct keyring *by, struct audience *to, struct buf record, bool keep, uint8_t key[32])
{
	struct entry_ref ref;
	const struct writing w = {.to = to, .record = buf_slice(&record), .keep = keep};
	enum err e = writing_put(&world.act, &by->self, &w, &ref, key);
	if (e != OK)
		print_error("%s: %s\n", err_text(e), world.act.why);
	assert_int_equal(e, OK);
	audience_free(to);
	buf_free(&record);
	return ref;
}

/* ---- records */

static inline struct mp_out begin_record(struct buf *b, const char *kind, size_t fields)
{
	struct mp_out m = mp_out_init(b);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, kind);
	mp_put_map(&m, fields);
	return m;
}

static inline void put_ref_field(struct mp_out *m, const char *name, const struct entry_ref *ref)
{
	mp_put_cstr(m, name);
	record_put_ref(m, ref);
}

static inline struct buf reflection(const char *text)
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "reflection", 1);
	mp_put_cstr(&m, "text");
	mp_put_cstr(&m, text);
	assert_int_equal(m.err, OK);
	return b;
}

static inline struct buf share(const struct entry_ref *of, const uint8_t key[32])
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "share", 1);
	mp_put_cstr(&m, "keys");
	mp_put_array(&m, 1);
	record_put_key(&m, of, key);
	assert_int_equal(m.err, OK);
	return b;
}

/* A record of one pointer: claim, release, withdraw, acceptance, appointment-end. */
static inline struct buf pointing(const char *kind, const struct entry_ref *of)
{
	struct buf b = {0};
	struct mp_out m = begin_record(&b, kind, 1);
	put_ref_field(&m, "of", of);
	assert_int_equal(m.err, OK);
	return b;
}

/* ---- erasing */

static inline void erase_entry(struct keyring *by, const struct entry_ref *of)
{
	uint8_t bytes[LIMIT_ERASURE_BYTES], secret[64];
	struct keyset *ks = NULL;
	struct keyset_view v;
	struct id32 key;
	assert_int_equal(desk_keyset(world.desk, &by->self.identity, &ks), OK);
	assert_int_equal(keyset_resolve(ks, &v), OK);
	const struct erasure statement = {.by = ERASURE_BY_OWNER,
		.hour = (uint32_t)(time(NULL) / 3600),
		.of = *of,
		.generation = v.generation};
	secret_sign_pair(by->self.secrets.signing_seed, &key, secret);
	erasure_encode(&statement, secret, bytes);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_ERASE, .statement = slice_of(bytes, sizeof bytes)};
	assert_int_equal(desk_command(world.desk, &cmd, NULL), OK);
	keyset_view_deinit(&v);
	keyset_free(ks);
}

/* ---- on the reader's side */

struct reading_of {
	void (*fn)(struct store *s, void *ctx);
	void *ctx;
};

static inline void run_reading(void *ctx, struct store *s, enum err e)
{
	const struct reading_of *r = (const struct reading_of *)ctx;
	assert_int_equal(e, OK);
	r->fn(s, r->ctx);
}

/* fn with the store, as on a pool thread. */
static inline void with_store(void (*fn)(struct store *s, void *ctx), void *ctx)
{
	struct reading_of r = {.fn = fn, .ctx = ctx};
	desk_read(world.desk, run_reading, &r);
}

#endif
