/* daemon/institution.c and audience.c: acts for an officer, refused in words; who will be able to read what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "daemon/cases.h"
#include "daemon/institution.h"
#include "protocol/award/judge.h"
#include "protocol/award/facts.h"
#include "tests/support/award_fixture.h"

static struct {
	uv_loop_t loop;
	struct sessions *sessions;
	bool closed;
} f;

static int begin(void **state)
{
	memset(&f, 0, sizeof f);
	if (open_world(state) != 0 || uv_loop_init(&f.loop) != 0)
		return -1;
	f.sessions = sessions_new(&f.loop);
	return f.sessions ? 0 : -1;
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static int finish(void **state)
{
	sessions_close(f.sessions, on_closed, &f.closed);
	while (!f.closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	sessions_free(f.sessions);
	return uv_loop_close(&f.loop) == 0 ? close_world(state) : -1;
}

static void leave(struct keyring *k)
{
	(void)k; /* the test frees it */
}

static struct session *sign_in(struct keyring *k)
{
	const struct session_caller caller = {.over_socket = true, .uid = 7};
	uint8_t token[SESSION_TOKEN_BYTES];
	struct session *s = NULL;
	assert_int_equal(
		session_open(f.sessions, &k->self.identity, false, &caller, 60, k, leave, token, &s), OK);
	return s;
}

static enum err try_to_publish(struct keyring *who, const struct keyring *institution, struct entry_ref *ref)
{
	struct buf record = microcredential(NULL);
	struct audience *to = everybody();
	const struct institution_act in = {.institution = institution->self.identity,
		.right = KEYSET_RIGHT_PUBLISH,
		.record = buf_slice(&record),
		.to = to};
	world.act.why[0] = 0;
	enum err e = institution_act(&world.act, f.sessions, who, &in, ref, NULL);
	audience_free(to);
	buf_free(&record);
	return e;
}

static void take_store(struct store *s, void *ctx)
{
	*(struct store **)ctx = s;
}

static struct store *the_store(void)
{
	struct store *s = NULL;
	with_store(take_store, &s);
	return s;
}

static uint64_t length_of(const struct keyring *k)
{
	struct store_req req = {.op = STORE_LOG_GET, .a.log = ownlog_id(&k->self)};
	struct store_res res;
	assert_int_equal(desk_store(world.desk, &req, &res), OK);
	uint64_t n = res.r.logs[0].length;
	store_res_free(&res);
	return n;
}

/* The one fact of an entry; its record is in *keep. */
static struct fact fact_at(const struct entry_ref *at, struct fact_list *keep)
{
	struct cases *c = NULL;
	assert_int_equal(cases_open(the_store(), NULL, NULL, &c), OK);
	assert_int_equal(cases_at(c, at, keep), OK);
	assert_int_equal(keep->n, 1);
	cases_close(c);
	return keep->facts[0];
}

