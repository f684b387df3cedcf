/* desk.c -- see desk.h. */
#include "desk.h"

#include <sodium.h>

static void fill(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	randombytes_buf(out, n);
}

const struct random_source desk_random = {.fill = fill};

enum err desk_store(struct desk *d, struct store_req *req, struct store_res *res)
{
	*res = (struct store_res){0};
	d->ops->store(d, req, res);
	return res->err;
}

enum err desk_put(struct desk *d, struct store_req *req)
{
	struct store_res res;
	enum err e = desk_store(d, req, &res);
	store_res_free(&res);
	return e;
}

enum err desk_command(struct desk *d, struct engine_cmd *cmd, struct engine_event *answer)
{
	struct engine_event ignored;
	struct engine_event *ev = answer ? answer : &ignored;
	*ev = (struct engine_event){0};
	d->ops->command(d, cmd, ev);
	return ev->err;
}

void desk_work(struct desk *d, void (*fn)(void *ctx), void *ctx)
{
	d->ops->work(d, fn, ctx);
}

void desk_read(struct desk *d, node_read_fn fn, void *ctx)
{
	d->ops->read(d, fn, ctx);
}

void desk_lock(struct desk *d)
{
	d->ops->lock(d, DESK_LOCK_KEYS, true);
}

void desk_unlock(struct desk *d)
{
	d->ops->lock(d, DESK_LOCK_KEYS, false);
}

void desk_lock_shares(struct desk *d)
{
	d->ops->lock(d, DESK_LOCK_SHARES, true);
}

void desk_unlock_shares(struct desk *d)
{
	d->ops->lock(d, DESK_LOCK_SHARES, false);
}

static enum desk_lock lock_of(const struct id32 *thing)
{
	return (enum desk_lock)(DESK_LOCK_THINGS + thing->b[0] % DESK_THINGS);
}

void desk_lock_on(struct desk *d, const struct id32 *thing)
{
	d->ops->lock(d, lock_of(thing), true);
}

void desk_unlock_on(struct desk *d, const struct id32 *thing)
{
	d->ops->lock(d, lock_of(thing), false);
}

enum err desk_meta_id(struct desk *d, const char *key, struct id32 *out)
{
	struct store_req req = {.op = STORE_META_GET, .a.key = slice_str(key)};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	if (e == OK && res.r.bytes.n != 32)
		e = ERR_NOT_FOUND;
	if (e == OK)
		*out = id32_from(res.r.bytes.p);
	store_res_free(&res);
	return e;
}

enum err desk_meta_put(struct desk *d, const char *key, struct slice value)
{
	struct store_req req = {.op = STORE_META_PUT, .a.key = slice_str(key), .a.value = value};
	return desk_put(d, &req);
}

enum err desk_keyset_build(const struct store_res *res, const struct id32 *identity, struct keyset **ks)
{
	struct keyset *made = keyset_new(identity);
	enum err e = made ? OK : ERR_MEMORY;
	for (size_t i = 0; e == OK && i < res->r.n; i++)
		e = keyset_load(made, res->r.events[i].bytes, res->r.events[i].signatures);
	if (e == OK)
		*ks = made;
	else
		keyset_free(made);
	return e;
}

enum err desk_keyset(struct desk *d, const struct id32 *identity, struct keyset **ks)
{
	struct store_req req = {.op = STORE_IDENTITY_GET, .a.identity = *identity};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	if (e == OK)
		e = desk_keyset_build(&res, identity, ks);
	store_res_free(&res);
	return e;
}

enum err desk_keyset_read(struct store *s, const struct id32 *identity, struct keyset **ks)
{
	struct store_req req = {.op = STORE_IDENTITY_GET, .a.identity = *identity};
	struct store_res res = {0};
	store_exec_one(s, &req, &res);
	enum err e = res.err;
	if (e == OK)
		e = desk_keyset_build(&res, identity, ks);
	store_res_free(&res);
	return e;
}
