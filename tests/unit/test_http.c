/* daemon/http*.c, exchange.c, exchange_route.c: what gets in, spoken with raw sockets. */
#include "http_world.h"

static int set_up_hasty(void **state)
{
	return set_up_with(state, 300, 300);
}

/* ---- the gate */

static void health_needs_no_key_and_says_little(void **state)
{
	struct world *w = (struct world *)*state;
	for (int over_socket = 0; over_socket < 2; over_socket++) {
		struct client c = dial(w, over_socket);
		assert_int_equal(ask(&c, "GET /api/v1/health"), 200);
		json_t *j = json_of(&c);
		assert_string_equal(json_string_value(json_object_get(j, "status")), "ok");
		assert_int_equal(json_integer_value(json_object_get(j, "v")), 1);
		json_decref(j);
		assert_non_null(find_header(&c, "X-Content-Type-Options: nosniff"));
		assert_non_null(find_header(&c, "Cache-Control: no-store"));
		assert_int_equal(ask(&c, "HEAD /api/v1/health"), 200); /* on the same connection */
		hang_up(&c);
	}
}

/* %H stands for the right Host line. */
static const char *const smuggled[] = {
	"GET /api/v1/health HTTP/1.1\r\n\r\n",
	"GET /api/v1/health HTTP/1.0\r\n\r\n",
	"GET /api/v1/health HTTP/1.1\r\n%HHost: evil.test\r\n\r\n",
	"GET /api/v1/health HTTP/1.1\r\nHost: evil.test\r\n%H\r\n",
	"GET /api/v1/health HTTP/1.1\r\n%H%H\r\n",
	"GET /api/v1/health HTTP/1.1\r\nHost:\r\n\r\n",
	"GET /api/v1/health HTTP/1.1\r\n Host: x\r\n\r\n",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 44\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: +2\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: 2 2\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: 2,2\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: 0x2\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: -2\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nTransfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"POST /api/v1/things HTTP/1.0\r\n%HContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"POST /api/v1/things HTTP/1.1\r\n%HContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
	"GET /api/v1/health HTTP/1.1\r\n%HX: a\x01z\r\n\r\n",
	"GET /api/v1/health\x01 HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health\x7f HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health\tx HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health x HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health%%00 HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health%%00.png HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health?q=%%00 HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health%%0a HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health%%2 HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health%%ff HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/../v1/health HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/%%2e%%2E/v1/health HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/./health HTTP/1.1\r\n%H\r\n",
	"GET /api/v1//health HTTP/1.1\r\n%H\r\n",
	"GET //api/v1/health HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health/ HTTP/1.1\r\n%H\r\n",
	"GET /api\\v1\\health HTTP/1.1\r\n%H\r\n",
	"GET http://evil.test/api/v1/health HTTP/1.1\r\n%H\r\n",
	"GET api/v1/health HTTP/1.1\r\n%H\r\n",
	"TRACE /api/v1/health HTTP/1.1\r\n%H\r\n",
	"CONNECT 127.0.0.1:22 HTTP/1.1\r\n%H\r\n",
	"OPTIONS * HTTP/1.1\r\n%H\r\n",
	"get /api/v1/health HTTP/1.1\r\n%H\r\n",
	"GET /api/v1/health HTTP/2.0\r\n%H\r\n",
	"GET /api/v1/health\r\n%H\r\n",
	"\x16\x03\x01\x02\x01\x01\xfc\x03\x03\r\n\r\n",
};

static void put_request(struct client *c, const char *form)
{
	char host[64];
	snprintf(host, sizeof host, "Host: 127.0.0.1:%u\r\n", c->w->port);
	for (const char *p = form; *p; p++) {
		if (p[0] == '%' && p[1] == 'H') {
			say(c, host);
			p++;
		} else if (p[0] == '%' && p[1] == '%') {
			say(c, "%");
			p++;
		} else
			say_n(c, p, 1);
	}
}

