/* daemon/exchange.c, exchange_upload.c, api_stream.c: answers that take their time, downloads, uploads. */
#include "http_world.h"

/* ---- answers that come later */

static void a_handler_may_take_its_time(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false), d = dial(w, false);
	char head[128];
	snprintf(head, sizeof head, "GET /api/v1/later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", w->port);
	say(&c, head);
	UNTIL(&c, seen.later);
	assert_int_equal(ask(&d, "GET /api/v1/health"), 200); /* others do not wait */
	assert_int_equal(c.in.n, 0);
	api_reply(seen.later, 200, json_pack("{s:s}", "done", "yes"));
	UNTIL(&c, complete(&c));
	assert_int_equal(status(&c), 200);
	hang_up(&c);
	hang_up(&d);
}

static void an_answer_to_nobody_is_dropped(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false), d = dial(w, false);
	char head[128];
	snprintf(head, sizeof head, "GET /api/v1/later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", w->port);
	say(&c, head);
	UNTIL(&c, seen.later);
	hang_up(&c);
	assert_int_equal(ask(&d, "GET /api/v1/health"), 200);
	api_problem(seen.later, ERR_TIMEOUT, "too late");
	assert_int_equal(ask(&d, "GET /api/v1/health"), 200);
	hang_up(&d);
}

static void a_stop_leaves_handlers_their_requests(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false), up = dial(w, false), down = dial(w, true), ev = dial(w, true);
	char head[128];
	seen.hold_chunks = seen.answer_later = true;
	snprintf(head, sizeof head, "GET /api/v1/later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", w->port);
	say(&c, head);
	snprintf(head, sizeof head,
		"POST /api/v1/upload HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 9\r\n\r\nabc",
		w->port);
	say(&up, head);
	say(&down, "GET /api/v1/file HTTP/1.1\r\nHost: x\r\n\r\n");
	say(&ev, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
	UNTIL(&ev, seen.later && seen.chunks && seen.asked && strstr(text(&ev), ":\n\n"));
	stop(w);
	assert_false(seen.upload_ended); /* its piece is still out */
	assert_memory_equal(seen.chunk.p, "abc", 3);
	api_upload_next(seen.upload);
	assert_true(seen.upload_ended);
	assert_int_equal(seen.upload_end, ERR_CLOSED);
	assert_int_equal(seen.closes, 0);
	give(seen.asked);
	assert_int_equal(seen.closes, 1);
	api_reply(seen.later, 200, json_object());
	hang_up(&c);
	hang_up(&up);
	hang_up(&down);
	hang_up(&ev);
}

/* ---- downloads */

static void check_range(struct world *w, const char *range, unsigned want, size_t first, size_t n)
{
	struct client c = dial(w, false);
	char header[200], line[128];
	snprintf(header, sizeof header, "%s\r\n", range);
	assert_int_equal(ask_body(&c, "GET /api/v1/file", header, NULL), want);
	const char *body = answer_body(&c);
	assert_int_equal(c.in.n - (size_t)(body - text(&c)), n);
	assert_memory_equal(body, content + first, n);
	if (want == 206) {
		snprintf(line, sizeof line, "Content-Range: bytes %zu-%zu/%zu", first, first + n - 1,
			sizeof content);
		assert_non_null(find_header(&c, line));
	}
	hang_up(&c);
}

