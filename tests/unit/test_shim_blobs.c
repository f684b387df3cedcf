/* test_shim_blobs.c -- chunks of a blob count as kept once they are synced: a process is killed, and its disk forgets what was not. */
#include "store/blobfile.h"
#include "tests/support/files.h"
#include "tests/support/power_cut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct id32 root = {{9}};
static uint8_t chunk[BLOB_CHUNK_STORED_BYTES];

static bool write_one(const char *home, int fd, uint64_t index, bool sync)
{
	memset(chunk, 'a' + (int)index, sizeof chunk);
	return blobfile_write_chunk(fd, index, chunk, sizeof chunk) == OK &&
		(!sync || blobfile_sync(home, &root, fd) == OK) &&
		write(ACKNOWLEDGE_FD, &index, sizeof index) == sizeof index;
}

/* Two chunks and a sync each, then one without. */
static int child(const char *home)
{
	int fd;
	if (blobfile_open_part(home, &root, &fd) != OK)
		return 1;
	if (!write_one(home, fd, 0, true) || !write_one(home, fd, 1, true) || !write_one(home, fd, 2, false))
		return 1;
	for (;;)
		pause();
}

static void synced_chunks_outlive_a_power_cut_and_others_do_not(void **state)
{
	(void)state;
	char home[200];
	const char *tmp = getenv("TMPDIR");
	snprintf(home, sizeof home, "%.150s/quire-cut-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(home));
	int from, fd;
	pid_t pid = start_child(home, 0, &from);
	for (uint64_t i = 0, index; i < 3; i++) {
		assert_int_equal(read(from, &index, sizeof index), sizeof index);
		assert_int_equal(index, i);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(from);
	assert_int_equal(blobfile_open_part(home, &root, &fd), OK);
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(blobfile_read_chunk(fd, i, chunk, sizeof chunk), OK);
		assert_int_equal(chunk[0], 'a' + i);
		assert_int_equal(chunk[sizeof chunk - 1], 'a' + i);
	}
	assert_int_equal(blobfile_read_chunk(fd, 2, chunk, sizeof chunk), ERR_CORRUPT);
	close(fd);
	assert_int_equal(remove_tree(home), 0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--power-cut") == 0)
		return child(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(synced_chunks_outlive_a_power_cut_and_others_do_not),
	};
	return cmocka_run_group_tests_name("power cuts and blobs", tests, NULL, NULL);
}
