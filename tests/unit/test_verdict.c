/* What is said of an award with its proof bundle: of honest ones, of every cheat, and of what is altered, missing, cut or baked into pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

#include "protocol/award/bake.h"
#include "protocol/award/json.h"
#include "protocol/award/verdict.h"
#include "tests/support/award_world.h"

static struct award_world world; /* large, so not on the stack */
static struct verdict said;

static uint64_t now_of(const struct award_world *w)
{
	return (uint64_t)w->hour * 3600 + 5;
}

/* With the district as the only root. */
static int judge_at(struct slice file, uint64_t now_s)
{
	const struct verdict_roots roots = {.n = 1, .ids = &world.person[AWARD_DISTRICT].id};
	assert_int_equal(verdict_of_file(file, &roots, now_s, &said), OK);
	return verdict_exit_code(&said);
}

static int judge(struct slice file)
{
	return judge_at(file, now_of(&world));
}

static bool has_line(const char *code, enum judge_mark mark)
{
	for (size_t i = 0; i < said.lines.lines_n; i++)
		if (said.lines.lines[i].mark == mark && strcmp(said.lines.lines[i].code, code) == 0)
			return true;
	return false;
}

static struct buf tell(const struct award_twist *twist)
{
	struct buf b = {0};
	award_world_init(&world, 1, twist);
	award_world_bundle(&world, &b);
	return b;
}

static void forget(struct buf *b)
{
	buf_free(b);
	award_world_deinit(&world);
}

/* ---- honest awards */

static void an_honest_award_is_good_for_who_trusts_a_voucher(void **state)
{
	(void)state;
	char headline[256];
	struct buf b = tell(&(struct award_twist){0});
	assert_int_equal(judge(buf_slice(&b)), 0);
	assert_true(said.bundled && said.readable && said.vouched);
	assert_true(id32_equal(&said.voucher, &world.person[AWARD_DISTRICT].id));
	assert_int_equal(said.state, AWARD_ACCEPTED);
	assert_int_equal(said.known_until_hour, world.hour);
	assert_string_equal(said.about.name, "Checking for Understanding");
	assert_string_equal(said.about.issuer_name, "Example School");
	verdict_headline(&said, headline);
	assert_string_equal(headline,
		"Good: \"Checking for Understanding\" was awarded as it says, and somebody whom you trust vouches for its issuer.");
	forget(&b);
}

static void roots_decide_whether_it_is_good(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){0});
	const struct {
		size_t n;
		enum award_person_index who;
		int code;
	} cases[] = {{0, 0, 7}, {1, AWARD_ISSUER, 0}, {1, AWARD_DISTRICT, 0}, {1, AWARD_EARNER, 7},
		{1, AWARD_OFFICER, 7}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct verdict_roots roots = {.n = cases[i].n, .ids = &world.person[cases[i].who].id};
		assert_int_equal(verdict_of_file(buf_slice(&b), &roots, now_of(&world), &said), OK);
		assert_int_equal(verdict_exit_code(&said), cases[i].code);
		assert_int_equal(said.vouched, cases[i].code == 0);
		assert_true(cases[i].code == 0 || has_line("not-vouched", JUDGE_UNKNOWN));
	}
	forget(&b);
}

static void days_count_with_a_bundle_too(void **state)
{
	(void)state;
	const uint64_t year = 366 * 86400;
	struct buf b = tell(&(struct award_twist){0});
	assert_int_equal(judge_at(buf_slice(&b), 0), 0);
	assert_int_equal(judge_at(buf_slice(&b), now_of(&world) - year), 6);
	assert_string_equal(verdict_decisive(&said)->code, "not-yet-valid");
	assert_int_equal(judge_at(buf_slice(&b), now_of(&world) + 3 * year), 6);
	assert_string_equal(verdict_decisive(&said)->code, "expired");
	assert_int_equal(judge_at(buf_slice(&b), now_of(&world) + year), 0);
	assert_false(has_line("vouch-days", JUDGE_NOTE));
	assert_int_equal(judge_at(buf_slice(&b), now_of(&world) + 2 * year), 0);
	assert_true(has_line("vouch-days", JUDGE_NOTE));
	forget(&b);
}

/* ---- twists */

