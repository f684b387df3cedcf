/* main.c -- quired: one node in the foreground. */
#include "config.h"
#include "http.h"
#include "log.h"
#include "node.h"
#include "notify.h"

#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_MS 4500 /* for an orderly end; after it we go as we are: what was committed is safe */
#define EXIT_FAILED 1
#define KEEP_BYTES \
	(4 << 20) /* freed memory that is kept for the next message, instead of giving it back and having it cleared again */
#define EXIT_USAGE 2

struct quired {
	uv_loop_t loop;
	uv_signal_t terminate, interrupt;
	uv_timer_t limit;
	struct config config;
	struct node *node;
	struct http *http;
	bool ready, stopping, unloaded; /* unloaded: it never became ready */
};

static const char usage[] =
	"usage: quired [--home DIR] [--listen ADDR:PORT|off] [--http ADDR:PORT|off]\n"
	"              [--config FILE] [--log-level error|warning|info|debug] [--log-format text|json]\n"
	"       quired --version | --help\n"
	"\n"
	"Runs one node of Quire in the foreground. Make it with `quire init` first.\n"
	"\n"
	"  --home DIR         where the node lives; else $QUIRE_HOME, else $XDG_DATA_HOME/quire\n"
	"  --listen ADDR:PORT where peers reach it; port 0 picks a free one\n"
	"  --http ADDR:PORT   where its page is; off: only the socket in the home\n"
	"  --config FILE      settings; else quire.conf in the home, if it is there\n"
	"  --log-level LEVEL  how much is logged on stderr\n"
	"  --log-format F     text: key=value; json: one object a line\n"
	"\n"
	"SIGTERM and SIGINT stop it in order, a second one at once.\n";

/* ---- the command line */

enum flag { OPTION_HOME = 256, OPTION_LISTEN, OPTION_HTTP, OPTION_CONFIG, OPTION_LEVEL, OPTION_FORMAT };

/* Given on the command line; NULL: not given. */
struct flags {
	const char *home, *config, *listen, *http, *level, *format;
};

