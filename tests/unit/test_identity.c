/* What an owner does with keys, from the first day to the day on which everything but the paper is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "protocol/log/entry.h"
#include "protocol/log/identity.h"
#include "protocol/log/secret.h"
#include "tests/support/seeded_random.h"

static struct seeded_random seed;
static struct random_source rnd;
static uint8_t code[RECOVERY_ENTROPY_BYTES];
static struct identity_device laptop, phone;
static struct keyset *ks;
static struct identity_secrets secrets;

static int start(void **state)
{
	(void)state;
	seed = (struct seeded_random){.seed = 3};
	rnd = seeded_random_source(&seed);
	random_fill(&rnd, code, sizeof code);
	random_fill(&rnd, &laptop, sizeof laptop);
	random_fill(&rnd, &phone, sizeof phone);
	return identity_create(
		       &rnd, IDENTITY_PERSON, code, RECOVERY_IDENTITY, &laptop, NULL, 0, &ks, &secrets) == OK
		? 0
		: -1;
}

static int stop(void **state)
{
	(void)state;
	keyset_free(ks);
	ks = NULL;
	identity_secrets_wipe(&secrets);
	return 0;
}

static struct id32 take(struct identity_event *ev)
{
	enum keyset_added added;
	struct id32 id = ev->id;
	assert_int_equal(keyset_add(ks, buf_slice(&ev->bytes), identity_event_signatures(ev), &added), OK);
	assert_int_equal(added, KEYSET_NEW);
	identity_event_deinit(ev);
	return id;
}

static struct keyset_view view(void)
{
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	return v;
}

static struct id32 log_of(const struct identity_device *d)
{
	struct id32 key;
	uint8_t scratch[64];
	secret_sign_pair(d->sign_seed, &key, scratch);
	return entry_log_id(keyset_identity(ks), &key);
}

static struct id32 add_phone(void)
{
	struct identity_request r;
	struct identity_event ev;
	assert_int_equal(identity_request_make(keyset_identity(ks), &phone, NULL, 0, &r), OK);
	assert_int_equal(identity_add_device(&rnd, ks, &secrets, &r, &ev), OK);
	return take(&ev);
}

static struct id32 add_reading(void)
{
	struct identity_event ev;
	struct identity_reading r;
	assert_int_equal(identity_new_reading(&rnd, ks, &secrets, &r, &ev), OK);
	identity_secrets_add_reading(&secrets, &r);
	return take(&ev);
}

static struct id32 renew(const struct identity_keeps *keeps)
{
	struct identity_event ev;
	assert_int_equal(
		identity_new_generation(&rnd, ks, code, RECOVERY_IDENTITY, keeps, &secrets, &ev), OK);
	return take(&ev);
}

static struct id32 replace_badge(void)
{
	struct identity_event ev;
	assert_int_equal(identity_new_badge(&rnd, ks, code, RECOVERY_IDENTITY, &secrets, &ev), OK);
	return take(&ev);
}

/* ---- beginning */

static void a_new_identity_has_a_generation_a_reading_key_and_its_first_device(void **state)
{
	(void)state;
	struct keyset_view v = view();
	assert_int_equal(keyset_count(ks), 4);
	assert_int_equal(v.kind, IDENTITY_PERSON);
	assert_int_equal(v.generation_number, 1);
	assert_true(secrets.has_signing && secrets.has_badge);
	assert_memory_equal(v.signing_key.b, secrets.signing_key.b, 32);
	assert_memory_equal(v.badge_key.b, secrets.badge_key.b, 32);
	assert_int_equal(secrets.readings_n, 1);
	assert_memory_equal(v.reading_key.b, secrets.readings[0].key.b, 32);
	assert_int_equal(v.devices_n, 1);
	struct id32 log = log_of(&laptop);
	assert_memory_equal(v.devices[0].log.b, log.b, 32);
	assert_false(v.devices[0].closed || v.devices[0].direct);
	keyset_view_deinit(&v);
}

static void one_seed_makes_one_identity(void **state)
{
	(void)state;
	struct id32 sum = keyset_sum(ks);
	stop(NULL);
	assert_int_equal(start(NULL), 0);
	struct id32 again = keyset_sum(ks);
	assert_memory_equal(sum.b, again.b, 32);
}

