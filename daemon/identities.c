/* identities.c -- see identities.h. */
#include "identities.h"

#include "protocol/log/entry.h"
#include "protocol/log/keyevent.h"
#include "protocol/log/mp.h"
#include "protocol/log/record.h"
#include "protocol/log/secret.h"

#include <sodium.h>

#define PROFILES_MAX 1024u

/* ---- words */

static const char *const kind_names[] = {"person", "school", "issuer", "district", "network"};

const char *identities_kind_name(unsigned kind)
{
	return kind < sizeof kind_names / sizeof *kind_names ? kind_names[kind] : NULL;
}

enum err identities_kind_parse(const char *name, enum identity_kind *kind)
{
	for (unsigned i = IDENTITY_PERSON; i < IDENTITY_NETWORK; i++)
		if (strcmp(name, kind_names[i]) == 0) {
			*kind = (enum identity_kind)i;
			return OK;
		}
	return ERR_INPUT;
}

/* did:key: the multicodec 0xed01 and the key, in base58btc, with the multibase prefix z. */
void identities_did(const struct id32 *badge_key, char out[DID_BYTES])
{
	static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
	uint8_t digits[48] = {0}, bytes[34] = {0xed, 0x01};
	size_t n = 0;
	memcpy(bytes + 2, badge_key->b, 32);
	for (size_t i = 0; i < sizeof bytes; i++) {
		unsigned carry = bytes[i];
		for (size_t k = 0; k < n || carry; k++) {
			carry += 256u * (k < n ? digits[k] : 0);
			digits[k] = (uint8_t)(carry % 58);
			carry /= 58;
			if (k >= n)
				n = k + 1;
		}
	}
	memcpy(out, "did:key:z", 9);
	for (size_t i = 0; i < n; i++)
		out[9 + i] = alphabet[digits[n - 1 - i]];
	out[9 + n] = 0;
}

/* ---- the newest profile */

/* Of several profiles the one with the latest hour, of equal ones the last. */
void identities_name(struct store *s, const struct id32 *identity, char out[PROFILE_NAME_BYTES])
{
	struct store_req req = {.op = STORE_FACT_BY,
		.a.identity = *identity,
		.a.number = FACT_MASK(FACT_PROFILE),
		.a.max = PROFILES_MAX};
	struct store_res res = {0};
	const struct fact *best = NULL;
	struct slice kind, fields, name;
	out[0] = 0;
	store_exec_one(s, &req, &res);
	for (size_t i = 0; res.err == OK && i < res.r.n; i++) {
		const struct fact *f = &res.r.facts[i];
		if (!f->cut && (!best || f->hour >= best->hour))
			best = f;
	}
	if (best && record_open(best->data, &kind, &fields) == OK &&
		record_get_str(fields, "name", &name) == OK && name.n < PROFILE_NAME_BYTES) {
		memcpy(out, name.p, name.n);
		out[name.n] = 0;
	}
	store_res_free(&res);
}

/* ---- making */

static enum err put_all_events(struct desk *d, const struct keyset *ks)
{
	size_t n = keyset_count(ks);
	struct store_keyevent *events = (struct store_keyevent *)calloc(n ? n : 1, sizeof *events);
	if (!events)
		return ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const struct keyevent *ev = keyset_at(ks, i);
		if (!ev) {
			free(events);
			return ERR_MEMORY;
		}
		events[i] = (struct store_keyevent){
			.bytes = ev->bytes, .signatures = ev->signatures, .id = ev->id};
	}
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_KEYS, .identity = *keyset_identity(ks), .events = events, .events_n = n};
	enum err e = desk_command(d, &cmd, NULL);
	free(events);
	return e;
}

static enum err follow(struct desk *d, const struct id32 *identity)
{
	struct engine_cmd cmd = {
		.kind = ENGINE_CMD_FOLLOW, .identity = *identity, .flag = true, .hosted = true};
	return desk_command(d, &cmd, NULL);
}

static enum err write_profile(struct desk *d, const struct owner *o, const char *name)
{
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "profile");
	mp_put_map(&m, 1);
	mp_put_cstr(&m, "name");
	mp_put_cstr(&m, name);
	enum err e = m.err;
	if (e == OK)
		e = ownlog_append_record(d, o, 0, buf_slice(&record), NULL);
	buf_free(&record);
	return e;
}

enum err identities_host(struct desk *d, const struct owner *o, struct keyset *ks)
{
	struct keyset_view v;
	struct identity_event ev = {0};
	uint8_t consent[64];
	enum err e = keyset_resolve(ks, &v);
	if (e != OK)
		return e;
	bool named = false;
	for (size_t i = 0; i < v.hostings_n; i++)
		named = named || id32_equal(&v.hostings[i].node_key, &d->keys->node_key);
	keyset_view_deinit(&v);
	if (named)
		return OK;
	keyevent_hosting_consent(
		&o->identity, &d->keys->node_key, &d->keys->notice_key, d->keys->receipt_secret, consent);
	e = identity_hosting(&desk_random, ks, &o->secrets, &d->keys->node_key, &d->keys->notice_key,
		&d->keys->receipt_key, consent, &ev);
	return ownlog_put_event(d, ks, &ev, e);
}

static void new_device(struct owner *o)
{
	randombytes_buf(o->device.sign_seed, sizeof o->device.sign_seed);
	randombytes_buf(o->device.box_secret, sizeof o->device.box_secret);
}

