#include "session.h"

#include "book.h"
#include "shares.h"

#include <sodium.h>
#include <time.h>

struct kept {
	struct session s; /* first: what others see */
	struct kept *next; /* among the open ones */
	struct sessions *home;
	unsigned holds; /* one while open */
	void (*free_keyring)(struct keyring *);
	uint8_t token_hash[32];
};

struct sessions {
	struct kept *open;
	size_t open_n, held_n;
	uint64_t last_number;
	struct book *book; /* of those who are not signed in */
	uv_timer_t timer;
	void (*ended)(void *ctx, struct session *s);
	void *ended_ctx;
	void (*closed)(void *ctx);
	void *closed_ctx;
	bool timer_closed, freeing;
};

static uint64_t now_s(void)
{
	return (uint64_t)time(NULL);
}

static struct kept *kept_of(struct session *s)
{
	return (struct kept *)s;
}

struct sessions *sessions_new(uv_loop_t *loop)
{
	struct sessions *ss = (struct sessions *)calloc(1, sizeof *ss);
	if (!ss)
		return NULL;
	if (sodium_init() < 0) {
		free(ss);
		return NULL;
	}
	uv_timer_init(loop, &ss->timer);
	uv_unref((uv_handle_t *)&ss->timer);
	ss->timer.data = ss;
	return ss;
}

void session_hold(struct session *s)
{
	kept_of(s)->holds++;
}

/* The list of sessions outlives the last hold, so that a late reply finds it. */
static void free_if_last(struct sessions *ss)
{
	if (!ss->freeing || ss->held_n)
		return;
	book_free(ss->book);
	free(ss);
}

void session_release(struct session *s)
{
	struct kept *k = kept_of(s);
	if (--k->holds)
		return;
	if (k->s.open)
		abort();
	book_free(k->s.book);
	shares_free(k->s.shares);
	if (k->s.keyring)
		k->free_keyring(k->s.keyring);
	struct sessions *ss = k->home;
	sodium_memzero(k, sizeof *k);
	free(k);
	ss->held_n--;
	free_if_last(ss);
}

static void arm(struct sessions *ss);

static void on_timer(uv_timer_t *timer)
{
	struct sessions *ss = (struct sessions *)timer->data;
	uint64_t now = now_s();
	struct kept *next;
	for (struct kept *k = ss->open; k; k = next) {
		next = k->next;
		if (k->s.until_s <= now)
			session_close(ss, &k->s);
	}
	arm(ss);
}

/* The wall clock may be set: look at least once a minute. */
static void arm(struct sessions *ss)
{
	if (ss->timer_closed || uv_is_closing((uv_handle_t *)&ss->timer))
		return;
	uv_timer_stop(&ss->timer);
	uint64_t now = now_s(), first = UINT64_MAX;
	for (struct kept *k = ss->open; k; k = k->next)
		if (k->s.until_s < first)
			first = k->s.until_s;
	if (first == UINT64_MAX)
		return;
	uint64_t wait_s = first > now ? first - now : 0;
	uv_timer_start(&ss->timer, on_timer, (wait_s < 60 ? wait_s : 60) * 1000 + 1, 0);
}

static void hash_token(uint8_t out[32], const uint8_t token[SESSION_TOKEN_BYTES])
{
	crypto_generichash(out, 32, token, SESSION_TOKEN_BYTES, NULL, 0);
}

static void close_same(struct sessions *ss, const struct kept *k)
{
	struct kept *next;
	for (struct kept *o = ss->open; o; o = next) {
		next = o->next;
		if (o->s.over_socket && o->s.uid == k->s.uid && id32_equal(&o->s.identity, &k->s.identity))
			session_close(ss, &o->s);
	}
}

