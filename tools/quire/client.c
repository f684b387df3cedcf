/* client.c -- see client.h. */
#include "client.h"

#include "daemon/home.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

#define ANSWER_BYTES_MAX (64u << 20)
#define ANSWER_SECONDS_MAX 300L
#define STALL_SECONDS_MAX 120L

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

void cli_interruptible(bool on)
{
	struct sigaction action = {.sa_handler = on ? on_interrupt : SIG_DFL};
	sigaction(SIGINT, &action, NULL);
}

bool cli_interrupted(void)
{
	return interrupted != 0;
}

/* ---- progress */

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void cli_progress(struct cli_progress *p, uint64_t now, uint64_t total)
{
	int64_t t = now_ms();
	if (!p->begun_ms)
		p->begun_ms = t;
	int64_t passed = t - p->begun_ms;
	if (!p->what || passed < 2000 || t - p->shown_ms < 250 || !cli_terminal(p->c->err))
		return;
	char done[32], all[32], rate[32], left[48] = "", name[160];
	uint64_t per_s = now * 1000 / (uint64_t)passed;
	if (total > now && per_s) {
		uint64_t s = (total - now) / per_s;
		snprintf(left, sizeof left, s < 120 ? ", %llu s left" : ", %llu min left",
			(unsigned long long)(s < 120 ? s : (s + 59) / 60));
	}
	fprintf(p->c->err, "\r\033[K%s  %s of %s, %s/s%s", cli_clean(p->what, name, sizeof name),
		cli_size(p->before + now, done, sizeof done), cli_size(p->before + total, all, sizeof all),
		cli_size(per_s, rate, sizeof rate), left);
	(void)fflush(p->c->err);
	p->shown_ms = t;
	p->shown = true;
}

void cli_progress_end(struct cli_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", p->c->err);
	p->shown = false;
}

/* ---- one request */

struct transfer {
	struct cli_request *r;
	CURL *curl;
	struct buf answer;
	struct cli_progress progress;
	bool sink_failed;
};

static size_t on_bytes(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = (struct transfer *)ctx;
	long status = 0;
	n *= size;
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->r->sink && (status == 200 || status == 206)) {
		/* The daemon gives all of it: what was there before is written again. */
		if (status == 200 && t->r->from) {
			if (fseeko(t->r->sink, 0, SEEK_SET) != 0)
				return 0;
			t->r->from = t->progress.before = 0;
		}
		t->sink_failed = fwrite(p, 1, n, t->r->sink) != n;
		return t->sink_failed ? 0 : n;
	}
	if (t->answer.n + n > ANSWER_BYTES_MAX || buf_put(&t->answer, p, n) != OK)
		return 0;
	return n;
}

static size_t on_read(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = (struct transfer *)ctx;
	size_t got = fread(p, size, n, t->r->upload);
	return got == 0 && ferror(t->r->upload) ? CURL_READFUNC_ABORT : got * size;
}

static int on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct transfer *t = (struct transfer *)ctx;
	bool upload = t->r->upload != NULL;
	cli_progress(&t->progress, (uint64_t)(upload ? up : down), (uint64_t)(upload ? up_all : down_all));
	return interrupted && !t->r->to_the_end ? 1 : 0;
}