static void a_network_comes_from_the_same_code_with_another_label(void **state)
{
	(void)state;
	struct keyset *network;
	struct identity_secrets s;
	assert_int_equal(identity_create(&rnd, IDENTITY_NETWORK, code, RECOVERY_NETWORK, &laptop, NULL, 0,
				 &network, &s),
		OK);
	struct keyset_view a = view(), b;
	assert_int_equal(keyset_resolve(network, &b), OK);
	assert_int_equal(b.kind, IDENTITY_NETWORK);
	assert_memory_not_equal(a.root_key.b, b.root_key.b, 32);
	assert_int_equal(identity_recover(network, code, RECOVERY_IDENTITY, &s), ERR_DECRYPT);
	assert_int_equal(identity_recover(network, code, RECOVERY_NETWORK, &s), OK);
	keyset_view_deinit(&a);
	keyset_view_deinit(&b);
	keyset_free(network);
}

/* ---- recovery */

static void same_secrets(const struct identity_secrets *a, const struct identity_secrets *b)
{
	assert_int_equal(a->has_signing, b->has_signing);
	assert_int_equal(a->has_badge, b->has_badge);
	assert_memory_equal(a->signing_seed, b->signing_seed, 32);
	assert_memory_equal(a->badge_seed, b->badge_seed, 32);
	assert_int_equal(a->readings_n, b->readings_n);
	assert_memory_equal(a->readings[0].key.b, b->readings[0].key.b, 32);
	for (size_t i = 0; i < a->readings_n; i++) {
		const struct identity_reading *r = identity_secrets_reading(b, &a->readings[i].key);
		assert_non_null(r);
		assert_memory_equal(r->secret, a->readings[i].secret, 32);
	}
}

static void the_code_brings_every_secret_back(void **state)
{
	(void)state;
	struct identity_secrets back;
	assert_int_equal(identity_recover(ks, code, RECOVERY_IDENTITY, &back), OK);
	same_secrets(&secrets, &back);
	for (size_t i = 0; i < 5; i++)
		add_reading();
	renew(&(struct identity_keeps){0});
	add_reading();
	assert_int_equal(identity_recover(ks, code, RECOVERY_IDENTITY, &back), OK);
	assert_int_equal(back.readings_n, 7);
	same_secrets(&secrets, &back);
}

static void of_more_than_64_reading_keys_the_current_one_is_among_those_that_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < 70; i++)
		add_reading();
	struct identity_secrets back;
	struct keyset_view v = view();
	assert_int_equal(v.readings_n, 71);
	assert_int_equal(identity_recover(ks, code, RECOVERY_IDENTITY, &back), OK);
	assert_int_equal(back.readings_n, IDENTITY_READINGS_MAX);
	assert_memory_equal(back.readings[0].key.b, v.reading_key.b, 32);
	assert_int_equal(secrets.readings_n, IDENTITY_READINGS_MAX);
	assert_memory_equal(secrets.readings[0].key.b, v.reading_key.b, 32);
	keyset_view_deinit(&v);
}

static void a_wrong_code_opens_nothing(void **state)
{
	(void)state;
	struct identity_secrets back;
	struct identity_event ev;
	struct id32 log = log_of(&laptop);
	code[0] ^= 1;
	assert_int_equal(identity_recover(ks, code, RECOVERY_IDENTITY, &back), ERR_DECRYPT);
	assert_int_equal(identity_new_generation(&rnd, ks, code, RECOVERY_IDENTITY,
				 &(struct identity_keeps){0}, &secrets, &ev),
		ERR_DECRYPT);
	assert_int_equal(identity_close_device_by_root(&rnd, ks, code, RECOVERY_IDENTITY, &log, 0, NULL, &ev),
		ERR_DECRYPT);
	struct id32 nobody = {{1}};
	struct keyset *empty = keyset_new(&nobody);
	assert_int_equal(identity_recover(empty, code, RECOVERY_IDENTITY, &back), ERR_NOT_FOUND);
	keyset_free(empty);
}

/* ---- devices */

