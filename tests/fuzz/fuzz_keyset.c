/* fuzz_keyset.c -- sets of key events (SPEC 3), signatures taken as good: the input tells a story of up to 28 events in few slots and
 * generations that name each other. In another order, and in batches, it comes to the same set, sum and view.
 * Input: at most 512 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/log/keyset.h"
#include "tests/support/seeded_random.h"

int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key);
int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key)
{
	(void)sig, (void)m, (void)n, (void)key;
	return 0;
}

#define EVENTS_MAX 28u

struct event {
	struct buf bytes;
	size_t signatures_n;
	struct id32 id;
	uint32_t number; /* of a generation; 0: the inception or no generation */
	bool generation;
};

struct story {
	size_t n;
	struct event events[EVENTS_MAX];
	struct id32 identity;
};

static int by_id(const void *a, const void *b)
{
	return id32_cmp(a, b);
}

/* Ascending, each once; among them now and then one that nobody knows. */
static size_t some_ids(const struct story *s, struct fuzz_in *in, size_t max, struct id32 *ids)
{
	size_t n = fuzz_u8(in) % (max + 1), kept = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t which = fuzz_u8(in);
		ids[i] = which == 0xff ? (struct id32){{1}} : s->events[which % s->n].id;
	}
	qsort(ids, n, sizeof *ids, by_id);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !id32_equal(&ids[i], &ids[kept - 1]))
			ids[kept++] = ids[i];
	return kept;
}

static const struct event *some_generation(const struct story *s, struct fuzz_in *in)
{
	size_t which = fuzz_u8(in) % s->n;
	while (which > 0 && !s->events[which].generation)
		which--;
	return &s->events[which];
}

static void fill_marks(struct keyevent *ev, struct fuzz_in *in)
{
	ev->marks_n = fuzz_u8(in) % 3;
	for (size_t i = 0; i < ev->marks_n; i++)
		ev->marks[i] = (struct keyset_mark){
			.log = {{(uint8_t)(i + 1)}}, .length = 1 + fuzz_u8(in) % 4, .last = {{3}}};
}

static size_t fill(struct keyevent *ev, const struct story *s, struct fuzz_in *in, struct id32 *list)
{
	struct id32 a = fuzz_id(in);
	a.b[0] |= 1;
	switch (ev->kind) {
	case KEYEVENT_INCEPTION: ev->root_key = ev->recovery_key = ev->badge_key = a; break;
	case KEYEVENT_GENERATION: ev->signing_key = a; return some_ids(s, in, 12, list);
	case KEYEVENT_READING: ev->reading_key = a; break;
	case KEYEVENT_BADGE: ev->badge_key = a; break;
	case KEYEVENT_DEVICE:
		ev->device_sign_key = (struct id32){{1 + fuzz_u8(in) % 3}};
		ev->device_box_key = a;
		if (fuzz_u8(in) & 1)
			list[0] = a;
		return fuzz_u8(in) & 1;
	case KEYEVENT_CLOSE:
		ev->target = (struct id32){{1 + fuzz_u8(in) % 3}};
		ev->length = fuzz_u8(in) % 4;
		ev->rank = fuzz_u8(in) & 1;
		if (ev->length)
			ev->last = a;
		break;
	case KEYEVENT_OFFICER:
		ev->target = a;
		ev->rights = 1 + fuzz_u8(in) % 31;
		break;
	case KEYEVENT_HOSTING: ev->node_key = ev->notice_key = ev->receipt_key = a; break;
	case KEYEVENT_END:
		ev->target = s->events[fuzz_u8(in) % s->n].id;
		fill_marks(ev, in);
		break;
	case KEYEVENT_ADOPT: return some_ids(s, in, 6, list);
	}
	return 0;
}

static void tell(struct story *s, struct fuzz_in *in, enum keyevent_kind kind)
{
	static struct keyevent ev;
	struct id32 list[16] = {{{0}}};
	struct event *e = &s->events[s->n];
	ev = (struct keyevent){.kind = kind, .identity = s->identity};
	if (kind != KEYEVENT_INCEPTION) {
		const struct event *g = some_generation(s, in);
		ev.generation = g->id;
		ev.number = kind == KEYEVENT_GENERATION ? g->number + 1 : 0;
		ev.slot = kind == KEYEVENT_GENERATION ? 0 : fuzz_u8(in) % 4;
		ev.after_n = some_ids(s, in, 3, ev.after);
	}
	ev.list_n = fill(&ev, s, in, list);
	ev.nonce[0] = 1;
	ev.wraps_n = kind <= KEYEVENT_BADGE;
	ev.wraps[0].key = (struct id32){{1}}; /* the recovery key */
	e->bytes = (struct buf){0};
	if (keyevent_encode(&ev, list, &e->bytes) != OK) {
		buf_free(&e->bytes);
		return;
	}
	e->signatures_n = kind == KEYEVENT_DEVICE || kind == KEYEVENT_HOSTING ? 128 : 64;
	e->id = keyevent_id(buf_slice(&e->bytes));
	e->generation = kind == KEYEVENT_GENERATION;
	e->number = ev.number;
	s->n++;
}

