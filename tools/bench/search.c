/* search.c -- `quire-bench search`: words asked of a daemon that knows many micro-credentials and very many people, at its socket.
 * The bare limit: the same words asked of the index alone, in this process. */
#include "tools/bench/bench.h"

#include "protocol/award/definition.h"
#include "protocol/log/mp.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define CATALOGUE 10000u
#define PEOPLE 100000u
#define ISSUERS 20u
#define VOCABULARY 4000u
#define WARM_UP 50u

/* Words by rank as they are in a language: the k-th is about 1/k as frequent as the first. Always the same ones. */
struct words {
	uint64_t state;
	char text[VOCABULARY][16];
};

static uint64_t below(struct words *w, uint64_t n)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (w->state >> 33) % n;
}

static void words_init(struct words *w)
{
	static const char *const parts[] = {"ta", "ren", "mo", "lis", "ke", "dun", "par", "si", "vol", "che",
		"ba", "rit", "un", "gra", "fel", "no", "sta", "mer", "il", "qua"};
	const uint64_t n = sizeof parts / sizeof *parts;
	w->state = 1;
	for (size_t i = 0; i < VOCABULARY; i++)
		snprintf(w->text[i], sizeof w->text[i], "%s%s%s%s", parts[below(w, n)], parts[i % n],
			parts[i / n % n], parts[i / n / n % n]);
}

static const char *word(struct words *w)
{
	uint64_t most = 1 + below(w, VOCABULARY);
	return w->text[below(w, most)];
}

static void sentence(struct words *w, size_t n, char *out, size_t room)
{
	out[0] = 0;
	for (size_t at = 0; n-- > 0;)
		at += (size_t)snprintf(out + at, room - at, at ? " %s" : "%s", word(w));
}

/* ---- what is there to be found */

static void put_record(struct buf *b, const char *kind, const char *field, struct slice text)
{
	struct mp_out o = mp_out_init(b);
	mp_put_array(&o, 2);
	mp_put_cstr(&o, kind);
	mp_put_map(&o, 1);
	mp_put_cstr(&o, field);
	mp_put_str(&o, text);
	bench_must(o.err, "a record");
}

static const char definition_form[] =
	"{\"title\":\"%s\",\"competency\":\"%s.\",\"key_method\":\"%s.\",\"method_components\":[\"%s\",\"%s\"],"
	"\"research\":[\"%s\"],\"resources\":[\"%s\"],\"categories\":[\"%s\"],\"tags\":[\"%s\",\"%s\"],"
	"\"problems\":[\"%s\",\"%s\"],\"language\":\"en\",\"licence\":\"CC-BY-4.0\","
	"\"requirements\":[{\"id\":\"r1\",\"kind\":\"artifact\",\"prompt\":\"%s\",\"evidence_kinds\":[\"document\"]}],\"rubric\":[{\"id\":\"c1\",\"name\":\"One\",\"levels\":["
	"{\"id\":\"no\",\"name\":\"Not yet\",\"description\":\"%s\",\"points\":0},"
	"{\"id\":\"yes\",\"name\":\"Met\",\"description\":\"%s\",\"points\":1}],\"required_level\":\"yes\"}],"
	"\"review\":{\"reviewers\":1}}";

static void put_definition(struct words *w, struct buf *record)
{
	static const uint8_t lengths[] = {5, 20, 40, 15, 15, 18, 12, 2, 2, 3, 7, 8, 12, 15, 15};
	char t[sizeof lengths][600], text[8192];
	struct definition d;
	struct buf canonical = {0};
	for (size_t i = 0; i < sizeof lengths; i++)
		sentence(w, lengths[i], t[i], sizeof t[i]);
	int n = snprintf(text, sizeof text, definition_form, t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7],
		t[8], t[9], t[10], t[11], t[12], t[13], t[14]);
	bench_must(definition_read(slice_of((uint8_t *)text, (size_t)n), &d, &canonical), "a definition");
	definition_deinit(&d);
	put_record(record, "microcredential", "definition", buf_slice(&canonical));
	buf_free(&canonical);
}

static void publish(struct bench_home *h, struct words *w, struct bench_log *issuers)
{
	struct store *s = bench_open(h, false);
	struct store_req reqs[BENCH_BATCH];
	for (size_t i = 0; i < CATALOGUE;) {
		size_t k = 0;
		for (; k < BENCH_BATCH && i < CATALOGUE; k++, i++) {
			struct buf record = {0};
			struct arena mem = {0};
			reqs[k] = (struct store_req){0};
			put_definition(w, &record);
			bench_record(
				&issuers[i % ISSUERS], ENTRY_FLAG_KEEP, buf_slice(&record), &mem, &reqs[k]);
			reqs[k].mem = mem;
			buf_free(&record);
		}
		bench_batch(s, reqs, k);
	}
	store_close(s);
}

