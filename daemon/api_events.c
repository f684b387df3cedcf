#include "api_events.h"

#include "api.h"
#include "exchange.h"
#include "node.h"

#include <sodium.h>
#include <stdio.h>

#define PROGRESS_SLOTS 64

struct subscriber {
	struct subscriber *next;
	struct events *ev;
	struct api_request *rq;
	uint64_t at; /* the next one it gets */
	size_t max; /* bytes that are asked for now; 0: none */
	bool reset, heartbeat;
};

struct events {
	struct node *node;
	char *texts[EVENTS_RING]; /* "event: …\ndata: …\n\n", at number % EVENTS_RING */
	uint64_t next; /* number of the next event; the first is 1 */
	char run[17]; /* ids of another run mean nothing here */
	struct subscriber *subscribers;
	uv_timer_t heartbeat;
	struct {
		struct id32 what;
		uint64_t at_ms;
	} progress[PROGRESS_SLOTS];
	bool closing;
	void (*closed)(void *ctx);
	void *closed_ctx;
};

/* ---- the ring ---- */

static uint64_t oldest(const struct events *ev)
{
	return ev->next > EVENTS_RING ? ev->next - EVENTS_RING : 1;
}

static void feed(struct subscriber *s);

static void feed_all(struct events *ev)
{
	struct subscriber *next;
	for (struct subscriber *s = ev->subscribers; s; s = next) {
		next = s->next;
		feed(s);
	}
}

void events_tell(struct events *ev, const char *name, json_t *data)
{
	char *json = data ? json_dumps(data, JSON_COMPACT) : NULL, *text = NULL;
	json_decref(data);
	if (json && !ev->closing &&
		asprintf(&text, "id: %s-%llu\nevent: %s\ndata: %s\n\n", ev->run, (unsigned long long)ev->next,
			name, json) >= 0) {
		char **slot = &ev->texts[ev->next % EVENTS_RING];
		free(*slot);
		*slot = text;
		ev->next++;
		feed_all(ev);
	}
	free(json);
}

/* Progress comes with every chunk; a page needs it twice a second, and the ring is for what matters. */
static bool too_soon(struct events *ev, const struct engine_event *e)
{
	const struct id32 *what = e->kind == ENGINE_EVENT_BLOB ? &e->id : &e->node;
	bool more_to_come = e->kind == ENGINE_EVENT_BLOB ? e->count < e->total
							 : e->kind == ENGINE_EVENT_PROGRESS && e->count > 0;
	uint64_t now = uv_now(node_loop(ev->node));
	size_t i = what->b[0] % PROGRESS_SLOTS;
	if (!more_to_come)
		return false;
	if (id32_equal(&ev->progress[i].what, what) && now - ev->progress[i].at_ms < EVENTS_PROGRESS_MS)
		return true;
	ev->progress[i].what = *what;
	ev->progress[i].at_ms = now;
	return false;
}

static void on_engine(void *ctx, const struct engine_event *e)
{
	struct events *ev = (struct events *)ctx;
	const char *name = NULL;
	if (ev->closing || too_soon(ev, e))
		return;
	json_t *data = events_json(e, &name);
	if (data)
		events_tell(ev, name, data);
}

/* ---- those who listen ---- */

static size_t put_text(char *to, size_t n, size_t max, const char *text)
{
	size_t len = strlen(text);
	if (len > max - n)
		return n;
	memcpy(to + n, text, len);
	return n + len;
}

/* As many whole events as there is room for. */
static size_t gather(struct subscriber *s, char *to, size_t max)
{
	struct events *ev = s->ev;
	size_t n = 0;
	if (s->heartbeat)
		n = put_text(to, n, max, ":\n\n");
	s->heartbeat = false;
	if (s->at < oldest(ev))
		s->reset = true;
	if (s->reset) {
		char text[128];
		snprintf(text, sizeof text, "id: %s-%llu\nevent: reset\ndata: {}\n\n", ev->run,
			(unsigned long long)(ev->next - 1));
		n = put_text(to, n, max, text);
		s->reset = false;
		s->at = ev->next;
	}
	while (s->at < ev->next) {
		size_t after = put_text(to, n, max, ev->texts[s->at % EVENTS_RING]);
		if (after == n)
			break;
		n = after;
		s->at++;
	}
	return n;
}