static const struct {
	const char *name;
	struct award_twist twist;
	int code;
	const char *decides; /* code of a line with the mark that the verdict has */
	const char *words; /* that stand in it */
} twists[] = {
	{"a decision without feedback", {.feedback = " \n"}, 6, "feedback-missing",
		"without feedback does not count"},
	{"a review after the appointment's end", {.ended = true}, 6, "appointment-ended", "had ended before"},
	{"a backdated review", {.backdated = true}, 6, "appointment-ended", "had ended before"},
	{"a level below the required one", {.low_level = true}, 6, "level-low", "below the required one"},
	{"an act by a dismissed officer", {.by_officer = true, .dismissed = true}, 6, "officer-ended",
		"dismissed"},
	{"an award behind a closing", {.closed = true}, 6, "entry-cut", "behind the end of its log"},
	{"an altered version of the definition", {.other_version = true}, 6, "award-definition",
		"another version"},
	{"evidence replaced after submission", {.replaced = true}, 6, "evidence-digest", "it was replaced"},
	{"a missing requirement", {.missing = true}, 6, "requirement-missing", "requirement 2"},
	{"the same with the list of evidence alone", {.missing = true, .without_submission = true}, 6,
		"requirement-missing", "requirement 2"},
	{"one review where two are asked for", {.one_review = true}, 6, "reviews-too-few", "which is 2"},
	{"a credential signed by somebody else", {.wrong_badge = true}, 6, "credential-key",
		"not the issuer's"},
	{"a revoked award", {.revoked = true}, 6, "revoked", "revoked"},
	{"an award that was not accepted", {.not_accepted = true}, 7, "not-accepted", "accepted"},
	{"an award that an officer asked for", {.by_officer = true}, 0, "evidence-missing", ": 2."},
	{"an appointment that ends later", {.ended_later = true}, 0, "evidence-missing", ": 2."},
	{"a device that is closed later", {.closed_later = true}, 0, "evidence-missing", ": 2."},
	{"a review behind a closing, named by the award", {.reviewer_closed = true}, 0, "evidence-missing",
		": 2."},
	{"erased evidence", {.erased = true}, 0, "evidence-erased", "erased: 1."},
	{"a submission that is not shown", {.without_submission = true}, 0, "attestations-not-seen",
		"not seen"},
};

static void each_cheat_is_wrong_with_its_words_and_what_is_allowed_is_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof twists / sizeof twists[0]; i++) {
		struct buf b = tell(&twists[i].twist);
		int code = judge(buf_slice(&b));
		const struct judge_line *line = verdict_decisive(&said);
		if (code != twists[i].code)
			fail_msg("%s: %d by %s", twists[i].name, code, line->code);
		if (!has_line(twists[i].decides, said.worst))
			fail_msg("%s: no line %s but %s", twists[i].name, twists[i].decides, line->code);
		bool worded = false;
		for (size_t k = 0; k < said.lines.lines_n; k++)
			worded |= strcmp(said.lines.lines[k].code, twists[i].decides) == 0 &&
				strstr(said.lines.lines[k].text, twists[i].words);
		if (!worded)
			fail_msg("%s: nothing says \"%s\"", twists[i].name, twists[i].words);
		forget(&b);
	}
}

/* ---- what is missing */

static json_t *parsed(const struct buf *b)
{
	json_t *doc;
	assert_int_equal(json_parse(buf_slice(b), &doc, NULL), OK);
	return doc;
}

static int judge_json(const json_t *doc)
{
	struct buf b = {0};
	assert_int_equal(json_canonical(doc, &b), OK);
	int code = judge(buf_slice(&b));
	buf_free(&b);
	return code;
}

/* The verdict without one element of a list, which comes back afterwards. */
static int judge_without(json_t *doc, json_t *list, size_t i)
{
	json_t *gone = json_incref(json_array_get(list, i));
	json_array_remove(list, i);
	int code = judge_json(doc);
	json_array_insert_new(list, i, gone);
	return code;
}

static void without_a_person_or_a_log_it_is_not_known(void **state)
{
	(void)state;
	static const char *const lists[] = {"identities", "runs"};
	struct buf b = tell(&(struct award_twist){.ended_later = true});
	json_t *doc = parsed(&b);
	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < AWARD_PERSONS; i++) {
			int code = judge_without(doc, json_object_get(doc, lists[l]), i);
			/* The officer has done nothing; but a log of nobody is one that cannot be judged. */
			if (code != (l == 1 && i == AWARD_OFFICER ? 0 : 7))
				fail_msg("without %s[%zu]: %d by %s: %s", lists[l], i, code,
					verdict_decisive(&said)->code, verdict_decisive(&said)->text);
		}
	assert_int_equal(judge_json(doc), 0);
	json_decref(doc);
	forget(&b);
}

/* Does the award need what stands at this seq of this person's log? */
static bool is_needed(size_t who, uint64_t seq)
{
	const struct entry_ref *needless[] = {&world.later_at, &world.submission};
	for (size_t i = 0; i < 2; i++)
		if (id32_equal(&needless[i]->log, &world.person[who].log) && needless[i]->seq == seq)
			return false;
	return true;
}

