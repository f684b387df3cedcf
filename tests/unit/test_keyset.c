/* The set of key events: whatever the order of arrival, the same is stored and the same is in force. SPEC.md sections 3.4 and 3.5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "protocol/log/hash.h"
#include "tests/support/key_story.h"

static struct key_story story; /* large, so not on the stack */

static int start(void **state)
{
	(void)state;
	story_begin(&story, 1);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	story_end(&story);
	return 0;
}

/* ---- the same, whatever the order */

static void put(struct buf *b, const void *p, size_t n)
{
	assert_int_equal(buf_put(b, p, n), OK);
}

static void put_ids(struct buf *b, const struct id32 *ids, size_t n)
{
	put(b, &n, sizeof n);
	for (size_t i = 0; i < n; i++)
		put(b, ids[i].b, 32);
}

static void put_devices(struct buf *b, const struct keyset_view *v)
{
	for (size_t i = 0; i < v->devices_n; i++) {
		const struct keyset_device *d = &v->devices[i];
		const struct id32 ids[] = {
			d->event, d->sign_key, d->box_key, d->log, d->closed_last, d->close_event};
		put_ids(b, ids, 6);
		put_ids(b, d->direct_nodes, d->direct_n);
		put(b, &d->closed, sizeof d->closed);
		put(b, &d->closed_length, sizeof d->closed_length);
	}
}

static void put_officers(struct buf *b, const struct keyset_view *v)
{
	for (size_t i = 0; i < v->officers_n; i++)
		put_ids(b, &v->officers[i].event, 1);
	for (size_t i = 0; i < v->officers_all_n; i++) {
		const struct keyset_officer *o = &v->officers_all[i];
		put_ids(b, (const struct id32[]){o->event, o->identity}, 2);
		put(b, &o->rights, sizeof o->rights);
		put(b, &o->ended, sizeof o->ended);
		put(b, &o->ends_n, sizeof o->ends_n);
		for (size_t k = 0; k < o->ends_n; k++) {
			put_ids(b, &o->ends[k].event, 1);
			put(b, &o->ends[k].marks_n, sizeof o->ends[k].marks_n);
			if (o->ends[k].marks_n)
				put(b, o->ends[k].marks, o->ends[k].marks_n * sizeof *o->ends[k].marks);
		}
	}
}

/* Everything that a set shows of itself, in one hash. */
static struct id32 digest(const struct keyset *ks)
{
	struct keyset_view v;
	struct buf b = {0};
	assert_int_equal(keyset_resolve(ks, &v), OK);
	const struct id32 keys[] = {keyset_sum(ks), v.root_key, v.recovery_key, v.generation, v.signing_key,
		v.badge_key, v.reading_key, v.reading_event, v.badge_event};
	put_ids(&b, keys, sizeof keys / sizeof keys[0]);
	put(&b, &v.generation_number, sizeof v.generation_number);
	put_ids(&b, v.readings, v.readings_n);
	put_devices(&b, &v);
	for (size_t i = 0; i < v.hostings_n; i++)
		put_ids(&b, &v.hostings[i].event, 1);
	put_officers(&b, &v);
	put_ids(&b, v.waiting, v.waiting_n);
	put_ids(&b, v.in_force, v.in_force_n);
	put_ids(&b, v.heads, v.heads_n);
	for (size_t i = 0; i < keyset_count(ks); i++)
		put_ids(&b, &keyset_at(ks, i)->id, 1);
	struct id32 h = hash_bytes(HASH_BODY, b.p, b.n);
	buf_free(&b);
	keyset_view_deinit(&v);
	return h;
}

/* As one batch, events before what they need too. */
static struct keyset *offer_as_batch(const struct key_story *s, const size_t *order)
{
	struct keyset *ks = keyset_new(&s->identity);
	assert_non_null(ks);
	keyset_batch_begin(ks);
	for (size_t missing = 1; missing;) {
		missing = 0;
		for (size_t i = 0; i < s->n; i++) {
			const struct story_event *e = &s->events[order[i]];
			enum err err = keyset_load(
				ks, buf_slice(&e->bytes), slice_of(e->signatures, e->signatures_n));
			assert_true(err == OK || err == ERR_NOT_FOUND);
			missing += err == ERR_NOT_FOUND;
		}
	}
	keyset_batch_end(ks);
	return ks;
}

