/* daemon/config.c: strict keys, and errors that say where and what is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/address.h"
#include "daemon/config.h"

static char path[512];

static void file(const char *text)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	(void)state;
	const char *folder = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/config-%ld.conf", folder ? folder : "/tmp", (long)getpid());
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

/* Reads text, which is wrong; what must be said about it. */
static void refused(const char *text, unsigned line, const char *said)
{
	struct config c, before;
	char why[512] = "", expected[600];
	config_init(&c);
	before = c;
	file(text);
	assert_int_equal(config_read(&c, path, why), ERR_INPUT);
	snprintf(expected, sizeof expected, "%s:%u: %s", path, line, said);
	assert_string_equal(why, expected);
	assert_memory_equal(&c, &before, sizeof c);
}

static void settings_have_defaults(void **state)
{
	(void)state;
	struct config c;
	setenv("QUIRE_HOME", "/q", 1);
	config_init(&c);
	assert_string_equal(c.home, "/q");
	assert_string_equal(c.listen, "127.0.0.1:7411");
	assert_int_equal(c.redial_max_s, 60);
	assert_string_equal(c.log_level, "info");
}

static void the_home_comes_from_the_environment(void **state)
{
	(void)state;
	struct config c;
	unsetenv("QUIRE_HOME");
	setenv("XDG_DATA_HOME", "/data", 1);
	config_init(&c);
	assert_string_equal(c.home, "/data/quire");
	setenv("XDG_DATA_HOME", "relative", 1);
	setenv("HOME", "/h", 1);
	config_init(&c);
	assert_string_equal(c.home, "/h/.local/share/quire");
}

static void a_file_goes_over_the_defaults(void **state)
{
	(void)state;
	struct config c;
	char why[512] = "";
	config_init(&c);
	file("# ours\r\n\n[peers]\n listen = [::1]:0 \nadvertise=a.example:7411 [2001:db8::1]:80\nrate=1000\n; x\n[log]\nlevel = debug");
	assert_int_equal(config_read(&c, path, why), OK);
	assert_string_equal(c.listen, "[::1]:0");
	assert_string_equal(c.advertise, "a.example:7411 [2001:db8::1]:80");
	assert_int_equal(c.rate, 1000);
	assert_string_equal(c.log_level, "debug");
	assert_string_equal(c.http, "127.0.0.1:7412");
}

static void an_unknown_key_names_the_nearest(void **state)
{
	(void)state;
	refused("[peers]\n\nlissten = off\n", 3,
		"unknown setting peers.lissten; the nearest is peers.listen");
	refused("[peers]\nhttp = off\n", 2, "unknown setting peers.http; the nearest is page.http");
	refused("[peer]\n", 1, "unknown section [peer]; the nearest is [peers]");
}

static void what_is_no_setting_is_refused(void **state)
{
	(void)state;
	refused("listen = off\n", 1, "a setting stands before the first [section]");
	refused("[peers\n", 1, "a section is written as [name]");
	refused("[peers]\nlisten\n", 2, "a setting is written as key = value");
	refused("[log]\nlevel=info\n[log]\nlevel=debug\n", 4, "log.level is set twice");
}

static void a_value_out_of_its_range_is_refused(void **state)
{
	(void)state;
	refused("[peers]\nredial_max = 3601\n", 2,
		"peers.redial_max is \"3601\": it must be a whole number from 1 to 3600 (s)");
	refused("[peers]\nredial_max = 1e3\n", 2,
		"peers.redial_max is \"1e3\": it must be a whole number from 1 to 3600 (s)");
	refused("[peers]\nrate = 18446744073709551616\n", 2,
		"peers.rate is \"18446744073709551616\": it must be a whole number from 0 to 100000000000 (bytes/s)");
	refused("[log]\nformat = xml\n", 2, "log.format is \"xml\": it must be one of text|json");
	refused("[log]\nformat =\n", 2, "log.format is \"\": it must be one of text|json");
	refused("[page]\nhttp = 7412\n", 2,
		"page.http is \"7412\": it must be ADDRESS:PORT, as 127.0.0.1:7411 or [::1]:7411, or off");
}

static void at_most_four_addresses_are_advertised(void **state)
{
	(void)state;
	struct config c;
	char why[512];
	config_init(&c);
	assert_int_equal(config_set(&c, "peers.advertise", "a:1 b:2 c:3 d:4", why), OK);
	assert_int_equal(config_set(&c, "peers.advertise", "a:1 b:2 c:3 d:4 e:5", why), ERR_INPUT);
	assert_int_equal(config_set(&c, "peers.advertise", "a:0", why), ERR_INPUT);
}

static void a_proxy_is_one_of_two_kinds_and_its_password_is_not_said_again(void **state)
{
	(void)state;
	struct config c;
	char why[512] = "";
	config_init(&c);
	assert_string_equal(c.no_proxy, "localhost 127.0.0.1 ::1");
	assert_int_equal(config_set(&c, "peers.proxy", "socks5://u:p@proxy.example:1080", why), OK);
	assert_int_equal(config_set(&c, "peers.proxy", "", why), OK);
	assert_int_equal(config_set(&c, "peers.proxy", "socks4://u:secret@a:1", why), ERR_INPUT);
	assert_non_null(strstr(why, "peers.proxy must be socks5://"));
	assert_null(strstr(why, "secret"));
}

