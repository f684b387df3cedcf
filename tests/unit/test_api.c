/* daemon/session.c, api_keys.c, api_events.c: who asks, doing a thing once, and events. */
#include "http_world.h"

/* ---- who asks */

static void the_socket_knows_its_user(void **state)
{
	struct world *w = (struct world *)*state;
	char path[128];
	struct stat st;
	snprintf(path, sizeof path, "%s/quire.sock", w->home);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	struct client c = dial(w, true);
	assert_int_equal(ask(&c, "GET /api/v1/entries/a/1"), 200);
	json_t *j = json_of(&c);
	assert_int_equal(json_integer_value(json_object_get(j, "uid")), geteuid());
	assert_true(json_is_true(json_object_get(j, "operator")));
	json_decref(j);
	assert_int_equal(ask(&c, "GET /api/v1/operator"), 201);
	assert_int_equal(ask(&c, "GET /api/v1/either"), 201);
	assert_int_equal(ask(&c, "GET /api/v1/session"), 401);
	hang_up(&c);
	assert_int_equal(ask_once(w, "GET /api/v1/operator", "", NULL), 401);
	assert_int_equal(ask_once(w, "GET /api/v1/either", "", NULL), 401);
	assert_int_equal(ask_once(w, "GET /api/v1/session", "", NULL), 401);
	assert_int_equal(ask_once(w, "GET /api/v1/session", "Quire-Token: " ID_A "\r\n", NULL), 401);
}

static void a_session_serves_its_identity_alone(void **state)
{
	struct world *w = (struct world *)*state;
	char teacher[100], operator_[100];
	struct session *s, *o;
	keyrings_freed = 0;
	open_session(w, ID_A, false, false, 60, teacher, &s);
	open_session(w, NULL, true, false, 60, operator_, &o);
	assert_int_equal(ask_once(w, "GET /api/v1/session", teacher, NULL), 201);
	assert_int_equal(ask_once(w, "GET /api/v1/operator", teacher, NULL), 403);
	assert_int_equal(ask_once(w, "GET /api/v1/either", teacher, NULL), 201);
	assert_int_equal(ask_once(w, "GET /api/v1/session", operator_, NULL), 401);
	assert_int_equal(ask_once(w, "GET /api/v1/operator", operator_, NULL), 201);
	char as[200];
	snprintf(as, sizeof as, "%sQuire-As: " ID_B "\r\n", teacher);
	assert_int_equal(ask_once(w, "GET /api/v1/session", as, NULL), 401);
	struct client c = dial(w, true); /* a token is good at the page's door only */
	assert_int_equal(ask_body(&c, "GET /api/v1/session", teacher, NULL), 401);
	hang_up(&c);
	session_close(http_sessions(w->http), s);
	assert_int_equal(keyrings_freed, 1);
	assert_int_equal(ask_once(w, "GET /api/v1/session", teacher, NULL), 401);
}

static void over_the_socket_the_identity_is_named(void **state)
{
	struct world *w = (struct world *)*state;
	struct session *a, *b;
	keyrings_freed = 0;
	open_session(w, ID_A, false, true, 60, NULL, &a);
	struct client c = dial(w, true);
	assert_int_equal(ask(&c, "GET /api/v1/session"), 201); /* the only one */
	open_session(w, ID_B, false, true, 60, NULL, &b);
	assert_int_equal(ask(&c, "GET /api/v1/session"), 409);
	assert_non_null(strstr(text(&c), "AMBIGUOUS"));
	assert_int_equal(ask_body(&c, "GET /api/v1/session", "Quire-As: " ID_B "\r\n", NULL), 201);
	assert_int_equal(ask_body(&c, "GET /api/v1/session", "Quire-As: bob\r\n", NULL), 400);
	open_session(w, ID_B, false, true, 60, NULL, &b); /* again: takes the place of the one before */
	assert_int_equal(keyrings_freed, 1);
	assert_int_equal(ask_body(&c, "GET /api/v1/session", "Quire-As: " ID_B "\r\n", NULL), 201);
	hang_up(&c);
}

static void note_end(void *ctx, struct session *s)
{
	(void)s;
	++*(unsigned *)ctx;
}

static void a_session_ends_by_the_clock_and_a_hold_outlives_it(void **state)
{
	struct world *w = (struct world *)*state;
	struct session *s;
	unsigned ends = 0;
	char teacher[100];
	keyrings_freed = 0;
	open_session(w, ID_A, false, false, 1, teacher, &s);
	session_hold(s);
	session_on_end(http_sessions(w->http), note_end, &ends);
	struct client c = {.w = w, .fd = -1, .closed = true};
	UNTIL(&c, ends == 1);
	assert_false(s->open);
	assert_int_equal(keyrings_freed, 0);
	session_release(s);
	assert_int_equal(keyrings_freed, 1);
	buf_free(&c.in);
	uint8_t token[32];
	const struct session_caller caller = {0};
	struct id32 id = {{1}};
	assert_int_equal(session_open(http_sessions(w->http), &id, false, &caller, 0,
				 (struct keyring *)&a_keyring, free_keyring, token, &s),
		ERR_RANGE);
	assert_int_equal(session_open(http_sessions(w->http), &id, false, &caller, SESSION_SECONDS_MAX + 1,
				 (struct keyring *)&a_keyring, free_keyring, token, &s),
		ERR_RANGE);
	assert_int_equal(keyrings_freed, 3);
}