/* Each with a log of one entry, which says the name. Nobody asks for their keys. */
static void crowd(struct bench_home *h, struct words *w, const struct bench_log *of)
{
	struct store *s = bench_open(h, false);
	struct store_req reqs[BENCH_BATCH];
	for (size_t i = 0; i < PEOPLE;) {
		size_t k = 0;
		for (; k < BENCH_BATCH && i < PEOPLE; i++) {
			char name[64];
			struct buf record = {0};
			struct arena mem = {0};
			struct bench_log l = *of;
			randombytes_buf(&l.identity, sizeof l.identity);
			l.log = entry_log_id(&l.identity, &l.device_key);
			l.length = 0;
			l.last = (struct id32){{0}};
			sentence(w, 2, name, sizeof name);
			put_record(&record, "profile", "name", slice_str(name));
			reqs[k] = (struct store_req){0};
			bench_record(&l, 0, buf_slice(&record), &mem, &reqs[k]);
			reqs[k++].mem = mem;
			buf_free(&record);
		}
		bench_batch(s, reqs, k);
	}
	store_close(s);
}

/* ---- asking */

/* One to four words, every fifth time only the beginning of the last. */
static void question(struct words *w, uint64_t i, char *out, size_t room)
{
	sentence(w, 1 + i % 4, out, room);
	size_t n = strlen(out);
	if (i % 5 == 4 && n > 5)
		out[n - 1] = 0;
}

static void ask_daemon(struct bench_options *o, struct bench_report *r, const struct bench_home *h,
	struct words *w, double *took_s)
{
	struct bench_daemon d;
	char words[128], path[256];
	uint64_t found = 0;
	bench_daemon_start(o, h, false, &d);
	int fd = bench_dial(h);
	for (uint64_t i = 0; i < o->entries + WARM_UP; i++) {
		struct buf answer = {0};
		question(w, i, words, sizeof words);
		for (char *p = words; *p; p++)
			*p = *p == ' ' ? '+' : *p;
		snprintf(path, sizeof path, "/api/v1/search?q=%s", words);
		double began_s = bench_now_s();
		bench_get(fd, path, &answer);
		if (i >= WARM_UP)
			took_s[i - WARM_UP] = bench_now_s() - began_s;
		found += memmem(answer.p, answer.n, "\"why\"", 5) != NULL;
		buf_free(&answer);
	}
	close(fd);
	bench_daemon_stop(&d);
	bench_add(r, "p50_ms", "ms", bench_part(took_s, o->entries, 0.5) * 1e3);
	bench_add(r, "p99_ms", "ms", bench_part(took_s, o->entries, 0.99) * 1e3);
	bench_add(r, "most_ms", "ms", bench_part(took_s, o->entries, 1) * 1e3);
	bench_add(r, "answered", "of the questions, with something found",
		(double)found / (double)(o->entries + WARM_UP));
	bench_add(r, "peak_mib", "MiB", d.peak_mib);
	if (found < o->entries / 2)
		bench_fail("the daemon", "it finds too little of what is there");
}

static void ask_index(struct bench_options *o, struct bench_report *r, const struct bench_home *h,
	struct words *w, double *took_s)
{
	struct store *s = bench_open(h, true);
	char words[128];
	for (uint64_t i = 0; i < o->entries; i++) {
		question(w, i, words, sizeof words);
		struct store_req q = {.op = STORE_FACT_SEARCH,
			.a.bytes = slice_str(words),
			.a.number = FACT_MASK(FACT_DEFINITION),
			.a.max = 50};
		struct store_res res;
		double began_s = bench_now_s();
		store_exec_one(s, &q, &res);
		took_s[i] = bench_now_s() - began_s;
		bench_must(res.err, "a search");
		store_res_free(&res);
	}
	store_close(s);
	bench_add(r, "limit_p50_ms", "ms, the index alone", bench_part(took_s, o->entries, 0.5) * 1e3);
	bench_add(r, "limit_p99_ms", "ms, the index alone", bench_part(took_s, o->entries, 0.99) * 1e3);
}

int search_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	struct words *w = bench_memory(sizeof *w);
	double *took_s = bench_memory(o->entries * sizeof *took_s);
	struct bench_log issuers[ISSUERS];
	struct bench_home h;
	r->name = "search";
	words_init(w);
	bench_home_make(o, "home", &h);
	bench_identities(&h, issuers, ISSUERS);
	bench_follow(&h, issuers, ISSUERS);
	bench_fill(&h, issuers, ISSUERS, 1, o->body);
	publish(&h, w, issuers);
	crowd(&h, w, &issuers[0]);
	for (uint64_t i = 0; i < o->runs; i++) {
		ask_daemon(o, r, &h, w, took_s);
		if (o->bare)
			ask_index(o, r, &h, w, took_s);
	}
	bench_print(r, o);
	free(took_s);
	free(w);
	free(r);
	return 0;
}
