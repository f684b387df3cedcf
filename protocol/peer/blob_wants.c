/* blob_wants.c -- which of the blobs that entries here pin and that are not complete are worked on. SPEC.md section 11.3.
 *
 * Wants are rows in the store. They take their turns in the order of the rows, round and round; what no peer has gives its place up and
 * waits, longer each time. What is here in memory can be forgotten at any time. */
#include "blob_fetch.h"

#include <sodium.h>

#define FETCHES_MAX 256 /* worked on at once */
#define WANTS_LISTED 128 /* rows looked at together */
#define WAITS_MAX 65536u
#define WAIT_BUCKETS 4096u
#define WAIT_FIRST_MS 5000u
#define WAIT_LONGEST_MS 3600000u
#define HASTEN_MS 5000 /* a peer's word hastens one blob no more often */
#define HASTENED_MAX 256u /* by one peer's word at once; then one in HASTENED_MS */
#define HASTENED_MS 50
#define HASTEN_SCAN_MS 500 /* between two looks at all wants because of such words, … */
#define HASTEN_SCAN_REST 10 /* … and so many times what the last one took */
#define SCAN_AGAIN_MS 5000
#define REFUSED_MS 60000 /* is there room by now? */
#define RESERVED_MS \
	60000u /* so long room is kept for what is said to come; then for what has shown that it comes … */
#define RESERVED_AHEAD 10u /* … in so many times that, at the pace so far */
#define DOUBTED_MAX 64u /* owners of whose blobs nothing came: for these it is the pace from the start */

struct want_wait {
	struct want_wait *next;
	struct id32 root, owner;
	uint64_t next_ms, turn, hastened_ms;
	uint32_t scan; /* last seen in the store */
	unsigned tries;
};

struct wants {
	/* Whoever writes an entry chooses the roots that it names: without a key he could have them all fall into one bucket. */
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct want_wait *waits[WAIT_BUCKETS];
	size_t waits_n;
	bool listing, scanning, full; /* full: from the first row */
	bool due_full, due_new;
	uint64_t after, high; /* last row looked at; last row there was */
	uint64_t next_ms; /* when a wait ends; UINT64_MAX: none */
	bool hasten_due; /* a peer's word was heard while all wants were looked at */
	uint64_t scan_ms,
		hasten_ms; /* when the look at all began; when there may be one because of a peer's word */
	uint32_t scan;
	uint64_t used; /* bytes held, and of what is being fetched */
	uint64_t held; /* of `used`, what is here */
	unsigned doubted_n;
	struct id32 doubted[DOUBTED_MAX]; /* the oldest gives way */
	uint64_t refused, refused_now; /* by the quota: at the last look at all; at this one */
};

static struct wants *wants_of(struct engine *e)
{
	if (!e->wants && (e->wants = calloc(1, sizeof *e->wants))) {
		e->wants->next_ms = UINT64_MAX;
		memcpy(e->wants->key, e->config.seed, sizeof e->wants->key);
	}
	return e->wants;
}

void wants_deinit(struct engine *e)
{
	for (size_t i = 0; e->wants && i < WAIT_BUCKETS; i++) {
		while (e->wants->waits[i]) {
			struct want_wait *t = e->wants->waits[i];
			e->wants->waits[i] = t->next;
			free(t);
		}
	}
	free(e->wants);
	e->wants = NULL;
}

/* ---- waiting ---- */

static struct want_wait **wait_find(struct wants *w, const struct id32 *root)
{
	uint8_t h[crypto_shorthash_BYTES];
	crypto_shorthash(h, root->b, sizeof root->b, w->key);
	struct want_wait **at = &w->waits[be32_get(h) % WAIT_BUCKETS];
	while (*at && !id32_equal(&(*at)->root, root))
		at = &(*at)->next;
	return at;
}

static void wait_drop(struct wants *w, struct want_wait **at)
{
	struct want_wait *t = *at;
	*at = t->next;
	w->waits_n--;
	free(t);
}

