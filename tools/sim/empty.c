/* empty.c -- an empty database, made by the real store once for many runs: small runs would spend a quarter of their time on making it, node by node. */
#include "protocol/award/facts.h"
#include "tools/sim/many.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool take_file(const char *path, struct buf *out)
{
	uint8_t part[65536];
	size_t n = 0;
	FILE *f = fopen(path, "rb");
	bool good = f != NULL;
	while (good && (n = fread(part, 1, sizeof part, f)) > 0)
		good = buf_put(out, part, n) == OK;
	if (f)
		fclose(f);
	return good && out->n > 0;
}

void sim_empty_make(const char *dir, struct buf *out)
{
	char home[240], path[260];
	snprintf(home, sizeof home, "%s/quire-sim-XXXXXX", dir);
	bool good = mkdtemp(home) != NULL;
	snprintf(path, sizeof path, "%s/quire.db", home);
	struct store_options o = {
		.home = home, .create = true, .facts = facts_make, .facts_made_late = FACTS_MADE_LATE};
	struct store *s = NULL;
	good = good && store_open(&o, &s) == OK;
	store_close(s);
	if (!good || !take_file(path, out)) {
		fprintf(stderr, "quire-sim: no empty database under %s\n", dir);
		abort();
	}
	unlink(path);
	rmdir(home);
}

void sim_empty_put(struct disks *d, struct slice empty, const char *home)
{
	char path[700];
	if (mkdir(home, 0700) != 0)
		abort();
	snprintf(path, sizeof path, "%s/quire.db", home);
	disk_file_put(d, path, empty);
}