static void parse_flags(int argc, char **argv, struct flags *f)
{
	static const struct option options[] = {
		{"home", required_argument, NULL, OPTION_HOME},
		{"listen", required_argument, NULL, OPTION_LISTEN},
		{"http", required_argument, NULL, OPTION_HTTP},
		{"config", required_argument, NULL, OPTION_CONFIG},
		{"log-level", required_argument, NULL, OPTION_LEVEL},
		{"log-format", required_argument, NULL, OPTION_FORMAT},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	for (int o; (o = getopt_long(argc, argv, "hV", options, NULL)) != -1;) {
		switch (o) {
		case OPTION_HOME: f->home = optarg; break;
		case OPTION_LISTEN: f->listen = optarg; break;
		case OPTION_HTTP: f->http = optarg; break;
		case OPTION_CONFIG: f->config = optarg; break;
		case OPTION_LEVEL: f->level = optarg; break;
		case OPTION_FORMAT: f->format = optarg; break;
		case 'V': printf("quired %s\n", QUIRE_VERSION); exit(0);
		case 'h': fputs(usage, stdout); exit(0);
		default: fputs(usage, stderr); exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "quired: it takes no argument \"%s\"\n%s", argv[optind], usage);
		exit(EXIT_USAGE);
	}
}

/* Sets one key from the command line; ends with the usage if it is wrong. */
static void set_flag(struct config *c, const char *key, const char *value)
{
	char why[512];
	if (!value || config_set(c, key, value, why) == OK)
		return;
	fprintf(stderr, "quired: %s\n", why);
	exit(EXIT_USAGE);
}

static void set_home(struct config *c, const char *given)
{
	char absolute[sizeof c->home];
	const char *home = given ? given : c->home;
	int n = 0;
	if (home[0] == '/' || !getcwd(absolute, sizeof absolute))
		n = snprintf(absolute, sizeof absolute, "%s", home);
	else {
		size_t at = strlen(absolute);
		n = (int)at + snprintf(absolute + at, sizeof absolute - at, "/%s", home);
	}
	if (!home[0] || n < 0 || (size_t)n >= sizeof absolute) {
		fprintf(stderr, "quired: the home's path is empty or too long: choose another --home\n");
		exit(EXIT_USAGE);
	}
	memcpy(c->home, absolute, (size_t)n + 1);
}

/* Flags over the file over the defaults. */
static void configure(struct config *c, int argc, char **argv)
{
	struct flags f = {0};
	char why[512], path[sizeof c->home + 16];
	parse_flags(argc, argv, &f);
	config_init(c);
	set_home(c, f.home);
	snprintf(path, sizeof path, "%s/quire.conf", c->home);
	enum err e = config_read(c, f.config ? f.config : path, why);
	if (e != OK && (f.config || e != ERR_NOT_FOUND)) {
		fprintf(stderr, "quired: %s\n", why);
		exit(EXIT_USAGE);
	}
	set_flag(c, "peers.listen", f.listen);
	set_flag(c, "page.http", f.http);
	set_flag(c, "log.level", f.level);
	set_flag(c, "log.format", f.format);
	enum log_level level = LOG_INFO;
	if (!log_level_parse(c->log_level, &level))
		abort(); /* config.def offers no other */
	log_init(level, strcmp(c->log_format, "json") == 0);
}

/* ---- the end */

static void on_node_stopped(void *ctx)
{
	struct quired *q = (struct quired *)ctx;
	http_free(q->http);
	q->http = NULL;
	uv_close((uv_handle_t *)&q->terminate, NULL);
	uv_close((uv_handle_t *)&q->interrupt, NULL);
	uv_close((uv_handle_t *)&q->limit, NULL);
}

static void on_http_stopped(void *ctx)
{
	struct quired *q = (struct quired *)ctx;
	node_stop(q->node, on_node_stopped, q);
}

static void on_limit(uv_timer_t *timer)
{
	(void)timer;
	log_error("main", log_text("event", "stopped without an orderly end: it took too long"));
	_exit(EXIT_FAILED);
}

static void stop(struct quired *q)
{
	q->stopping = true;
	notify_send("STOPPING=1");
	log_info("main", log_text("event", "stopping"));
	uv_timer_start(&q->limit, on_limit, STOP_MS, 0);
	http_stop(q->http, on_http_stopped, q);
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct quired *q = (struct quired *)signal->data;
	if (!q->stopping) {
		stop(q);
		return;
	}
	log_warning("main", log_text("event", "stopped at once, by a second signal"));
	_exit(128 + number);
}

/* ---- the beginning */

/* Whoever started us waits to hear of it. */
static void say_failed(const char *why)
{
	char state[300];
	fprintf(stderr, "quired: %s\n", why);
	snprintf(state, sizeof state, "STATUS=%s", why);
	notify_send(state);
}

static void on_unloaded(uv_timer_t *timer)
{
	stop((struct quired *)timer->data);
}

/* The engine reads what it needs after all else has begun. It has the word just now: the end comes in the next turn of the loop. */
static void unloaded(struct quired *q, const struct engine_event *ev)
{
	char why[256];
	snprintf(why, sizeof why, "%s: %s", ev->text, err_text(ev->err));
	say_failed(why);
	q->unloaded = true;
	uv_timer_start(&q->limit, on_unloaded, 0, 0);
}

static void on_event(void *ctx, const struct engine_event *ev)
{
	struct quired *q = (struct quired *)ctx;
	if (q->ready || q->stopping || q->unloaded)
		return;
	if (ev->kind == ENGINE_EVENT_STORE_ERROR)
		unloaded(q, ev);
	if (ev->kind != ENGINE_EVENT_READY)
		return;
	q->ready = true;
	printf("quired: ready listen=%s http=%s home=%s\n", node_listen_address(q->node),
		http_address(q->http), q->config.home);
	(void)fflush(stdout);
	notify_send("READY=1");
	log_info("main", log_text("event", "ready"), log_text("listen", node_listen_address(q->node)),
		log_text("http", http_address(q->http)), log_text("home", q->config.home),
		log_text("version", QUIRE_VERSION));
	const char *why = NULL;
	if (node_restored(q->node, &why))
		log_warning("main", log_text("event", "this home was restored or copied"),
			log_text("why", why), log_text("so", "its logs are closed, and new ones are begun"));
}

/* Lets the handles close that were opened before something failed. */
static int failed(struct quired *q, enum err e, const char *why)
{
	say_failed(why);
	uv_run(&q->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&q->loop);
	return e == ERR_INPUT ? EXIT_USAGE : EXIT_FAILED;
}

static int start(struct quired *q)
{
	char why[256] = "";
	enum err e = node_start(&q->loop, &q->config, &q->node, why);
	if (e != OK)
		return failed(q, e, why);
	e = http_start(q->node, why, &q->http);
	if (e != OK) {
		node_stop(q->node, NULL, NULL);
		return failed(q, e, why);
	}
	uv_signal_init(&q->loop, &q->terminate);
	uv_signal_init(&q->loop, &q->interrupt);
	uv_timer_init(&q->loop, &q->limit);
	q->terminate.data = q->interrupt.data = q->limit.data = q;
	uv_signal_start(&q->terminate, on_signal, SIGTERM);
	uv_signal_start(&q->interrupt, on_signal, SIGINT);
	if (node_listen_events(q->node, on_event, q) != OK)
		abort(); /* there is room: nobody else has come */
	uv_run(&q->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&q->loop) != 0)
		log_broken("main", log_text("event", "something was left open"));
	return q->unloaded ? EXIT_FAILED : 0;
}

int main(int argc, char **argv)
{
	static struct quired q;
	/* Messages of 64 KiB come and go by the ten thousand: without these a third of the kernel's time is pages that come and go. */
	(void)mallopt(M_MMAP_THRESHOLD, KEEP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	(void)mallopt(M_ARENA_MAX, 2);
	configure(&q.config, argc, argv);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0 || uv_loop_init(&q.loop) != 0) {
		fprintf(stderr, "quired: the system gives no random numbers, or no memory\n");
		return EXIT_FAILED;
	}
	return start(&q);
}