static void check_permutations(const struct key_story *s, size_t n)
{
	size_t order[STORY_EVENTS_MAX];
	struct seeded_random seed = {.seed = s->seed.seed + 1000};
	struct keyset *ks = story_offer(s, NULL, true);
	const struct id32 expected = digest(ks);
	keyset_free(ks);
	for (size_t i = 0; i < s->n; i++)
		order[i] = i;
	for (size_t round = 0; round < n; round++) {
		story_shuffle(&seed, order, s->n);
		ks = round % 4 ? story_offer(s, order, false) : offer_as_batch(s, order);
		struct id32 got = digest(ks);
		if (!id32_equal(&expected, &got))
			fail_msg("story %llu, permutation %zu", (unsigned long long)s->seed.seed, round);
		keyset_free(ks);
	}
}

/* What is stored, sent in our order to a fresh set as one answer, comes to the same: each event finds what it needs. */
static void check_sending(const struct key_story *s)
{
	struct keyset *ks = story_offer(s, NULL, false), *to = keyset_new(&s->identity);
	assert_non_null(to);
	keyset_batch_begin(to);
	for (size_t i = 0; i < keyset_count(ks); i++) {
		const struct keyevent *ev = keyset_at(ks, i);
		enum keyset_added added;
		assert_int_equal(keyset_add(to, ev->bytes, ev->signatures, &added), OK);
		assert_int_equal(added, KEYSET_NEW);
	}
	keyset_batch_end(to);
	struct id32 a = digest(ks), b = digest(to);
	assert_memory_equal(a.b, b.b, 32);
	keyset_free(ks);
	keyset_free(to);
}

static void the_order_of_arrival_changes_nothing_in_a_hundred_random_stories(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		static struct key_story s;
		story_begin(&s, seed);
		story_tell_at_random(&s, 12 + seed % 30);
		check_permutations(&s, 100);
		check_sending(&s);
		story_end(&s);
	}
}

/* ---- slots */

static bool stored(const struct keyset *ks, struct id32 id)
{
	return keyset_has(ks, &id);
}

static void the_lowest_id_wins_a_slot_and_the_others_are_dropped(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct id32 ids[3], lowest;
	for (size_t i = 0; i < 3; i++)
		ids[i] = story_officer(&story, PLACE(&g, 7), 1);
	lowest = ids[0];
	for (size_t i = 1; i < 3; i++)
		if (id32_cmp(&ids[i], &lowest) < 0)
			lowest = ids[i];
	struct keyset *ks = story_offer(&story, NULL, true);
	assert_int_equal(keyset_count(ks), 3);
	assert_true(stored(ks, lowest));
	keyset_free(ks);
	check_permutations(&story, 50);
}

static enum keyset_added add(struct keyset *ks, size_t i)
{
	enum keyset_added added;
	const struct story_event *e = &story.events[i];
	assert_int_equal(
		keyset_add(ks, buf_slice(&e->bytes), slice_of(e->signatures, e->signatures_n), &added), OK);
	return added;
}

static void a_set_says_what_it_took_and_what_it_dropped(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct id32 high = story_officer(&story, PLACE(&g, 0), 1);
	struct id32 low = story_grind(&story, PLACE(&g, 0), &high);
	struct keyset *ks = keyset_new(&story.identity);
	const struct id32 *dropped;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(add(ks, i), KEYSET_NEW);
	assert_int_equal(add(ks, 2), KEYSET_KNOWN);
	assert_int_equal(keyset_dropped(ks, &dropped), 0);
	assert_int_equal(add(ks, 3), KEYSET_NEW);
	assert_int_equal(keyset_dropped(ks, &dropped), 1);
	assert_memory_equal(dropped[0].b, high.b, 32);
	assert_int_equal(add(ks, 2), KEYSET_LOST);
	assert_int_equal(keyset_dropped(ks, &dropped), 0);
	assert_true(stored(ks, low));
	assert_null(keyset_find(ks, &high));
	keyset_free(ks);
}