static void without_a_body_or_its_key_it_is_not_known(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){0});
	json_t *doc = parsed(&b);
	size_t n = 0;
	for (size_t who = 0; who < AWARD_PERSONS; who++) {
		json_t *bodies = json_object_get(json_array_get(json_object_get(doc, "runs"), who), "bodies");
		for (size_t i = 0; i < json_array_size(bodies); i++, n++) {
			json_t *body = json_array_get(bodies, i);
			uint64_t seq = (uint64_t)json_number_value(json_object_get(body, "seq"));
			int code = judge_without(doc, bodies, i);
			if (code != (is_needed(who, seq) ? 7 : 0))
				fail_msg("without body %zu of %zu: %d by %s", i, who, code,
					verdict_decisive(&said)->code);
			json_t *key = json_incref(json_object_get(body, "key"));
			if (!key)
				continue;
			json_object_del(body, "key");
			assert_int_equal(judge_json(doc), 7);
			json_object_set_new(body, "key", key);
		}
	}
	assert_int_equal(n, 11);
	json_decref(doc);
	forget(&b);
}

static void without_a_key_event_it_is_not_known(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){0});
	json_t *doc = parsed(&b);
	for (size_t who = 0; who < AWARD_PERSONS; who++) {
		json_t *events = json_object_get(
			json_array_get(json_object_get(doc, "identities"), who), "events");
		for (size_t i = 0; i < json_array_size(events); i++) {
			/* Nothing here is opened with a reading key. */
			bool reading = keyset_at(world.person[who].keys, i)->kind == KEYEVENT_READING;
			int code = judge_without(doc, events, i);
			if (code != 7 && !(code == 0 && reading) && who != AWARD_OFFICER)
				fail_msg("without event %zu of %zu: %d by %s", i, who, code,
					verdict_decisive(&said)->code);
		}
	}
	json_decref(doc);
	forget(&b);
}

static void without_a_signature_or_the_issuers_mark_it_is_not_known(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){0});
	json_t *doc = parsed(&b);
	json_t *run = json_array_get(json_object_get(doc, "runs"), AWARD_ISSUER);
	json_t *signature = json_incref(json_object_get(run, "signature"));
	json_object_del(run, "signature");
	assert_int_equal(judge_json(doc), 7);
	json_object_set_new(run, "signature", signature);
	assert_int_equal(judge_without(doc, json_object_get(json_object_get(doc, "status"), "logs"), 0), 7);
	assert_string_equal(verdict_decisive(&said)->code, "status");
	assert_int_equal(said.known_until_hour, 0);
	json_decref(doc);
	forget(&b);
}

static void without_the_headers_up_to_a_closing_it_is_not_known(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){.closed_later = true});
	json_t *doc = parsed(&b);
	json_t *run = json_array_get(json_object_get(doc, "runs"), AWARD_ISSUER);
	const struct award_person *p = &world.person[AWARD_ISSUER];
	char text[ENTRY_HEADER_BYTES * AWARD_ENTRIES_MAX * 2], signature[128];
	uint8_t headers[AWARD_ENTRIES_MAX * ENTRY_HEADER_BYTES];
	for (size_t i = 0; i < p->n; i++)
		memcpy(headers + i * ENTRY_HEADER_BYTES, p->entries[i].header, ENTRY_HEADER_BYTES);
	/* The closing names the last entry, so a signature is not needed; */
	json_object_del(run, "signature");
	assert_int_equal(judge_json(doc), 0);
	/* and without the last entry, the signature of the one before says nothing of where the chain leads. */
	world.person[AWARD_ISSUER].n--;
	world.hour++;
	sodium_bin2base64(
		text, sizeof text, headers, p->n * ENTRY_HEADER_BYTES, sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(signature, sizeof signature, p->entries[p->n - 1].signature, 64,
		sodium_base64_VARIANT_ORIGINAL);
	json_object_set_new(run, "headers", json_string(text));
	json_object_set_new(run, "signature", json_string(signature));
	json_t *bodies = json_object_get(run, "bodies");
	json_array_remove(bodies, json_array_size(bodies) - 1); /* the award's own */
	assert_int_equal(judge_json(doc), 7);
	assert_true(has_line("left-out", JUDGE_UNKNOWN));
	world.person[AWARD_ISSUER].n++;
	json_decref(doc);
	forget(&b);
}

/* ---- what is altered */