static void no_request_that_can_be_read_in_two_ways_is_answered(void **state)
{
	struct world *w = (struct world *)*state;
	for (size_t i = 0; i < sizeof smuggled / sizeof *smuggled; i++) {
		struct client c = dial(w, false);
		put_request(&c, smuggled[i]);
		UNTIL(&c, complete(&c));
		if (status(&c) != 0 && status(&c) < 400)
			fail_msg("%s\ngot %s", smuggled[i], text(&c));
		if (strstr(text(&c), "HTTP/1.1 2"))
			fail_msg("%s\nwas answered as two", smuggled[i]);
		hang_up(&c);
	}
	assert_int_equal(seen.calls, 0);
}

static void a_zero_in_the_path_is_refused(void **state)
{
	struct world *w = (struct world *)*state;
	static const char *const ends[] = {"", ".png", " HTTP/1.1\r\nX: y", "?q=1"};
	for (size_t i = 0; i < 4; i++) {
		struct client c = dial(w, false);
		char host[64];
		snprintf(host, sizeof host, " HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", w->port);
		say(&c, "GET /api/v1/health");
		say_n(&c, "", 1);
		say(&c, ends[i]);
		say(&c, host);
		UNTIL(&c, complete(&c));
		if (status(&c) && status(&c) < 400)
			fail_msg("a zero before \"%s\" was overlooked", ends[i]);
		hang_up(&c);
	}
}

static unsigned ask_as(struct world *w, bool over_socket, const char *host, const char *more)
{
	struct client c = dial(w, over_socket);
	char head[1024];
	snprintf(head, sizeof head, "GET /api/v1/health HTTP/1.1\r\nHost: %s\r\n%s\r\n", host, more);
	say(&c, head);
	UNTIL(&c, complete(&c));
	unsigned s = status(&c);
	hang_up(&c);
	return s;
}

static void only_our_names_are_answered(void **state)
{
	struct world *w = (struct world *)*state;
	char mine[64], other[64];
	snprintf(mine, sizeof mine, "localhost:%u", w->port);
	assert_int_equal(ask_as(w, false, mine, ""), 200);
	snprintf(mine, sizeof mine, "[::1]:%u", w->port);
	assert_int_equal(ask_as(w, false, mine, ""), 200);
	snprintf(mine, sizeof mine, "LOCALHOST:%u", w->port);
	assert_int_equal(ask_as(w, false, mine, ""), 200);
	assert_int_equal(ask_as(w, false, "portfolio.school.example", ""), 200);
	assert_int_equal(ask_as(w, false, "other.example:8443", ""), 200);
	assert_int_equal(ask_as(w, false, "other.example", ""), 403);
	snprintf(other, sizeof other, "evil.test:%u", w->port);
	static const char *const wrong[] = {"evil.test", "127.0.0.1", "127.0.0.1:1", "localhost.evil.test",
		"127.0.0.1.nip.io", "0.0.0.0", "127.1"};
	assert_int_equal(ask_as(w, false, other, ""), 403);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(ask_as(w, false, wrong[i], ""), 403);
	assert_int_equal(ask_as(w, true, "anything", ""), 200); /* no name leads a browser to a file */
}