static void a_second_device_gets_what_it_needs(void **state)
{
	(void)state;
	add_reading();
	add_phone();
	struct identity_secrets got;
	assert_int_equal(identity_open_grants(ks, &phone, &got), OK);
	same_secrets(&secrets, &got);
	/* and what is published later */
	renew(&(struct identity_keeps){0});
	add_reading();
	assert_int_equal(identity_open_grants(ks, &phone, &got), OK);
	same_secrets(&secrets, &got);
	struct identity_device stranger;
	random_fill(&rnd, &stranger, sizeof stranger);
	assert_int_equal(identity_open_grants(ks, &stranger, &got), ERR_NOT_FOUND);
}

static void a_device_is_granted_eight_secrets_at_most_the_current_ones_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < 10; i++)
		add_reading();
	struct id32 id = add_phone();
	assert_int_equal(keyset_find(ks, &id)->wraps_n, LIMIT_GRANTS);
	struct identity_secrets got;
	assert_int_equal(identity_open_grants(ks, &phone, &got), OK);
	assert_true(got.has_signing && got.has_badge);
	assert_int_equal(got.readings_n, 6);
	assert_memory_equal(got.readings[0].key.b, secrets.readings[0].key.b, 32);
}

static void a_request_that_does_not_fit_adds_nothing(void **state)
{
	(void)state;
	struct identity_request r;
	struct identity_event ev;
	struct id32 other = {{1}};
	assert_int_equal(identity_request_make(&other, &phone, NULL, 0, &r), OK);
	assert_int_equal(identity_add_device(&rnd, ks, &secrets, &r, &ev), ERR_INPUT);
	assert_int_equal(identity_request_make(keyset_identity(ks), &phone, NULL, 0, &r), OK);
	r.consent[5] ^= 1;
	assert_int_equal(identity_add_device(&rnd, ks, &secrets, &r, &ev), ERR_SIGNATURE);
	assert_int_equal(identity_request_make(keyset_identity(ks), &laptop, NULL, 0, &r), OK);
	assert_int_equal(identity_add_device(&rnd, ks, &secrets, &r, &ev), ERR_EXISTS);
	assert_int_equal(identity_request_make(keyset_identity(ks), &phone, NULL, 0, &r), OK);
	struct identity_secrets none = {0};
	assert_int_equal(identity_add_device(&rnd, ks, &none, &r, &ev), ERR_LOCKED);
	none = secrets;
	none.signing_seed[0] ^= 1;
	assert_int_equal(identity_add_device(&rnd, ks, &none, &r, &ev), ERR_STATE);
}

static void a_closed_device_gets_no_new_secret(void **state)
{
	(void)state;
	struct identity_event ev;
	struct identity_secrets got;
	struct id32 log = log_of(&phone), last = {{7}};
	assert_int_equal(identity_close_device(&rnd, ks, &secrets, &log, 4, &last, &ev), ERR_NOT_FOUND);
	add_phone();
	assert_int_equal(identity_close_device(&rnd, ks, &secrets, &log, 4, &last, &ev), OK);
	take(&ev);
	struct keyset_view v = view();
	const struct keyset_device *d = keyset_view_device(&v, &log);
	assert_true(d && d->closed);
	assert_int_equal(d->closed_length, 4);
	keyset_view_deinit(&v);
	struct id32 reading = add_reading();
	assert_int_equal(identity_open_grants(ks, &phone, &got), OK);
	assert_int_equal(got.readings_n, 1);
	assert_int_equal(keyset_find(ks, &reading)->wraps_n, 2); /* the code and the laptop */
}

static void the_root_key_has_the_last_word_on_a_closing(void **state)
{
	(void)state;
	struct identity_event ev;
	struct id32 log = log_of(&laptop), last = {{7}};
	assert_int_equal(
		identity_close_device_by_root(&rnd, ks, code, RECOVERY_IDENTITY, &log, 9, &last, &ev), OK);
	struct id32 root = take(&ev);
	assert_int_equal(identity_close_device(&rnd, ks, &secrets, &log, 0, NULL, &ev), OK);
	take(&ev);
	struct keyset_view v = view();
	assert_memory_equal(v.devices[0].close_event.b, root.b, 32);
	keyset_view_deinit(&v);
}

