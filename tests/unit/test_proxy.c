/* daemon/proxy*.c: every reply of a proxy, cut at every byte, and what is no reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/proxy.h"
#include "tests/support/seeded_random.h"

#define SAID_MAX 4

static struct proxy_at at(const char *text)
{
	struct proxy_at a;
	assert_int_equal(proxy_parse(text, &a), OK);
	return a;
}

static struct address target(const char *text)
{
	struct address a;
	assert_int_equal(address_parse(text, false, &a), OK);
	return a;
}

/* What the proxy says in turn, each after it was told something; and what it must have been told. */
struct talk {
	const char *proxy, *target;
	struct slice heard[SAID_MAX], said[SAID_MAX];
	enum err end;
	const char *why; /* in words */
};

#define S(text) slice_of(text, sizeof(text) - 1)

/* step: how many bytes arrive at once. */
static void run_in_steps(const struct talk *t, size_t step)
{
	const struct proxy_at a = at(t->proxy);
	const struct address to = target(t->target);
	struct proxy p;
	struct buf out = {0};
	enum err e = proxy_begin(&p, &a, &to, &out);
	assert_int_equal(e, OK);
	e = ERR_PENDING;
	for (size_t i = 0; i < SAID_MAX && t->said[i].n > 0; i++) {
		assert_true(slice_equal(buf_slice(&out), t->heard[i]));
		out.n = 0;
		for (size_t from = 0; from < t->said[i].n; from += step) {
			size_t n = t->said[i].n - from < step ? t->said[i].n - from : step, taken = 0;
			assert_int_equal(e, ERR_PENDING);
			e = proxy_feed(&p, slice_of(t->said[i].p + from, n), &taken, &out);
			assert_true(e != ERR_PENDING || taken == n);
			/* Whoever refuses need not be heard to the end. */
			if (e == ERR_UNREACHABLE)
				break;
			assert_int_equal(taken, n);
		}
	}
	assert_int_equal(e, t->end);
	assert_string_equal(p.why, t->why);
	size_t taken = 1;
	if (e != ERR_PENDING)
		assert_int_equal(proxy_feed(&p, S("x"), &taken, &out), ERR_STATE);
	assert_true(e == ERR_PENDING || taken == 0);
	buf_free(&out);
}

static void run(const struct talk *t)
{
	for (size_t step = 1; step < 64; step++)
		run_in_steps(t, step);
	run_in_steps(t, SIZE_MAX);
}

#define HELLO S("\5\1\0")
#define HELLO_WORDS S("\5\2\0\2")
#define ASK_NAME S("\5\1\0\3\13school.test\x1c\xf3")
#define GOOD_4 S("\5\0\0\1\1\2\3\4\5\6")

static void socks_opens_the_way_to_names_and_addresses(void **state)
{
	(void)state;
	const struct talk talks[] = {
		{"socks5://p:1", "school.test:7411", {HELLO, ASK_NAME}, {S("\5\0"), GOOD_4}, OK, ""},
		{"socks5://p:1", "10.1.2.3:256", {HELLO, S("\5\1\0\1\12\1\2\3\1\0")}, {S("\5\0"), GOOD_4}, OK,
			""},
		{"socks5://p:1", "[::1]:1", {HELLO, S("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1")},
			{S("\5\0"), GOOD_4}, OK, ""},
		{"socks5://p:1", "school.test:7411", {HELLO, ASK_NAME},
			{S("\5\0"), S("\5\0\0\4abcdefghijklmnop\0\1")}, OK, ""},
		{"socks5://p:1", "school.test:7411", {HELLO, ASK_NAME}, {S("\5\0"), S("\5\0\0\3\3abc\0\1")},
			OK, ""},
		{"socks5://p:1", "school.test:7411", {HELLO, ASK_NAME}, {S("\5\0"), S("\5\0\0\3\0\0\1")}, OK,
			""},
		{"socks5://me:a%3ab@p:1", "school.test:7411", {HELLO_WORDS, S("\1\2me\3a:b"), ASK_NAME},
			{S("\5\2"), S("\1\0"), GOOD_4}, OK, ""},
		{"socks5://me:x@p:1", "school.test:7411", {HELLO_WORDS, ASK_NAME}, {S("\5\0"), GOOD_4}, OK,
			""},
		{"socks5://p:1", "school.test:7411", {HELLO, ASK_NAME}, {S("\5\0"), S("\5\0\0\1\1\2\3\4\5")},
			ERR_PENDING, ""},
	};
	for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++)
		run(&talks[i]);
}

