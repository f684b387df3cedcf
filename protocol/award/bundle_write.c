/* bundle_write.c -- a proof bundle as text. See bundle.h. */
#include "protocol/award/bundle.h"

#include "protocol/award/json.h"

#include <sodium.h>

/* ---- pieces; a NULL anywhere makes the whole NULL in the end */

static json_t *hex_json(const struct id32 *id)
{
	char hex[65];
	sodium_bin2hex(hex, sizeof hex, id->b, 32);
	return json_string(hex);
}

static json_t *bytes_json(struct slice s)
{
	size_t n = sodium_base64_ENCODED_LEN(s.n, sodium_base64_VARIANT_ORIGINAL);
	char *text = (char *)malloc(n);
	if (!text)
		return NULL;
	json_t *v = json_string(sodium_bin2base64(
		text, n, s.n ? s.p : (const uint8_t *)"", s.n, sodium_base64_VARIANT_ORIGINAL));
	free(text);
	return v;
}

static json_t *number_json(uint64_t v)
{
	return json_integer((json_int_t)v);
}

/* Sets what is made; false: out of memory. */
static bool put(json_t *o, const char *key, json_t *taken)
{
	return json_object_set_new(o, key, taken) == 0;
}

static bool add(json_t *list, json_t *taken)
{
	return json_array_append_new(list, taken) == 0;
}

/* v, or nothing of it. */
static json_t *whole(json_t *v, bool good)
{
	if (good)
		return v;
	json_decref(v);
	return NULL;
}

/* ---- key events */

static json_t *events_json(const struct keyset *ks)
{
	json_t *list = json_array();
	bool good = list != NULL;
	for (size_t i = 0; good && i < keyset_count(ks); i++) {
		const struct keyevent *ev = keyset_at(ks, i);
		json_t *pair = ev ? json_array() : NULL;
		good = add(pair, ev ? bytes_json(ev->bytes) : NULL) && add(pair, bytes_json(ev->signatures));
		good = add(list, whole(pair, good)) && good;
	}
	return whole(list, good);
}

static json_t *identity_json(const struct keyset *ks)
{
	json_t *o = json_object();
	return whole(o, put(o, "id", hex_json(keyset_identity(ks))) && put(o, "events", events_json(ks)));
}

/* ---- runs */

static json_t *body_json(const struct bundle_body *b)
{
	json_t *o = json_object();
	bool good = put(o, "seq", number_json(b->seq)) &&
		(b->envelope.n == 0 || put(o, "envelope", bytes_json(b->envelope)));
	if (good && b->erased.n)
		good = put(o, "erased", bytes_json(b->erased));
	else if (good)
		good = put(o, "body", bytes_json(b->body)) &&
			(!b->has_key || put(o, "key", bytes_json(slice_of(b->key, sizeof b->key))));
	return whole(o, good);
}

static json_t *bodies_json(const struct bundle_run *run)
{
	json_t *list = json_array();
	bool good = list != NULL;
	for (size_t i = 0; good && i < run->bodies_n; i++)
		if (run->bodies[i].body.n || run->bodies[i].erased.n)
			good = add(list, body_json(&run->bodies[i]));
	return whole(list, good);
}

static json_t *run_json(const struct bundle_run *run)
{
	json_t *o = json_object();
	struct slice headers = slice_of(run->headers, run->n * ENTRY_HEADER_BYTES);
	bool good = put(o, "identity", hex_json(&run->identity)) && put(o, "log", hex_json(&run->log)) &&
		put(o, "first", number_json(run->first)) && put(o, "headers", bytes_json(headers)) &&
		(!run->signature ||
			put(o, "signature", bytes_json(slice_of(run->signature, ENTRY_SIGNATURE_BYTES)))) &&
		put(o, "bodies", bodies_json(run));
	return whole(o, good);
}

/* ---- the whole */

static json_t *award_json(const struct entry_ref *at)
{
	json_t *list = json_array();
	return whole(list,
		add(list, hex_json(&at->log)) && add(list, number_json(at->seq)) &&
			add(list, hex_json(&at->id)));
}

static json_t *mark_json(const struct bundle_mark *m)
{
	json_t *list = json_array();
	return whole(list,
		add(list, hex_json(&m->log)) && add(list, number_json(m->length)) &&
			add(list, hex_json(&m->last)) && add(list, number_json(m->hour)));
}

static json_t *status_json(const struct bundle_parts *parts)
{
	json_t *o = json_object(), *logs = json_array();
	bool good = logs != NULL;
	for (size_t i = 0; good && i < parts->marks_n; i++)
		good = add(logs, mark_json(&parts->marks[i]));
	good = put(o, "logs", logs) && good && put(o, "hour", number_json(parts->hour));
	return whole(o, good);
}

static bool put_lists(json_t *o, const struct bundle_parts *parts)
{
	json_t *identities = json_array(), *runs = json_array();
	bool good = identities && runs;
	for (size_t i = 0; good && i < parts->identities_n; i++)
		good = add(identities, identity_json(parts->identities[i]));
	for (size_t i = 0; good && i < parts->runs_n; i++)
		good = add(runs, run_json(&parts->runs[i]));
	good = put(o, "identities", identities) && good;
	return put(o, "runs", runs) && good;
}

enum err bundle_write(const struct bundle_parts *parts, struct buf *out)
{
	if (parts->identities_n > BUNDLE_IDENTITIES_MAX || parts->runs_n > BUNDLE_RUNS_MAX ||
		parts->marks_n > BUNDLE_MARKS_MAX)
		return ERR_LIMIT;
	json_t *o = json_object();
	struct buf text = {0};
	bool good = put(o, "type", json_string(BUNDLE_TYPE)) && put(o, "version", number_json(1)) &&
		put(o, "award", award_json(&parts->award)) && put(o, "status", status_json(parts)) &&
		put(o, "credential", json_deep_copy(parts->credential)) && put_lists(o, parts);
	enum err e = good ? json_canonical(o, &text) : ERR_MEMORY;
	json_decref(o);
	if (e == OK && text.n > BUNDLE_BYTES_MAX)
		e = ERR_LIMIT;
	if (e == OK)
		e = buf_put_slice(out, buf_slice(&text));
	buf_free(&text);
	return e == ERR_RANGE ? ERR_LIMIT : e;
}