/* ---- generations */

static void a_new_generation_keeps_what_is_in_force_but_for_what_a_thief_wrote(void **state)
{
	(void)state;
	struct identity_secrets thief = secrets, got;
	struct id32 good = add_phone();
	struct identity_device his;
	struct identity_request r;
	struct identity_event ev;
	random_fill(&rnd, &his, sizeof his);
	assert_int_equal(identity_request_make(keyset_identity(ks), &his, NULL, 0, &r), OK);
	assert_int_equal(identity_add_device(&rnd, ks, &thief, &r, &ev), OK);
	struct id32 bad = take(&ev);
	renew(&(struct identity_keeps){.without = &bad, .without_n = 1});
	struct keyset_view v = view();
	assert_int_equal(v.generation_number, 2);
	assert_int_equal(v.devices_n, 2);
	assert_int_equal(v.waiting_n, 1);
	assert_memory_equal(v.waiting[0].b, bad.b, 32);
	assert_true(v.has_reading);
	keyset_view_deinit(&v);
	assert_int_equal(identity_open_grants(ks, &his, &got), ERR_NOT_FOUND);
	assert_int_equal(identity_open_grants(ks, &phone, &got), OK);
	assert_memory_equal(got.signing_seed, secrets.signing_seed, 32);
	/* the old signing key writes nothing any more */
	assert_int_equal(identity_officer(&rnd, ks, &thief, &good, 1, &ev), ERR_STATE);
}

static void a_lost_device_does_not_get_the_new_signing_key(void **state)
{
	(void)state;
	add_phone();
	struct id32 box;
	struct identity_secrets got;
	secret_box_public(phone.box_secret, &box);
	renew(&(struct identity_keeps){.not_to = &box, .not_to_n = 1});
	assert_int_equal(identity_open_grants(ks, &phone, &got), OK);
	assert_false(got.has_signing);
	assert_int_equal(identity_open_grants(ks, &laptop, &got), OK);
	assert_true(got.has_signing);
}

static void what_was_written_at_the_same_time_waits_until_it_is_adopted(void **state)
{
	(void)state;
	struct identity_event late;
	struct identity_event ev;
	struct id32 who = {{5}};
	assert_int_equal(identity_officer(&rnd, ks, &secrets, &who, 3, &late), OK);
	renew(&(struct identity_keeps){0});
	struct id32 id = take(&late);
	struct keyset_view v = view();
	assert_int_equal(v.officers_n, 0);
	assert_int_equal(v.waiting_n, 1);
	keyset_view_deinit(&v);
	assert_int_equal(identity_adopt(&rnd, ks, &secrets, &id, 1, &ev), OK);
	take(&ev);
	v = view();
	assert_int_equal(v.officers_n, 1);
	assert_int_equal(v.waiting_n, 0);
	keyset_view_deinit(&v);
	/* the next generation keeps it without the adopt event */
	renew(&(struct identity_keeps){0});
	v = view();
	assert_int_equal(v.officers_n, 1);
	assert_int_equal(v.waiting_n, 1);
	keyset_view_deinit(&v);
	assert_int_equal(identity_adopt(&rnd, ks, &secrets, &id, 0, &ev), ERR_LIMIT);
}

static void a_generation_can_keep_what_was_set_aside(void **state)
{
	(void)state;
	struct identity_event late;
	struct id32 who = {{5}};
	assert_int_equal(identity_officer(&rnd, ks, &secrets, &who, 3, &late), OK);
	renew(&(struct identity_keeps){.also = &late.id, .also_n = 1});
	take(&late);
	struct keyset_view v = view();
	assert_int_equal(v.officers_n, 1);
	keyset_view_deinit(&v);
}

static void after_255_generations_there_is_no_other(void **state)
{
	(void)state;
	struct identity_event ev;
	for (size_t i = 1; i < LIMIT_GENERATIONS; i++)
		renew(&(struct identity_keeps){0});
	struct identity_secrets before = secrets;
	assert_int_equal(identity_new_generation(&rnd, ks, code, RECOVERY_IDENTITY,
				 &(struct identity_keeps){0}, &secrets, &ev),
		ERR_LIMIT);
	assert_memory_equal(&before, &secrets, sizeof secrets);
}

