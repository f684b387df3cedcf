/* submission_write.c -- a draft into the log: reflections, keys of earlier attempts, manifest, submission. SPEC.md section 16.5. See submission_draft.h. */
#include "submission_draft.h"

#include "protocol/log/hash.h"
#include "protocol/log/record.h"
#include "writing.h"

#include <sodium.h>

enum { KEYS_OF_SHARE = 64, PROMPT_MAX = 1000 };

static struct mp_out begin(struct buf *record, const char *kind, size_t fields)
{
	struct mp_out m = mp_out_init(record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, kind);
	mp_put_map(&m, fields);
	return m;
}

static void put_ref(struct mp_out *m, const char *name, const struct entry_ref *ref)
{
	mp_put_cstr(m, name);
	record_put_ref(m, ref);
}

/* Wipes the record: it may hold keys. */
static enum err write_record(struct act *a, const struct audience *to, struct buf *record, enum err made,
	struct entry_ref *ref, uint8_t key[32])
{
	const struct writing w = {.to = to, .record = buf_slice(record)};
	enum err e = made == OK ? writing_put(a, &a->keys->self, &w, ref, key) : made;
	if (record->p)
		sodium_memzero(record->p, record->cap);
	buf_free(record);
	return e;
}

/* ---- before the submission */

static enum err write_reflection(
	struct act *a, const struct audience *to, const struct definition *d, struct draft_item *item)
{
	size_t i = definition_requirement(d, slice_str(item->requirement));
	const char *prompt = i == SIZE_MAX ? "" : d->requirements[i].prompt;
	bool prompted = *prompt && strlen(prompt) <= PROMPT_MAX;
	struct mp_out m = begin(&item->record, "reflection", prompted ? 2 : 1);
	if (prompted) {
		mp_put_cstr(&m, "prompt");
		mp_put_cstr(&m, prompt);
	}
	mp_put_cstr(&m, "text");
	mp_put_str(&m, item->text);
	const struct writing w = {.to = to, .record = buf_slice(&item->record)};
	enum err e = m.err == OK ? writing_put(a, &a->keys->self, &w, &item->at, item->key) : m.err;
	item->sealed = e == OK;
	return e;
}

static enum err write_reflections(struct act *a, const struct audience *to, struct submission_draft *d)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < d->n; i++)
		if (!d->items[i].given)
			e = write_reflection(a, to, &d->d, &d->items[i]);
	return e;
}

/* SPEC 5.4: what can be opened can be handed on. */
static enum err write_earlier(struct act *a, const struct audience *to, const struct submission_draft *d)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < d->earlier_n; i += KEYS_OF_SHARE) {
		size_t n = d->earlier_n - i < KEYS_OF_SHARE ? d->earlier_n - i : KEYS_OF_SHARE;
		struct buf record = {0};
		struct mp_out m = begin(&record, "share", 1);
		mp_put_cstr(&m, "keys");
		mp_put_array(&m, n);
		for (size_t k = 0; k < n; k++)
			record_put_key(&m, &d->earlier[i + k].at, d->earlier[i + k].key);
		struct entry_ref ref;
		e = write_record(a, to, &record, m.err, &ref, NULL);
	}
	return e;
}

static enum err write_manifest(struct act *a, const struct audience *to, const struct submission_draft *d,
	struct entry_ref *ref, uint8_t key[32])
{
	struct buf record = {0};
	struct id32 salt;
	randombytes_buf(salt.b, sizeof salt.b);
	struct mp_out m = begin(&record, "manifest", 3);
	put_ref(&m, "for", &d->definition_at);
	mp_put_cstr(&m, "items");
	mp_put_array(&m, d->n);
	for (size_t i = 0; i < d->n; i++) {
		const struct draft_item *item = &d->items[i];
		const struct slice parts[] = {slice_of(salt.b, 32), buf_slice(&item->record)};
		record_put_item(&m,
			&(struct record_item){.requirement = slice_str(item->requirement),
				.kind = slice_str(item->kind),
				.at = item->at,
				.digest = hash_parts(HASH_EVIDENCE, parts, 2)});
	}
	mp_put_cstr(&m, "salt");
	mp_put_id(&m, &salt);
	return write_record(a, to, &record, m.err, ref, key);
}

/* ---- the submission */

static void put_keys(struct mp_out *m, const struct submission_draft *d, const struct entry_ref *manifest,
	const uint8_t manifest_key[32])
{
	size_t n = 1;
	for (size_t i = 0; i < d->n; i++)
		n += d->items[i].sealed;
	mp_put_cstr(m, "keys");
	mp_put_array(m, n);
	record_put_key(m, manifest, manifest_key);
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].sealed)
			record_put_key(m, &d->items[i].at, d->items[i].key);
}

static enum err write_submission(struct act *a, const struct audience *to, const struct submission_draft *d,
	struct submission_written *out, const uint8_t manifest_key[32])
{
	struct buf record = {0};
	struct mp_out m = begin(&record, "submission", (d->revises ? 6 : 4) + audience_to_fields(to));
	mp_put_cstr(&m, "attests");
	mp_put_array(&m, SUBMISSION_ATTESTS);
	for (size_t i = 0; i < SUBMISSION_ATTESTS; i++)
		mp_put_cstr(&m, submission_attests[i]);
	if (d->revises) {
		mp_put_cstr(&m, "changed");
		mp_put_str(&m, d->changed);
	}
	put_ref(&m, "for", &d->definition_at);
	put_keys(&m, d, &out->manifest, manifest_key);
	put_ref(&m, "manifest", &out->manifest);
	if (d->revises)
		put_ref(&m, "revises", &d->revised);
	audience_put_to(&m, to);
	return write_record(a, to, &record, m.err, &out->submission, NULL);
}

enum err submission_draft_write(struct act *a, struct submission_draft *d, struct submission_written *out)
{
	uint8_t key[32] = {0};
	struct audience *to = audience_new();
	enum err e = to ? audience_panel(a, to, &d->definition_at, &a->keys->self.identity) : ERR_MEMORY;
	if (e == OK)
		e = write_reflections(a, to, d);
	if (e == OK)
		e = write_earlier(a, to, d);
	if (e == OK)
		e = write_manifest(a, to, d, &out->manifest, key);
	if (e == OK)
		e = write_submission(a, to, d, out, key);
	sodium_memzero(key, sizeof key);
	audience_free(to);
	return e;
}