static void a_thief_who_grinds_lower_ids_loses_to_what_a_generation_keeps(void **state)
{
	(void)state;
	struct story_generation g1 = story_generation(&story, &story.inception, NULL, 0);
	struct id32 mine = story_officer(&story, PLACE(&g1, 0), 1);
	struct id32 stolen = story_grind(&story, PLACE(&g1, 0), &mine);
	struct id32 again = story_grind(&story, PLACE(&g1, 0), &stolen);
	struct keyset *ks = story_offer(&story, NULL, true);
	assert_false(stored(ks, mine));
	assert_true(stored(ks, again));
	keyset_free(ks);
	story_generation(&story, &g1, &mine, 1);
	ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_true(stored(ks, mine) && stored(ks, again) && !stored(ks, stolen));
	assert_int_equal(v.officers_n, 1);
	assert_memory_equal(v.officers[0].event.b, mine.b, 32);
	assert_int_equal(v.waiting_n, 1);
	assert_memory_equal(v.waiting[0].b, again.b, 32);
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 200);
}

static void adopts_hold_losers_until_the_next_generation(void **state)
{
	(void)state;
	struct story_generation g1 = story_generation(&story, &story.inception, NULL, 0);
	struct id32 a = story_officer(&story, PLACE(&g1, 0), 1), b = story_grind(&story, PLACE(&g1, 0), &a);
	struct story_generation g2 = story_generation(&story, &g1, NULL, 0);
	story_adopt(&story, PLACE(&g2, 0), &a, 1);
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_true(stored(ks, a) && stored(ks, b));
	assert_int_equal(v.officers_n, 1);
	assert_memory_equal(v.officers[0].event.b, a.b, 32);
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 100);
	story_generation(&story, &g2, NULL, 0);
	ks = story_offer(&story, NULL, true);
	assert_false(stored(ks, a));
	keyset_free(ks);
	check_permutations(&story, 100);
}

static void an_adopt_event_that_lost_its_slot_holds_nothing(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct id32 high = story_officer(&story, PLACE(&g, 0), 1);
	story_grind(&story, PLACE(&g, 0), &high);
	struct id32 adopt = story_adopt(&story, PLACE(&g, 1), &high, 1);
	struct keyset *ks = story_offer(&story, NULL, true);
	assert_true(stored(ks, high));
	keyset_free(ks);
	story_grind(&story, PLACE(&g, 1), &adopt);
	ks = story_offer(&story, NULL, true);
	assert_false(stored(ks, high) || stored(ks, adopt));
	keyset_free(ks);
	check_permutations(&story, 200);
}

/* ---- generations */

static void of_two_generations_at_once_the_lower_id_is_current_until_one_has_a_successor(void **state)
{
	(void)state;
	struct story_generation a = story_generation(&story, &story.inception, NULL, 0);
	struct story_generation b = story_generation(&story, &story.inception, NULL, 0);
	struct story_generation low = id32_cmp(&a.id, &b.id) < 0 ? a : b,
				high = id32_cmp(&a.id, &b.id) < 0 ? b : a;
	struct id32 of_low = story_officer(&story, PLACE(&low, 0), 1),
		    of_high = story_officer(&story, PLACE(&high, 0), 1);
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_memory_equal(v.generation.b, low.id.b, 32);
	assert_memory_equal(v.officers[0].event.b, of_low.b, 32);
	assert_memory_equal(v.waiting[0].b, of_high.b, 32);
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 100);
	struct story_generation next = story_generation(&story, &high, &of_high, 1);
	ks = story_offer(&story, NULL, true);
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_memory_equal(v.generation.b, next.id.b, 32);
	assert_int_equal(v.generation_number, 2);
	assert_memory_equal(v.officers[0].event.b, of_high.b, 32);
	assert_memory_equal(v.waiting[0].b, of_low.b, 32);
	struct id32 key;
	assert_int_equal(keyset_generation_key(ks, &low.id, &key), OK);
	assert_memory_equal(key.b, low.key.b, 32);
	assert_int_equal(keyset_generation_key(ks, &of_low, &key), ERR_NOT_FOUND);
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 100);
}