static void thirty_two_devices_get_a_new_key_and_thirty_three_are_too_many(void **state)
{
	(void)state;
	struct identity_event ev;
	for (size_t i = 1; i < LIMIT_WRAPS - 1; i++) {
		random_fill(&rnd, &phone, sizeof phone);
		add_phone();
	}
	struct id32 id = add_reading();
	assert_int_equal(keyset_find(ks, &id)->wraps_n, LIMIT_WRAPS);
	assert_true(keyset_find(ks, &id)->bytes.n <= LIMIT_KEYEVENT_BYTES);
	random_fill(&rnd, &phone, sizeof phone);
	add_phone();
	struct identity_reading r;
	assert_int_equal(identity_new_reading(&rnd, ks, &secrets, &r, &ev), ERR_LIMIT);
}

/* ---- hosting, officers */

static void a_node_that_consents_hosts_until_the_owner_ends_it(void **state)
{
	(void)state;
	struct id32 node = {{1}}, notice = {{2}}, receipt;
	uint8_t receipt_secret[64], consent[64], receipt_seed[32] = {3};
	struct identity_event ev;
	secret_sign_pair(receipt_seed, &receipt, receipt_secret);
	keyevent_hosting_consent(keyset_identity(ks), &node, &notice, receipt_secret, consent);
	assert_int_equal(
		identity_hosting(&rnd, ks, &secrets, &notice, &node, &receipt, consent, &ev), ERR_SIGNATURE);
	assert_int_equal(identity_hosting(&rnd, ks, &secrets, &node, &notice, &receipt, consent, &ev), OK);
	struct id32 id = take(&ev);
	struct keyset_view v = view();
	assert_int_equal(v.hostings_n, 1);
	assert_memory_equal(v.hostings[0].receipt_key.b, receipt.b, 32);
	keyset_view_deinit(&v);
	const struct keyset_mark mark = {{{1}}, 1, {{2}}};
	assert_int_equal(identity_end(&rnd, ks, &secrets, &id, &mark, 1, &ev), ERR_INPUT);
	assert_int_equal(identity_end(&rnd, ks, &secrets, &id, NULL, 0, &ev), OK);
	take(&ev);
	v = view();
	assert_int_equal(v.hostings_n, 0);
	keyset_view_deinit(&v);
}

static void an_officer_is_ended_with_marks_in_any_order(void **state)
{
	(void)state;
	struct keyset_mark marks[LIMIT_END_MARKS + 1];
	struct identity_event ev;
	struct id32 who = {{5}};
	for (uint8_t i = 0; i <= LIMIT_END_MARKS; i++)
		marks[i] = (struct keyset_mark){{{(uint8_t)(200 - i)}}, 1 + i, {{i}}};
	assert_int_equal(identity_officer(&rnd, ks, &secrets, &who, KEYSET_RIGHT_REVOKE, &ev), OK);
	struct id32 id = take(&ev);
	assert_int_equal(identity_end(&rnd, ks, &secrets, &id, marks, LIMIT_END_MARKS + 1, &ev), ERR_LIMIT);
	assert_int_equal(identity_end(&rnd, ks, &secrets, &id, marks, LIMIT_END_MARKS, &ev), OK);
	take(&ev);
	struct keyset_view v = view();
	assert_int_equal(v.officers_n, 0);
	assert_int_equal(v.officers_all_n, 1);
	assert_true(keyset_officer_may(&v, &who, KEYSET_RIGHT_REVOKE, &marks[9].log, 9));
	assert_false(keyset_officer_may(&v, &who, KEYSET_RIGHT_REVOKE, &marks[9].log, 10));
	keyset_view_deinit(&v);
	marks[1].log = marks[0].log;
	assert_int_equal(identity_end(&rnd, ks, &secrets, &id, marks, 2, &ev), ERR_FORMAT);
	marks[0].length = 0;
	assert_int_equal(identity_end(&rnd, ks, &secrets, &id, marks, 1, &ev), ERR_RANGE);
}

