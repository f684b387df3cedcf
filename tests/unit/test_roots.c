/* daemon/roots.c: a file that people write too, read strictly and never half written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/home.h"
#include "daemon/roots.h"
#include "tests/support/files.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[256], path[HOME_PATH_BYTES];

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int setup(void **state)
{
	(void)state;
	const char *folder = getenv("TMPDIR");
	snprintf(home, sizeof home, "%s/rootsXXXXXX", folder ? folder : "/tmp");
	return mkdtemp(home) && home_path(home, "roots", path) == OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(home);
}

static struct id32 id_of(uint8_t byte)
{
	struct id32 id;
	memset(id.b, byte, 32);
	return id;
}

static void put(const char *text)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void holds(const char *text)
{
	char got[4096];
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	got[fread(got, 1, sizeof got - 1, f)] = 0;
	(void)fclose(f);
	assert_string_equal(got, text);
}

static void no_file_is_no_trust(void **state)
{
	struct id32 ids[4], a = id_of(0xaa);
	size_t n = 9;
	unsigned line = 9;
	(void)state;
	assert_int_equal(roots_read(home, ids, 4, &n, &line), OK);
	assert_int_equal(n, 0);
	assert_int_equal(line, 0);
	assert_int_equal(roots_remove(home, &a), ERR_NOT_FOUND);
	assert_int_equal(access(path, F_OK), -1);
}

static void what_people_write_is_read(void **state)
{
	struct id32 ids[4], a = id_of(0xaa), b = id_of(0xbb);
	size_t n;
	(void)state;
	put("# mine\n\n  " A "\t# a school\r\n" B "#close\n" A "\n   \n# " B "\n" B);
	assert_int_equal(roots_read(home, ids, 4, &n, NULL), OK);
	assert_int_equal(n, 2);
	assert_true(id32_equal(&ids[0], &a) && id32_equal(&ids[1], &b));
	assert_int_equal(roots_read(home, ids, 1, &n, NULL), ERR_LIMIT);
}

static void what_is_no_id_is_an_error_with_its_line(void **state)
{
	static const char *const faults[] = {A "\nlincoln\n", A "\n" A "b\n", A "\naaaa\n",
		A "\n" A " " B "\n",
		A "\nzaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"};
	struct id32 ids[4], b = id_of(0xbb);
	size_t n;
	unsigned line;
	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		put(faults[i]);
		assert_int_equal(roots_read(home, ids, 4, &n, &line), ERR_FORMAT);
		assert_int_equal(line, 2);
		/* What is not understood is not written over. */
		assert_int_equal(roots_add(home, &b, NULL), ERR_FORMAT);
		assert_int_equal(roots_remove(home, &b), ERR_FORMAT);
		holds(faults[i]);
	}
}

static void a_line_comes_and_goes_and_the_others_stay(void **state)
{
	struct id32 a = id_of(0xaa), b = id_of(0xbb);
	struct stat st;
	char other[HOME_PATH_BYTES];
	(void)state;
	put("# mine");
	assert_int_equal(roots_add(home, &a, "a\nschool\x7f"), OK);
	holds("# mine\n" A "  # a school \n");
	assert_int_equal(roots_add(home, &a, NULL), ERR_EXISTS);
	assert_int_equal(roots_add(home, &b, ""), OK);
	holds("# mine\n" A "  # a school \n" B "\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(roots_remove(home, &a), OK);
	holds("# mine\n" B "\n");
	assert_int_equal(roots_remove(home, &a), ERR_NOT_FOUND);
	assert_int_equal(home_path(home, "roots.new", other), OK);
	assert_int_equal(access(other, F_OK), -1);
}

static void there_is_a_limit(void **state)
{
	static struct id32 ids[ROOTS_MAX];
	struct id32 id = id_of(0);
	size_t n;
	(void)state;
	for (unsigned i = 0; i < ROOTS_MAX; i++) {
		id.b[0] = (uint8_t)(i >> 8);
		id.b[1] = (uint8_t)i;
		id.b[31] = 1;
		assert_int_equal(roots_add(home, &id, NULL), OK);
	}
	assert_int_equal(roots_read(home, ids, ROOTS_MAX, &n, NULL), OK);
	assert_int_equal(n, ROOTS_MAX);
	id.b[30] = 1;
	assert_int_equal(roots_add(home, &id, NULL), ERR_LIMIT);
	static char spaces[ROOTS_BYTES_MAX + 2];
	memset(spaces, ' ', sizeof spaces - 1);
	put(spaces);
	assert_int_equal(roots_read(home, ids, ROOTS_MAX, &n, NULL), ERR_LIMIT);
}

static void no_link_is_followed(void **state)
{
	struct id32 ids[4];
	size_t n;
	char target[HOME_PATH_BYTES];
	(void)state;
	assert_int_equal(home_path(home, "elsewhere", target), OK);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(roots_read(home, ids, 4, &n, NULL), ERR_IO);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_file_is_no_trust),
		TEST(what_people_write_is_read),
		TEST(what_is_no_id_is_an_error_with_its_line),
		TEST(a_line_comes_and_goes_and_the_others_stay),
		TEST(there_is_a_limit),
		TEST(no_link_is_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
