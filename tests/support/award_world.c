/* award_world.c -- people, logs and bundles of award_world.h. The story is told in award_story.c. */
#include "tests/support/award_world.h"
#include "tests/support/award_story.h"

#include "protocol/log/record.h"
#include "protocol/log/seal.h"
#include "protocol/log/secret.h"

#include <stdio.h>

void award_must(enum err e, const char *what)
{
	if (e == OK)
		return;
	fprintf(stderr, "award world: %s: %s\n", what, err_text(e));
	abort();
}

/* ---- people */

static const struct {
	const char *name;
	enum identity_kind kind;
} people[AWARD_PERSONS] = {{"Example District", IDENTITY_DISTRICT}, {"Example School", IDENTITY_ISSUER},
	{"O. Officer", IDENTITY_PERSON}, {"E. Earner", IDENTITY_PERSON}, {"R. Reviewer", IDENTITY_PERSON},
	{"S. Second", IDENTITY_PERSON}};

static void begin_log(struct award_world *w, enum award_person_index who)
{
	struct buf record = {0};
	struct keyset_view v;
	award_must(keyset_resolve(w->person[who].keys, &v), "resolve");
	struct mp_out o = mp_out_init(&record);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, "device");
	mp_put_map(&o, 1);
	mp_put_cstr(&o, "event");
	mp_put_id(&o, &v.devices[0].event);
	award_must(o.err, "device record");
	struct entry_ref at = award_write(w, who, ENTRY_FLAG_KEEP, false, &record);
	award_entry_of(w, &at)->out = true;
	keyset_view_deinit(&v);
	buf_free(&record);
}

void award_begin_people(struct award_world *w)
{
	for (size_t i = 0; i < AWARD_PERSONS; i++) {
		struct award_person *p = &w->person[i];
		uint8_t entropy[RECOVERY_ENTROPY_BYTES];
		struct id32 badge;
		p->name = people[i].name;
		random_fill(&w->rnd, &p->device, sizeof p->device);
		random_fill(&w->rnd, entropy, sizeof entropy);
		award_must(identity_create(&w->rnd, people[i].kind, entropy, RECOVERY_IDENTITY, &p->device,
				   NULL, 0, &p->keys, &p->secrets),
			"identity");
		p->id = *keyset_identity(p->keys);
		secret_sign_pair(p->device.sign_seed, &p->device_key, p->device_secret);
		secret_sign_pair(p->secrets.badge_seed, &badge, p->badge_secret);
		p->log = entry_log_id(&p->id, &p->device_key);
		begin_log(w, (enum award_person_index)i);
	}
}

void award_add_event(struct award_person *p, struct identity_event *ev)
{
	enum keyset_added added;
	award_must(keyset_add(p->keys, buf_slice(&ev->bytes), identity_event_signatures(ev), &added),
		"key event");
	identity_event_deinit(ev);
}

/* ---- entries */

struct award_entry *award_entry_of(struct award_world *w, const struct entry_ref *at)
{
	for (size_t i = 0; i < AWARD_PERSONS; i++)
		if (id32_equal(&w->person[i].log, &at->log))
			return &w->person[i].entries[at->seq];
	abort();
}

static void make_body(struct award_world *w, struct award_person *p, struct award_entry *e)
{
	const struct identity_reading *own = &p->secrets.readings[0];
	if (e->sealed)
		award_must(seal_body(&w->rnd, own->secret, &p->log, &own->key, 1, buf_slice(&e->record),
				   &e->body, e->key),
			"seal");
	else
		award_must(seal_clear_body(&w->rnd, buf_slice(&e->record), &e->body), "body");
}

