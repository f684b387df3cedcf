/* test_replay.c -- the replay of a corpus can fail: it sees a broken property, a read behind the end, a corpus that is missing. */
#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[256], program[4096];

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof dir, "%.200s/replay.XXXXXX", tmp ? tmp : "/tmp");
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 32);
	if (n <= 0 || !mkdtemp(dir))
		return -1;
	program[n] = 0;
	memcpy(strrchr(program, '/'), "/planted", sizeof "/planted");
	return 0;
}

static void file_path(char out[512])
{
	snprintf(out, 512, "%s/input", dir);
}

static int teardown(void **state)
{
	(void)state;
	char path[512];
	file_path(path);
	(void)remove(path);
	return remove(dir);
}

static void write_input(const char *text)
{
	char path[512];
	file_path(path);
	FILE *out = fopen(path, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
}

/* What the planted target says of that input: did it end well? */
static bool passes(const char *where)
{
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(0);
		execl(program, program, where, (char *)NULL);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void a_harmless_input_passes(void **state)
{
	(void)state;
	write_input("nothing that anybody planted");
	assert_true(passes(dir));
	write_input("");
	assert_true(passes(dir));
}

static void a_property_that_does_not_hold_fails(void **state)
{
	(void)state;
	write_input("a property that does not hold");
	assert_false(passes(dir));
}

static void a_read_behind_the_end_fails_under_the_address_sanitizer(void **state)
{
	(void)state;
	write_input("a read behind the end");
#ifdef __SANITIZE_ADDRESS__
	assert_false(passes(dir));
#else
	assert_true(passes(dir));
#endif
}

static void a_corpus_that_is_missing_or_empty_fails(void **state)
{
	(void)state;
	char path[512];
	file_path(path);
	write_input("");
	assert_int_equal(remove(path), 0);
	assert_false(passes(dir));
	assert_false(passes(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_harmless_input_passes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_property_that_does_not_hold_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_read_behind_the_end_fails_under_the_address_sanitizer, setup, teardown),
		cmocka_unit_test_setup_teardown(a_corpus_that_is_missing_or_empty_fails, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
