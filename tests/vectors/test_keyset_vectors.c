/* Sets of key events with what must be stored and in force: data/quire/KEYSET.md says how they are written down. keyset-python.json comes
 * from an implementation that shares no code with this one. With QUIRE_VECTORS_OUT naming a folder keyset-c.json is written there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/support/key_story.h"
#include "vectors.h"

/* ---- what a set came to, as JSON */

static json_t *hex_of(const void *p, size_t n)
{
	char *text = malloc(2 * n + 1);
	assert_non_null(text);
	sodium_bin2hex(text, 2 * n + 1, p, n);
	json_t *j = json_string(text);
	free(text);
	return j;
}

static json_t *hex_id(const struct id32 *id)
{
	return hex_of(id->b, 32);
}

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id32));
}

static json_t *ids_sorted(const struct id32 *ids, size_t n)
{
	struct id32 *copy = calloc(n + 1, sizeof *copy);
	json_t *list = json_array();
	assert_non_null(copy);
	if (n)
		memcpy(copy, ids, n * sizeof *ids);
	qsort(copy, n, sizeof *copy, id_compare);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, hex_id(&copy[i]));
	free(copy);
	return list;
}

static json_t *devices_of(const struct keyset_view *v)
{
	json_t *list = json_array();
	for (size_t i = 0; i < v->devices_n; i++) {
		const struct keyset_device *d = &v->devices[i];
		json_t *closed = json_null();
		if (d->closed)
			closed = json_pack("{s:I,s:o,s:o}", "length", (json_int_t)d->closed_length, "last",
				hex_id(&d->closed_last), "event", hex_id(&d->close_event));
		json_array_append_new(list,
			json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "event", hex_id(&d->event), "log",
				hex_id(&d->log), "sign_key", hex_id(&d->sign_key), "box_key",
				hex_id(&d->box_key), "direct", ids_sorted(d->direct_nodes, d->direct_n),
				"closed", closed));
	}
	return list;
}

static json_t *roles_of(const struct keyset_view *v, bool officers)
{
	json_t *list = json_array();
	for (size_t i = 0; officers && i < v->officers_n; i++)
		json_array_append_new(list,
			json_pack("{s:o,s:o,s:i}", "event", hex_id(&v->officers[i].event), "identity",
				hex_id(&v->officers[i].identity), "rights", (int)v->officers[i].rights));
	for (size_t i = 0; !officers && i < v->hostings_n; i++)
		json_array_append_new(list,
			json_pack("{s:o,s:o,s:o,s:o}", "event", hex_id(&v->hostings[i].event), "node_key",
				hex_id(&v->hostings[i].node_key), "notice_key",
				hex_id(&v->hostings[i].notice_key), "receipt_key",
				hex_id(&v->hostings[i].receipt_key)));
	return list;
}

static json_t *ends_of(const struct keyset_officer *o)
{
	json_t *ends = json_array();
	for (size_t i = 0; i < o->ends_n; i++) {
		const struct keyset_end *end = &o->ends[i];
		json_t *marks = json_array();
		for (size_t k = 0; k < end->marks_n; k++)
			json_array_append_new(marks,
				json_pack("{s:o,s:I,s:o}", "log", hex_id(&end->marks[k].log), "length",
					(json_int_t)end->marks[k].length, "last",
					hex_id(&end->marks[k].last)));
		json_array_append_new(
			ends, json_pack("{s:o,s:o}", "event", hex_id(&end->event), "marks", marks));
	}
	return ends;
}

static json_t *officers_all_of(const struct keyset_view *v)
{
	json_t *list = json_array();
	for (size_t i = 0; i < v->officers_all_n; i++) {
		const struct keyset_officer *o = &v->officers_all[i];
		assert_int_equal(o->ended, o->ends_n > 0);
		json_array_append_new(list,
			json_pack("{s:o,s:o,s:i,s:o}", "event", hex_id(&o->event), "identity",
				hex_id(&o->identity), "rights", (int)o->rights, "ends", ends_of(o)));
	}
	return list;
}

/* At each mark of each end: what was done last before it, and what comes behind it. */
static json_t *may_of(const struct keyset_view *v)
{
	json_t *list = json_array();
	for (size_t i = 0; i < v->officers_all_n; i++) {
		const struct keyset_officer *o = &v->officers_all[i];
		for (size_t k = 0; k < o->ends_n; k++)
			for (size_t m = 0; m < 2 * o->ends[k].marks_n; m++) {
				const struct keyset_mark *mark = &o->ends[k].marks[m / 2];
				uint64_t seq = mark->length - 1 + m % 2;
				json_array_append_new(list,
					json_pack("{s:o,s:i,s:o,s:I,s:b}", "officer", hex_id(&o->identity),
						"rights", (int)o->rights, "log", hex_id(&mark->log), "seq",
						(json_int_t)seq, "may",
						keyset_officer_may(
							v, &o->identity, o->rights, &mark->log, seq)));
			}
	}
	return list;
}