static struct curl_slist *headers(struct cli_call *c, const struct cli_request *r)
{
	char line[160];
	struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json, */*");
	list = curl_slist_append(list,
		r->upload ? "Content-Type: application/octet-stream" : "Content-Type: application/json");
	if (*c->as_id) {
		snprintf(line, sizeof line, "Quire-As: %s", c->as_id);
		list = curl_slist_append(list, line);
	}
	if (r->once) {
		snprintf(line, sizeof line, "Idempotency-Key: %s", r->once);
		list = curl_slist_append(list, line);
	}
	if (r->from) {
		snprintf(line, sizeof line, "Range: bytes=%llu-", (unsigned long long)r->from);
		list = curl_slist_append(list, line);
	}
	return list;
}

static void set_body(CURL *curl, struct transfer *t, const char *text)
{
	const struct cli_request *r = t->r;
	if (r->upload) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(curl, CURLOPT_READDATA, t);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->upload_size);
	} else if (text) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	}
	if (strcmp(r->method, "GET") != 0)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
	if (r->upload || r->sink) {
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS_MAX);
	} else {
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, ANSWER_SECONDS_MAX);
	}
}

static CURLcode perform(
	struct cli_call *c, struct transfer *t, const char *socket_path, struct curl_slist *list)
{
	char url[CLI_PATH_BYTES + 32];
	char *text = t->r->body ? json_dumps(t->r->body, JSON_COMPACT) : NULL;
	CURL *curl = t->curl;
	snprintf(url, sizeof url, "http://quire%s", t->r->path);
	t->progress = (struct cli_progress){.c = c, .what = t->r->what, .before = t->r->from};
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	set_body(curl, t, text);
	CURLcode code = curl_easy_perform(curl);
	cli_progress_end(&t->progress);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &t->r->status);
	struct curl_header *verdict;
	if (curl_easy_header(curl, "Quire-Verdict", 0, CURLH_HEADER, -1, &verdict) == CURLHE_OK)
		snprintf(t->r->verdict, sizeof t->r->verdict, "%s", verdict->value);
	void (*wipe)(void *) = NULL;
	json_get_alloc_funcs(NULL, &wipe);
	wipe(text);
	return code;
}

/* ---- what came of it */

static int no_daemon(struct cli_call *c, const struct cli_request *r, const char *socket_path)
{
	if (r->quiet)
		return CLI_UNREACHABLE;
	return cli_problemf(c, "NO_DAEMON", "no daemon answers at %s: start it with quired --home %s",
		socket_path, c->home);
}

static int failed(struct cli_call *c, struct transfer *t, CURLcode code, const char *socket_path)
{
	if (interrupted && code == CURLE_ABORTED_BY_CALLBACK)
		return cli_problem(c, "INTERRUPTED", 0,
			t->r->upload ? "stopped: nothing was added."
				     : "stopped. The same command goes on from here.");
	if (t->sink_failed)
		return cli_problemf(c, "IO", "cannot write: %s.", strerror(errno));
	if (code == CURLE_COULDNT_CONNECT)
		return no_daemon(c, t->r, socket_path);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return cli_problem(c, "TIMEOUT", 0,
			"the daemon took too long. It may still be at work: look before you try again.");
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return cli_problem(c, "IO", 0, "the file could not be read to its end.");
	if (t->r->sink)
		return cli_problemf(c, "TIMEOUT",
			"the daemon broke off (%s). The same command goes on from here.",
			curl_easy_strerror(code));
	return cli_problemf(c, "CLOSED",
		"the daemon broke off (%s). Look whether it was done before you try again.",
		curl_easy_strerror(code));
}

static int refused(struct cli_call *c, const struct cli_request *r, const json_t *problem)
{
	const char *code = json_string_value(json_object_get(problem, "code"));
	const char *title = json_string_value(json_object_get(problem, "title"));
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	char text[1024];
	if (!title)
		snprintf(text, sizeof text, "the daemon answered with HTTP status %ld, and did not say why.",
			r->status);
	else if (detail && strncasecmp(title, detail, strlen(title)) == 0) /* it says the same, and more */
		snprintf(text, sizeof text, "%s", detail);
	else
		snprintf(text, sizeof text, "%s%s%s", title, detail && *detail ? ". " : "",
			detail ? detail : "");
	return cli_problem_with(
		c, code ? code : "HTTP", r->status, text, json_object_get(problem, "findings"));
}

static int settle(struct cli_call *c, struct transfer *t)
{
	struct cli_request *r = t->r;
	bool good = r->status >= 200 && r->status < 300;
	if ((good && r->sink) || (r->status == 416 && r->whole_ok))
		return CLI_DONE;
	json_t *o = t->answer.n
		? json_loadb((const char *)t->answer.p, t->answer.n, JSON_REJECT_DUPLICATES, NULL)
		: NULL;
	if (good && !t->answer.n)
		o = json_object();
	if (!good || !json_is_object(o)) {
		int code = good
			? cli_problem(c, "WIRE", 0, "the daemon's answer is not JSON: is it a quired?")
			: refused(c, r, o);
		json_decref(o);
		return code;
	}
	r->answer = o;
	return CLI_DONE;
}

int cli_ask(struct cli_call *c, struct cli_request *r)
{
	char socket_path[HOME_SOCKET_BYTES], why[HOME_WHY_BYTES];
	if (home_socket(c->home, socket_path, why) != OK)
		return cli_problem(c, "LIMIT", 0, why);
	struct transfer t = {.r = r, .curl = curl_easy_init()};
	struct curl_slist *list = headers(c, r);
	if (!t.curl || !list) {
		curl_easy_cleanup(t.curl);
		curl_slist_free_all(list);
		return cli_problem(c, "MEMORY", 0, "out of memory.");
	}
	CURLcode code = perform(c, &t, socket_path, list);
	int result = code == CURLE_OK ? settle(c, &t) : failed(c, &t, code, socket_path);
	if (t.answer.n)
		memset(t.answer.p, 0, t.answer.n);
	buf_free(&t.answer);
	curl_slist_free_all(list);
	curl_easy_cleanup(t.curl);
	return result;
}

int cli_ask_json(struct cli_call *c, const char *method, const char *path, json_t *body, json_t **answer)
{
	struct cli_request r = {.method = method, .path = path, .body = body};
	int code = cli_ask(c, &r);
	*answer = r.answer;
	return code;
}