static void nothing_that_a_thief_of_the_signing_key_writes_outlasts_the_next_generation(void **state)
{
	(void)state;
	struct id32 mine[2], key, theirs;
	struct story_generation g1 = story_generation(&story, &story.inception, NULL, 0);
	struct story_device d = story_new_device(&story), thief = story_new_device(&story);
	mine[0] = story_reading(&story, PLACE(&g1, 0), &key);
	mine[1] = story_device(&story, PLACE(&g1, 1), &d, NULL, 0);
	struct keyset *before = story_offer(&story, NULL, true);
	struct keyset_view was, is;
	assert_int_equal(keyset_resolve(before, &was), OK);
	/* the thief: his reading key behind ours, his device, ours closed, ours ground away, adopts of what he wrote */
	struct id32 r = story_reading(&story, PLACE_AFTER(&g1, 2, mine[0]), &theirs);
	struct id32 t = story_device(&story, PLACE(&g1, 3), &thief, NULL, 0);
	story_close(&story, PLACE_AFTER(&g1, 4, mine[1]), &d, 0, 0, 0);
	story_grind(&story, PLACE(&g1, 0), &mine[0]);
	story_grind(&story, PLACE(&g1, 1), &mine[1]);
	story_adopt(&story, PLACE(&g1, 5), (const struct id32[]){r, t}, 2);
	struct story_generation g2 = story_generation(&story, &g1, mine, 2);
	struct keyset *after = story_offer(&story, NULL, true);
	assert_int_equal(keyset_resolve(after, &is), OK);
	assert_memory_equal(is.generation.b, g2.id.b, 32);
	assert_int_equal(is.readings_n, 1);
	assert_memory_equal(is.reading_key.b, was.reading_key.b, 32);
	assert_int_equal(is.devices_n, 1);
	assert_memory_equal(is.devices[0].sign_key.b, d.sign_key.b, 32);
	assert_false(is.devices[0].closed);
	assert_int_equal(is.officers_n, 0);
	assert_int_equal(is.waiting_n, 6);
	keyset_view_deinit(&was);
	keyset_view_deinit(&is);
	keyset_free(before);
	keyset_free(after);
	check_permutations(&story, 300);
}

/* ---- what is in force */

static void an_end_beats_its_add_whatever_the_order(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct id32 officer = story_officer(&story, PLACE(&g, 0), 3),
		    hosting = story_hosting(&story, PLACE(&g, 1));
	struct id32 stays = story_hosting(&story, PLACE(&g, 2));
	story_finish(&story, PLACE(&g, 3), &officer);
	story_finish(&story, PLACE(&g, 4), &hosting);
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_int_equal(v.officers_n, 0);
	assert_int_equal(v.hostings_n, 1);
	assert_memory_equal(v.hostings[0].event.b, stays.b, 32);
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 100);
}

static void the_reading_key_is_the_one_that_no_other_reaches_also_by_way_of_others(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct id32 old, next, unknown = {{9}}, first = story_reading(&story, PLACE(&g, 0), &old);
	struct id32 between = story_officer(&story, PLACE_AFTER(&g, 1, first, unknown), 1);
	story_reading(&story, PLACE_AFTER(&g, 2, between), &next);
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_memory_equal(v.reading_key.b, next.b, 32);
	assert_int_equal(v.readings_n, 2);
	assert_memory_equal(v.readings[0].b, next.b, 32);
	assert_memory_equal(v.readings[1].b, old.b, 32);
	assert_int_equal(v.heads_n, 3); /* the inception, the generation, and the last reading event */
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 50);
}

static void a_device_added_twice_counts_once_and_is_closed_by_its_key(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct story_device d = story_new_device(&story);
	struct id32 a = story_device(&story, PLACE(&g, 0), &d, NULL, 0),
		    b = story_device(&story, PLACE(&g, 1), &d, &story.identity, 1);
	struct id32 close = story_close(&story, PLACE(&g, 2), &d, 5, 1, 0);
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_int_equal(v.devices_n, 1);
	bool first = id32_cmp(&a, &b) < 0;
	assert_memory_equal(v.devices[0].event.b, first ? a.b : b.b, 32);
	assert_int_equal(v.devices[0].direct, !first);
	assert_true(v.devices[0].closed);
	assert_memory_equal(v.devices[0].close_event.b, close.b, 32);
	assert_ptr_equal(keyset_view_device(&v, &v.devices[0].log), &v.devices[0]);
	assert_null(keyset_view_device(&v, &story.identity));
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 50);
}