static enum err make(struct desk *d, const struct identity_new *in, struct owner *o)
{
	struct keyset *ks = NULL;
	new_device(o);
	enum err e = identity_create(
		&desk_random, in->kind, in->entropy, in->label, &o->device, NULL, 0, &ks, &o->secrets);
	if (e != OK)
		return e;
	o->identity = *keyset_identity(ks);
	e = keyfile_save(d->home, o);
	if (e == OK)
		e = put_all_events(d, ks);
	if (e == OK)
		e = identities_host(d, o, ks);
	if (e == OK && in->followed)
		e = follow(d, &o->identity);
	if (e == OK)
		e = ownlog_begin(d, o, ks);
	if (e == OK)
		e = write_profile(d, o, in->name);
	keyset_free(ks);
	return e;
}

enum err identities_make(struct desk *d, const struct identity_new *in, struct owner *o)
{
	desk_lock(d);
	enum err e = make(d, in, o);
	desk_unlock(d);
	return e;
}

/* ---- recovering */

/* Here already, or from peers. */
static enum err find(struct desk *d, const struct id32 *root_key, struct id32 *identity)
{
	struct store_req req = {.op = STORE_IDENTITY_FIND, .a.id = *root_key};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	if (e == OK)
		*identity = res.r.identity;
	store_res_free(&res);
	if (e != ERR_NOT_FOUND || !d->node)
		return e;
	struct engine_cmd cmd = {.kind = ENGINE_CMD_FIND, .id = *root_key};
	struct engine_event ev;
	e = desk_command(d, &cmd, &ev);
	if (e == OK)
		*identity = ev.identity;
	return e;
}

static struct id32 root_key_of(const uint8_t entropy[RECOVERY_ENTROPY_BYTES], enum recovery_label label)
{
	uint8_t root_seed[32], recovery_secret[32], root_secret[64];
	struct id32 root_key;
	recovery_keys(entropy, label, root_seed, recovery_secret);
	secret_sign_pair(root_seed, &root_key, root_secret);
	sodium_memzero(root_seed, sizeof root_seed);
	sodium_memzero(recovery_secret, sizeof recovery_secret);
	sodium_memzero(root_secret, sizeof root_secret);
	return root_key;
}

/* o->identity is found. */
static enum err recover(struct desk *d, const uint8_t entropy[RECOVERY_ENTROPY_BYTES],
	enum recovery_label label, struct owner *o)
{
	struct keyset *ks = NULL;
	enum err e = follow(d, &o->identity);
	if (e == OK)
		e = desk_keyset(d, &o->identity, &ks);
	if (e == OK)
		e = identity_recover(ks, entropy, label, &o->secrets);
	if (e == OK) {
		new_device(o);
		e = keyfile_save(d->home, o);
	}
	if (e == OK)
		e = identities_host(d, o, ks);
	keyset_free(ks);
	return e;
}

enum err identities_recover(struct desk *d, const uint8_t entropy[RECOVERY_ENTROPY_BYTES], struct owner *o)
{
	size_t again;
	const struct id32 root_key = root_key_of(entropy, RECOVERY_IDENTITY);
	desk_lock(d);
	enum err e = find(d, &root_key, &o->identity);
	if (e == OK)
		e = recover(d, entropy, RECOVERY_IDENTITY, o);
	desk_unlock(d);
	return e == OK ? ownlog_ensure(d, o, &again) : e;
}

/* Peers are asked for it only while this node does not have its network's key events yet: whatever else they found would be another network. */
static enum err find_network(struct desk *d, const struct id32 *root_key, struct id32 *network)
{
	struct store_req req = {.op = STORE_IDENTITY_FIND, .a.id = *root_key};
	struct store_res res;
	struct keyset *ks = NULL;
	*network = node_network(d->node);
	if (id32_is_zero(network))
		return ERR_NOT_FOUND;
	struct id32 found = {{0}};
	enum err e = desk_keyset(d, network, &ks);
	keyset_free(ks);
	if (e == ERR_NOT_FOUND) {
		e = find(d, root_key, &found);
	} else if (e == OK) {
		e = desk_store(d, &req, &res);
		found = e == OK ? res.r.identity : found;
		store_res_free(&res);
	}
	return e == OK && !id32_equal(&found, network) ? ERR_NOT_FOUND : e;
}

enum err identities_own_network(struct desk *d, const struct id32 *network, const struct id32 *owner)
{
	enum err e = desk_meta_put(d, "network_own", slice_of(network->b, 32));
	return e == OK ? desk_meta_put(d, "network_owner", slice_of(owner->b, 32)) : e;
}

enum err identities_recover_network(struct desk *d, const uint8_t entropy[RECOVERY_ENTROPY_BYTES],
	const struct id32 *owner, struct owner *o)
{
	size_t again;
	const struct id32 root_key = root_key_of(entropy, RECOVERY_NETWORK);
	desk_lock(d);
	enum err e = find_network(d, &root_key, &o->identity);
	if (e == OK)
		e = recover(d, entropy, RECOVERY_NETWORK, o);
	if (e == OK)
		e = identities_own_network(d, &o->identity, owner);
	desk_unlock(d);
	return e == OK ? ownlog_ensure(d, o, &again) : e;
}
