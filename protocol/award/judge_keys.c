/* judge_keys.c -- what the key events of those in a case ever published. See judge_int.h. */
#include "protocol/award/judge_int.h"

#include "protocol/log/entry.h"

static int id_compare(const void *x, const void *y)
{
	return memcmp(x, y, sizeof(struct id32));
}

static int keys_compare(const void *key, const void *element)
{
	return id32_cmp((const struct id32 *)key, &((const struct judge_keys *)element)->who->id);
}

static bool is_among(const struct id32 *id, const struct id32 *list, size_t n)
{
	return n && bsearch(id, list, n, sizeof *list, id_compare);
}

const struct judge_identity *judge_identity_of(const struct judge_case *c, const struct id32 *id)
{
	for (size_t i = 0; i < c->identities_n; i++)
		if (c->identities[i].keys && c->identities[i].view && id32_equal(&c->identities[i].id, id))
			return &c->identities[i];
	return NULL;
}

struct judge_keys *judge_keys_of(struct judge_index *ix, const struct id32 *identity)
{
	if (ix->identities_n == 0)
		return NULL;
	return (struct judge_keys *)bsearch(
		identity, ix->identities, ix->identities_n, sizeof *ix->identities, keys_compare);
}

/* Every badge key and every device's log of all events that are stored: what waits was published too. */
static void load(struct judge_index *ix, struct judge_keys *k)
{
	size_t n = keyset_count(k->who->keys);
	k->loaded = true;
	k->badges = (struct id32 *)judge_alloc(ix, n, sizeof *k->badges);
	k->logs = (struct id32 *)judge_alloc(ix, n, sizeof *k->logs);
	for (size_t i = 0; ix->err == OK && i < n; i++) {
		const struct keyevent *ev = keyset_at(k->who->keys, i);
		if (!ev)
			ix->err = ERR_MEMORY;
		else if (ev->kind == KEYEVENT_INCEPTION || ev->kind == KEYEVENT_BADGE)
			k->badges[k->badges_n++] = ev->badge_key;
		else if (ev->kind == KEYEVENT_DEVICE)
			k->logs[k->logs_n++] = entry_log_id(&k->who->id, &ev->device_sign_key);
	}
	if (ix->err != OK)
		k->badges_n = k->logs_n = 0;
	if (k->badges_n)
		qsort(k->badges, k->badges_n, sizeof *k->badges, id_compare);
	if (k->logs_n)
		qsort(k->logs, k->logs_n, sizeof *k->logs, id_compare);
}

bool judge_published_badge(struct judge_index *ix, struct judge_keys *keys, const struct id32 *badge_key)
{
	if (!keys->loaded)
		load(ix, keys);
	return is_among(badge_key, keys->badges, keys->badges_n);
}

enum judge_mark judge_log_is_of(struct judge_index *ix, const struct id32 *identity, const struct id32 *log)
{
	struct judge_keys *keys = judge_keys_of(ix, identity);
	if (keys && keyset_view_device(keys->who->view, log))
		return JUDGE_GOOD;
	if (keys && !keys->loaded)
		load(ix, keys);
	if (keys && is_among(log, keys->logs, keys->logs_n))
		return JUDGE_GOOD;
	for (size_t i = 0; i < ix->identities_n; i++)
		if (keyset_view_device(ix->identities[i].who->view, log))
			return JUDGE_WRONG;
	return JUDGE_UNKNOWN;
}
