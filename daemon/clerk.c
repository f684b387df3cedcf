/* clerk.c -- see clerk.h. */
#include "clerk.h"

#include "awards.h"
#include "clerk_int.h"
#include "log.h"
#include "protocol/log/record.h"
#include "task.h"

#define TAKE_UP_MAX 64u /* SPEC 13: "`reviews`! (refs, 1..64)" */
#define FAILED_SLOTS 256u

/* One going over all that was submitted to an institution, slice by slice. */
struct round {
	struct id32 institution;
	bool due, under_way, signed_in;
	struct cases_walk walk;
};

struct clerk {
	struct node *node;
	struct sessions *sessions;
	uv_timer_t timer;
	bool running, closing;
	bool woken; /* something has come since rounds were last begun */
	bool begins; /* this run begins a round of everybody */
	bool failed; /* since rounds were last begun */
	void (*closed)(void *ctx);
	void *closed_ctx;
	size_t n;
	struct session *session[CLERK_SESSIONS_MAX]; /* held, while it runs */
	size_t rounds_n;
	struct round *rounds; /* of those who have published something */
	uint64_t took_ns; /* looking, in this run */
	struct idmap memory; /* struct clerk_seen of submissions */
	struct id32 told[FAILED_SLOTS]; /* failures that were logged: what failed */
};

static void tell_failure(struct clerk *c, const struct id32 *institution, const struct id32 *of,
	const char *what, const char *why, enum err e)
{
	struct id32 *slot = &c->told[of->b[0] % FAILED_SLOTS];
	c->failed = true;
	if (e == ERR_CLOSED || id32_equal(slot, of))
		return;
	*slot = *of;
	log_warning("clerk", log_text("event", what), log_id("institution", institution), log_id("entry", of),
		log_err(e), log_text("why", why));
}

/* ---- doing */

static enum err take_up(
	struct act *a, struct clerk *c, struct session *s, const struct clerk_review *reviews, size_t n)
{
	struct buf record = {0};
	struct entry_ref ref;
	struct audience *all = audience_new();
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "take-up");
	mp_put_map(&m, 1);
	mp_put_cstr(&m, "reviews");
	mp_put_array(&m, n);
	for (size_t i = 0; i < n; i++)
		record_put_ref(&m, &reviews[i].at);
	enum err e = all ? m.err : ERR_MEMORY;
	if (e == OK) {
		all->clear = true;
		const struct institution_act in = {.institution = s->identity,
			.right = KEYSET_RIGHT_APPOINT,
			.record = buf_slice(&record),
			.to = all};
		e = institution_act(a, c->sessions, s->keyring, &in, &ref, NULL);
	}
	audience_free(all);
	buf_free(&record);
	return e;
}

/* What an award that was made has taken up is left out of w->reviews. True: at least one was made. */
static bool make_awards(struct act *a, struct clerk *c, struct session *s, struct clerk_work *w)
{
	size_t kept = 0;
	bool made_one = false, is_made[WORK_MAX];
	for (size_t i = 0; i < w->awards_n; i++) {
		const struct award_wish wish = {
			.institution = s->identity, .submission = w->awards[i], .only_automatic = true};
		struct award_made made;
		enum err e = s->open ? award_make(a, c->sessions, s->keyring, &wish, &made) : ERR_CLOSED;
		if (e != OK)
			tell_failure(c, &s->identity, &wish.submission.id, "an award was not countersigned",
				a->why, e);
		else if (!made.already)
			log_info("clerk", log_text("event", "an award was countersigned"),
				log_id("institution", &s->identity), log_id("award", &made.at.id));
		is_made[i] = e == OK && !made.already;
		made_one = made_one || is_made[i];
		a->why[0] = 0;
	}
	for (size_t i = 0; i < w->reviews_n; i++)
		if (w->reviews[i].award == SIZE_MAX || !is_made[w->reviews[i].award])
			w->reviews[kept++] = w->reviews[i];
	w->reviews_n = kept;
	return made_one;
}