/* ---- doing a thing once */

static void the_same_key_does_a_thing_once(void **state)
{
	struct world *w = (struct world *)*state;
	const char *key = "Idempotency-Key: k1\r\n";
	struct client c = dial(w, false);
	assert_int_equal(ask_body(&c, "POST /api/v1/things", key, "{\"a\":1}"), 201);
	assert_non_null(strstr(text(&c), "\"calls\":1"));
	assert_int_equal(ask_body(&c, "POST /api/v1/things", key, "{\"a\":1}"), 201);
	assert_non_null(strstr(text(&c), "\"calls\":1"));
	assert_non_null(find_header(&c, "Idempotent-Replay: true"));
	assert_int_equal(ask_body(&c, "POST /api/v1/things", key, "{\"a\":2}"), 409);
	assert_int_equal(ask_body(&c, "POST /api/v1/things?x=1", key, "{\"a\":1}"), 409);
	assert_int_equal(ask_body(&c, "POST /api/v1/things", "Idempotency-Key: k2\r\n", "{\"a\":1}"), 201);
	assert_non_null(strstr(text(&c), "\"calls\":2"));
	assert_int_equal(ask_body(&c, "POST /api/v1/secret", key, "{}"), 200); /* another route; not kept */
	assert_int_equal(ask_body(&c, "POST /api/v1/secret", key, "{}"), 200);
	assert_int_equal(seen.calls, 4);
	assert_int_equal(
		ask_body(&c, "POST /api/v1/fail", key, "{}"), 507); /* what failed may be tried again */
	assert_int_equal(ask_body(&c, "POST /api/v1/fail", key, "{}"), 507);
	assert_int_equal(seen.calls, 6);
	assert_int_equal(ask_body(&c, "POST /api/v1/things", "Idempotency-Key: \r\n", "{}"), 400);
	hang_up(&c);
	struct client s = dial(w, true); /* another caller, another key */
	assert_int_equal(ask_body(&s, "POST /api/v1/things", key, "{\"a\":1}"), 201);
	assert_int_equal(seen.calls, 7);
	hang_up(&s);
}

static void a_key_at_work_is_not_begun_again(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false), d = dial(w, false);
	char head[256];
	snprintf(head, sizeof head,
		"POST /api/v1/later HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nIdempotency-Key: k\r\n\r\n", w->port);
	say(&c, head);
	UNTIL(&c, seen.later);
	assert_int_equal(ask_body(&d, "POST /api/v1/later", "Idempotency-Key: k\r\n", NULL), 409);
	assert_non_null(strstr(text(&d), "PENDING"));
	hang_up(&c); /* the client goes away, the work is done, the answer waits for its return */
	api_reply(seen.later, 200, json_pack("{s:s}", "done", "once"));
	assert_int_equal(ask_body(&d, "POST /api/v1/later", "Idempotency-Key: k\r\n", NULL), 200);
	assert_non_null(strstr(text(&d), "once"));
	assert_int_equal(seen.calls, 1);
	hang_up(&d);
}

static void keys_are_bounded(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = dial(w, false);
	for (unsigned i = 0; i <= API_KEYS_MAX; i++) {
		char key[64];
		snprintf(key, sizeof key, "Idempotency-Key: k%u\r\n", i);
		assert_int_equal(ask_body(&c, "POST /api/v1/things", key, "{}"), 201);
	}
	assert_int_equal(ask_body(&c, "POST /api/v1/things", "Idempotency-Key: k256\r\n", "{}"), 201);
	assert_int_equal(seen.calls, API_KEYS_MAX + 1);
	hang_up(&c);
}

/* ---- events */

static void tell_fork(struct world *w, uint64_t seq)
{
	const struct engine_event e = {.kind = ENGINE_EVENT_FORK, .seq = seq};
	w->node.heard(w->node.heard_ctx, &e);
}

static struct client listen_from(struct world *w, const char *last)
{
	struct client c = dial(w, true);
	char head[256];
	snprintf(head, sizeof head, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n%s%s%s\r\n",
		last ? "Last-Event-ID: " : "", last ? last : "", last ? "\r\n" : "");
	say(&c, head);
	UNTIL(&c, strstr(text(&c), ":\n\n"));
	return c;
}

static void read_run(const struct client *c, char run[17])
{
	const char *id = strstr(text(c), "id: ");
	assert_non_null(id);
	memcpy(run, id + 4, 16);
	run[16] = 0;
}

