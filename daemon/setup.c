/* setup.c -- see setup.h. */
#include "setup.h"

#include "admissions.h"
#include "home.h"
#include "http_uri.h"
#include "keyring.h"
#include "offline.h"
#include "roots.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err say(char why[256], enum err e, const char *what)
{
	snprintf(why, 256, "%s: %s", what, err_text(e));
	return e;
}

static enum err check(const struct setup *in, char why[256])
{
	char path[HOME_PATH_BYTES];
	struct stat st;
	size_t n = strlen(in->name);
	if (n == 0 || n > LIMIT_NAME_BYTES || !http_utf8(in->name)) {
		snprintf(why, 256, "a name has 1 to %d bytes of UTF-8", LIMIT_NAME_BYTES);
		return ERR_INPUT;
	}
	if (!in->recover && (in->passphrase.n == 0 || in->passphrase.n > PASSPHRASE_BYTES_MAX)) {
		snprintf(why, 256, "a passphrase has 1 to %u bytes", PASSPHRASE_BYTES_MAX);
		return ERR_INPUT;
	}
	if (home_path(in->home, "quire.db", path) != OK)
		return say(why, ERR_LIMIT, "the home's path");
	if (stat(path, &st) == 0) {
		snprintf(why, 256, "there is a node in %.150s already: choose another --home", in->home);
		return ERR_EXISTS;
	}
	return OK;
}

/* What was made before something failed; a home that was there before is not touched: home_create refuses it. */
static void undo(const char *home)
{
	static const char *const names[] = {
		"keys/node", "quire.db", "quire.db-wal", "quire.db-shm", "instance", "roots", "lock"};
	char path[HOME_PATH_BYTES];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (home_path(home, names[i], path) == OK)
			(void)unlink(path);
}

static enum err write_meta(struct desk *d, const struct id32 *identity, const struct id32 *network)
{
	enum err e = desk_meta_put(d, "network", slice_of(network->b, 32));
	return e == OK ? identities_own_network(d, network, identity) : e;
}

/* Both from one code, under one passphrase; each key file has a salt of its own. */
static enum err make_identities(
	const struct setup *in, struct offline *o, struct keyring *k, struct setup_out *out)
{
	uint8_t entropy[RECOVERY_ENTROPY_BYTES];
	struct desk *d = offline_desk(o);
	randombytes_buf(entropy, sizeof entropy);
	struct identity_new self = {.kind = in->kind,
		.entropy = entropy,
		.label = RECOVERY_IDENTITY,
		.name = in->name,
		.followed = true};
	struct identity_new network = {.kind = IDENTITY_NETWORK,
		.entropy = entropy,
		.label = RECOVERY_NETWORK,
		.name = in->name,
		.followed = true};
	enum err e = keyfile_lock_new(in->passphrase, &k->self.lock);
	if (e == OK)
		e = keyfile_lock_new(in->passphrase, &k->network.lock);
	if (e == OK)
		e = identities_make(d, &network, &k->network);
	if (e == OK)
		e = identities_make(d, &self, &k->self);
	if (e == OK)
		e = offline_network(o, &k->network.identity);
	if (e == OK)
		e = admissions_put(d, &k->network, &d->keys->node_key, in->name, NULL);
	if (e == OK)
		e = write_meta(d, &k->self.identity, &k->network.identity);
	if (e == OK) {
		out->identity = k->self.identity;
		out->network = k->network.identity;
		identities_did(&k->self.secrets.badge_key, out->did);
		recovery_format(entropy, out->code);
	}
	sodium_memzero(entropy, sizeof entropy);
	return e;
}

/* Whom the operator trusts from the first day: himself. */
static enum err plant_roots(const struct setup *in, const struct setup_out *out)
{
	enum err e = roots_add(in->home, &out->identity, in->name);
	return e == OK ? roots_add(in->home, &out->network, "the network of this node") : e;
}

static enum err furnish(
	const struct setup *in, const struct node_keys *keys, struct setup_out *out, char why[256])
{
	struct offline *o = NULL;
	enum err e = offline_open(in->home, true, keys, NULL, &o, why);
	if (e != OK)
		return e;
	e = desk_meta_put(offline_desk(o), "name", slice_str(in->name));
	struct keyring *k = in->recover ? NULL : keyring_new();
	if (e == OK && !in->recover)
		e = k ? make_identities(in, o, k, out) : ERR_MEMORY;
	if (e == OK && !in->recover)
		e = plant_roots(in, out);
	keyring_free(k);
	offline_close(o);
	return e == OK ? OK : say(why, e, "the first identity cannot be made");
}

enum err setup_home(const struct setup *in, struct setup_out *out, char why[256])
{
	int lock = -1;
	*out = (struct setup_out){0};
	why[0] = 0;
	if (sodium_init() < 0)
		return say(why, ERR_IO, "the system gives no random numbers");
	char socket[HOME_SOCKET_BYTES]; /* no daemon could ever serve it */
	enum err e = check(in, why);
	if (e == OK)
		e = home_socket(in->home, socket, why);
	if (e == OK)
		e = home_create(in->home, why);
	if (e != OK)
		return e;
	struct node_keys *keys = (struct node_keys *)sodium_malloc(sizeof *keys);
	e = keys ? home_lock(in->home, &lock, why) : say(why, ERR_MEMORY, "the node's keys");
	if (e == OK)
		e = home_keys(in->home, keys, why);
	if (e == OK)
		e = furnish(in, keys, out, why);
	if (e == OK)
		out->node = keys->node_key;
	if (e != OK) {
		undo(in->home);
		sodium_memzero(out, sizeof *out);
	}
	home_unlock(&lock);
	sodium_free(keys);
	return e;
}