static void an_officers_act_is_asked_for_in_his_log_and_stands_in_the_institutions(void **state)
{
	(void)state;
	struct keyring *issuer = make_identity("Example University", IDENTITY_ISSUER),
		       *officer = make_identity("Ola", IDENTITY_PERSON);
	struct entry_ref ref, asked;
	struct id32 who, institution, digest;
	struct fact_list act = {0}, request = {0};
	struct slice kind, fields;
	name_officer(issuer, officer, KEYSET_RIGHT_PUBLISH);
	sign_in(issuer);
	assert_int_equal(try_to_publish(officer, issuer, &ref), OK);
	struct id32 log = ownlog_id(&issuer->self);
	assert_memory_equal(&ref.log, &log, 32);
	struct fact made = fact_at(&ref, &act);
	assert_int_equal(made.kind, FACT_DEFINITION);
	assert_true(made.flags & ENTRY_FLAG_KEEP);
	assert_int_equal(record_open(made.data, &kind, &fields), OK);
	assert_int_equal(record_get_by(fields, &who, &asked), OK);
	assert_memory_equal(&who, &officer->self.identity, 32);
	struct id32 his = ownlog_id(&officer->self);
	assert_memory_equal(&asked.log, &his, 32);
	struct fact by = fact_at(&asked, &request);
	assert_int_equal(by.kind, FACT_ACT);
	assert_true(by.flags & ENTRY_FLAG_KEEP);
	assert_int_equal(record_open(by.data, &kind, &fields), OK);
	assert_int_equal(record_get_id(fields, "institution", &institution), OK);
	assert_memory_equal(&institution, &issuer->self.identity, 32);
	struct buf without = {0};
	assert_int_equal(record_with_by(made.data, NULL, NULL, &without), OK);
	assert_int_equal(record_get_id(fields, "digest", &digest), OK);
	struct id32 expected = hash_bytes(HASH_ACT, without.p, without.n);
	assert_memory_equal(&digest, &expected, 32);
	struct cases *c = NULL;
	struct judge_identity keys;
	assert_int_equal(cases_open(the_store(), NULL, NULL, &c), OK);
	assert_int_equal(cases_identity(c, &issuer->self.identity, &keys), OK);
	const struct judge_case one = {.facts_n = 1, .facts = &made, .identities_n = 1, .identities = &keys};
	assert_true(judge_act_counts(&one, &made));
	cases_close(c);
	buf_free(&without);
	fact_list_free(&act);
	fact_list_free(&request);
	keyring_free(issuer);
	keyring_free(officer);
}

static void who_may_not_is_refused_in_words_and_nothing_is_written(void **state)
{
	(void)state;
	struct keyring *issuer = make_identity("Example University", IDENTITY_ISSUER),
		       *officer = make_identity("Ola", IDENTITY_PERSON);
	struct entry_ref ref;
	uint64_t his = length_of(officer), theirs = length_of(issuer);
	assert_int_equal(try_to_publish(officer, issuer, &ref), ERR_REFUSED);
	assert_non_null(strstr(world.act.why, "no officer of Example University"));
	struct id32 event = name_officer(issuer, officer, KEYSET_RIGHT_APPOINT);
	assert_int_equal(try_to_publish(officer, issuer, &ref), ERR_REFUSED);
	assert_non_null(strstr(world.act.why, "without the right to publish"));
	struct id32 second = name_officer(issuer, officer, KEYSET_RIGHT_PUBLISH);
	assert_int_equal(try_to_publish(officer, issuer, &ref), ERR_LOCKED);
	assert_non_null(strstr(world.act.why, "unlock Example University"));
	sign_in(issuer);
	assert_int_equal(institution_may(&world.act, &officer->self.identity, &issuer->self.identity,
				 KEYSET_RIGHT_PUBLISH),
		OK);
	end_officer(issuer, &second);
	assert_int_equal(try_to_publish(officer, issuer, &ref), ERR_REFUSED);
	assert_non_null(strstr(world.act.why, "has ended"));
	end_officer(issuer, &event);
	assert_int_equal(institution_may(&world.act, &officer->self.identity, &issuer->self.identity,
				 KEYSET_RIGHT_APPOINT),
		ERR_REFUSED);
	assert_non_null(strstr(world.act.why, "has ended"));
	assert_int_equal(length_of(officer), his);
	assert_int_equal(length_of(issuer), theirs);
	keyring_free(issuer);
	keyring_free(officer);
}