static void offer(struct keyset *ks, const struct event *e, bool trusted)
{
	static const uint8_t signatures[128];
	struct slice bytes = buf_slice(&e->bytes), sig = slice_of(signatures, e->signatures_n);
	enum keyset_added added;
	enum err err = trusted ? keyset_load(ks, bytes, sig) : keyset_add(ks, bytes, sig, &added);
	fuzz_must(err != ERR_MEMORY && err != ERR_SIGNATURE && err != ERR_VERSION, "an error of this event");
	(void)keyset_count(ks);
}

/* Again and again until nothing changes: in the order of the story, or in another; alone, or each round one batch. */
static struct keyset *gather(const struct story *s, uint64_t order, bool batches)
{
	struct keyset *ks = keyset_new(&s->identity);
	struct seeded_random seed = {.seed = order};
	struct random_source rnd = seeded_random_source(&seed);
	size_t place[EVENTS_MAX];
	fuzz_must(ks != NULL, "there is memory");
	for (size_t i = 0; i < s->n; i++) {
		uint32_t r;
		random_fill(&rnd, &r, sizeof r);
		size_t j = order ? r % (i + 1) : i;
		place[i] = place[j];
		place[j] = i;
	}
	struct id32 before;
	size_t rounds = 0;
	do {
		before = keyset_sum(ks);
		if (batches)
			keyset_batch_begin(ks);
		for (size_t i = 0; i < s->n; i++)
			offer(ks, &s->events[place[i]], order & 1);
		if (batches)
			keyset_batch_end(ks);
		const struct id32 after = keyset_sum(ks);
		if (id32_equal(&before, &after))
			break;
		fuzz_must(++rounds <= 4 * EVENTS_MAX, "it comes to an end");
	} while (true);
	return ks;
}

static void same_ids(const struct id32 *a, size_t a_n, const struct id32 *b, size_t b_n, const char *what)
{
	fuzz_must(a_n == b_n && (a_n == 0 || memcmp(a, b, a_n * 32) == 0), what);
}

static void same_view(const struct keyset_view *a, const struct keyset_view *b)
{
	same_ids(a->in_force, a->in_force_n, b->in_force, b->in_force_n, "the same in force");
	same_ids(a->waiting, a->waiting_n, b->waiting, b->waiting_n, "the same waits");
	same_ids(a->heads, a->heads_n, b->heads, b->heads_n, "the same heads");
	same_ids(a->readings, a->readings_n, b->readings, b->readings_n, "the same reading keys");
	same_ids(&a->generation, 1, &b->generation, 1, "the same generation");
	same_ids(&a->badge_key, 1, &b->badge_key, 1, "the same badge key");
	fuzz_must(a->devices_n == b->devices_n && a->officers_n == b->officers_n && a->ends_n == b->ends_n &&
			a->hostings_n == b->hostings_n && a->officers_all_n == b->officers_all_n,
		"the same devices, officers and hostings");
	for (size_t i = 0; i < a->devices_n; i++)
		fuzz_must(id32_equal(&a->devices[i].event, &b->devices[i].event) &&
				a->devices[i].closed == b->devices[i].closed &&
				a->devices[i].closed_length == b->devices[i].closed_length,
			"the same device");
	for (size_t i = 0; i < a->officers_all_n; i++)
		fuzz_must(id32_equal(&a->officers_all[i].event, &b->officers_all[i].event) &&
				a->officers_all[i].ended == b->officers_all[i].ended &&
				a->officers_all[i].ends_n == b->officers_all[i].ends_n,
			"the same officer");
	fuzz_must(a->in_force_n + a->waiting_n <= EVENTS_MAX, "no event is made of nothing");
}

static void compare(const struct keyset *a, const struct keyset *b)
{
	const struct id32 sums[2] = {keyset_sum(a), keyset_sum(b)};
	struct keyset_view views[2];
	fuzz_must(keyset_count(a) == keyset_count(b) && id32_equal(&sums[0], &sums[1]), "the same set");
	fuzz_must(keyset_resolve(a, &views[0]) == OK && keyset_resolve(b, &views[1]) == OK, "it resolves");
	same_view(&views[0], &views[1]);
	keyset_view_deinit(&views[0]);
	keyset_view_deinit(&views[1]);
	for (size_t i = 0; i < keyset_count(a); i++) {
		const struct keyevent *ev = keyset_at(a, i);
		fuzz_must(ev != NULL && keyset_has(b, &ev->id), "each event of one is in the other");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_open(data, n), none = {0};
	struct story s = {0};
	uint64_t order = 2 + 2 * (uint64_t)fuzz_u16(&in);
	tell(&s, &none, KEYEVENT_INCEPTION);
	fuzz_must(s.n == 1, "an inception");
	s.identity = s.events[0].id;
	while (in.n > 0 && s.n < EVENTS_MAX)
		tell(&s, &in, (enum keyevent_kind)(1 + fuzz_u8(&in) % 9));
	struct keyset *sets[3] = {
		gather(&s, 0, false), gather(&s, order, false), gather(&s, order + 1, true)};
	compare(sets[0], sets[1]);
	compare(sets[0], sets[2]);
	for (size_t i = 0; i < 3; i++)
		keyset_free(sets[i]);
	for (size_t i = 0; i < s.n; i++)
		buf_free(&s.events[i].bytes);
	return 0;
}
