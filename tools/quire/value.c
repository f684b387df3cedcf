/* value.c -- values of options, the word that was probably meant, and the exit code of an error. */
#include "cli.h"

#include <errno.h>

#define SECONDS_MAX (3660ull * 86400)
#define WORD_BYTES_MAX 64u

enum err cli_number(const char *text, uint64_t *out)
{
	char *end = NULL;
	if (*text < '0' || *text > '9')
		return ERR_INPUT;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*end)
		return ERR_INPUT;
	if (errno == ERANGE || v > INT64_MAX)
		return ERR_RANGE;
	*out = v;
	return OK;
}

enum err cli_duration(const char *text, uint64_t *seconds)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	char digits[20];
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n >= sizeof digits || strlen(text) != n + 1)
		return ERR_INPUT;
	memcpy(digits, text, n);
	digits[n] = 0;
	uint64_t v = 0;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (units[i].unit != text[n])
			continue;
		if (cli_number(digits, &v) != OK || v == 0 || v > SECONDS_MAX / units[i].seconds)
			return ERR_RANGE;
		*seconds = v * units[i].seconds;
		return OK;
	}
	return ERR_INPUT;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t cli_distance(const char *a, const char *b)
{
	size_t row[WORD_BYTES_MAX + 1], b_n = strnlen(b, WORD_BYTES_MAX);
	for (size_t j = 0; j <= b_n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_n; j++) {
			size_t above = row[j];
			row[j] = least(
				least(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1] ? 1u : 0u));
			diagonal = above;
		}
	}
	return row[b_n];
}

const char *cli_suggest(const char *given, const char *const *words, size_t n)
{
	const char *best = NULL;
	/* A third of the letters may be wrong, and two in short words. */
	size_t nearest = strlen(given) / 3 + 2;
	for (size_t i = 0; i < n; i++) {
		size_t d = cli_distance(given, words[i]);
		if (d < nearest && d < strlen(words[i])) {
			nearest = d;
			best = words[i];
		}
	}
	return best;
}

static int exit_of(enum err e)
{
	switch (e) {
	case ERR_OK: return CLI_DONE;
	case ERR_INPUT:
	case ERR_RANGE:
	case ERR_FORMAT:
	case ERR_AMBIGUOUS: return CLI_USAGE;
	case ERR_NOT_FOUND:
	case ERR_ERASED: return CLI_NOT_FOUND;
	case ERR_REFUSED:
	case ERR_LOCKED:
	case ERR_PASSPHRASE:
	case ERR_DECRYPT:
	case ERR_EXPIRED:
	case ERR_USED: return CLI_REFUSED;
	case ERR_SIGNATURE:
	case ERR_HASH:
	case ERR_CHAIN:
	case ERR_FORK:
	case ERR_CORRUPT: return CLI_FALSE;
	case ERR_PENDING: return CLI_UNKNOWN;
	case ERR_TIMEOUT: return CLI_PARTLY;
	case ERR_MEMORY:
	case ERR_LIMIT:
	case ERR_STATE:
	case ERR_VERSION:
	case ERR_WIRE:
	case ERR_EXISTS:
	case ERR_IO:
	case ERR_FULL:
	case ERR_NEWER:
	case ERR_BUSY:
	case ERR_CLOSED:
	case ERR_UNREACHABLE:
	case ERR_DUPLICATE:
	case ERR_ENOUGH: return CLI_FAILED;
	}
	return CLI_FAILED;
}

int cli_exit_of(const char *code, long status)
{
#define ERR(name, number, text) \
	if (strcmp(code, #name) == 0) \
		return exit_of(ERR_##name);
#include "err.def"
#undef ERR
	/* Ours alone: no node says them. */
	if (strcmp(code, "USAGE") == 0)
		return CLI_USAGE;
	if (strcmp(code, "NO_DAEMON") == 0)
		return CLI_UNREACHABLE;
	if (strcmp(code, "INTERRUPTED") == 0)
		return CLI_INTERRUPTED;
	if (status == 404 || status == 410)
		return CLI_NOT_FOUND;
	return status == 401 || status == 403 ? CLI_REFUSED : CLI_FAILED;
}