static void soonest(struct wants *w, uint64_t ms)
{
	if (ms < w->next_ms)
		w->next_ms = ms;
}

/* SPEC 11.3: "a pause that doubles from 5 s to an hour". Times are rounded up, so that many waits end together. */
static uint64_t pause_end(uint64_t now_ms, unsigned tries)
{
	uint64_t pause = tries < 10 ? (uint64_t)WAIT_FIRST_MS << tries : WAIT_LONGEST_MS;
	if (pause > WAIT_LONGEST_MS)
		pause = WAIT_LONGEST_MS;
	uint64_t step = pause / 8 > 1000 ? pause / 8 : 1000;
	return (now_ms + pause + step - 1) / step * step;
}

static void doubt(struct wants *w, const struct fetch *f);

void wants_wait(struct fetch *f)
{
	struct engine *e = f->e;
	struct wants *w = wants_of(e);
	struct want_wait **at = w ? wait_find(w, &f->root) : NULL;
	if (w && !*at && w->waits_n < WAITS_MAX && (*at = calloc(1, sizeof **at))) {
		(*at)->root = f->root;
		(*at)->owner = f->owner;
		(*at)->scan = w->scan;
		w->waits_n++;
	}
	if (w && *at) {
		struct want_wait *t = *at;
		t->turn = e->blob_turns;
		if (f->got)
			t->tries = 0;
		if (!f->part_asked || f->got || t->next_ms <= e->now_ms)
			t->next_ms = pause_end(e->now_ms, t->tries++);
		soonest(w, t->next_ms);
	} else if (w) {
		soonest(w, pause_end(e->now_ms, 0));
	}
	if (w && e->config.blob_quota)
		doubt(w, f);
	if (f->untold) /* who asked too early has no other word of the last of them */
		fetch_tell(f);
	fetch_over(f);
}

void wants_done(struct engine *e, const struct id32 *root)
{
	struct want_wait **at = e->wants ? wait_find(e->wants, root) : NULL;
	if (at && *at)
		wait_drop(e->wants, at);
}

/* A peer may say it of every blob that is wanted, true or not: that costs others little. */
static bool may_hasten(struct session *s)
{
	uint64_t now = s->e->now_ms, back = (now - s->hastened_ms) / HASTENED_MS;
	s->hastened -= back < s->hastened ? (unsigned)back : s->hastened;
	s->hastened_ms += back * HASTENED_MS;
	if (s->hastened >= HASTENED_MAX)
		return false;
	s->hastened++;
	return true;
}

static void hasten(struct engine *e)
{
	struct wants *w = e->wants;
	if (!w->hasten_due || w->scanning)
		return;
	w->hasten_due = false;
	if (e->now_ms >= w->hasten_ms)
		w->due_full = e->blob_stirred = true;
	else
		soonest(w, w->hasten_ms);
}

void wants_hasten(struct session *s, const struct id32 *root)
{
	struct engine *e = s->e;
	struct want_wait *t = e->wants ? *wait_find(e->wants, root) : NULL;
	if (!t || (t->hastened_ms && e->now_ms < t->hastened_ms + HASTEN_MS) || !may_hasten(s))
		return;
	t->hastened_ms = t->next_ms = e->now_ms;
	t->tries = 0;
	e->wants->hasten_due = true;
	hasten(e);
}

/* ---- turns ---- */

static uint64_t newest_peer(const struct engine *e)
{
	uint64_t turn = 0;
	for (const struct session *s = e->sessions; s; s = s->next)
		if (s->state == SESSION_OPEN && s->blob_turn > turn)
			turn = s->blob_turn;
	return turn;
}

/* ---- the quota ---- */

static bool is_doubted(const struct wants *w, const struct id32 *owner)
{
	for (size_t i = 0; i < DOUBTED_MAX && i < w->doubted_n; i++)
		if (id32_equal(&w->doubted[i], owner))
			return true;
	return false;
}