static void an_event_names_those_that_its_writer_knew(void **state)
{
	(void)state;
	struct keyset_view v = view();
	struct identity_event ev;
	struct id32 who = {{5}};
	assert_int_equal(identity_officer(&rnd, ks, &secrets, &who, 3, &ev), OK);
	struct id32 id = take(&ev);
	const struct keyevent *got = keyset_find(ks, &id);
	assert_int_equal(got->after_n, v.heads_n);
	assert_memory_equal(got->after, v.heads, v.heads_n * sizeof v.heads[0]);
	keyset_view_deinit(&v);
	v = view();
	assert_int_equal(v.heads_n, 1);
	assert_memory_equal(v.heads[0].b, id.b, 32);
	keyset_view_deinit(&v);
}

static void a_new_reading_key_names_the_one_before_it_directly(void **state)
{
	(void)state;
	struct identity_event ev;
	struct id32 who = {{5}}, first = add_reading();
	assert_int_equal(identity_officer(&rnd, ks, &secrets, &who, 3, &ev), OK);
	take(&ev);
	struct id32 second = add_reading();
	const struct keyevent *got = keyset_find(ks, &second);
	bool named = false;
	for (size_t i = 0; i < got->after_n; i++)
		named = named || id32_equal(&got->after[i], &first);
	assert_true(named);
}

/* ---- the request as text */

static void a_request_comes_back_from_its_text(void **state)
{
	(void)state;
	char text[IDENTITY_REQUEST_TEXT_BYTES], spaced[IDENTITY_REQUEST_TEXT_BYTES + 4];
	struct id32 direct[LIMIT_DIRECT];
	struct identity_request r, back;
	for (size_t n = 0; n <= LIMIT_DIRECT; n++) {
		for (size_t i = 0; i < n; i++)
			direct[i] = (struct id32){{(uint8_t)(i + 1)}};
		assert_int_equal(identity_request_make(keyset_identity(ks), &phone, direct, n, &r), OK);
		identity_request_format(&r, text);
		assert_true(strlen(text) < sizeof text);
		assert_memory_equal(text, "quire-device:", 13);
		assert_int_equal(identity_request_parse(text, &back), OK);
		assert_int_equal(back.direct_n, n);
		assert_memory_equal(back.direct, r.direct, sizeof r.direct);
		assert_memory_equal(back.sign_key.b, r.sign_key.b, 32);
		assert_memory_equal(back.box_key.b, r.box_key.b, 32);
		assert_memory_equal(back.consent, r.consent, 64);
	}
	for (char *p = text; *p; p++)
		*p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
	snprintf(spaced, sizeof spaced, " %s\r\n", text);
	assert_int_equal(identity_request_parse(spaced, &back), OK);
	assert_int_equal(
		identity_request_make(keyset_identity(ks), &phone, direct, LIMIT_DIRECT + 1, &r), ERR_LIMIT);
	direct[1] = direct[0];
	assert_int_equal(identity_request_make(keyset_identity(ks), &phone, direct, 2, &r), ERR_INPUT);
}

static void a_request_with_one_letter_wrong_or_cut_is_refused(void **state)
{
	(void)state;
	char text[IDENTITY_REQUEST_TEXT_BYTES], bad[IDENTITY_REQUEST_TEXT_BYTES];
	struct identity_request r, back;
	assert_int_equal(identity_request_make(keyset_identity(ks), &phone, NULL, 0, &r), OK);
	identity_request_format(&r, text);
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		memcpy(bad, text, n + 1);
		bad[i] = bad[i] == 'q' ? 'r' : 'q';
		assert_int_not_equal(identity_request_parse(bad, &back), OK);
		bad[i] = '1';
		assert_int_not_equal(identity_request_parse(bad, &back), OK);
		bad[i] = '\0';
		assert_int_not_equal(identity_request_parse(bad, &back), OK);
	}
	memcpy(bad, text, n);
	memcpy(bad + n, "a", 2);
	assert_int_not_equal(identity_request_parse(bad, &back), OK);
	r.consent[0] ^= 1;
	identity_request_format(&r, text);
	assert_int_equal(identity_request_parse(text, &back), ERR_SIGNATURE);
	memset(bad, 'a', sizeof bad - 1);
	bad[sizeof bad - 1] = '\0';
	memcpy(bad, "quire-device:", 13);
	assert_int_not_equal(identity_request_parse(bad, &back), OK);
}