static void only_our_own_pages_may_ask(void **state)
{
	struct world *w = (struct world *)*state;
	char host[64], line[160];
	snprintf(host, sizeof host, "127.0.0.1:%u", w->port);
	snprintf(line, sizeof line, "Origin: http://%s\r\nSec-Fetch-Site: same-origin\r\n", host);
	assert_int_equal(ask_as(w, false, host, line), 200);
	assert_int_equal(ask_as(w, false, host, "Sec-Fetch-Site: none\r\n"), 200);
	assert_int_equal(
		ask_as(w, false, "portfolio.school.example", "Origin: https://portfolio.school.example\r\n"),
		200);
	static const char *const wrong[] = {"Origin: http://evil.test\r\n", "Origin: null\r\n",
		"Origin: \r\n", "Origin: http://127.0.0.1\r\n", "Origin: file://\r\n",
		"Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(ask_as(w, false, host, wrong[i]), 403);
	assert_int_equal(ask_as(w, true, "x", "Origin: http://127.0.0.1\r\n"), 403);
}

/* ---- deadlines */

static void a_header_a_second_does_not_hold_a_connection(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	uint64_t from = uv_hrtime();
	say(&c, "GET /api/v1/health HTTP/1.1\r\n");
	for (unsigned i = 0; !c.closed; i++) {
		assert_true(i < 1000);
		say(&c, "X: y\r\n");
		turn(&c, 10);
	}
	assert_in_range((uv_hrtime() - from) / 1000000, 250, 5000);
	assert_int_equal(status(&c), 0);
	hang_up(&c);
	struct client silent = dial(w, false);
	UNTIL(&silent, silent.closed);
	hang_up(&silent);
}

static void a_body_that_trickles_is_cut_and_one_that_flows_is_not(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	char head[256];
	snprintf(head, sizeof head,
		"POST /api/v1/upload HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 100000\r\n\r\n",
		w->port);
	say(&c, head);
	for (unsigned i = 0; !c.closed; i++) {
		assert_true(i < 1000);
		say(&c, "x");
		turn(&c, 10);
	}
	assert_true(seen.upload_ended);
	assert_int_equal(seen.upload_end, ERR_CLOSED);
	hang_up(&c);
	seen.upload_ended = false;
	struct client good = dial(w, false);
	uint8_t piece[2000] = {0};
	say(&good, head);
	for (size_t sent = 0; sent < 100000; sent += sizeof piece) {
		say_n(&good, piece, sizeof piece);
		for (uint64_t until = uv_hrtime() + 10000000; uv_hrtime() < until;)
			turn(&good, 10);
	}
	UNTIL(&good, complete(&good));
	assert_int_equal(status(&good), 201); /* though it took longer than the deadline */
	hang_up(&good);
}

/* ---- the table */

static void routes_are_found_by_path_and_method(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	assert_int_equal(ask(&c, "GET /api/v1/nothing"), 404);
	assert_non_null(strstr(text(&c), "\"code\":\"NOT_FOUND\""));
	assert_non_null(find_header(&c, "Content-Type: application/problem+json"));
	assert_int_equal(ask(&c, "GET /"), 404);
	assert_int_equal(ask(&c, "GET /api/v1/things"), 405);
	assert_non_null(find_header(&c, "Allow: POST, DELETE"));
	assert_int_equal(ask(&c, "DELETE /api/v1/things"), 201);
	assert_int_equal(ask(&c, "GET /api/v1/entries/a%2Fb/12?q=%C3%A4+b&q=2&r"), 200);
	json_t *j = json_of(&c);
	assert_string_equal(json_string_value(json_object_get(j, "log")), "a/b");
	assert_string_equal(json_string_value(json_object_get(j, "seq")), "12");
	assert_string_equal(json_string_value(json_object_get(j, "q")), "ä b");
	json_decref(j);
	assert_int_equal(ask(&c, "GET /api/v1/entries/a"), 404);
	assert_int_equal(ask(&c, "GET /api/v1/entries//12"), 400);
	assert_int_equal(ask(&c, "GET /api/v1/number/" ID_A), 200);
	assert_non_null(strstr(text(&c), "\"n\":7"));
	assert_int_equal(ask(&c, "GET /api/v1/number/" ID_A "?n=500"), 200);
	assert_non_null(strstr(text(&c), "\"n\":500"));
	assert_int_equal(ask(&c, "GET /api/v1/number/" ID_A "?n=501"), 400);
	assert_int_equal(ask(&c, "GET /api/v1/number/" ID_A "?n=-1"), 400);
	assert_int_equal(ask(&c, "GET /api/v1/number/" ID_A "?n="), 400);
	assert_int_equal(ask(&c, "GET /api/v1/number/" ID_A "?n=99999999999999999999"), 400);
	assert_int_equal(ask(&c, "GET /api/v1/number/short"), 400);
	hang_up(&c);
}

static void long_addresses_and_headers_are_refused(void **state)
{
	struct world *w = (struct world *)*state;
	char *line = (char *)malloc(70000);
	struct client c = dial(w, false);
	size_t n = (size_t)snprintf(line, 70000, "GET /api/v1/entries/a/1?q=");
	memset(line + n, 'x', 10000);
	snprintf(line + n + 10000, 200, " HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", w->port);
	say(&c, line);
	UNTIL(&c, complete(&c));
	assert_int_equal(status(&c), 414);
	hang_up(&c);
	struct client d = dial(w, false);
	n = (size_t)snprintf(
		line, 70000, "GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX: ", w->port);
	memset(line + n, 'x', 40000);
	memcpy(line + n + 40000, "\r\n\r\n", 5);
	say(&d, line);
	UNTIL(&d, complete(&d));
	assert_int_equal(status(&d), 431);
	hang_up(&d);
	free(line);
}

static void bodies_are_what_the_route_says(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	assert_int_equal(ask_body(&c, "POST /api/v1/things", "", "{\"a\": 1}"), 201);
	assert_non_null(strstr(text(&c), "\"body\":{\"a\":1}"));
	assert_int_equal(ask(&c, "POST /api/v1/things"), 201); /* nothing is {} */
	assert_int_equal(ask_body(&c, "POST /api/v1/things", "", "{\"a\": }"), 400);
	assert_non_null(strstr(text(&c), "line 1, column"));
	assert_int_equal(ask_body(&c, "POST /api/v1/things", "", "[1]"), 400);
	assert_int_equal(ask_body(&c, "POST /api/v1/things", "", "{\"a\":1,\"a\":2}"), 400);
	assert_int_equal(ask_body(&c, "POST /api/v1/things", "", "{} x"), 400);
	assert_int_equal(ask_body(&c, "GET /api/v1/health", "", "{}"), 400);
	hang_up(&c);
	static const char *const types[] = {"text/plain", "application/x-www-form-urlencoded",
		"multipart/form-data; boundary=x", "application/json; charset=latin1", "application/jsonx"};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		char head[256];
		struct client d = dial(w, false);
		snprintf(head, sizeof head,
			"POST /api/v1/things HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: %s\r\nContent-Length: 2\r\n\r\n{}",
			w->port, types[i]);
		say(&d, head);
		UNTIL(&d, complete(&d));
		assert_int_equal(status(&d), 415);
		hang_up(&d);
	}
}