static json_t *view_of(const struct keyset *ks)
{
	struct keyset_view v;
	assert_int_equal(keyset_resolve(ks, &v), OK);
	bool g = v.has_generation;
	json_t *j = json_pack("{s:i,s:o,s:o,s:o,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "kind",
		(int)v.kind, "root_key", hex_id(&v.root_key), "recovery_key", hex_id(&v.recovery_key),
		"generation", g ? hex_id(&v.generation) : json_null(), "generation_number",
		(int)v.generation_number, "signing_key", g ? hex_id(&v.signing_key) : json_null(),
		"badge_key", hex_id(&v.badge_key), "reading_key",
		v.has_reading ? hex_id(&v.reading_key) : json_null(), "readings",
		ids_sorted(v.readings, v.readings_n), "devices", devices_of(&v), "hostings",
		roles_of(&v, false), "officers", roles_of(&v, true), "officers_all", officers_all_of(&v),
		"may", may_of(&v), "waiting", ids_sorted(v.waiting, v.waiting_n));
	keyset_view_deinit(&v);
	return j;
}

static json_t *stored_of(const struct keyset *ks)
{
	struct id32 *ids = calloc(keyset_count(ks) + 1, sizeof *ids);
	assert_non_null(ids);
	for (size_t i = 0; i < keyset_count(ks); i++)
		ids[i] = keyset_at(ks, i)->id;
	json_t *list = ids_sorted(ids, keyset_count(ks));
	free(ids);
	return list;
}

/* ---- checking */

struct offered {
	size_t n;
	struct vector_bytes *bytes, *signatures;
};

static struct offered offered_load(const json_t *list)
{
	struct offered o = {.n = json_array_size(list)};
	o.bytes = calloc(o.n + 1, sizeof *o.bytes);
	o.signatures = calloc(o.n + 1, sizeof *o.signatures);
	assert_true(o.bytes && o.signatures);
	for (size_t i = 0; i < o.n; i++) {
		vectors_need(json_array_get(list, i), "bytes", &o.bytes[i]);
		vectors_need(json_array_get(list, i), "signatures", &o.signatures[i]);
	}
	return o;
}

static void offered_free(struct offered *o)
{
	free(o->bytes);
	free(o->signatures);
}

static enum err offer(struct keyset *ks, const struct offered *o, size_t i)
{
	enum keyset_added added;
	return keyset_add(ks, vectors_slice(&o->bytes[i]), vectors_slice(&o->signatures[i]), &added);
}

static void same(const char *name, const char *what, const json_t *expected, json_t *got)
{
	if (!json_equal(expected, got)) {
		char *a = json_dumps(expected, JSON_ENCODE_ANY | JSON_INDENT(1)),
		     *b = json_dumps(got, JSON_ENCODE_ANY | JSON_INDENT(1));
		print_error("%s: %s\nexpected %s\ngot %s\n", name, what, a, b);
		free(a);
		free(b);
		fail();
	}
	json_decref(got);
}

static void check_set(const char *name, const json_t *test, const struct keyset *ks)
{
	struct id32 sum = keyset_sum(ks);
	same(name, "stored", json_object_get(test, "stored"), stored_of(ks));
	same(name, "sum", json_object_get(test, "sum"), hex_id(&sum));
	same(name, "view", json_object_get(test, "view"), view_of(ks));
}

static struct keyset *new_set(const json_t *test)
{
	static struct vector_bytes identity;
	vectors_need(test, "identity", &identity);
	assert_int_equal(identity.n, 32);
	struct id32 id = id32_from(identity.b);
	struct keyset *ks = keyset_new(&id);
	assert_non_null(ks);
	return ks;
}

/* One by one, until a round changes nothing; or all as one batch. */
static void offer_all(struct keyset *ks, const struct offered *o, const size_t *order, bool batch)
{
	struct id32 before;
	do {
		before = keyset_sum(ks);
		size_t missing = o->n, last;
		if (batch)
			keyset_batch_begin(ks);
		do { /* a prerequisite may come later: offer again */
			last = missing;
			missing = 0;
			for (size_t i = 0; i < o->n; i++) {
				enum err e = offer(ks, o, order[i]);
				assert_true(e == OK || e == ERR_NOT_FOUND);
				missing += e == ERR_NOT_FOUND;
			}
		} while (missing && missing < last);
		if (batch)
			keyset_batch_end(ks);
	} while (!batch && memcmp(before.b, keyset_sum(ks).b, 32) != 0);
}

