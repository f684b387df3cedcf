/* main.c -- quire-bench: how fast two nodes are, beside what the machine allows. */
#include "tools/bench/bench.h"
#include "tools/bench/store_limit.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define KEEP_BYTES (16 << 20)

struct bench {
	const char *name;
	int (*run)(struct bench_options *o);
	const char *what;
	uint64_t entries, logs, bytes; /* where the caller names none; 0: as usage_text has them */
};

static const struct bench benches[] = {
	{"sync", sync_main, "entries from one daemon to another; stored, reopened, hashed again", 0, 0, 0},
	{"blob", blob_main, "one blob from one daemon to another; synced, hashed again", 0, 0, 0},
	{"append", append_main, "single appends, each on the disk before the next: 1 caller, and 64", 2000, 1,
		0},
	{"latency", latency_main, "from an append at one node until it is committed at another", 2000, 1, 0},
	{"meet", meet_main,
		"two nodes with very many logs meet: 0, 1 and 100 of them different; and meet again", 100000,
		100000, 0},
	{"blobs", blobs_main, "10,000 blobs of 4 KiB from one daemon to another", 10000, 1, 4096},
	{"idle", idle_main, "a daemon with a million entries that has nothing to do: memory, start, wake-ups",
		1000000, 100, 0},
	{"search", search_main, "words in a catalogue of 10,000 among 100,000 people, asked of a daemon",
		2000, 1, 0},
	{"mesh", mesh_main, "1,000 simulated nodes: copies of an entry, hops, loss of a fifth of the nodes",
		1000, 1, 0},
	{"limit", limit_main, "the bare pipelines: the same work without engine or daemon", 0, 0, 0},
};

static const char usage_text[] =
	"\n"
	"  --logs L       logs, each of an identity of its own (1; meet: 100000, a thousand of one identity)\n"
	"  --entries N    entries in all (100000; append and latency: 2000)\n"
	"  --body B       bytes of content in each entry (300)\n"
	"  --bytes N      bytes of the blob (536870912)\n"
	"  --rate R       appends a second, for latency (100)\n"
	"  --runs R       runs; median, least and most are given (3)\n"
	"  --no-limit     without the bare pipeline beside it\n"
	"  --home DIR     where the homes are made ($TMPDIR, else /tmp); a folder of their own in it is removed at the end\n"
	"  --keep         leave that folder\n"
	"  --quired FILE  the daemon; else the quired beside this program\n"
	"  --json         one line of JSON, each figure as [median,least,most]\n"
	"\n"
	"quire-bench store-limit [--home DIR] [--entries N] [--body B]: rows in and out of the store alone.\n"
	"\n"
	"Both daemons, and the bare pipelines, run on this machine and share it: compare figures of one run.\n";

static void usage(FILE *f)
{
	fprintf(f, "usage: quire-bench BENCHMARK [options]\n\n");
	for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
		fprintf(f, "  %-8s %s\n", benches[i].name, benches[i].what);
	fputs(usage_text, f);
}

static _Noreturn void wrong(const char *why)
{
	fprintf(stderr, "quire-bench: %s\n\n", why);
	usage(stderr);
	exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end = NULL;
	errno = 0;
	uint64_t v = strtoull(text, &end, 10);
	if (errno || !end || end == text || *end || v < least || v > most)
		wrong("a number is wrong or out of its range");
	return v;
}

static void beside(char out[BENCH_PATH_BYTES])
{
	char self[BENCH_PATH_BYTES - 16];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = 0;
	snprintf(out, BENCH_PATH_BYTES, "%s/quired", dirname(self));
}

static void parse(int argc, char **argv, struct bench_options *o, const char **home)
{
	static const struct option options[] = {{"logs", 1, NULL, 'l'}, {"entries", 1, NULL, 'n'},
		{"body", 1, NULL, 'b'}, {"bytes", 1, NULL, 'B'}, {"rate", 1, NULL, 'r'},
		{"runs", 1, NULL, 'R'}, {"no-limit", 0, NULL, 'L'}, {"home", 1, NULL, 'H'},
		{"keep", 0, NULL, 'k'}, {"quired", 1, NULL, 'q'}, {"json", 0, NULL, 'j'},
		{"help", 0, NULL, 'h'}, {0}};
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'l': o->logs = number(optarg, 1, 100000); break;
		case 'n': o->entries = number(optarg, 1, 100000000); break;
		case 'b': o->body = number(optarg, 60, LIMIT_BODY_BYTES - ENTRY_SALT_BYTES); break;
		case 'B': o->bytes = number(optarg, 1, (uint64_t)LIMIT_BLOB_CHUNKS * BLOB_CHUNK_BYTES); break;
		case 'r': o->rate = number(optarg, 1, 100000); break;
		case 'R': o->runs = number(optarg, 1, BENCH_RUNS_MAX); break;
		case 'L': o->bare = false; break;
		case 'H': *home = optarg; break;
		case 'k': o->keep = true; break;
		case 'q': snprintf(o->quired, sizeof o->quired, "%s", optarg); break;
		case 'j': o->json = true; break;
		case 'h': usage(stdout); exit(0);
		default: wrong("an option is unknown");
		}
	}
	if (optind + 1 != argc)
		wrong("one benchmark is needed");
}

static int run(const struct bench *b, struct bench_options *o, const char *home)
{
	if (o->entries == 0)
		o->entries = b->entries ? b->entries : 100000;
	if (o->logs == 0)
		o->logs = b->logs ? b->logs : 1;
	if (o->bytes == 0)
		o->bytes = b->bytes ? b->bytes : 512u << 20;
	if (o->entries < o->logs)
		wrong("there are fewer entries than logs");
	snprintf(o->dir, sizeof o->dir, "%s/quire-bench.XXXXXX", home);
	if (!mkdtemp(o->dir))
		bench_fail(o->dir, strerror(errno));
	int rc = b->run(o);
	if (o->keep)
		fprintf(stderr, "quire-bench: kept %s\n", o->dir);
	else
		bench_remove(o->dir);
	return rc;
}

int main(int argc, char **argv)
{
	struct bench_options o = {.body = 300, .runs = 3, .rate = 100, .bare = true};
	const char *home = getenv("TMPDIR");
	home = home && *home ? home : "/tmp";
	if (argc > 1 && strcmp(argv[1], "store-limit") == 0)
		return store_limit_main(argc - 1, argv + 1);
	(void)mallopt(M_MMAP_THRESHOLD, KEEP_BYTES); /* as quired has it */
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	beside(o.quired);
	parse(argc, argv, &o, &home);
	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0)
		bench_fail("libsodium", "the system gives no random numbers");
	for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
		if (strcmp(argv[optind], benches[i].name) == 0)
			return run(&benches[i], &o, home);
	wrong("there is no such benchmark");
}
