#include "api_keys.h"

#include "exchange.h"

#include <sodium.h>
#include <time.h>

struct reply_key {
	bool used, done;
	struct id32 id; /* key, caller and route */
	struct id32 asked; /* address and body */
	uint64_t at_s;
	unsigned status;
	char *text;
	size_t n;
};

struct reply_keys {
	struct reply_key keys[API_KEYS_MAX];
};

struct reply_keys *reply_keys_new(void)
{
	return (struct reply_keys *)calloc(1, sizeof(struct reply_keys));
}

static void clear(struct reply_key *key)
{
	free(key->text);
	*key = (struct reply_key){0};
}

void reply_keys_free(struct reply_keys *k)
{
	for (size_t i = 0; k && i < API_KEYS_MAX; i++)
		clear(&k->keys[i]);
	free(k);
}

static uint64_t now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

static void add(crypto_generichash_state *h, const void *p, size_t n)
{
	uint8_t length[8];
	be64_put(length, n);
	crypto_generichash_update(h, length, 8);
	crypto_generichash_update(h, (const unsigned char *)p, n);
}

static struct id32 hash_key(const struct exchange *x, const char *key)
{
	static const struct id32 nobody;
	const struct session_caller *c = &x->rq.caller;
	crypto_generichash_state h;
	struct id32 id;
	crypto_generichash_init(&h, NULL, 0, 32);
	add(&h, key, strlen(key));
	add(&h, c->over_socket ? "socket" : "tcp", c->over_socket ? 6 : 3);
	add(&h, &c->uid, sizeof c->uid);
	add(&h, c->token, sizeof c->token);
	add(&h, x->rq.session ? x->rq.session->identity.b : nobody.b, 32);
	add(&h, x->rq.route->name, strlen(x->rq.route->name));
	crypto_generichash_final(&h, id.b, 32);
	return id;
}

static struct id32 hash_asked(const struct exchange *x)
{
	crypto_generichash_state h;
	struct id32 id;
	crypto_generichash_init(&h, NULL, 0, 32);
	add(&h, x->raw, strlen(x->raw));
	add(&h, x->in.p, x->in.n);
	crypto_generichash_final(&h, id.b, 32);
	return id;
}

static struct reply_key *find(struct reply_keys *k, const struct id32 *id)
{
	for (size_t i = 0; i < API_KEYS_MAX; i++) {
		struct reply_key *key = &k->keys[i];
		if (key->used && key->done && now_s() - key->at_s >= API_KEY_S)
			clear(key);
		if (key->used && id32_equal(&key->id, id))
			return key;
	}
	return NULL;
}

/* A free one, or the oldest that is done; NULL: all are at work. */
static struct reply_key *take(struct reply_keys *k)
{
	struct reply_key *oldest = NULL;
	for (size_t i = 0; i < API_KEYS_MAX; i++) {
		struct reply_key *key = &k->keys[i];
		if (!key->used)
			return key;
		if (key->done && (!oldest || key->at_s < oldest->at_s))
			oldest = key;
	}
	if (oldest)
		clear(oldest);
	return oldest;
}

static bool again(struct exchange *x, const struct reply_key *key, const struct id32 *asked)
{
	if (!id32_equal(&key->asked, asked))
		exchange_refuse(x, 409, ERR_USED,
			"This Idempotency-Key was used for another request. Use a new one for each.");
	else if (!key->done)
		exchange_refuse(
			x, 409, ERR_PENDING, "The same request is still at work. Ask again in a moment.");
	else {
		api_header(&x->rq, "Idempotent-Replay", "true");
		api_bytes(&x->rq, key->status, "application/json", key->text, key->n);
	}
	return false;
}

bool reply_key_begin(struct exchange *x)
{
	const char *text = x->connection && strcmp(x->rq.route->method, "POST") == 0 &&
			x->rq.route->body != API_UPLOAD
		? api_header_in(&x->rq, "Idempotency-Key")
		: NULL;
	if (!text)
		return true;
	if (!*text || strlen(text) > API_KEY_BYTES_MAX) {
		exchange_refuse(x, 400, ERR_INPUT, "An Idempotency-Key has 1 to 200 characters.");
		return false;
	}
	struct id32 id = hash_key(x, text), asked = hash_asked(x);
	struct reply_key *key = find(x->http->keys, &id);
	if (key)
		return again(x, key, &asked);
	key = take(x->http->keys);
	if (!key) {
		exchange_refuse(x, 503, ERR_BUSY, "Too many requests are at work. Try again in a moment.");
		return false;
	}
	*key = (struct reply_key){.used = true, .id = id, .asked = asked, .at_s = now_s()};
	x->key = key;
	return true;
}

void reply_key_end(struct reply_key *key, unsigned status, const char *text, size_t n)
{
	char *copy = text && n <= API_KEY_REPLY_BYTES_MAX ? (char *)malloc(n ? n : 1) : NULL;
	if (!copy) {
		clear(key);
		return;
	}
	memcpy(copy, text, n);
	key->text = copy;
	key->n = n;
	key->status = status;
	key->done = true;
}

void reply_key_drop(struct reply_key *key)
{
	clear(key);
}