static void ranges_are_served(void **state)
{
	struct world *w = (struct world *)*state;
	size_t all = sizeof content;
	check_range(w, "Range: bytes=0-0", 206, 0, 1);
	check_range(w, "Range: bytes=100-299", 206, 100, 200);
	check_range(w, "Range: bytes=299999-", 206, all - 1, 1);
	check_range(w, "Range: bytes=1000-", 206, 1000, all - 1000);
	check_range(w, "Range: bytes=-500", 206, all - 500, 500);
	check_range(w, "Range: bytes=-999999", 206, 0, all);
	check_range(w, "Range: bytes=10-999999999999999999", 206, 10, all - 10);
	check_range(w, "Range: bytes=0-1\r\nIf-Range: \"e1\"", 206, 0, 2);
	check_range(w, "X: y", 200, 0, all);
	check_range(w, "Range: bytes=0-1\r\nIf-Range: \"e2\"", 200, 0, all);
	static const char *const ignored[] = {"bytes=5-4", "bytes=a-b", "bytes=0-1,3-4", "items=0-1",
		"bytes=-", "bytes=1", "bytes=0-1x", "bytes=99999999999999999999-"};
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
		char header[64];
		snprintf(header, sizeof header, "Range: %s", ignored[i]);
		check_range(w, header, 200, 0, all);
	}
	unsigned before = seen.closes;
	struct client c = dial(w, false);
	assert_int_equal(ask_body(&c, "GET /api/v1/file", "Range: bytes=300000-\r\n", NULL), 416);
	assert_non_null(find_header(&c, "Content-Range: bytes */300000"));
	assert_int_equal(ask_body(&c, "GET /api/v1/file", "Range: bytes=-0\r\n", NULL), 416);
	seen.pulls = 0;
	assert_int_equal(ask(&c, "HEAD /api/v1/file?name=M%C3%BCller%20%22x%22.webm"), 200);
	assert_non_null(find_header(&c, "Content-Length: 300000"));
	assert_non_null(find_header(&c, "filename*=UTF-8''M%C3%BCller%20%22x%22.webm"));
	assert_non_null(find_header(&c, "filename=\"M__ller _x_.webm\""));
	assert_non_null(find_header(&c, "Content-Security-Policy: sandbox; default-src 'none'"));
	assert_int_equal(seen.pulls, 0);
	hang_up(&c);
	struct client d = dial(w, false);
	assert_int_equal(ask_body(&d, "GET /api/v1/file", "If-None-Match: \"e1\"\r\n", NULL), 304);
	hang_up(&d);
	UNTIL(&d, seen.closes == before + 4);
	buf_free(&d.in);
}

static void a_download_is_read_as_it_is_taken(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	char head[128];
	seen.answer_later = true;
	snprintf(head, sizeof head, "GET /api/v1/file HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", w->port);
	say(&c, head);
	while (!complete(&c) || !answer_body(&c)) {
		UNTIL(&c, seen.asked || complete(&c));
		if (seen.asked)
			give(seen.asked);
	}
	assert_int_equal(c.in.n - (size_t)(answer_body(&c) - text(&c)), sizeof content);
	assert_memory_equal(answer_body(&c), content, sizeof content);
	hang_up(&c);
	UNTIL(&c, seen.closes == 1);
	buf_free(&c.in);
}

static void a_download_that_fails_is_cut(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	char head[128];
	seen.answer_later = true;
	snprintf(head, sizeof head, "GET /api/v1/file HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", w->port);
	say(&c, head);
	UNTIL(&c, seen.asked);
	give(seen.asked);
	UNTIL(&c, seen.asked);
	api_stream_end(seen.asked, ERR_CORRUPT);
	UNTIL(&c, c.closed);
	assert_true(c.in.n - (size_t)(answer_body(&c) - text(&c)) < sizeof content);
	assert_int_equal(seen.closes, 1);
	hang_up(&c);
}

static void a_download_nobody_takes_is_closed(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false), d = dial(w, false);
	char head[128];
	seen.answer_later = true;
	snprintf(head, sizeof head, "GET /api/v1/file HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", w->port);
	say(&c, head);
	UNTIL(&c, seen.asked);
	hang_up(&c);
	for (unsigned i = 0; i < 10 && !seen.closes; i++) {
		if (seen.asked)
			give(seen.asked);
		assert_int_equal(ask(&d, "GET /api/v1/health"), 200);
	}
	assert_int_equal(seen.closes, 1);
	hang_up(&d);
}

static void a_stream_ends_with_its_session(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	char head[256], teacher[100];
	struct session *s;
	keyrings_freed = 0;
	seen.answer_later = true;
	open_session(w, ID_A, false, false, 60, teacher, &s);
	snprintf(head, sizeof head, "GET /api/v1/own-file HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", w->port,
		teacher);
	say(&c, head);
	UNTIL(&c, seen.asked);
	session_close(http_sessions(w->http), s);
	UNTIL(&c, c.closed);
	assert_int_equal(keyrings_freed, 0); /* the question is still open */
	give(seen.asked);
	assert_int_equal(seen.closes, 1);
	assert_int_equal(keyrings_freed, 1);
	hang_up(&c);
}

/* ---- uploads */