static void socks_says_in_words_why_not(void **state)
{
	(void)state;
	static const char *const words[] = {NULL, "failed", "does not allow this connection",
		"cannot reach the network of that address", "cannot reach that address",
		"was refused by that address", "had no answer from that address", "knows no CONNECT",
		"knows no addresses of this kind", "failed"};
	char why[PROXY_WHY_BYTES];
	for (uint8_t reply = 1; reply != 0; reply++) {
		const uint8_t said[] = {5, reply, 0, 1, 0, 0, 0, 0, 0, 0};
		snprintf(why, sizeof why, "the proxy %s", words[reply < 10 ? reply : 9]);
		run(&(struct talk){"socks5://p:1", "school.test:7411", {HELLO, ASK_NAME},
			{S("\5\0"), slice_of(said, sizeof said)}, ERR_UNREACHABLE, why});
	}
	const struct talk talks[] = {
		{"socks5://p:1", "a:1", {HELLO}, {S("\5\xff")}, ERR_UNREACHABLE,
			"the proxy needs a user name and password: put them into peers.proxy"},
		{"socks5://p:1", "a:1", {HELLO}, {S("\5\2")}, ERR_UNREACHABLE,
			"the proxy needs a user name and password: put them into peers.proxy"},
		{"socks5://u:p@p:1", "a:1", {HELLO_WORDS}, {S("\5\xff")}, ERR_UNREACHABLE,
			"the proxy takes neither a user name and password nor none"},
		{"socks5://u:p@p:1", "a:1", {HELLO_WORDS}, {S("\5\1")}, ERR_UNREACHABLE,
			"the proxy chose a method that was not offered"},
		{"socks5://u:p@p:1", "a:1", {HELLO_WORDS, S("\1\1u\1p")}, {S("\5\2"), S("\1\1")},
			ERR_UNREACHABLE, "the proxy refuses the user name and password of peers.proxy"},
		{"socks5://u:p@p:1", "a:1", {HELLO_WORDS, S("\1\1u\1p")}, {S("\5\2"), S("\5\0")},
			ERR_UNREACHABLE, "the proxy does not speak SOCKS 5"},
		{"socks5://p:1", "a:1", {HELLO}, {S("\4\0")}, ERR_UNREACHABLE,
			"the proxy does not speak SOCKS 5"},
		{"socks5://p:1", "a:1", {HELLO}, {S("HTTP/1.1 400 Bad Request\r\n\r\n")}, ERR_UNREACHABLE,
			"the proxy does not speak SOCKS 5"},
		{"socks5://p:1", "school.test:7411", {HELLO, ASK_NAME}, {S("\5\0"), S("\4\0\0\1")},
			ERR_UNREACHABLE, "the proxy does not speak SOCKS 5"},
		{"socks5://p:1", "school.test:7411", {HELLO, ASK_NAME}, {S("\5\0"), S("\5\0\0\2\1")},
			ERR_UNREACHABLE, "the proxy does not speak SOCKS 5"},
	};
	for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++)
		run(&talks[i]);
}

#define ASK_HTTP S("CONNECT school.test:7411 HTTP/1.1\r\nHost: school.test:7411\r\n\r\n")

static void http_opens_the_way(void **state)
{
	(void)state;
	const char *to = "school.test:7411";
	const struct talk talks[] = {
		{"http://p:1", to, {ASK_HTTP}, {S("HTTP/1.1 200 Connection established\r\n\r\n")}, OK, ""},
		{"http://p:1", to, {ASK_HTTP}, {S("HTTP/1.0 200\r\nVia: x\r\nContent-Length: 9\r\n\r\n")}, OK,
			""},
		{"http://p:1", to, {ASK_HTTP}, {S("HTTP/1.1 299 \n\n")}, OK, ""},
		{"http://p:1", to, {ASK_HTTP},
			{S("HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nB: c\r\n\r\n")},
			OK, ""},
		{"http://p:1", "[2001:db8::1]:80",
			{S("CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n")},
			{S("HTTP/1.1 200 OK\r\n\r\n")}, OK, ""},
		{"http://Aladdin:open%20sesame@p:1", "a:1",
			{S("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")},
			{S("HTTP/1.1 200 OK\r\n\r\n")}, OK, ""},
		{"http://p:1", to, {ASK_HTTP}, {S("HTTP/1.1 200 OK\r\nVia: x\r\n")}, ERR_PENDING, ""},
	};
	for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++)
		run(&talks[i]);
}

