/* latency.c -- `quire-bench latency`: from the moment an append is asked of one node until it is committed at another.
 * Two processes with a whole node each (daemon/node.h), so that both clocks are one and no page stands between. */
#include "tools/bench/bench.h"

#include "daemon/config.h"
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define CALM_MS 500 /* from the first contact to the first append, and from the last append to the end */
#define STALL_MS 60000

/* What the two tell the parent. */
struct note {
	enum { NOTE_LISTEN, NOTE_ASKED, NOTE_ANSWERED, NOTE_COMMITTED } kind;
	uint64_t seq;
	double at_s;
	char address[64];
};

struct side {
	const struct bench_options *o;
	struct bench_log log;
	struct node *node;
	uv_loop_t loop;
	uv_timer_t timer;
	int out;
	bool writes, met;
};

static void tell(const struct side *x, struct note n)
{
	n.at_s = bench_now_s();
	if (write(x->out, &n, sizeof n) != (ssize_t)sizeof n)
		_exit(1);
}

static void on_answer(void *ctx, const struct engine_event *ev)
{
	(void)ctx;
	bench_must(ev->err, "a command");
}

static void on_appended(void *ctx, const struct engine_event *ev)
{
	bench_must(ev->err, "an append");
	tell(ctx, (struct note){.kind = NOTE_ANSWERED, .seq = ev->seq});
}

static void append(struct side *x)
{
	struct buf body = {0};
	bench_body(&x->log, x->o->body, &body);
	struct engine_cmd cmd = {.kind = ENGINE_CMD_APPEND,
		.log = x->log.log,
		.flags = x->log.length ? 0 : ENTRY_FLAG_KEEP,
		.body = buf_slice(&body),
		.device_secret = x->log.device_secret};
	tell(x, (struct note){.kind = NOTE_ASKED, .seq = x->log.length++});
	node_command(x->node, &cmd, on_appended, x);
	buf_free(&body);
}

static void on_timer(uv_timer_t *timer)
{
	struct side *x = timer->data;
	if (!x->writes || x->log.length > x->o->entries) {
		uv_close((uv_handle_t *)timer, NULL);
		node_stop(x->node, NULL, NULL);
		return;
	}
	append(x);
	if (x->log.length > x->o->entries)
		uv_timer_start(timer, on_timer, CALM_MS, 0);
}

static void begin(struct side *x)
{
	struct engine_cmd own = {.kind = ENGINE_CMD_OWN,
		.log = x->log.log,
		.identity = x->log.identity,
		.device_key = x->log.device_key};
	node_command(x->node, &own, on_answer, x);
	append(x);
	struct note n = {.kind = NOTE_LISTEN};
	snprintf(n.address, sizeof n.address, "%s", node_listen_address(x->node));
	tell(x, n);
}

static void on_event(void *ctx, const struct engine_event *ev)
{
	struct side *x = ctx;
	uint64_t pause_ms = 1000 / x->o->rate;
	if (x->writes && ev->kind == ENGINE_EVENT_READY)
		begin(x);
	if (x->writes && ev->kind == ENGINE_EVENT_PEER_OPEN && !x->met)
		uv_timer_start(&x->timer, on_timer, CALM_MS, pause_ms ? pause_ms : 1);
	if (ev->kind == ENGINE_EVENT_PEER_OPEN)
		x->met = true;
	for (uint64_t i = 0; !x->writes && ev->kind == ENGINE_EVENT_ENTRY && i < ev->count; i++)
		tell(x, (struct note){.kind = NOTE_COMMITTED, .seq = ev->seq + i});
	if (!x->writes && x->met && ev->kind == ENGINE_EVENT_PEER_CLOSED)
		uv_timer_start(&x->timer, on_timer, 1, 0);
}

/* A whole node, until it has done its part. */
static _Noreturn void live(struct side *x, const struct bench_home *h)
{
	static struct config config;
	char why[256];
	config_init(&config);
	log_init(LOG_ERROR, false);
	snprintf(config.home, sizeof config.home, "%s", h->path);
	snprintf(config.listen, sizeof config.listen, "%s", x->writes ? "127.0.0.1:0" : "off");
	if (uv_loop_init(&x->loop) != 0 || node_start(&x->loop, &config, &x->node, why) != OK)
		bench_fail("a node", why);
	uv_timer_init(&x->loop, &x->timer);
	x->timer.data = x;
	bench_must(node_listen_events(x->node, on_event, x), "a node");
	uv_run(&x->loop, UV_RUN_DEFAULT);
	_exit(0);
}