struct entry_ref award_write(struct award_world *w, enum award_person_index who, uint8_t flags, bool sealed,
	const struct buf *record)
{
	struct award_person *p = &w->person[who];
	struct award_entry *e = &p->entries[p->n];
	if (p->n == AWARD_ENTRIES_MAX)
		abort();
	e->sealed = sealed;
	award_must(buf_put_slice(&e->record, buf_slice(record)), "record");
	make_body(w, p, e);
	const struct entry_header h = {.flags = (uint8_t)(flags | (sealed ? ENTRY_FLAG_SEALED : 0)),
		.log = p->log,
		.seq = p->n,
		.prev = p->n ? p->entries[p->n - 1].at.id : (struct id32){{0}},
		.hour = w->hour,
		.body_bytes = (uint32_t)e->body.n,
		.commitment = entry_body_commitment(buf_slice(&e->body))};
	entry_header_encode(&h, e->header);
	entry_sign(e->header, p->device_secret, e->signature);
	e->at = (struct entry_ref){.log = p->log, .seq = p->n, .id = entry_id(e->header)};
	p->n++;
	w->hour++;
	return e->at;
}

/* ---- the bundle */

static size_t bodies_of(const struct award_person *p, struct bundle_body *out)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct award_entry *e = &p->entries[i];
		struct bundle_body *b = &out[n];
		if (e->out && !e->is_erased)
			continue;
		*b = (struct bundle_body){.seq = i, .has_key = e->sealed && !e->is_erased};
		memcpy(b->key, e->key, sizeof b->key);
		if (e->is_erased)
			b->erased = slice_of(e->erased, sizeof e->erased);
		else
			b->body = buf_slice(&e->body);
		n++;
	}
	return n;
}

void award_world_bundle(const struct award_world *w, struct buf *out)
{
	static uint8_t headers[AWARD_PERSONS][AWARD_ENTRIES_MAX * ENTRY_HEADER_BYTES];
	static struct bundle_body bodies[AWARD_PERSONS][AWARD_ENTRIES_MAX];
	struct bundle_run runs[AWARD_PERSONS];
	const struct keyset *keys[AWARD_PERSONS];
	const struct award_person *issuer = &w->person[AWARD_ISSUER];
	for (size_t i = 0; i < AWARD_PERSONS; i++) {
		const struct award_person *p = &w->person[i];
		keys[i] = p->keys;
		for (size_t k = 0; k < p->n; k++)
			memcpy(headers[i] + k * ENTRY_HEADER_BYTES, p->entries[k].header, ENTRY_HEADER_BYTES);
		runs[i] = (struct bundle_run){.identity = p->id,
			.log = p->log,
			.n = p->n,
			.headers = headers[i],
			.signature = p->entries[p->n - 1].signature,
			.bodies_n = bodies_of(p, bodies[i]),
			.bodies = bodies[i]};
	}
	const struct bundle_mark mark = {.log = issuer->log,
		.last = issuer->entries[issuer->n - 1].at.id,
		.length = issuer->n,
		.hour = w->hour - 1};
	const struct bundle_parts parts = {.credential = w->credential,
		.award = w->award,
		.identities_n = AWARD_PERSONS,
		.identities = keys,
		.runs_n = AWARD_PERSONS,
		.runs = runs,
		.hour = w->hour,
		.marks_n = 1,
		.marks = &mark};
	award_must(bundle_write(&parts, out), "bundle");
}

/* ---- beginning and end */

void award_world_init(struct award_world *w, uint64_t seed, const struct award_twist *twist)
{
	memset(w, 0, sizeof *w);
	w->seed.seed = seed;
	w->rnd = seeded_random_source(&w->seed);
	w->hour = AWARD_HOUR;
	award_begin_people(w);
	award_tell(w, twist);
}

void award_world_deinit(struct award_world *w)
{
	for (size_t i = 0; i < AWARD_PERSONS; i++) {
		struct award_person *p = &w->person[i];
		for (size_t k = 0; k < p->n; k++) {
			buf_free(&p->entries[k].body);
			buf_free(&p->entries[k].record);
		}
		keyset_free(p->keys);
		identity_secrets_wipe(&p->secrets);
	}
	definition_deinit(&w->definition);
	definition_deinit(&w->later);
	buf_free(&w->manifest_record);
	json_decref(w->credential);
}