static void check_test(const json_t *test, struct seeded_random *seed)
{
	const char *name = json_string_value(json_object_get(test, "name"));
	struct offered events = offered_load(json_object_get(test, "events"));
	struct offered refused = offered_load(json_object_get(test, "refused"));
	size_t *order = calloc(events.n + 1, sizeof *order);
	assert_non_null(order);
	for (size_t i = 0; i < events.n; i++)
		order[i] = i;
	for (size_t round = 0; round < 6; round++) {
		struct keyset *ks = new_set(test);
		offer_all(ks, &events, order, round % 2);
		check_set(name, test, ks);
		for (size_t i = 0; i < refused.n; i++)
			if (offer(ks, &refused, i) == OK)
				fail_msg("%s: accepted refused event %zu", name, i);
		check_set(name, test, ks);
		keyset_free(ks);
		story_shuffle(seed, order, events.n);
	}
	free(order);
	offered_free(&events);
	offered_free(&refused);
}

static void check_file(const char *file)
{
	struct seeded_random seed = {.seed = 5};
	json_t *doc = vectors_load(file), *test;
	size_t i;
	json_array_foreach(json_object_get(doc, "tests"), i, test) check_test(test, &seed);
	json_decref(doc);
}

static void sets_of_the_independent_implementation_come_to_the_same_here(void **state)
{
	(void)state;
	check_file("quire/keyset-python.json");
}

static void our_own_sets_come_to_what_they_came_to(void **state)
{
	(void)state;
	check_file("quire/keyset-c.json");
}

/* ---- writing */

static json_t *event_json(const struct story_event *e, const char *why)
{
	json_t *j = json_pack("{s:o,s:o}", "bytes", hex_of(e->bytes.p, e->bytes.n), "signatures",
		hex_of(e->signatures, e->signatures_n));
	json_object_set_new(j, why ? "why" : "id", why ? json_string(why) : hex_id(&e->id));
	return j;
}

/* What a story came to; ends the story. The events from `valid` on are refused, for these reasons. */
static void write_story(
	json_t *tests, struct key_story *s, const char *name, size_t valid, const char *const *why)
{
	json_t *events = json_array(), *refused = json_array();
	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(i < valid ? events : refused,
			event_json(&s->events[i], i < valid ? NULL : why[i - valid]));
	size_t all = s->n;
	s->n = valid;
	struct keyset *ks = story_offer(s, NULL, true);
	struct id32 sum = keyset_sum(ks);
	json_array_append_new(tests,
		json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "name", name, "identity", hex_id(&s->identity),
			"events", events, "refused", refused, "stored", stored_of(ks), "sum", hex_id(&sum),
			"view", view_of(ks)));
	keyset_free(ks);
	s->n = all;
	story_end(s);
}

static void write_thief(json_t *tests, struct key_story *s)
{
	struct id32 mine[2], key, theirs;
	story_begin(s, 201);
	struct story_generation g1 = story_generation(s, &s->inception, NULL, 0);
	struct story_device d = story_new_device(s), thief = story_new_device(s);
	mine[0] = story_reading(s, PLACE(&g1, 0), &key);
	mine[1] = story_device(s, PLACE(&g1, 1), &d, &s->identity, 1);
	struct id32 r = story_reading(s, PLACE_AFTER(&g1, 2, mine[0]), &theirs),
		    t = story_device(s, PLACE(&g1, 3), &thief, NULL, 0);
	story_close(s, PLACE_AFTER(&g1, 4, mine[1]), &d, 0, 0, 0);
	story_grind(s, PLACE(&g1, 0), &mine[0]);
	story_grind(s, PLACE(&g1, 1), &mine[1]);
	story_adopt(s, PLACE(&g1, 5), (const struct id32[]){r, t}, 2);
	story_generation(s, &g1, mine, 2);
	write_story(tests, s, "what a thief of the signing key wrote does not outlast the next generation",
		s->n, NULL);
}

static void write_generations(json_t *tests, struct key_story *s)
{
	struct id32 key;
	story_begin(s, 202);
	struct story_generation a = story_generation(s, &s->inception, NULL, 0),
				b = story_generation(s, &s->inception, NULL, 0);
	struct story_generation low = id32_cmp(&a.id, &b.id) < 0 ? a : b,
				high = id32_cmp(&a.id, &b.id) < 0 ? b : a;
	struct id32 of_low = story_reading(s, PLACE(&low, 9), &key),
		    of_high = story_hosting(s, PLACE(&high, 9));
	struct story_generation next = story_generation(s, &high, &of_high, 1);
	story_adopt(s, PLACE(&next, 0), &of_low, 1);
	story_badge(s, PLACE(&low, 9), &key);
	write_story(tests, s, "two generations at once, of which the higher id has a successor that adopts",
		s->n, NULL);
}