static void an_institution_writes_for_itself_without_by(void **state)
{
	(void)state;
	struct keyring *issuer = make_identity("Example University", IDENTITY_ISSUER);
	struct entry_ref ref;
	struct fact_list act = {0};
	struct slice kind, fields;
	struct mp_in by;
	assert_int_equal(try_to_publish(issuer, issuer, &ref), OK);
	struct fact made = fact_at(&ref, &act);
	assert_true(made.flags & ENTRY_FLAG_KEEP);
	assert_int_equal(record_open(made.data, &kind, &fields), OK);
	assert_int_equal(record_get(fields, "by", &by), ERR_NOT_FOUND);
	fact_list_free(&act);
	/* a record that says already for whom it is asked is none to sign */
	struct buf record = microcredential(NULL), with = {0};
	assert_int_equal(record_with_by(buf_slice(&record), &issuer->self.identity, &ref, &with), OK);
	struct audience *to = everybody();
	const struct institution_act in = {
		.institution = issuer->self.identity, .record = buf_slice(&with), .to = to};
	assert_int_equal(institution_act(&world.act, f.sessions, issuer, &in, &ref, NULL), ERR_FORMAT);
	assert_non_null(strstr(world.act.why, "\"by\""));
	audience_free(to);
	buf_free(&record);
	buf_free(&with);
	keyring_free(issuer);
}

static bool reads(const struct audience *to, const struct keyring *k)
{
	for (size_t i = 0; i < to->n; i++)
		if (identity_secrets_reading(&k->self.secrets, &to->keys[i]))
			return true;
	return false;
}

static void a_panel_is_who_takes_part(void **state)
{
	(void)state;
	struct keyring *issuer = make_identity("Example University", IDENTITY_ISSUER),
		       *signer = make_identity("Ola", IDENTITY_PERSON),
		       *other = make_identity("Oda", IDENTITY_PERSON),
		       *reviewer = make_identity("Rei", IDENTITY_PERSON),
		       *gone = make_identity("Rio", IDENTITY_PERSON),
		       *earner = make_identity("Ada", IDENTITY_PERSON);
	struct keyring unknown = {.self.identity = {{1, 2, 3}}};
	struct entry_ref definition = publish(issuer, NULL), bent = definition;
	name_officer(issuer, signer, KEYSET_RIGHT_COUNTERSIGN);
	name_officer(issuer, other, KEYSET_RIGHT_REVOKE);
	appoint(issuer, &definition, reviewer);
	appoint(issuer, &definition, &unknown);
	struct entry_ref ended = appoint(issuer, &definition, gone);
	end_appointment(issuer, &ended);
	struct audience *to = audience_new();
	assert_non_null(to);
	assert_int_equal(audience_panel(&world.act, to, &definition, &earner->self.identity), OK);
	assert_int_equal(to->n, 4);
	assert_true(reads(to, issuer));
	assert_true(reads(to, signer));
	assert_true(reads(to, reviewer));
	assert_true(reads(to, earner));
	assert_false(reads(to, other));
	assert_false(reads(to, gone));
	assert_int_equal(to->skipped_n, 1);
	assert_memory_equal(&to->skipped[0], &unknown.self.identity, 32);
	/* again: nobody twice */
	assert_int_equal(audience_panel(&world.act, to, &definition, NULL), OK);
	assert_int_equal(to->n, 4);
	assert_int_equal(to->skipped_n, 1);
	bent.id.b[0] ^= 1;
	assert_int_equal(audience_panel(&world.act, to, &bent, NULL), ERR_NOT_FOUND);
	/* by name it is an error */
	assert_int_equal(audience_add(&world.act, to, &unknown.self.identity), ERR_NOT_FOUND);
	assert_non_null(strstr(world.act.why, "follow that identity first"));
	audience_free(to);
	keyring_free(issuer);
	keyring_free(signer);
	keyring_free(other);
	keyring_free(reviewer);
	keyring_free(gone);
	keyring_free(earner);
}

static enum err list_of(struct audience *to, const char *json)
{
	json_t *list = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(list);
	*to = (struct audience){0};
	enum err e = audience_list(&world.act, to, list);
	json_decref(list);
	return e;
}