/* Somebody said that he has it, and nothing came: what its owner says of sizes keeps nobody out any more. */
static void doubt(struct wants *w, const struct fetch *f)
{
	if (!f->got && f->e->now_ms >= f->began_ms + SOURCE_SLOW_MS && !is_doubted(w, &f->owner))
		w->doubted[w->doubted_n++ % DOUBTED_MAX] = f->owner;
}

static uint64_t bytes_of(uint64_t size, uint64_t chunks)
{
	return chunks < size / BLOB_CHUNK_BYTES + 1 ? chunks * BLOB_CHUNK_BYTES : size;
}

/* Room that is kept for the rest of it. Its size is only a claim, which may be true and never come. */
static uint64_t reserved(const struct wants *w, const struct fetch *f)
{
	uint64_t age = f->e->now_ms - f->began_ms;
	uint64_t stored = f->have_n - (f->unsynced < f->have_n ? f->unsynced : f->have_n);
	uint64_t rest = f->size - bytes_of(f->size, stored);
	if (f->step == FETCH_OVER || f->hosted)
		return f->step == FETCH_OVER ? 0 : rest;
	if (age < RESERVED_MS && !is_doubted(w, &f->owner))
		return rest;
	age = age > RESERVED_MS ? age : RESERVED_MS;
	uint64_t ahead = (f->have_n - f->had_n + f->on_way) * BLOB_CHUNK_BYTES / (age / 1000) *
		(RESERVED_AHEAD * RESERVED_MS / 1000);
	return ahead < rest ? ahead : rest;
}

/* Whoever was let in on less than his claim, and has filled it up, has to wait. */
static void count_used(struct engine *e, struct wants *w, uint64_t held)
{
	uint64_t quota = e->config.blob_quota;
	w->held = w->used = held;
	for (struct fetch *f = e->fetches; f; f = f->next) {
		uint64_t more = reserved(w, f);
		if (quota && held > quota && !f->hosted && f->step != FETCH_OVER)
			wants_wait(f);
		else
			w->used += more;
		if (quota && f->step != FETCH_OVER)
			soonest(w, e->now_ms + REFUSED_MS);
	}
}

bool wants_full(struct fetch *f, size_t bytes)
{
	uint64_t quota = f->e->config.blob_quota;
	struct wants *w = wants_of(f->e);
	if (w)
		w->held += bytes; /* until the store is asked again */
	return w && quota && !f->hosted && w->held > quota;
}

/* SPEC 11.4: "A node may bound what it holds of blobs" */
static bool over_quota(struct engine *e, struct wants *w, const struct store_blob *b)
{
	uint64_t quota = e->config.blob_quota, rest = b->size - bytes_of(b->size, b->have_n);
	if (!quota || b->hosted || (w->used <= quota && rest <= quota - w->used))
		return false;
	w->refused_now++;
	return true;
}

static void say_refused(struct engine *e, struct wants *w)
{
	bool new = w->refused_now > 0 && w->refused == 0;
	w->refused = w->refused_now;
	if (w->refused)
		soonest(w, e->now_ms + REFUSED_MS);
	if (!new)
		return;
	struct engine_event ev = {.kind = ENGINE_EVENT_STORE_ERROR,
		.err = ERR_LIMIT,
		.text = "the quota for files is used up: no more are fetched for others"};
	emit_event(e, &ev);
}

uint64_t engine_blobs_refused(const struct engine *e)
{
	return e->wants ? e->wants->refused : 0;
}

/* False: no place is free. */
static bool take_turn(struct engine *e, struct wants *w, const struct store_blob *b, uint64_t newest)
{
	uint64_t max = e->config.blob_bytes_max, since = 0;
	struct want_wait **at = wait_find(w, &b->root), *t = *at;
	if (t)
		t->scan = w->scan;
	if (fetch_find(e, &b->root) || (max && b->size > max) || over_quota(e, w, b))
		return true;
	if (t && !id32_equal(&t->owner, &b->owner)) { /* somebody else names it now */
		wait_drop(w, at);
		t = NULL;
	}
	if (t && e->now_ms < t->next_ms) {
		soonest(w, t->next_ms);
		if (newest <= t->turn)
			return true;
		since = t->turn;
	}
	if (e->fetches_n >= FETCHES_MAX || !fetch_new(e, b, since))
		return false;
	if (!is_doubted(w, &b->owner))
		w->used += b->size - bytes_of(b->size, b->have_n);
	return true;
}