static void write_closings(json_t *tests, struct key_story *s)
{
	story_begin(s, 203);
	struct story_generation g = story_generation(s, &s->inception, NULL, 0);
	for (uint32_t i = 0; i < 4; i++) {
		struct story_device d = story_new_device(s);
		story_device(s, PLACE(&g, 10 * i), &d, NULL, 0);
		struct id32 one = story_close(s, PLACE(&g, 10 * i + 1), &d, 4, 1, 0),
			    two = story_close(s, PLACE(&g, 10 * i + 2), &d, 3, 2, 0);
		struct id32 by_the_way = story_officer(s, PLACE_AFTER(&g, 10 * i + 3, one, two), 1);
		if (i == 1)
			story_close(s, PLACE_AFTER(&g, 10 * i + 4, by_the_way), &d, 9, 3, 0);
		if (i == 2)
			story_close(s, PLACE(&g, 0), &d, 1ull << 32, 4, 1);
		if (i == 3)
			story_close(s, PLACE(&g, 10 * i + 4), &d, 3, 1, 0);
	}
	write_story(tests, s, "closings that contradict", s->n, NULL);
}

static void write_officers(json_t *tests, struct key_story *s)
{
	static const struct keyset_mark marks[] = {{{{1}}, 1ull << 32, {{7}}}, {{{2}}, 1, {{8}}}},
					shorter[] = {{{{1}}, 3, {{9}}}};
	story_begin(s, 205);
	struct story_generation g = story_generation(s, &s->inception, NULL, 0);
	struct id32 who = {{5}}, one = story_officer_of(s, PLACE(&g, 0), &who, 31);
	story_officer_of(s, PLACE(&g, 1), &who, 8);
	struct id32 end = story_finish_marked(s, PLACE(&g, 2), &one, marks, 2);
	story_finish_marked(s, PLACE(&g, 3), &one, shorter, 1);
	struct id32 two = story_officer(s, PLACE(&g, 4), 1), hosting = story_hosting(s, PLACE(&g, 5));
	story_finish(s, PLACE(&g, 6), &two);
	story_finish_marked(s, PLACE(&g, 7), &hosting, marks, 2);
	story_generation(s, &g, (const struct id32[]){one, two, end}, 3);
	write_story(tests, s,
		"officers ended once, twice and without a mark, and what the next generation keeps", s->n,
		NULL);
}

static void write_refusals(json_t *tests, struct key_story *s)
{
	static const char *const why[] = {"signed by the root key", "of a generation of another identity",
		"generation 3 behind generation 1", "no wrap for the recovery key", "the wrong identity",
		"its generation is an officer event"};
	story_begin(s, 204);
	struct story_generation g = story_generation(s, &s->inception, NULL, 0), other = g;
	struct id32 officer = story_officer(s, PLACE(&g, 0), 1), recovery = s->recovery_key, key;
	size_t valid = s->n;
	memcpy(other.secret, s->root_secret, 64);
	story_officer(s, PLACE(&other, 1), 1);
	other = g;
	other.id.b[0] ^= 1;
	story_officer(s, PLACE(&other, 1), 1);
	other = g;
	other.number = 2;
	story_generation(s, &other, NULL, 0);
	s->recovery_key = g.key;
	story_reading(s, PLACE(&g, 1), &key);
	s->recovery_key = recovery;
	struct id32 identity = s->identity;
	s->identity = g.id;
	story_officer(s, PLACE(&g, 1), 1);
	s->identity = identity;
	other = g;
	other.id = officer;
	story_officer(s, PLACE(&other, 1), 1);
	write_story(tests, s, "refusals", valid, why);
}

static void write_vectors(const char *folder)
{
	static struct key_story s;
	json_t *tests = json_array(), *doc = json_pack("{s:o}", "tests", tests);
	char path[4096], name[64];
	write_thief(tests, &s);
	write_generations(tests, &s);
	write_closings(tests, &s);
	write_officers(tests, &s);
	write_refusals(tests, &s);
	for (uint64_t seed = 1; seed <= 10; seed++) {
		story_begin(&s, 300 + seed);
		story_tell_at_random(&s, 20 + 2 * seed);
		snprintf(name, sizeof name, "random story %u", (unsigned)seed);
		write_story(tests, &s, name, s.n, NULL);
	}
	snprintf(path, sizeof path, "%s/keyset-c.json", folder);
	if (json_dump_file(doc, path, JSON_INDENT(0) | JSON_COMPACT) != 0)
		vectors_fail("cannot write", path);
	json_decref(doc);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const char *folder = getenv("QUIRE_VECTORS_OUT");
	if (folder)
		write_vectors(folder);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_of_the_independent_implementation_come_to_the_same_here),
		cmocka_unit_test(our_own_sets_come_to_what_they_came_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