static void a_text_may_have_255_bytes(void **state)
{
	(void)state;
	struct config c;
	char why[512], text[CONFIG_TEXT_BYTES + 1] = {0};
	config_init(&c);
	memset(text, 'a', CONFIG_TEXT_BYTES - 1);
	assert_int_equal(config_set(&c, "page.hosts", text, why), OK);
	text[CONFIG_TEXT_BYTES - 1] = 'a';
	assert_int_equal(config_set(&c, "page.hosts", text, why), ERR_INPUT);
	assert_string_equal(why, "page.hosts is longer than 255 bytes");
}

static void a_missing_file_is_told_from_a_bad_one(void **state)
{
	(void)state;
	struct config c;
	char why[512];
	config_init(&c);
	unlink(path);
	assert_int_equal(config_read(&c, path, why), ERR_NOT_FOUND);
	assert_int_equal(config_read(&c, "/", why), ERR_IO);
}

static void what_is_shown_can_be_read_again(void **state)
{
	(void)state;
	struct config c, again;
	struct buf text = {0};
	char why[512] = "";
	config_init(&c);
	assert_int_equal(config_set(&c, "page.upload_max", "1048576", why), OK);
	assert_int_equal(config_set(&c, "page.hosts", "a b", why), OK);
	assert_int_equal(config_show(&c, &text), OK);
	assert_int_equal(buf_put(&text, "", 1), OK);
	file((const char *)text.p);
	config_init(&again);
	assert_int_equal(config_read(&again, path, why), OK);
	assert_memory_equal(&again, &c, sizeof c);
	assert_non_null(strstr((const char *)text.p, "[page]\n"));
	assert_non_null(strstr((const char *)text.p, "# default: 60; from 1 to 3600 s\nredial_max = 60\n"));
	buf_free(&text);
}

static void addresses_are_read_strictly(void **state)
{
	(void)state;
	struct address a;
	struct sockaddr_storage s;
	char text[ADDRESS_TEXT_BYTES];
	static const char *const bad[] = {"", ":", "a", "a:", ":1", "a:65536", "a:123456", "a:-1", "a: 1",
		"::1:80x", "a b:1", "[]:1", "[a/b]:1", "a:0", "1.2.3.4:+1", "::1:80"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(address_parse(bad[i], false, &a), ERR_INPUT);
	assert_int_equal(address_parse("school.example:7411", false, &a), OK);
	assert_int_equal(address_numeric(&a, &s), ERR_INPUT);
	assert_int_equal(address_parse("[2001:db8::1]:65535", false, &a), OK);
	assert_int_equal(address_numeric(&a, &s), OK);
	address_text((const struct sockaddr *)&s, text);
	assert_string_equal(text, "[2001:db8::1]:65535");
	assert_int_equal(address_parse("0.0.0.0:0", true, &a), OK);
	assert_int_equal(address_numeric(&a, &s), OK);
	assert_true(address_is_any((const struct sockaddr *)&s));
}

static void one_ipv6_site_is_one_source(void **state)
{
	(void)state;
	static const char *const texts[] = {"[2001:db8::1]:1", "[2001:db8::ffff:2]:9", "[2001:db8:0:1::1]:1",
		"10.0.0.1:1", "[::ffff:10.0.0.1]:1", "10.0.0.2:1"};
	uint8_t sources[6][8];
	for (size_t i = 0; i < 6; i++) {
		struct address a;
		struct sockaddr_storage s;
		assert_int_equal(address_parse(texts[i], false, &a), OK);
		assert_int_equal(address_numeric(&a, &s), OK);
		address_source((const struct sockaddr *)&s, sources[i]);
	}
	assert_memory_equal(sources[0], sources[1], 8);
	assert_memory_not_equal(sources[0], sources[2], 8);
	assert_memory_equal(sources[3], sources[4], 8);
	assert_memory_not_equal(sources[3], sources[5], 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_have_defaults),
		cmocka_unit_test(the_home_comes_from_the_environment),
		cmocka_unit_test(a_file_goes_over_the_defaults),
		cmocka_unit_test(an_unknown_key_names_the_nearest),
		cmocka_unit_test(what_is_no_setting_is_refused),
		cmocka_unit_test(a_value_out_of_its_range_is_refused),
		cmocka_unit_test(at_most_four_addresses_are_advertised),
		cmocka_unit_test(a_proxy_is_one_of_two_kinds_and_its_password_is_not_said_again),
		cmocka_unit_test(a_text_may_have_255_bytes),
		cmocka_unit_test(a_missing_file_is_told_from_a_bad_one),
		cmocka_unit_test(what_is_shown_can_be_read_again),
		cmocka_unit_test(addresses_are_read_strictly),
		cmocka_unit_test(one_ipv6_site_is_one_source),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