static unsigned post_long(struct world *w, size_t n)
{
	char *body = (char *)malloc(n);
	memset(body, ' ', n);
	body[0] = '{';
	body[n - 1] = '}';
	struct client c = dial(w, false);
	char head[256];
	snprintf(head, sizeof head,
		"POST /api/v1/fail HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json; charset=UTF-8\r\n"
		"Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
		w->port, n);
	say(&c, head);
	say_n(&c, body, n);
	say(&c, "\r\n0\r\n\r\n");
	UNTIL(&c, complete(&c));
	unsigned s = status(&c);
	hang_up(&c);
	free(body);
	return s;
}

static void a_json_body_ends_at_one_mebibyte(void **state)
{
	struct world *w = (struct world *)*state;
	assert_int_equal(post_long(w, HTTP_JSON_BYTES_MAX), 507);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(post_long(w, HTTP_JSON_BYTES_MAX + 1), 413);
	assert_int_equal(ask_once(w, "POST /api/v1/things",
				 "Content-Type: application/json\r\nContent-Length: 1048577\r\n", NULL),
		413);
	assert_int_equal(seen.calls, 1);
}

static void every_error_has_a_status(void **state)
{
	(void)state;
#define ERR(name, number, words) assert_in_range(api_status(ERR_##name), number ? 400 : 200, 507);
#include "err.def"
#undef ERR
}