static void feed(struct subscriber *s)
{
	char text[8192];
	size_t n = s->max ? gather(s, text, s->max < sizeof text ? s->max : sizeof text) : 0;
	if (!n)
		return;
	s->max = 0;
	api_stream_put(s->rq, text, n); /* s may be gone now */
}

static void on_pull(void *ctx, struct api_request *rq, uint64_t offset, size_t max)
{
	struct subscriber *s = (struct subscriber *)ctx;
	(void)offset;
	if (s->ev->closing) {
		api_stream_end(rq, ERR_CLOSED);
		return;
	}
	s->max = max;
	feed(s);
}

static void on_close(void *ctx)
{
	struct subscriber *s = (struct subscriber *)ctx;
	for (struct subscriber **at = &s->ev->subscribers; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	free(s);
}

/* Also finds out who is gone. */
static void on_heartbeat(uv_timer_t *timer)
{
	struct events *ev = (struct events *)timer->data;
	for (struct subscriber *s = ev->subscribers; s; s = s->next)
		s->heartbeat = true;
	feed_all(ev);
}

/* "RUN-NUMBER": the last one that the client has. */
static void start_after(struct subscriber *s, const char *last)
{
	struct events *ev = s->ev;
	size_t n = strlen(ev->run);
	s->at = ev->next;
	if (!last)
		return;
	s->reset = true;
	if (strncmp(last, ev->run, n) != 0 || last[n] != '-' || !last[n + 1] ||
		strspn(last + n + 1, "0123456789") != strlen(last + n + 1) || strlen(last + n + 1) > 18)
		return;
	uint64_t number = strtoull(last + n + 1, NULL, 10);
	if (number >= ev->next || number + 1 < oldest(ev))
		return;
	s->at = number + 1;
	s->reset = false;
}

void route_events(struct api_request *rq)
{
	struct events *ev = exchange_of(rq)->http->events;
	struct subscriber *s = (struct subscriber *)calloc(1, sizeof *s);
	if (!s || ev->closing) {
		free(s);
		api_problem(rq, s ? ERR_CLOSED : ERR_MEMORY, "Try again in a moment.");
		return;
	}
	const char *last = api_header_in(rq, "Last-Event-ID");
	s->ev = ev;
	s->rq = rq;
	start_after(s, last ? last : api_query(rq, "after"));
	s->heartbeat = true; /* so that the client hears at once that it is connected */
	s->next = ev->subscribers;
	ev->subscribers = s;
	api_session_drop(rq);
	api_stream(rq,
		&(struct api_stream){.size = API_SIZE_UNKNOWN,
			.content_type = "text/event-stream",
			.pull = on_pull,
			.close = on_close,
			.ctx = s});
}

/* ---- life ---- */

struct events *events_new(struct node *n)
{
	struct events *ev = (struct events *)calloc(1, sizeof *ev);
	uint8_t run[8];
	if (!ev)
		return NULL;
	ev->node = n;
	ev->next = 1;
	randombytes_buf(run, sizeof run);
	sodium_bin2hex(ev->run, sizeof ev->run, run, sizeof run);
	if (node_listen_events(n, on_engine, ev) != OK) {
		free(ev);
		return NULL;
	}
	uv_timer_init(node_loop(n), &ev->heartbeat);
	ev->heartbeat.data = ev;
	uv_timer_start(&ev->heartbeat, on_heartbeat, EVENTS_HEARTBEAT_MS, EVENTS_HEARTBEAT_MS);
	uv_unref((uv_handle_t *)&ev->heartbeat);
	return ev;
}

static void on_closed(uv_handle_t *handle)
{
	struct events *ev = (struct events *)handle->data;
	ev->closed(ev->closed_ctx);
}

void events_close(struct events *ev, void (*closed)(void *ctx), void *ctx)
{
	ev->closing = true;
	ev->closed = closed;
	ev->closed_ctx = ctx;
	struct subscriber *next;
	for (struct subscriber *s = ev->subscribers; s; s = next) {
		next = s->next;
		if (s->max) {
			s->max = 0;
			api_stream_end(s->rq, ERR_CLOSED);
		}
	}
	uv_close((uv_handle_t *)&ev->heartbeat, on_closed);
}

void events_free(struct events *ev)
{
	if (!ev)
		return;
	for (size_t i = 0; i < EVENTS_RING; i++)
		free(ev->texts[i]);
	free(ev);
}