static void http_says_in_words_why_not(void **state)
{
	(void)state;
	static const char needs[] = "the proxy needs a user name and password: put them into peers.proxy",
			  wrong[] = "the proxy refuses the user name and password of peers.proxy",
			  none[] = "the proxy does not speak HTTP";
	const struct slice
		ask = S("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
		ask_words = S("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nProxy-Authorization: Basic dTo=\r\n\r\n");
	const struct talk talks[] = {
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 407 X\r\n\r\n")}, ERR_UNREACHABLE, needs},
		{"http://u:@p:1", "a:1", {ask_words}, {S("HTTP/1.1 407 X\r\n\r\n")}, ERR_UNREACHABLE, wrong},
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 403 X\r\n\r\n")}, ERR_UNREACHABLE,
			"the proxy does not allow this connection"},
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 502 X\r\n\r\n")}, ERR_UNREACHABLE,
			"the proxy cannot reach that address"},
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 101 X\r\n\r\n")}, ERR_UNREACHABLE,
			"the proxy answered with HTTP status 101"},
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 301 X\r\n\r\n")}, ERR_UNREACHABLE,
			"the proxy answered with HTTP status 301"},
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 2000 X\r\n\r\n")}, ERR_UNREACHABLE, none},
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 20 OK\r\n\r\n")}, ERR_UNREACHABLE, none},
		{"http://p:1", "a:1", {ask}, {S("HTTP/2.0 200 OK\r\n\r\n")}, ERR_UNREACHABLE, none},
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 099 X\r\n\r\n")}, ERR_UNREACHABLE, none},
		{"http://p:1", "a:1", {ask}, {S("SSH-2.0-x\r\n\r\n")}, ERR_UNREACHABLE, none},
		{"http://p:1", "a:1", {ask}, {S("\r\n")}, ERR_UNREACHABLE, none},
		{"http://p:1", "a:1", {ask}, {S("HTTP/1.1 200 \0\r\n\r\n")}, ERR_UNREACHABLE, none},
	};
	for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++)
		run(&talks[i]);
}

static void what_is_behind_the_answer_is_not_the_proxys(void **state)
{
	(void)state;
	static const struct {
		const char *proxy;
		struct slice first, last;
	} cases[] = {{"socks5://p:1", {(const uint8_t *)"\5\0", 2},
			     {(const uint8_t *)"\5\0\0\1\1\2\3\4\5\6peer", 14}},
		{"http://p:1", {0}, {(const uint8_t *)"HTTP/1.1 200 OK\r\n\r\npeer", 23}}};
	for (size_t i = 0; i < 2; i++) {
		const struct proxy_at a = at(cases[i].proxy);
		const struct address to = target("a:1");
		struct proxy p;
		struct buf out = {0};
		size_t taken = 0;
		assert_int_equal(proxy_begin(&p, &a, &to, &out), OK);
		if (cases[i].first.n > 0)
			assert_int_equal(proxy_feed(&p, cases[i].first, &taken, &out), ERR_PENDING);
		assert_int_equal(proxy_feed(&p, cases[i].last, &taken, &out), OK);
		assert_int_equal(taken, cases[i].last.n - 4);
		buf_free(&out);
	}
}

/* n bytes of a head that never ends. */
static enum err long_head(size_t n, char why[PROXY_WHY_BYTES])
{
	const struct proxy_at a = at("http://p:1");
	const struct address to = target("a:1");
	struct proxy p;
	struct buf out = {0};
	size_t taken;
	enum err e = proxy_begin(&p, &a, &to, &out);
	assert_int_equal(e, OK);
	e = ERR_PENDING;
	for (size_t i = 0; i < n && e == ERR_PENDING; i++)
		e = proxy_feed(&p, S("x"), &taken, &out);
	memcpy(why, p.why, PROXY_WHY_BYTES);
	buf_free(&out);
	return e;
}

static void a_head_is_bounded(void **state)
{
	(void)state;
	char why[PROXY_WHY_BYTES];
	assert_int_equal(long_head(PROXY_HEAD_BYTES_MAX, why), ERR_PENDING);
	assert_int_equal(long_head(PROXY_HEAD_BYTES_MAX + 1, why), ERR_UNREACHABLE);
	assert_string_equal(why, "the proxy says too much");
}