static void take_up_all(struct act *a, struct clerk *c, struct session *s, const struct clerk_work *w)
{
	for (size_t i = 0; i < w->reviews_n && s->open; i += TAKE_UP_MAX) {
		size_t n = w->reviews_n - i < TAKE_UP_MAX ? w->reviews_n - i : TAKE_UP_MAX;
		enum err e = take_up(a, c, s, w->reviews + i, n);
		if (e != OK) {
			tell_failure(c, &s->identity, &w->reviews[i].at.id, "reviews were not taken up",
				a->why, e);
			return;
		}
	}
}

static void hand_on(struct act *a, struct clerk *c, struct session *s, struct clerk_work *w)
{
	struct handover h;
	if (w->open_n == 0 || !s->open)
		return;
	enum err e = handover_due(a, c->sessions, s, w->open, w->open_n, &h);
	if (e != OK) {
		if (s->open)
			tell_failure(c, &s->identity, &w->open[w->open_n - 1].at.id,
				"keys were not handed on", a->why, e);
		return;
	}
	clerk_remember(w);
	w->more = w->more || h.cut_short;
	if (h.keys)
		log_info("clerk", log_text("event", "keys were handed on"),
			log_id("institution", &s->identity), log_uint("keys", h.keys));
}

/* Nobody else's work is looked at. */
static bool has_definitions(struct desk *d, const struct id32 *identity)
{
	struct store_req req = {.op = STORE_FACT_BY,
		.a.identity = *identity,
		.a.number = FACT_MASK(FACT_DEFINITION),
		.a.max = 1};
	struct store_res res;
	bool has = desk_store(d, &req, &res) == OK && res.r.n > 0;
	store_res_free(&res);
	return has;
}

static void begin_round(struct round *r)
{
	r->due = false;
	r->under_way = true;
	r->walk = (struct cases_walk){.kind = FACT_SUBMISSION, .roles = CASES_ISSUER};
}

static void end_round(struct round *r)
{
	cases_walk_end(&r->walk);
	r->under_way = false;
}

/* NULL: it has published nothing, or there is no memory. */
static struct round *round_of(struct desk *d, struct clerk *c, const struct id32 *identity)
{
	for (size_t i = 0; i < c->rounds_n; i++)
		if (id32_equal(&c->rounds[i].institution, identity))
			return &c->rounds[i];
	if (!c->begins || !has_definitions(d, identity))
		return NULL;
	struct round *rounds = (struct round *)realloc(c->rounds, (c->rounds_n + 1) * sizeof *rounds);
	if (!rounds) {
		c->failed = true;
		return NULL;
	}
	c->rounds = rounds;
	rounds[c->rounds_n] = (struct round){.institution = *identity};
	return &rounds[c->rounds_n++];
}

/* One slice of its round. */
static void work_for(struct desk *d, struct clerk *c, struct session *s, struct clerk_work *w)
{
	struct act a = {.desk = d};
	struct round *r = s->open ? round_of(d, c, &s->identity) : NULL;
	if (!r)
		return;
	r->signed_in = true;
	r->due = r->due || c->begins;
	if (!r->under_way && !r->due)
		return;
	if (!r->under_way)
		begin_round(r);
	w->memory = &c->memory;
	w->me = &s->identity;
	w->walk = &r->walk;
	enum err e = catalogue_ask_in(&a, c->sessions, s, clerk_look, w);
	c->took_ns += w->took_ns;
	if (e != OK) {
		end_round(r);
		tell_failure(c, &s->identity, &s->identity, "submissions could not be looked at", a.why, e);
		return;
	}
	if (make_awards(&a, c, s, w))
		r->due = true;
	take_up_all(&a, c, s, w);
	a.why[0] = 0;
	hand_on(&a, c, s, w);
	r->due = r->due || w->more;
	if (r->walk.over)
		end_round(r);
}

static void forget_who_left(struct clerk *c)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->rounds_n; i++) {
		if (c->rounds[i].signed_in)
			c->rounds[kept++] = c->rounds[i];
		else
			end_round(&c->rounds[i]);
	}
	c->rounds_n = kept;
}