/* The closing in force of the only device. */
static void expect_closing(struct id32 event, const char *why)
{
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_int_equal(v.devices_n, 1);
	if (!id32_equal(&v.devices[0].close_event, &event))
		fail_msg("%s", why);
	keyset_view_deinit(&v);
	keyset_free(ks);
	check_permutations(&story, 100);
}

static void closings_that_contradict_are_decided_by_rank_generation_after_length_and_ids(void **state)
{
	(void)state;
	struct story_device d = story_new_device(&story);
	struct story_generation g1 = story_generation(&story, &story.inception, NULL, 0);
	struct id32 kept[2];
	kept[0] = story_device(&story, PLACE(&g1, 0), &d, NULL, 0);
	struct id32 low_id = story_close(&story, PLACE(&g1, 1), &d, 3, 1, 0);
	story_close(&story, PLACE(&g1, 2), &d, 3, 2, 0);
	expect_closing(low_id, "the lower entry id");
	struct id32 shorter = story_close(&story, PLACE(&g1, 3), &d, 2, 9, 0);
	expect_closing(shorter, "the lower length");
	struct id32 all[3] = {shorter, story.events[3].id, story.events[4].id};
	struct id32 later = story_close(&story, PLACE_AFTER(&g1, 4, all[0], all[1], all[2]), &d, 9, 9, 0);
	expect_closing(later, "the one that reaches all others");
	kept[1] = story_close(&story, PLACE(&g1, 5), &d, 7, 7, 0);
	expect_closing(kept[1], "of two that know nothing of each other the shorter");
	struct story_generation g2 = story_generation(&story, &g1, kept, 2);
	expect_closing(kept[1], "what the generation keeps");
	struct id32 of_g2 = story_close(&story, PLACE(&g2, 0), &d, 8, 8, 0);
	expect_closing(of_g2, "the later generation");
	struct id32 root = story_close(&story, PLACE(&g1, 0), &d, 100, 1, 1);
	expect_closing(root, "the root key, of whatever generation");
	struct id32 root2 = story_close(&story, PLACE(&g2, 0), &d, 200, 1, 1);
	expect_closing(root2, "the root key in the later generation");
}

static void hundreds_of_devices_with_contradicting_closings_are_decided_each_for_itself(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	static struct story_device d[70];
	struct id32 old[70], next[70];
	for (uint32_t i = 0; i < 70; i++) {
		d[i] = story_new_device(&story);
		story_device(&story, PLACE(&g, 3 * i), &d[i], NULL, 0);
		old[i] = story_close(&story, PLACE(&g, 3 * i + 1), &d[i], 1, 1, 0);
		next[i] = i % 2 ? story_close(&story, PLACE_AFTER(&g, 3 * i + 2, old[i]), &d[i], 2, 1, 0)
				: story_close(&story, PLACE(&g, 3 * i + 2), &d[i], 2, 1, 0);
	}
	struct keyset *ks = story_offer(&story, NULL, false);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_int_equal(v.devices_n, 70);
	for (size_t i = 0; i < 70; i++)
		for (size_t k = 0; k < 70; k++)
			if (id32_equal(&v.devices[k].sign_key, &d[i].sign_key))
				assert_memory_equal(
					v.devices[k].close_event.b, i % 2 ? next[i].b : old[i].b, 32);
	keyset_view_deinit(&v);
	keyset_free(ks);
}

/* ---- what is not valid */

static enum err offer_last(struct keyset *ks)
{
	const struct story_event *e = &story.events[story.n - 1];
	enum keyset_added added;
	return keyset_add(ks, buf_slice(&e->bytes), slice_of(e->signatures, e->signatures_n), &added);
}