static void openapi_names_every_route(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	assert_int_equal(ask(&c, "GET /api/v1/openapi.json"), 200);
	json_t *j = json_of(&c), *paths = json_object_get(j, "paths");
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		char method[8];
		snprintf(method, sizeof method, "%s", routes[i].method);
		for (char *p = method; *p; p++)
			*p = (char)(*p | 0x20);
		json_t *op = json_object_get(json_object_get(paths, routes[i].path), method);
		assert_non_null(op);
		assert_int_equal(json_object_get(op, "requestBody") != NULL, routes[i].body != API_NONE);
	}
	assert_int_equal(
		json_array_size(json_object_get(
			json_object_get(json_object_get(paths, "/api/v1/entries/{log}/{seq}"), "get"),
			"parameters")),
		2);
	assert_non_null(json_object_get(json_object_get(j, "components"), "securitySchemes"));
	json_decref(j);
	hang_up(&c);
}

/* ---- the way in */

static void addresses_that_others_reach_are_refused(void **state)
{
	struct world *w = (struct world *)*state;
	static const char *const wrong[] = {"0.0.0.0:7412", "192.168.1.1:7412", "[::]:7412", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:65536", ":7412", "example.org:7412", "127.0.0.1:x", ""};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char why[256];
		struct http *h = NULL;
		struct node n = {.config = w->node.config};
		uv_loop_init(&n.loop);
		snprintf(n.config.http, sizeof n.config.http, "%s", wrong[i]);
		const struct http_options o = {.routes = routes, .routes_n = 1};
		assert_int_equal(http_open(&n, &o, why, &h), ERR_INPUT);
		assert_null(h);
		uv_run(&n.loop, UV_RUN_DEFAULT);
		assert_int_equal(uv_loop_close(&n.loop), 0);
	}
	struct node n = {.config = w->node.config};
	char why[256];
	struct http *h = NULL;
	uv_loop_init(&n.loop);
	snprintf(n.config.http, sizeof n.config.http, "127.0.0.1:%u", w->port);
	const struct http_options o = {.routes = routes, .routes_n = 1};
	assert_int_equal(http_open(&n, &o, why, &h), ERR_EXISTS);
	assert_non_null(strstr(why, "in use"));
	uv_run(&n.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&n.loop), 0);
}

static void a_home_with_too_long_a_path_is_told(void **state)
{
	(void)state;
	struct node n = {0};
	char why[256];
	struct http *h = NULL;
	uv_loop_init(&n.loop);
	snprintf(n.config.http, sizeof n.config.http, "off");
	memset(n.config.home, 'x', 97); /* with /quire.sock 108 */
	const struct http_options o = {.routes = routes, .routes_n = 1};
	assert_int_equal(http_open(&n, &o, why, &h), ERR_INPUT);
	assert_non_null(strstr(why, "too long"));
	uv_run(&n.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&n.loop), 0);
}

#define HASTY(name) cmocka_unit_test_setup_teardown(name, set_up_hasty, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(health_needs_no_key_and_says_little),
		T(no_request_that_can_be_read_in_two_ways_is_answered),
		T(a_zero_in_the_path_is_refused),
		T(only_our_names_are_answered),
		T(only_our_own_pages_may_ask),
		HASTY(a_header_a_second_does_not_hold_a_connection),
		HASTY(a_body_that_trickles_is_cut_and_one_that_flows_is_not),
		T(routes_are_found_by_path_and_method),
		T(long_addresses_and_headers_are_refused),
		T(bodies_are_what_the_route_says),
		T(a_json_body_ends_at_one_mebibyte),
		cmocka_unit_test(every_error_has_a_status),
		T(openapi_names_every_route),
		T(addresses_that_others_reach_are_refused),
		cmocka_unit_test(a_home_with_too_long_a_path_is_told),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
