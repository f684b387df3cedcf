/* writing.c -- see writing.h. */
#include "writing.h"

#include "protocol/log/entry.h"
#include "protocol/log/record.h"
#include "protocol/log/seal.h"
#include "telling.h"

#include <sodium.h>

static enum err check(struct act *a, struct slice record)
{
	const char *field = NULL;
	enum err e = record_check(record, &field);
	return e == OK ? OK
		       : act_say(a, e, "The entry is not as it must be: \"%s\": %s.", field ? field : "kind",
				 err_text(e));
}

/* The secret of the reading key that others will look for. */
static enum err find_secret(struct act *a, const struct owner *o, uint8_t secret[32])
{
	struct keyset *ks = NULL;
	struct keyset_view v;
	enum err e = desk_keyset(a->desk, &o->identity, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK) {
		const struct identity_reading *mine = v.has_reading
			? identity_secrets_reading(&o->secrets, &v.reading_key)
			: NULL;
		if (mine)
			memcpy(secret, mine->secret, 32);
		else
			e = act_say(a, ERR_LOCKED,
				"This device lacks the current reading key: lock and unlock the identity.");
		keyset_view_deinit(&v);
	}
	keyset_free(ks);
	return e;
}

static enum err seal(struct act *a, const struct owner *o, const struct writing *w, struct buf *body,
	uint8_t content_key[32])
{
	uint8_t secret[32];
	const struct id32 log = ownlog_id(o);
	enum err e = find_secret(a, o, secret);
	if (e == OK)
		e = seal_body(
			&desk_random, secret, &log, w->to->keys, w->to->n, w->record, body, content_key);
	sodium_memzero(secret, sizeof secret);
	return e;
}

/* Body and append in one: a new log needs a body that is sealed for it. */
static enum err put_once(struct act *a, const struct owner *o, const struct writing *w, struct entry_ref *ref,
	uint8_t content_key[32])
{
	struct buf body = {0};
	enum err e = w->to->clear ? seal_clear_body(&desk_random, w->record, &body)
				  : seal(a, o, w, &body, content_key);
	if (e == ERR_LIMIT)
		(void)act_say(a, e, "The text is too long for one entry: attach it as a file.");
	if (e == OK) {
		const struct draft draft = {.flags = (uint8_t)((w->to->clear ? 0 : ENTRY_FLAG_SEALED) |
						    (w->keep ? ENTRY_FLAG_KEEP : 0)),
			.envelope = w->envelope,
			.body = buf_slice(&body)};
		e = ownlog_append(a->desk, o, &draft, ref);
	}
	buf_free(&body);
	return e;
}

enum err writing_put(struct act *a, struct owner *o, const struct writing *w, struct entry_ref *ref,
	uint8_t content_key[32])
{
	size_t again;
	uint8_t key[32] = {0};
	enum err e = check(a, w->record);
	if (e != OK)
		return e;
	e = put_once(a, o, w, ref, key);
	if (e == ERR_STATE || e == ERR_NOT_FOUND) {
		memset(key, 0, sizeof key);
		e = ownlog_ensure(a->desk, o, &again);
		if (e == ERR_LOCKED)
			(void)act_say(a, e,
				"This device lacks the current signing key: use the recovery code here first.");
		if (e == OK)
			e = put_once(a, o, w, ref, key);
	}
	if (e == OK && !w->to->clear)
		telling_send(a->desk, &o->identity, ref, w->to);
	if (e == OK && content_key)
		memcpy(content_key, key, 32);
	sodium_memzero(key, sizeof key);
	return e;
}