enum err session_open(struct sessions *ss, const struct id32 *identity, bool operator_,
	const struct session_caller *caller, uint64_t for_seconds, struct keyring *keyring,
	void (*free_keyring)(struct keyring *), uint8_t token[SESSION_TOKEN_BYTES], struct session **out)
{
	enum err e = OK;
	struct kept *k = NULL;
	if (!for_seconds || for_seconds > SESSION_SECONDS_MAX)
		e = ERR_RANGE;
	else if (ss->open_n >= SESSIONS_MAX || ss->closed)
		e = ERR_LIMIT;
	else if (!(k = (struct kept *)calloc(1, sizeof *k)))
		e = ERR_MEMORY;
	if (e != OK) {
		if (keyring)
			free_keyring(keyring);
		return e;
	}
	k->home = ss;
	k->holds = 1;
	k->free_keyring = free_keyring;
	k->s = (struct session){.number = ++ss->last_number,
		.operator_ = operator_,
		.over_socket = caller->over_socket,
		.uid = caller->uid,
		.until_s = now_s() + for_seconds,
		.keyring = keyring,
		.open = true};
	if (identity)
		k->s.identity = *identity;
	if (k->s.over_socket)
		close_same(ss, k);
	randombytes_buf(token, SESSION_TOKEN_BYTES);
	hash_token(k->token_hash, token);
	k->next = ss->open;
	ss->open = k;
	ss->open_n++;
	ss->held_n++;
	arm(ss);
	*out = &k->s;
	return OK;
}

static bool answers_to(const struct kept *k, const struct session_caller *caller, const uint8_t hash[32])
{
	if (caller->over_socket)
		return k->s.over_socket && k->s.uid == caller->uid;
	return !k->s.over_socket && caller->has_token && sodium_memcmp(k->token_hash, hash, 32) == 0;
}

enum err session_find(struct sessions *ss, const struct session_caller *caller, const struct id32 *identity,
	struct session **out)
{
	uint8_t hash[32] = {0};
	if (caller->has_token)
		hash_token(hash, caller->token);
	uint64_t now = now_s();
	struct kept *found = NULL;
	for (struct kept *k = ss->open; k; k = k->next) {
		if (!answers_to(k, caller, hash) || k->s.until_s <= now)
			continue;
		if (identity && !id32_equal(&k->s.identity, identity))
			continue;
		if (found)
			return ERR_AMBIGUOUS;
		found = k;
	}
	if (!found)
		return ERR_LOCKED;
	*out = &found->s;
	return OK;
}

struct book *session_book(struct sessions *ss, struct session *s)
{
	const struct keyring *keys = s ? s->keyring : NULL;
	struct book **book = keys ? &s->book : &ss->book;
	if (!*book)
		*book = book_new(keys);
	else if (keys)
		book_keys(*book, keys);
	return *book;
}

void session_close(struct sessions *ss, struct session *s)
{
	struct kept *k = kept_of(s);
	if (!s->open)
		return;
	for (struct kept **at = &ss->open; *at; at = &(*at)->next)
		if (*at == k) {
			*at = k->next;
			break;
		}
	ss->open_n--;
	s->open = false;
	if (ss->ended)
		ss->ended(ss->ended_ctx, s);
	session_release(s);
}

void session_each(struct sessions *ss, void (*each)(void *ctx, struct session *s), void *ctx)
{
	struct kept *next;
	for (struct kept *k = ss->open; k; k = next) {
		next = k->next;
		each(ctx, &k->s);
	}
}

void session_on_end(struct sessions *ss, void (*ended)(void *ctx, struct session *s), void *ctx)
{
	ss->ended = ended;
	ss->ended_ctx = ctx;
}

static void on_closed(uv_handle_t *handle)
{
	struct sessions *ss = (struct sessions *)handle->data;
	ss->timer_closed = true;
	ss->closed(ss->closed_ctx);
}

void sessions_close(struct sessions *ss, void (*closed)(void *ctx), void *ctx)
{
	ss->closed = closed;
	ss->closed_ctx = ctx;
	while (ss->open)
		session_close(ss, &ss->open->s);
	uv_close((uv_handle_t *)&ss->timer, on_closed);
}

void sessions_free(struct sessions *ss)
{
	if (!ss)
		return;
	ss->freeing = true;
	free_if_last(ss);
}
