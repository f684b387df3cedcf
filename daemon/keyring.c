/* keyring.c -- see keyring.h. */
#include "keyring.h"

#include <sodium.h>

struct keyring *keyring_new(void)
{
	struct keyring *k = (struct keyring *)sodium_malloc(sizeof *k);
	if (k)
		memset(k, 0, sizeof *k);
	return k;
}

void keyring_free(struct keyring *k)
{
	sodium_free(k); /* wipes */
}

enum err keyring_open(const char *home, const struct id32 *identity, const struct id32 *network,
	struct slice passphrase, struct keyring **out)
{
	struct keyring *k = keyring_new();
	if (!k)
		return ERR_MEMORY;
	k->self.identity = *identity;
	enum err e = keyfile_open(home, passphrase, &k->self);
	if (e == OK && network) {
		/* A network whose file is gone, or has another passphrase by now, does not keep its owner out. */
		k->network.identity = *network;
		k->has_network = keyfile_open(home, passphrase, &k->network) == OK;
	}
	if (e != OK)
		keyring_free(k);
	else
		*out = k;
	return e;
}