static void run(struct desk *d, void *ctx)
{
	struct clerk *c = (struct clerk *)ctx;
	struct clerk_work *w = (struct clerk_work *)calloc(1, sizeof *w);
	c->failed = c->failed || !w;
	for (size_t i = 0; i < c->rounds_n; i++)
		c->rounds[i].signed_in = false;
	for (size_t i = 0; w && i < c->n; i++)
		work_for(d, c, c->session[i], w);
	if (w)
		forget_who_left(c);
	free(w);
}

/* ---- when */

static void begin(uv_timer_t *timer);

static void wait_for(struct clerk *c, uint64_t ms)
{
	if (!c->closing && !uv_is_active((uv_handle_t *)&c->timer))
		uv_timer_start(&c->timer, begin, ms, 0);
}

void clerk_wake(struct clerk *c)
{
	if (!c)
		return;
	c->woken = true;
	if (c->running)
		return;
	/* What waits for a retry need not wait longer. */
	if (uv_timer_get_due_in(&c->timer) > CLERK_PAUSE_MAX_MS)
		uv_timer_stop(&c->timer);
	wait_for(c, CLERK_WAIT_MS);
}

static bool is_busy(const struct clerk *c)
{
	bool busy = false;
	for (size_t i = 0; i < c->rounds_n && !busy; i++)
		busy = c->rounds[i].under_way || c->rounds[i].due;
	return busy;
}

/* It takes no more than a fifth of a processor for looking. */
static uint64_t pause_of(const struct clerk *c)
{
	const uint64_t ms = 4 * (c->took_ns / 1000000);
	return ms < CLERK_WAIT_MS ? CLERK_WAIT_MS : ms < CLERK_PAUSE_MAX_MS ? ms : CLERK_PAUSE_MAX_MS;
}

static void end(void *ctx)
{
	struct clerk *c = (struct clerk *)ctx;
	for (size_t i = 0; i < c->n; i++)
		session_release(c->session[i]);
	c->n = 0;
	c->running = false;
	if (c->woken || is_busy(c)) {
		wait_for(c, pause_of(c));
	} else if (c->failed) {
		c->woken = true;
		wait_for(c, CLERK_RETRY_MS);
	}
}

static void collect(void *ctx, struct session *s)
{
	struct clerk *c = (struct clerk *)ctx;
	if (!s->open || !s->keyring || c->n == CLERK_SESSIONS_MAX)
		return;
	for (size_t i = 0; i < c->n; i++)
		if (id32_equal(&c->session[i]->identity, &s->identity))
			return;
	session_hold(s);
	c->session[c->n++] = s;
}

static void begin(uv_timer_t *timer)
{
	struct clerk *c = (struct clerk *)timer->data;
	c->begins = c->woken;
	c->woken = false;
	c->failed = c->failed && !c->begins;
	c->took_ns = 0;
	session_each(c->sessions, collect, c);
	if (c->n == 0)
		return;
	c->running = true;
	if (task_begin(c->node, run, end, c) != OK) {
		c->failed = true;
		end(c);
	}
}

static void heard(void *ctx, const struct engine_event *ev)
{
	struct clerk *c = (struct clerk *)ctx;
	if (ev->kind == ENGINE_EVENT_ENTRY || ev->kind == ENGINE_EVENT_KEYS)
		clerk_wake(c);
}

/* ---- life */

struct clerk *clerk_new(struct node *n, struct sessions *sessions)
{
	struct clerk *c = (struct clerk *)calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->node = n;
	c->sessions = sessions;
	if (node_listen_events(n, heard, c) != OK) {
		free(c);
		return NULL;
	}
	uv_timer_init(node_loop(n), &c->timer);
	c->timer.data = c;
	uv_unref((uv_handle_t *)&c->timer);
	return c;
}

static void on_closed(uv_handle_t *handle)
{
	struct clerk *c = (struct clerk *)handle->data;
	c->closed(c->closed_ctx);
}

void clerk_close(struct clerk *c, void (*closed)(void *ctx), void *ctx)
{
	c->closing = true;
	c->closed = closed;
	c->closed_ctx = ctx;
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

void clerk_free(struct clerk *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->rounds_n; i++)
		end_round(&c->rounds[i]);
	free(c->rounds);
	idmap_free(&c->memory);
	free(c);
}