static void words_say_who_reads(void **state)
{
	(void)state;
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	struct audience *to = audience_new();
	char hex[65], text[80];
	assert_non_null(to);
	sodium_bin2hex(hex, sizeof hex, ada->self.identity.b, 32);
	assert_int_equal(list_of(to, "\"private\""), OK);
	assert_true(to->said && !to->clear && to->n == 0);
	assert_int_equal(list_of(to, "[\"public\"]"), OK);
	assert_true(to->clear);
	assert_int_equal(audience_add(&world.act, to, &ada->self.identity), ERR_STATE);
	snprintf(text, sizeof text, "[\"%.12s\"]", hex);
	assert_int_equal(list_of(to, text), OK);
	assert_true(reads(to, ada));
	snprintf(text, sizeof text, "[\"%.12s\", \"public\"]", hex);
	assert_int_equal(list_of(to, text), ERR_INPUT);
	assert_int_equal(list_of(to, "[\"public\", \"private\"]"), ERR_INPUT);
	assert_int_equal(list_of(to, "[3]"), ERR_INPUT);
	assert_int_equal(list_of(to, "\"nobody\""), ERR_INPUT);
	assert_int_equal(audience_list(&world.act, to, NULL), OK);
	audience_free(to);
	keyring_free(ada);
}

static void what_is_no_record_is_not_written(void **state)
{
	(void)state;
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	uint64_t before = length_of(ada);
	struct entry_ref ref;
	struct audience *to = everybody();
	struct buf b = {0};
	struct mp_out m = begin_record(&b, "reflection", 0);
	assert_int_equal(m.err, OK);
	const struct writing w = {.to = to, .record = buf_slice(&b)};
	assert_int_equal(writing_put(&world.act, &ada->self, &w, &ref, NULL), ERR_NOT_FOUND);
	assert_non_null(strstr(world.act.why, "\"text\""));
	assert_int_equal(length_of(ada), before);
	audience_free(to);
	buf_free(&b);
	keyring_free(ada);
}

static void another_log_is_begun_where_one_may_not_be_written(void **state)
{
	(void)state;
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	uint8_t key[32], got[32];
	struct id32 old = ownlog_id(&ada->self);
	struct store_req retire = {
		.op = STORE_OWN_PUT, .a.log = old, .a.identity = ada->self.identity, .a.own = OWN_RETIRED};
	assert_int_equal(desk_put(world.desk, &retire), OK);
	char why[256];
	offline_close(world.offline);
	assert_int_equal(offline_open(world.home, false, &world.keys, NULL, &world.offline, why), OK);
	world.desk = world.act.desk = offline_desk(world.offline);
	struct entry_ref at = put_record(ada, readers(NULL, NULL), reflection("goes on"), false, key);
	struct id32 now = ownlog_id(&ada->self);
	assert_memory_not_equal(&at.log, &old, 32);
	assert_memory_equal(&at.log, &now, 32);
	struct book *b = book_new(ada);
	assert_int_equal(book_key(b, the_store(), &at, got), OK);
	assert_memory_equal(key, got, 32);
	book_free(b);
	keyring_free(ada);
}

static void a_session_has_one_book_and_the_others_share_one(void **state)
{
	(void)state;
	struct keyring *ada = make_identity("Ada", IDENTITY_PERSON);
	struct session *s = sign_in(ada);
	struct book *b = session_book(f.sessions, s);
	assert_non_null(b);
	assert_ptr_equal(session_book(f.sessions, s), b);
	struct book *none = session_book(f.sessions, NULL);
	assert_ptr_not_equal(none, b);
	assert_ptr_equal(session_book(f.sessions, NULL), none);
	struct session *held = institution_session(f.sessions, &ada->self.identity);
	assert_ptr_equal(held, s);
	session_close(f.sessions, s);
	assert_null(institution_session(f.sessions, &ada->self.identity));
	session_release(held);
	keyring_free(ada);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_officers_act_is_asked_for_in_his_log_and_stands_in_the_institutions),
		TEST(who_may_not_is_refused_in_words_and_nothing_is_written),
		TEST(an_institution_writes_for_itself_without_by),
		TEST(a_panel_is_who_takes_part),
		TEST(words_say_who_reads),
		TEST(what_is_no_record_is_not_written),
		TEST(another_log_is_begun_where_one_may_not_be_written),
		TEST(a_session_has_one_book_and_the_others_share_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