static void an_upload_waits_for_the_disk(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	enum { TOTAL = 48 << 20 };
	uint8_t *bytes = (uint8_t *)calloc(1, TOTAL);
	char head[256];
	size_t sent = 0;
	seen.hold_chunks = true;
	snprintf(head, sizeof head,
		"POST /api/v1/upload HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: %d\r\n\r\n", w->port,
		(int)TOTAL);
	say(&c, head);
	for (unsigned idle = 0; idle < 20;) { /* until the kernel takes no more */
		ssize_t n = send(c.fd, bytes + sent, TOTAL - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			sent += (size_t)n;
		else
			idle++;
		turn(&c, 2);
	}
	assert_int_equal(seen.chunks, 1);
	assert_true(seen.upload_n <= HTTP_CHUNK_BYTES_MAX);
	assert_true(sent < TOTAL);
	seen.hold_chunks = false;
	api_upload_next(seen.upload);
	say_n(&c, bytes + sent, TOTAL - sent);
	UNTIL(&c, complete(&c));
	assert_int_equal(status(&c), 201);
	assert_int_equal(seen.upload_n, TOTAL);
	hang_up(&c);
	free(bytes);
}

static void an_upload_that_breaks_off_is_told(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false), d = dial(w, false);
	char head[256];
	snprintf(head, sizeof head,
		"POST /api/v1/upload HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 1000\r\n\r\nabc",
		w->port);
	say(&c, head);
	UNTIL(&c, seen.upload_n == 3);
	hang_up(&c);
	UNTIL(&d, seen.upload_ended);
	assert_int_equal(seen.upload_end, ERR_CLOSED);
	/* The same while a piece is being written. */
	struct client e = dial(w, false);
	seen.hold_chunks = true;
	seen.upload_ended = false;
	say(&e, head);
	UNTIL(&e, seen.upload_n == 6);
	hang_up(&e);
	assert_int_equal(ask(&d, "GET /api/v1/health"), 200);
	api_upload_next(seen.upload);
	UNTIL(&d, seen.upload_ended);
	assert_int_equal(seen.upload_end, ERR_CLOSED);
	hang_up(&d);
}

static void an_upload_that_is_too_large_is_refused_in_words(void **state)
{
	struct world *w = (struct world *)*state;
	assert_int_equal(ask_once(w, "POST /api/v1/upload",
				 "Expect: 100-continue\r\nContent-Length: 67108865\r\n", NULL),
		413);
	assert_null(seen.upload);
	struct client c = dial(w, false);
	uint8_t *bytes = (uint8_t *)calloc(1, (64u << 20) + 1);
	char head[256];
	snprintf(head, sizeof head,
		"POST /api/v1/upload HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
		w->port, (64u << 20) + 1);
	say(&c, head);
	say_n(&c, bytes, (64u << 20) + 1);
	say(&c, "\r\n0\r\n\r\n");
	UNTIL(&c, complete(&c));
	assert_int_equal(status(&c), 400);
	assert_int_equal(seen.upload_end, ERR_LIMIT);
	free(bytes);
	hang_up(&c);
}

static void an_upload_that_is_refused_is_read_so_that_the_answer_arrives(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	enum { TOTAL = 8 << 20 };
	uint8_t *bytes = (uint8_t *)calloc(1, TOTAL);
	char head[256];
	snprintf(head, sizeof head,
		"POST /api/v1/refused HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: %d\r\n\r\n", w->port,
		(int)TOTAL);
	say(&c, head);
	say_n(&c, bytes, TOTAL);
	UNTIL(&c, complete(&c));
	assert_int_equal(status(&c), 507);
	assert_int_equal(ask(&c, "GET /api/v1/health"), 200); /* and the connection goes on */
	free(bytes);
	hang_up(&c);
}

static void an_empty_upload_is_one(void **state)
{
	struct world *w = (struct world *)*state;
	assert_int_equal(ask_once(w, "POST /api/v1/upload", "Content-Length: 0\r\n", NULL), 201);
	assert_int_equal(seen.upload_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_handler_may_take_its_time),
		T(an_answer_to_nobody_is_dropped),
		T(a_stop_leaves_handlers_their_requests),
		T(ranges_are_served),
		T(a_download_is_read_as_it_is_taken),
		T(a_download_that_fails_is_cut),
		T(a_download_nobody_takes_is_closed),
		T(a_stream_ends_with_its_session),
		T(an_upload_waits_for_the_disk),
		T(an_upload_that_breaks_off_is_told),
		T(an_upload_that_is_too_large_is_refused_in_words),
		T(an_upload_that_is_refused_is_read_so_that_the_answer_arrives),
		T(an_empty_upload_is_one),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
