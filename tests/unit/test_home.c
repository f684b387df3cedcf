/* daemon/home.c: one process per home, keys that only their owner reads, and words that say what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/home.h"

static char home[512], why[HOME_WHY_BYTES];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	const char *folder = getenv("TMPDIR");
	snprintf(home, sizeof home, "%s/homeXXXXXX", folder ? folder : "/tmp");
	why[0] = 0;
	return mkdtemp(home) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void below(const char *name, char out[HOME_PATH_BYTES])
{
	assert_int_equal(home_path(home, name, out), OK);
}

static void a_home_is_made_with_its_folders_and_keys(void **state)
{
	(void)state;
	char deep[HOME_PATH_BYTES], path[HOME_PATH_BYTES];
	struct stat st;
	below("a/b", deep);
	assert_int_equal(home_create(deep, why), OK);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(home_path(deep, "keys/node", path), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 116);
	assert_int_equal(home_path(deep, "blobs", path), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(home_path(deep, "keys/node.new", path), OK);
	assert_int_equal(stat(path, &st), -1);
}

static void keys_are_the_same_each_time_and_fit_together(void **state)
{
	(void)state;
	struct node_keys a, b;
	struct id32 public_key;
	assert_int_equal(home_create(home, why), OK);
	assert_int_equal(home_keys(home, &a, why), OK);
	assert_int_equal(home_keys(home, &b, why), OK);
	assert_memory_equal(&a, &b, sizeof a);
	crypto_scalarmult_base(public_key.b, a.node_secret);
	assert_memory_equal(public_key.b, a.node_key.b, 32);
	crypto_scalarmult_base(public_key.b, a.notice_secret);
	assert_memory_equal(public_key.b, a.notice_key.b, 32);
	assert_memory_equal(a.receipt_secret + 32, a.receipt_key.b, 32);
	assert_memory_not_equal(a.node_secret, a.notice_secret, 32);
}

static void keys_are_never_replaced(void **state)
{
	(void)state;
	struct node_keys a, b;
	assert_int_equal(home_create(home, why), OK);
	assert_int_equal(home_keys(home, &a, why), OK);
	assert_int_equal(home_create(home, why), ERR_EXISTS);
	assert_non_null(strstr(why, "choose another --home"));
	assert_int_equal(home_keys(home, &b, why), OK);
	assert_memory_equal(&a, &b, sizeof a);
}

static void a_damaged_key_file_is_not_used(void **state)
{
	(void)state;
	struct node_keys keys;
	char path[HOME_PATH_BYTES];
	assert_int_equal(home_create(home, why), OK);
	below("keys/node", path);
	for (off_t at = 0; at < 116; at++) {
		uint8_t byte = 0;
		int fd = open(path, O_RDWR | O_CLOEXEC);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(home_keys(home, &keys, why), ERR_CORRUPT);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
	}
	assert_int_equal(home_keys(home, &keys, why), OK);
	assert_int_equal(truncate(path, 115), 0);
	assert_int_equal(home_keys(home, &keys, why), ERR_CORRUPT);
}

static void keys_that_others_can_read_are_refused(void **state)
{
	(void)state;
	struct node_keys keys;
	char path[HOME_PATH_BYTES];
	assert_int_equal(home_create(home, why), OK);
	below("keys/node", path);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(home_keys(home, &keys, why), ERR_INPUT);
	assert_non_null(strstr(why, "chmod 600"));
}

static void an_empty_folder_is_no_home(void **state)
{
	(void)state;
	struct node_keys keys;
	char path[HOME_PATH_BYTES];
	int fd;
	assert_int_equal(home_keys(home, &keys, why), ERR_NOT_FOUND);
	assert_non_null(strstr(why, "quire init"));
	below("nothing", path);
	assert_int_equal(home_lock(path, &fd, why), ERR_NOT_FOUND);
	assert_non_null(strstr(why, "quire init"));
	assert_int_equal(fd, -1);
}

static void the_second_process_is_told_the_first(void **state)
{
	(void)state;
	int first, second;
	char pid[32];
	assert_int_equal(home_lock(home, &first, why), OK);
	assert_int_equal(home_lock(home, &second, why), ERR_BUSY);
	snprintf(pid, sizeof pid, "process %ld ", (long)getpid());
	assert_non_null(strstr(why, pid));
	home_unlock(&first);
	home_unlock(&first);
	assert_int_equal(home_lock(home, &second, why), OK);
	home_unlock(&second);
}

static void a_socket_path_has_at_most_107_bytes(void **state)
{
	(void)state;
	char text[200], path[HOME_SOCKET_BYTES];
	memset(text, 'a', sizeof text);
	text[0] = '/';
	text[107 - 11] = 0;
	assert_int_equal(home_socket(text, path, why), OK);
	assert_int_equal(strlen(path), 107);
	text[107 - 11] = 'a';
	text[108 - 11] = 0;
	assert_int_equal(home_socket(text, path, why), ERR_LIMIT);
	assert_string_equal(why,
		"the path of the socket in the home has 108 bytes, and the system allows 107: choose a shorter --home");
}

static void a_home_cannot_be_made_where_a_file_is(void **state)
{
	(void)state;
	char path[HOME_PATH_BYTES];
	below("file", path);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	below("file/home", path);
	assert_int_equal(home_create(path, why), ERR_IO);
	assert_true(strlen(why) > 0);
	assert_int_equal(home_create("", why), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_home_is_made_with_its_folders_and_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(
			keys_are_the_same_each_time_and_fit_together, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_are_never_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_key_file_is_not_used, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_that_others_can_read_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_folder_is_no_home, setup, teardown),
		cmocka_unit_test_setup_teardown(the_second_process_is_told_the_first, setup, teardown),
		cmocka_unit_test_setup_teardown(a_socket_path_has_at_most_107_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_home_cannot_be_made_where_a_file_is, setup, teardown),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