/* The same in all that is signed: but for `status`, which is its maker's word. */
static bool same_meaning(struct slice text, const json_t *original)
{
	json_t *doc = NULL;
	if (json_parse(text, &doc, NULL) != OK)
		return false;
	json_object_set(doc, "status", json_object_get(original, "status"));
	bool same = json_equal(doc, original);
	json_decref(doc);
	return same;
}

static void no_bit_can_be_changed(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){.ended_later = true, .erased = true});
	json_t *original = parsed(&b);
	struct seeded_random seed = {.seed = 500};
	struct random_source rnd = seeded_random_source(&seed);
	for (size_t i = 0; i < 500; i++) {
		uint32_t at;
		random_fill(&rnd, &at, sizeof at);
		uint8_t bit = (uint8_t)(1u << (at & 7));
		size_t place = (at >> 3) % b.n;
		b.p[place] ^= bit;
		if (judge(buf_slice(&b)) == 0 && !same_meaning(buf_slice(&b), original))
			fail_msg("bit %u of byte %zu changed, and it is good", (unsigned)bit, place);
		b.p[place] ^= bit;
	}
	assert_int_equal(judge(buf_slice(&b)), 0);
	json_decref(original);
	forget(&b);
}

static void nothing_cut_or_scrambled_is_good(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){.closed_later = true}), copy = {0};
	json_t *original = parsed(&b);
	struct seeded_random seed = {.seed = 9};
	struct random_source rnd = seeded_random_source(&seed);
	for (size_t i = 0; i < 300; i++) {
		uint32_t r[4];
		random_fill(&rnd, r, sizeof r);
		copy.n = 0;
		assert_int_equal(buf_put_slice(&copy, buf_slice(&b)), OK);
		size_t from = r[0] % b.n, to = r[1] % b.n, n = 1 + r[2] % 200;
		n = n < b.n - (from > to ? from : to) ? n : 1;
		if (i % 3 == 0)
			copy.n = from;
		else if (i % 3 == 1)
			memcpy(copy.p + to, b.p + from, n);
		else
			random_fill(&rnd, copy.p + to, n);
		if (judge(buf_slice(&copy)) == 0 && !same_meaning(buf_slice(&copy), original))
			fail_msg("round %zu: %zu, %zu, %zu", i, from, to, n);
	}
	json_decref(original);
	buf_free(&copy);
	forget(&b);
}

static void another_bundle_does_not_serve(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){0}), credential = {0};
	static struct award_world other;
	award_world_init(&other, 2, &(struct award_twist){0});
	const struct verdict_roots roots = {.n = 1, .ids = &world.person[AWARD_DISTRICT].id};
	assert_int_equal(json_canonical(other.credential, &credential), OK);
	assert_int_equal(
		verdict_of_files(buf_slice(&credential), buf_slice(&b), &roots, now_of(&world), &said), OK);
	assert_int_equal(verdict_exit_code(&said), 6);
	assert_string_equal(verdict_decisive(&said)->code, "other-credential");
	credential.n = 0;
	assert_int_equal(json_canonical(world.credential, &credential), OK);
	assert_int_equal(
		verdict_of_files(buf_slice(&credential), buf_slice(&b), &roots, now_of(&world), &said), OK);
	assert_int_equal(verdict_exit_code(&said), 0);
	/* A bundle beside a bundle: the credential is that of the first. */
	assert_int_equal(verdict_of_files(buf_slice(&b), buf_slice(&b), &roots, now_of(&world), &said), OK);
	assert_int_equal(verdict_exit_code(&said), 0);
	assert_int_equal(
		verdict_of_files(buf_slice(&credential), slice_str("{}"), &roots, now_of(&world), &said), OK);
	assert_int_equal(verdict_exit_code(&said), 6);
	/* A credential that the issuer signed as well, and never recorded. */
	json_t *doc = parsed(&b);
	json_object_set(doc, "credential", other.credential);
	assert_int_equal(judge_json(doc), 6);
	assert_true(has_line("credential-recorded", JUDGE_WRONG));
	json_decref(doc);
	award_world_deinit(&other);
	buf_free(&credential);
	forget(&b);
}

static void the_award_must_stand_where_the_bundle_says(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){0});
	json_t *doc = parsed(&b), *award = json_object_get(doc, "award");
	json_array_set_new(award, 1, json_integer(1));
	assert_int_equal(judge_json(doc), 6);
	assert_true(has_line("award-pointer", JUDGE_WRONG));
	json_array_set(award, 2, json_array_get(award, 0));
	assert_int_equal(judge_json(doc), 7);
	assert_string_equal(verdict_decisive(&said)->code, "award-missing");
	json_decref(doc);
	forget(&b);
}

/* ---- alone, and in pictures */

