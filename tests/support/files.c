#define _XOPEN_SOURCE 700
#include "tests/support/files.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int drop(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

int remove_tree(const char *dir)
{
	return nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
}

static void copy_file(const char *from, const char *to)
{
	char buf[65536];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;
	if (!in || !out)
		abort();
	while ((n = fread(buf, 1, sizeof buf, in)) > 0)
		if (fwrite(buf, 1, n, out) != n)
			abort();
	fclose(in);
	if (fclose(out) != 0)
		abort();
}

static const char *copy_from, *copy_to;

static int copy_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	char to[2048];
	(void)st, (void)at;
	snprintf(to, sizeof to, "%s%s", copy_to, path + strlen(copy_from));
	if (flag == FTW_D)
		return mkdir(to, 0700);
	if (flag == FTW_F)
		copy_file(path, to);
	return 0;
}

void copy_tree(const char *from, const char *to)
{
	copy_from = from;
	copy_to = to;
	if (nftw(from, copy_one, 16, FTW_PHYS) != 0)
		abort();
}

static void must_truncate(const char *path)
{
	if (truncate(path, 0) != 0)
		abort();
}

void overwrite_tree(const char *from, const char *to)
{
	char a[2048], b[2048];
	static const char *const names[] = {"quire.db", "quire.db-wal", "quire.db-shm", "instance"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(a, sizeof a, "%s/%s", from, names[i]);
		snprintf(b, sizeof b, "%s/%s", to, names[i]);
		if (access(a, F_OK) == 0)
			copy_file(a, b);
		else if (access(b, F_OK) == 0)
			must_truncate(b);
	}
}

int same_files(const char *a, const char *b)
{
	char x[65536], y[65536];
	FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
	int differ = !f || !g;
	size_t n = 1;
	while (!differ && n > 0) {
		n = fread(x, 1, sizeof x, f);
		differ = fread(y, 1, sizeof y, g) != n || memcmp(x, y, n) != 0;
	}
	if (f)
		fclose(f);
	if (g)
		fclose(g);
	return differ;
}

void blob_path(const struct world_node *n, const struct id32 *root, char out[1024])
{
	char hex[65];
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", root->b[i]);
	snprintf(out, 1024, "%s/blobs/%.2s/%s", n->home, hex, hex);
}