/* Bytes by chance, and sound talks with one byte by chance: an end or more to come, never more said than there is room for. */
static void hostile_bytes_end_it_in_words_and_cost_nothing(void **state)
{
	(void)state;
	struct seeded_random seed = {.seed = 7411};
	const struct random_source random = seeded_random_source(&seed);
	static const char *const proxies[] = {"socks5://p:1", "socks5://u:p@p:1", "http://p:1"};
	static const struct slice sound[] = {{(const uint8_t *)"\5\0\5\0\0\3\3abc\0\1", 12},
		{(const uint8_t *)"\5\2\1\0\5\0\0\1\1\2\3\4\5\6", 14},
		{(const uint8_t *)"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 25}};
	size_t ends[3] = {0};
	for (unsigned i = 0; i < 60000; i++) {
		const struct proxy_at a = at(proxies[i % 3]);
		const struct address to = target("school.test:7411");
		struct proxy p;
		struct buf out = {0};
		uint8_t bytes[64], where[2];
		size_t n = sizeof bytes, taken = 0;
		random.fill(random.ctx, bytes, sizeof bytes);
		random.fill(random.ctx, where, sizeof where);
		if (i % 2) {
			uint8_t other = bytes[0];
			n = sound[i % 3].n;
			memcpy(bytes, sound[i % 3].p, n);
			bytes[where[0] % n] = other;
		}
		assert_int_equal(proxy_begin(&p, &a, &to, &out), OK);
		enum err e = proxy_feed(&p, slice_of(bytes, n), &taken, &out);
		assert_true(taken <= n && out.n < 256);
		assert_true(e == OK || e == ERR_PENDING || e == ERR_UNREACHABLE);
		assert_true((e == ERR_UNREACHABLE) == (p.why[0] != 0));
		ends[e == OK ? 0 : e == ERR_PENDING ? 1 : 2]++;
		buf_free(&out);
	}
	for (size_t i = 0; i < 3; i++)
		assert_true(ends[i] > 0);
}

static void settings_are_read_strictly(void **state)
{
	(void)state;
	static const char *const bad[] = {"p:1", "socks4://p:1", "https://p:1", "socks5://p", "socks5://p:0",
		"socks5://u@p:1", "socks5://:x@p:1", "socks5://u:@p:1", "http://a%3ab:c@p:1",
		"http://u%:x@p:1", "http://u%0:x@p:1", "http://u%00:x@p:1", "http://u:%gg@p:1",
		"http://p:1/x", "http:// p:1", "http://"};
	struct proxy_at a;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (proxy_parse(bad[i], &a) != ERR_INPUT)
			fail_msg("%s was accepted", bad[i]);
	assert_int_equal(proxy_parse("", &a), OK);
	assert_int_equal(a.kind, PROXY_NONE);
	assert_int_equal(proxy_parse("HTTP://u%2Fv:p@q%40@[::1]:3128/", &a), OK);
	assert_int_equal(a.kind, PROXY_HTTP);
	assert_string_equal(a.user, "u/v");
	assert_string_equal(a.password, "p@q@");
	assert_string_equal(a.address.host, "::1");
	char text[600];
	for (size_t n = 255; n <= 256; n++) {
		snprintf(text, sizeof text, "socks5://u:%0*d@p:1", (int)n, 1);
		assert_int_equal(proxy_parse(text, &a), n == 255 ? OK : ERR_INPUT);
	}
}

static void some_hosts_are_reached_without_it(void **state)
{
	(void)state;
	static const struct {
		const char *list, *host;
		bool without;
	} cases[] = {
		{"", "a", false},
		{"*", "a", true},
		{"localhost 127.0.0.1 ::1", "127.0.0.1", true},
		{"localhost 127.0.0.1 ::1", "127.0.0.11", false},
		{"localhost 127.0.0.1 ::1", "::1", true},
		{"[::1]", "::1", true},
		{"0.0.1", "10.0.0.1", false},
		{"school.test", "school.test", true},
		{"school.test", "SCHOOL.Test", true},
		{"school.test", "lab.school.test", true},
		{"school.test", "myschool.test", false},
		{".school.test", "lab.school.test", true},
		{".school.test", "school.test", true},
		{"a,.b c", "x.b", true},
		{"a,.b c", "c", true},
		{" , .", "c", false},
		{"long.school.test", "school.test", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (proxy_passes_by(cases[i].list, cases[i].host) != cases[i].without)
			fail_msg("%s, %s", cases[i].list, cases[i].host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socks_opens_the_way_to_names_and_addresses),
		cmocka_unit_test(socks_says_in_words_why_not),
		cmocka_unit_test(http_opens_the_way),
		cmocka_unit_test(http_says_in_words_why_not),
		cmocka_unit_test(what_is_behind_the_answer_is_not_the_proxys),
		cmocka_unit_test(a_head_is_bounded),
		cmocka_unit_test(hostile_bytes_end_it_in_words_and_cost_nothing),
		cmocka_unit_test(settings_are_read_strictly),
		cmocka_unit_test(some_hosts_are_reached_without_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