static void an_event_needs_its_generation_and_its_signer(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0), other = g;
	struct keyset *ks = keyset_new(&story.identity);
	assert_int_equal(offer_last(ks), ERR_NOT_FOUND); /* no inception yet */
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), ERR_NOT_FOUND);
	assert_int_equal(add(ks, 0), KEYSET_NEW);
	assert_int_equal(add(ks, 1), KEYSET_NEW);
	struct id32 officer = story_officer(&story, PLACE(&g, 0), 1);
	assert_int_equal(offer_last(ks), OK);
	other.id.b[0] ^= 1;
	story_officer(&story, PLACE(&other, 1), 1);
	assert_int_equal(offer_last(ks), ERR_NOT_FOUND);
	other = g;
	memcpy(other.secret, story.root_secret, 64);
	story_officer(&story, PLACE(&other, 1), 1);
	assert_int_equal(offer_last(ks), ERR_SIGNATURE);
	other.id = officer;
	story_officer(&story, PLACE(&other, 1), 1);
	assert_int_equal(offer_last(ks), ERR_FORMAT);
	other.id = story.identity;
	story_officer(&story, PLACE(&other, 1), 1);
	assert_int_equal(offer_last(ks), ERR_FORMAT);
	other = g;
	other.number = 2;
	story_generation(&story, &other, NULL, 0);
	assert_int_equal(offer_last(ks), ERR_RANGE);
	struct id32 recovery = story.recovery_key, identity = story.identity, key;
	story.recovery_key = key = g.key;
	story_reading(&story, PLACE(&g, 1), &key);
	assert_int_equal(offer_last(ks), ERR_FORMAT);
	story.recovery_key = recovery;
	story.identity = g.id;
	story_officer(&story, PLACE(&g, 1), 1);
	assert_int_equal(offer_last(ks), ERR_FORMAT);
	story.identity = identity;
	assert_int_equal(keyset_count(ks), 3);
	keyset_free(ks);
}

static void another_identitys_inception_is_refused(void **state)
{
	(void)state;
	struct id32 other = {{1}};
	struct keyset *ks = keyset_new(&other);
	assert_int_equal(offer_last(ks), ERR_FORMAT);
	keyset_free(ks);
}

/* ---- limits */

/* An officer event with a signature that nobody looks at. */
static struct id32 load_officer(struct keyset *ks, const struct story_generation *g, uint32_t slot,
	size_t after_n, const struct id32 *known)
{
	static const uint8_t signature[64];
	static uint32_t count;
	struct keyevent ev = {.kind = KEYEVENT_OFFICER,
		.identity = story.identity,
		.generation = g->id,
		.slot = slot,
		.rights = 1};
	struct buf b = {0};
	be32_put(ev.target.b, ++count);
	ev.after_n = after_n;
	for (size_t i = 0; i < after_n; i++)
		ev.after[i] = known[i];
	assert_int_equal(keyevent_encode(&ev, NULL, &b), OK);
	struct id32 id = keyevent_id(buf_slice(&b));
	assert_int_equal(keyset_load(ks, buf_slice(&b), slice_of(signature, 64)), OK);
	buf_free(&b);
	return id;
}

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id32));
}

