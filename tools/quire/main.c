/* main.c -- quire: what a person types. */
#include "cli.h"

#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>

/* Passphrases and codes pass through JSON values: none of them stays in freed memory. */
static void wipe_free(void *p)
{
	if (p)
		sodium_memzero(p, malloc_usable_size(p));
	free(p);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(malloc, wipe_free);
	if (sodium_init() < 0) {
		fprintf(stderr, "quire: the system gives no random numbers\n");
		return CLI_FAILED;
	}
	return cli_main(argc, argv, stdin, stdout, stderr);
}