static void events_come_and_come_again(void **state)
{
	struct world *w = (struct world *)*state;
	char run[17], last[64];
	struct client c = listen_from(w, NULL);
	assert_non_null(find_header(&c, "Content-Type: text/event-stream"));
	for (uint64_t i = 1; i <= 5; i++)
		tell_fork(w, i);
	UNTIL(&c, strstr(text(&c), "\"seq\":5"));
	assert_non_null(strstr(text(&c), "event: fork\n"));
	read_run(&c, run);
	hang_up(&c);
	snprintf(last, sizeof last, "%s-2", run);
	c = listen_from(w, last);
	UNTIL(&c, strstr(text(&c), "\"seq\":5"));
	assert_null(strstr(text(&c), "\"seq\":2"));
	assert_non_null(strstr(text(&c), "\"seq\":3"));
	assert_null(strstr(text(&c), "reset"));
	hang_up(&c);
	static const char *const lost[] = {"-6", "-", "-x", "!-2", ""};
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
		snprintf(last, sizeof last, "%s%s", run, lost[i]);
		c = listen_from(w, last);
		UNTIL(&c, strstr(text(&c), "event: reset"));
		hang_up(&c);
	}
}

static void what_has_left_the_ring_is_told_as_reset(void **state)
{
	struct world *w = (struct world *)*state;
	char run[17], last[64];
	struct client c = listen_from(w, NULL);
	tell_fork(w, 1);
	UNTIL(&c, strstr(text(&c), "\"seq\":1}"));
	read_run(&c, run);
	for (uint64_t i = 2; i <= EVENTS_RING + 1; i++)
		tell_fork(w, i);
	/* 2 is now the oldest: whoever has 1 misses nothing, whoever has none does. */
	snprintf(last, sizeof last, "%s-1", run);
	struct client d = listen_from(w, last);
	UNTIL(&d, strstr(text(&d), "\"seq\":4097}"));
	assert_null(strstr(text(&d), "event: reset"));
	assert_non_null(strstr(text(&d), "\"seq\":2}"));
	hang_up(&d);
	snprintf(last, sizeof last, "%s-0", run);
	d = listen_from(w, last);
	UNTIL(&d, strstr(text(&d), "event: reset"));
	hang_up(&d);
	hang_up(&c);
}

static void events_of_progress_are_thinned_and_texts_cleaned(void **state)
{
	struct world *w = (struct world *)*state;
	struct client c = listen_from(w, NULL);
	struct engine_event blob = {.kind = ENGINE_EVENT_BLOB, .total = 1000};
	for (blob.count = 1; blob.count <= 1000; blob.count++)
		w->node.heard(w->node.heard_ctx, &blob);
	struct engine_event open = {.kind = ENGINE_EVENT_PEER_OPEN};
	memcpy(open.text, "Li\xe2\x80\xaen\ncoln\xff", 12);
	w->node.heard(w->node.heard_ctx, &open);
	struct engine_event answer = {.kind = ENGINE_EVENT_ANSWER};
	w->node.heard(w->node.heard_ctx, &answer);
	UNTIL(&c, strstr(text(&c), "peer-open") && strstr(text(&c), "\"name\""));
	assert_non_null(strstr(text(&c), "\"name\":\"Lincoln\xef\xbf\xbd\""));
	unsigned blobs = 0;
	for (const char *at = text(&c); (at = strstr(at, "event: blob")); at++)
		blobs++;
	assert_int_equal(blobs, 2); /* the first and the last */
	assert_non_null(strstr(text(&c), "\"chunks\":1000,\"of\":1000"));
	hang_up(&c);
}

static void events_end_with_the_session_and_do_not_keep_its_keys(void **state)
{
	struct world *w = (struct world *)*state;
	char teacher[100], head[256];
	struct session *s;
	keyrings_freed = 0;
	open_session(w, ID_A, false, false, 60, teacher, &s);
	struct client c = dial(w, false);
	snprintf(head, sizeof head, "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", w->port,
		teacher);
	say(&c, head);
	UNTIL(&c, strstr(text(&c), ":\n\n"));
	session_close(http_sessions(w->http), s);
	assert_int_equal(keyrings_freed, 1);
	UNTIL(&c, c.closed);
	hang_up(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_socket_knows_its_user),
		T(a_session_serves_its_identity_alone),
		T(over_the_socket_the_identity_is_named),
		T(a_session_ends_by_the_clock_and_a_hold_outlives_it),
		T(the_same_key_does_a_thing_once),
		T(a_key_at_work_is_not_begun_again),
		T(keys_are_bounded),
		T(events_come_and_come_again),
		T(what_has_left_the_ring_is_told_as_reset),
		T(events_of_progress_are_thinned_and_texts_cleaned),
		T(events_end_with_the_session_and_do_not_keep_its_keys),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