static void of_more_than_20000_the_oldest_generation_goes_first(void **state)
{
	(void)state;
	enum { GENERATIONS = 6 };
	struct story_generation g[GENERATIONS], before = story.inception;
	for (size_t i = 0; i < GENERATIONS; i++)
		before = g[i] = story_generation(&story, &before, NULL, 0);
	struct keyset *ks = story_offer(&story, NULL, true);
	struct id32 *ids = calloc(LIMIT_KEYEVENTS + 1, sizeof *ids);
	assert_non_null(ids);
	size_t n = 0, room = LIMIT_KEYEVENTS - keyset_count(ks);
	while (n < room) {
		struct id32 known[LIMIT_KEYEVENT_AFTER];
		size_t after_n = n < LIMIT_KEYEVENT_AFTER ? n : LIMIT_KEYEVENT_AFTER;
		memcpy(known, ids + n - after_n, after_n * sizeof *known);
		qsort(known, after_n, sizeof *known, id_compare);
		ids[n] = load_officer(ks, &g[n / 4096], (uint32_t)(n % 4096), after_n, known);
		n++;
	}
	assert_int_equal(keyset_count(ks), LIMIT_KEYEVENTS);
	const struct id32 *dropped;
	assert_int_equal(keyset_dropped(ks, &dropped), 0);
	/* one more of the newest generation pushes out one of the oldest: the highest id */
	struct id32 more = load_officer(ks, &g[5], 0, 0, NULL), highest = ids[0];
	for (size_t i = 1; i < 4096; i++)
		if (id32_cmp(&ids[i], &highest) > 0)
			highest = ids[i];
	assert_int_equal(keyset_count(ks), LIMIT_KEYEVENTS);
	assert_int_equal(keyset_dropped(ks, &dropped), 1);
	assert_memory_equal(dropped[0].b, highest.b, 32);
	assert_true(stored(ks, more));
	/* and what the root key signs always finds room */
	story_generation(&story, &before, &highest, 1);
	assert_int_equal(offer_last(ks), OK);
	assert_true(stored(ks, story.events[story.n - 1].id));
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_int_equal(v.waiting_n, LIMIT_KEYEVENTS - 8);
	keyset_view_deinit(&v);
	keyset_free(ks);
	free(ids);
}

static void a_generation_has_4096_slots_for_each_signer(void **state)
{
	(void)state;
	struct story_generation g = story_generation(&story, &story.inception, NULL, 0);
	struct keyset *ks = story_offer(&story, NULL, true);
	struct keyset_view v;
	uint32_t slot;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	for (uint32_t i = 0; i < LIMIT_KEYEVENT_SLOTS - 1; i++)
		load_officer(ks, &g, i, 0, NULL);
	assert_int_equal(keyset_free_slot(ks, &v, false, &slot), OK);
	assert_int_equal(slot, LIMIT_KEYEVENT_SLOTS - 1);
	assert_true(keyset_slot_is_free(ks, &v, false, slot));
	load_officer(ks, &g, slot, 0, NULL);
	assert_int_equal(keyset_free_slot(ks, &v, false, &slot), ERR_LIMIT);
	assert_false(keyset_slot_is_free(ks, &v, false, 17));
	assert_int_equal(keyset_free_slot(ks, &v, true, &slot), OK);
	assert_int_equal(slot, 0);
	keyset_view_deinit(&v);
	keyset_free(ks);
}

static void there_are_255_generations(void **state)
{
	(void)state;
	struct story_generation g = story.inception;
	for (size_t i = 0; i < LIMIT_GENERATIONS; i++)
		g = story_generation(&story, &g, NULL, 0);
	struct keyset *ks = story_offer(&story, NULL, false);
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	assert_int_equal(v.generation_number, 255);
	assert_int_equal(v.in_force_n, 256);
	keyset_view_deinit(&v);
	keyset_free(ks);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_arrival_changes_nothing_in_a_hundred_random_stories),
		STORY(the_lowest_id_wins_a_slot_and_the_others_are_dropped),
		STORY(a_set_says_what_it_took_and_what_it_dropped),
		STORY(a_thief_who_grinds_lower_ids_loses_to_what_a_generation_keeps),
		STORY(adopts_hold_losers_until_the_next_generation),
		STORY(an_adopt_event_that_lost_its_slot_holds_nothing),
		STORY(of_two_generations_at_once_the_lower_id_is_current_until_one_has_a_successor),
		STORY(nothing_that_a_thief_of_the_signing_key_writes_outlasts_the_next_generation),
		STORY(an_end_beats_its_add_whatever_the_order),
		STORY(the_reading_key_is_the_one_that_no_other_reaches_also_by_way_of_others),
		STORY(a_device_added_twice_counts_once_and_is_closed_by_its_key),
		STORY(closings_that_contradict_are_decided_by_rank_generation_after_length_and_ids),
		STORY(hundreds_of_devices_with_contradicting_closings_are_decided_each_for_itself),
		STORY(an_event_needs_its_generation_and_its_signer),
		STORY(another_identitys_inception_is_refused),
		STORY(of_more_than_20000_the_oldest_generation_goes_first),
		STORY(a_generation_has_4096_slots_for_each_signer),
		STORY(there_are_255_generations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