static int begin_side(struct side *x, const struct bench_home *h)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		bench_fail("a pipe", strerror(errno));
	(void)fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		bench_fail("a process", strerror(errno));
	if (child == 0) {
		close(fds[0]);
		x->out = fds[1];
		live(x, h);
	}
	close(fds[1]);
	return fds[0];
}

/* For each seq. */
struct times {
	double *asked_s, *answered_s, *committed_s;
};

/* Takes notes from both until both are gone. */
static void collect(const int fds[2], const struct times *t, uint64_t n)
{
	struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
	while (p[0].fd >= 0 || p[1].fd >= 0) {
		if (poll(p, 2, STALL_MS) <= 0)
			bench_fail("the nodes", "nothing has happened for a minute");
		for (size_t i = 0; i < 2; i++) {
			struct note note;
			if (p[i].fd < 0 || !p[i].revents)
				continue;
			if (read(p[i].fd, &note, sizeof note) != (ssize_t)sizeof note)
				p[i].fd = -1;
			else if (note.seq <= n && note.kind == NOTE_ASKED)
				t->asked_s[note.seq] = note.at_s;
			else if (note.seq <= n && note.kind == NOTE_ANSWERED)
				t->answered_s[note.seq] = note.at_s;
			else if (note.seq <= n && note.kind == NOTE_COMMITTED)
				t->committed_s[note.seq] = note.at_s;
		}
	}
}

/* From asked to done; entry 0 was there before the two met. */
static void add_times(
	struct bench_report *r, const char *prefix, const double *asked_s, double *done_s, uint64_t n)
{
	char name[40];
	for (uint64_t i = 1; i <= n; i++) {
		if (done_s[i] == 0)
			bench_fail("an entry", "it did not arrive");
		done_s[i] -= asked_s[i];
	}
	snprintf(name, sizeof name, "%sp50_ms", prefix);
	bench_add(r, name, "ms", bench_part(done_s + 1, n, 0.5) * 1e3);
	snprintf(name, sizeof name, "%sp99_ms", prefix);
	bench_add(r, name, "ms", bench_part(done_s + 1, n, 0.99) * 1e3);
	snprintf(name, sizeof name, "%smost_ms", prefix);
	bench_add(r, name, "ms", done_s[n] * 1e3);
}

static void run(struct bench_options *o, struct bench_report *r, uint64_t number, const struct times *t)
{
	struct side *a = bench_memory(sizeof *a), *b = bench_memory(sizeof *b);
	struct bench_home ha, hb;
	struct note note;
	char name[32];
	int fds[2];
	snprintf(name, sizeof name, "a-%llu", (unsigned long long)number);
	bench_home_make(o, name, &ha);
	name[0] = 'b';
	bench_home_make(o, name, &hb);
	a->o = b->o = o;
	a->writes = true;
	bench_identities(&ha, &a->log, 1);
	bench_follow(&hb, &a->log, 1);
	bench_admit(&ha, &hb, NULL);
	fds[0] = begin_side(a, &ha);
	do {
		if (read(fds[0], &note, sizeof note) != (ssize_t)sizeof note)
			bench_fail("a node", "it does not start");
	} while (note.kind != NOTE_LISTEN);
	bench_admit(&hb, &ha, note.address);
	fds[1] = begin_side(b, &hb);
	collect(fds, t, o->entries);
	close(fds[0]);
	close(fds[1]);
	(void)wait(NULL);
	(void)wait(NULL);
	add_times(r, "own_", t->asked_s, t->answered_s, o->entries);
	add_times(r, "", t->asked_s, t->committed_s, o->entries);
	bench_remove(ha.path);
	bench_remove(hb.path);
	free(a);
	free(b);
}

int latency_main(struct bench_options *o)
{
	struct bench_report *r = bench_memory(sizeof *r);
	size_t bytes = (o->entries + 1) * sizeof(double);
	r->name = "latency";
	for (uint64_t i = 0; i < o->runs; i++) {
		const struct times t = {bench_memory(bytes), bench_memory(bytes), bench_memory(bytes)};
		run(o, r, i, &t);
		free(t.asked_s);
		free(t.answered_s);
		free(t.committed_s);
	}
	bench_print(r, o);
	free(r);
	return 0;
}
