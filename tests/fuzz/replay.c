/* replay.c -- the main of a fuzz target without a fuzzer: gives it every file of its corpus, as `make test` does.
 *
 *     fuzz_NAME [file or folder...]      without arguments: tests/fuzz/corpus/NAME
 *
 * Prints TAP with one test; the last line before a crash names the input. No input at all is a failure. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

#define INPUT_BYTES_MAX (16u << 20)
#define FILES_MAX 4096u

static size_t replayed, failed;

static void bad(const char *path, const char *what)
{
	printf("# %s: %s\n", path, what);
	failed++;
}

/* The bytes in memory of just their size, so that one read too many is seen under a sanitizer. */
static void replay_file(const char *path, size_t size)
{
	if (size > INPUT_BYTES_MAX) {
		bad(path, "is too large");
		return;
	}
	FILE *in = fopen(path, "rb");
	uint8_t *p = malloc(size ? size : 1);
	if (!in || !p || fread(p, 1, size, in) != size) {
		bad(path, "cannot be read");
	} else {
		printf("# %s\n", path);
		fflush(stdout);
		LLVMFuzzerTestOneInput(p, size);
		replayed++;
	}
	if (in)
		fclose(in);
	free(p);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void replay(const char *path);

/* In the order of their names: the same in every run. */
static void replay_folder(const char *path)
{
	char *names[FILES_MAX];
	size_t n = 0;
	DIR *d = opendir(path);
	const struct dirent *entry;
	while (d && n < FILES_MAX && (entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.' && (names[n] = strdup(entry->d_name)) != NULL)
			n++;
	if (d)
		closedir(d);
	if (n == FILES_MAX)
		bad(path, "has too many files");
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++) {
		char file[4096];
		if ((size_t)snprintf(file, sizeof file, "%s/%s", path, names[i]) < sizeof file)
			replay(file);
		else
			bad(path, "has a name that is too long");
		free(names[i]);
	}
}

static void replay(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		bad(path, "is not there");
	else if (S_ISDIR(st.st_mode))
		replay_folder(path);
	else
		replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	name = name ? name + 1 : argv[0];
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	printf("1..1\n");
	char path[512];
	snprintf(path, sizeof path, "tests/fuzz/corpus/%.200s", name);
	if (argc < 2)
		replay(path);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	bool ok = replayed > 0 && failed == 0;
	printf("%s 1 - %s takes the %zu inputs of its corpus\n", ok ? "ok" : "not ok", name, replayed);
	return ok ? 0 : 1;
}