static void a_badge_without_its_bundle_is_not_known(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){0}), credential = {0};
	assert_int_equal(json_canonical(world.credential, &credential), OK);
	assert_int_equal(judge(buf_slice(&credential)), 7);
	assert_string_equal(verdict_decisive(&said)->code, "quire-bare");
	assert_true(has_line("shape", JUDGE_GOOD) && has_line("proof", JUDGE_GOOD) &&
		has_line("validity", JUDGE_GOOD));
	assert_false(said.bundled);
	/* Its name is signed. */
	uint8_t *name = (uint8_t *)memmem(credential.p, credential.n, "Example School", 14);
	assert_non_null(name);
	name[0] = 'X';
	assert_int_equal(judge(buf_slice(&credential)), 6);
	assert_string_equal(verdict_decisive(&said)->code, "proof");
	buf_free(&credential);
	forget(&b);
}

/* Editors put a mark of the byte order and empty lines around it. */
static void what_stands_around_a_credential_changes_nothing(void **state)
{
	(void)state;
	struct buf b = tell(&(struct award_twist){0}), credential = {0};
	assert_int_equal(buf_put(&credential, "\xef\xbb\xbf \r\n\t", 7), OK);
	assert_int_equal(json_canonical(world.credential, &credential), OK);
	assert_int_equal(buf_put(&credential, " \r\n\t", 4), OK);
	assert_int_equal(judge(buf_slice(&credential)), 7);
	assert_string_equal(verdict_decisive(&said)->code, "quire-bare");
	assert_int_equal(judge(slice_of(credential.p + 3, credential.n - 3)), 7);
	assert_string_equal(verdict_decisive(&said)->code, "quire-bare");
	assert_int_equal(judge(slice_of(credential.p, 2)), 7);
	assert_string_equal(verdict_decisive(&said)->code, "no-credential");
	buf_free(&credential);
	forget(&b);
}

static void the_picture_is_judged_like_the_bundle(void **state)
{
	(void)state;
	static const char svg[] = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"></svg>";
	struct buf b = tell(&(struct award_twist){0}), credential = {0}, picture = {0};
	assert_int_equal(json_canonical(world.credential, &credential), OK);
	assert_int_equal(bake_svg(slice_str(svg), buf_slice(&credential), buf_slice(&b), &picture), OK);
	assert_int_equal(judge(buf_slice(&picture)), 0);
	assert_true(said.bundled);
	picture.n = 0;
	assert_int_equal(bake_svg(slice_str(svg), buf_slice(&credential), (struct slice){0}, &picture), OK);
	assert_int_equal(judge(buf_slice(&picture)), 7);
	assert_string_equal(verdict_decisive(&said)->code, "quire-bare");
	/* With the bundle beside it. */
	const struct verdict_roots roots = {.n = 1, .ids = &world.person[AWARD_DISTRICT].id};
	assert_int_equal(
		verdict_of_files(buf_slice(&picture), buf_slice(&b), &roots, now_of(&world), &said), OK);
	assert_int_equal(verdict_exit_code(&said), 0);
	picture.n = 0;
	assert_int_equal(bake_svg(slice_str(svg), buf_slice(&credential), slice_str("{}"), &picture), OK);
	assert_int_equal(judge(buf_slice(&picture)), 6);
	assert_string_equal(verdict_decisive(&said)->code, "bundle");
	buf_free(&credential);
	buf_free(&picture);
	forget(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_award_is_good_for_who_trusts_a_voucher),
		cmocka_unit_test(roots_decide_whether_it_is_good),
		cmocka_unit_test(days_count_with_a_bundle_too),
		cmocka_unit_test(each_cheat_is_wrong_with_its_words_and_what_is_allowed_is_good),
		cmocka_unit_test(without_a_person_or_a_log_it_is_not_known),
		cmocka_unit_test(without_a_body_or_its_key_it_is_not_known),
		cmocka_unit_test(without_a_key_event_it_is_not_known),
		cmocka_unit_test(without_a_signature_or_the_issuers_mark_it_is_not_known),
		cmocka_unit_test(without_the_headers_up_to_a_closing_it_is_not_known),
		cmocka_unit_test(no_bit_can_be_changed),
		cmocka_unit_test(nothing_cut_or_scrambled_is_good),
		cmocka_unit_test(another_bundle_does_not_serve),
		cmocka_unit_test(the_award_must_stand_where_the_bundle_says),
		cmocka_unit_test(a_badge_without_its_bundle_is_not_known),
		cmocka_unit_test(what_stands_around_a_credential_changes_nothing),
		cmocka_unit_test(the_picture_is_judged_like_the_bundle),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