static void a_new_badge_key_takes_the_place_of_the_one_before_it(void **state)
{
	(void)state;
	struct id32 first = secrets.badge_key;
	add_phone();
	struct id32 event = replace_badge();
	struct keyset_view v = view();
	assert_memory_not_equal(first.b, secrets.badge_key.b, 32);
	assert_memory_equal(v.badge_key.b, secrets.badge_key.b, 32);
	assert_memory_equal(v.badge_event.b, event.b, 32);
	keyset_view_deinit(&v);
	/* the code brings it back, and the other device has it */
	struct identity_secrets got;
	assert_int_equal(identity_recover(ks, code, RECOVERY_IDENTITY, &got), OK);
	same_secrets(&secrets, &got);
	assert_int_equal(identity_open_grants(ks, &phone, &got), OK);
	same_secrets(&secrets, &got);
	/* once more: the last one is in force, and names the one before it */
	struct id32 second = replace_badge();
	v = view();
	assert_memory_equal(v.badge_event.b, second.b, 32);
	assert_memory_equal(v.badge_key.b, secrets.badge_key.b, 32);
	keyset_view_deinit(&v);
	const struct keyevent *ev = keyset_find(ks, &second);
	bool names = false;
	for (size_t i = 0; i < ev->after_n; i++)
		names = names || id32_equal(&ev->after[i], &event);
	assert_true(names);
}

static void a_wrong_code_makes_no_badge_key(void **state)
{
	(void)state;
	struct identity_event ev;
	struct id32 before = secrets.badge_key;
	code[0] ^= 1;
	assert_int_equal(identity_new_badge(&rnd, ks, code, RECOVERY_IDENTITY, &secrets, &ev), ERR_DECRYPT);
	assert_memory_equal(before.b, secrets.badge_key.b, 32);
}

static void wiping_leaves_nothing(void **state)
{
	(void)state;
	static const struct identity_secrets zero;
	identity_secrets_wipe(&secrets);
	assert_memory_equal(&secrets, &zero, sizeof zero);
}

#define OWNER(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		OWNER(a_new_identity_has_a_generation_a_reading_key_and_its_first_device),
		OWNER(one_seed_makes_one_identity),
		OWNER(a_network_comes_from_the_same_code_with_another_label),
		OWNER(the_code_brings_every_secret_back),
		OWNER(of_more_than_64_reading_keys_the_current_one_is_among_those_that_come_back),
		OWNER(a_wrong_code_opens_nothing),
		OWNER(a_second_device_gets_what_it_needs),
		OWNER(a_device_is_granted_eight_secrets_at_most_the_current_ones_first),
		OWNER(a_request_that_does_not_fit_adds_nothing),
		OWNER(a_closed_device_gets_no_new_secret),
		OWNER(the_root_key_has_the_last_word_on_a_closing),
		OWNER(a_new_generation_keeps_what_is_in_force_but_for_what_a_thief_wrote),
		OWNER(a_lost_device_does_not_get_the_new_signing_key),
		OWNER(what_was_written_at_the_same_time_waits_until_it_is_adopted),
		OWNER(a_generation_can_keep_what_was_set_aside),
		OWNER(after_255_generations_there_is_no_other),
		OWNER(thirty_two_devices_get_a_new_key_and_thirty_three_are_too_many),
		OWNER(a_node_that_consents_hosts_until_the_owner_ends_it),
		OWNER(an_officer_is_ended_with_marks_in_any_order),
		OWNER(an_event_names_those_that_its_writer_knew),
		OWNER(a_new_reading_key_names_the_one_before_it_directly),
		OWNER(a_new_badge_key_takes_the_place_of_the_one_before_it),
		OWNER(a_wrong_code_makes_no_badge_key),
		OWNER(a_request_comes_back_from_its_text),
		OWNER(a_request_with_one_letter_wrong_or_cut_is_refused),
		OWNER(wiping_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