/* Waits for what is wanted no longer are forgotten. */
static void scan_end(struct engine *e, struct wants *w)
{
	w->scanning = false;
	if (w->full) {
		w->hasten_ms = e->now_ms + HASTEN_SCAN_MS + HASTEN_SCAN_REST * (e->now_ms - w->scan_ms);
		say_refused(e, w);
	}
	hasten(e);
	w->high = w->after;
	for (size_t i = 0; w->full && i < WAIT_BUCKETS; i++) {
		struct want_wait **at = &w->waits[i];
		while (*at) {
			if ((*at)->scan == w->scan)
				at = &(*at)->next;
			else
				wait_drop(w, at);
		}
	}
}

static void wants_listed(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct wants *w = ctx;
	uint64_t newest = newest_peer(e);
	(void)s;
	w->listing = false;
	e->blob_stirred = true;
	if (res->err != OK) {
		w->scanning = false;
		soonest(w, e->now_ms + SCAN_AGAIN_MS);
		return;
	}
	count_used(e, w, res->r.number);
	for (size_t i = 0; i < res->r.n; i++) {
		if (!take_turn(e, w, &res->r.blobs[i], newest))
			return;
		w->after = res->r.blobs[i].no;
	}
	if (res->r.n < WANTS_LISTED)
		scan_end(e, w);
}

void wants_pump(struct engine *e)
{
	struct wants *w = wants_of(e);
	if (!w || w->listing || newest_peer(e) == 0 || e->fetches_n > FETCHES_MAX / 4 * 3)
		return;
	if (!w->scanning) {
		if (!w->due_full && !w->due_new)
			return;
		w->scanning = true;
		w->full = w->due_full;
		w->after = w->full ? 0 : w->high;
		w->due_full = w->due_new = false;
		if (w->full) {
			w->scan++;
			w->scan_ms = e->now_ms;
			w->refused_now = 0;
			w->next_ms = UINT64_MAX;
		}
	}
	struct store_req *q = req_new(STORE_BLOB_LIST);
	if (q) {
		q->a.flag = true;
		q->a.seq = w->after;
		q->a.max = WANTS_LISTED;
		q->a.end = e->config.blob_quota > 0;
	}
	w->listing = true;
	emit_store(e, q, NULL, wants_listed, w);
}

/* A row's number may be given again when the last row went: the rows behind the last are looked at now, all of them soon. */
void blob_pinned(struct engine *e)
{
	struct wants *w = wants_of(e);
	if (!w)
		return;
	w->due_new = e->blob_stirred = true;
	soonest(w, e->now_ms + SCAN_AGAIN_MS);
}

void blob_look(struct engine *e)
{
	struct wants *w = wants_of(e);
	for (size_t i = 0; w && i < WAIT_BUCKETS; i++) {
		for (struct want_wait *t = w->waits[i]; t; t = t->next) {
			t->next_ms = e->now_ms;
			t->tries = 0;
		}
	}
	wants_new_peer(e);
}

void wants_new_peer(struct engine *e)
{
	struct wants *w = wants_of(e);
	if (w)
		w->due_full = e->blob_stirred = true;
}

void wants_time(struct engine *e)
{
	struct wants *w = e->wants;
	if (w && e->now_ms >= w->next_ms) {
		w->next_ms = UINT64_MAX;
		w->due_full = e->blob_stirred = true;
	}
}

uint64_t wants_deadline(const struct engine *e)
{
	return e->wants && newest_peer(e) ? e->wants->next_ms : UINT64_MAX;
}
