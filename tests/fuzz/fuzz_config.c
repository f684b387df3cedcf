/* fuzz_config.c -- quire.conf: what is read is shown as a text that is read to the same settings.
 * Input: at most 4096 bytes. */
#include "tests/fuzz/fuzz.h"

#include "daemon/config.h"

#include <sys/mman.h>
#include <unistd.h>

/* A file in memory with these bytes; its path to be read by. */
static int file_of(struct slice s, char path[64])
{
	int fd = memfd_create("quire.conf", 0);
	fuzz_must(fd >= 0 && (s.n == 0 || write(fd, s.p, s.n) == (ssize_t)s.n), "a file in memory");
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static enum err read_text(struct slice text, struct config *c)
{
	char path[64], why[512];
	int fd = file_of(text, path);
	memset(why, 'x', sizeof why);
	enum err e = config_read(c, path, why);
	close(fd);
	fuzz_must(e == OK || e == ERR_INPUT, "the errors of its header");
	fuzz_must(e == OK || (why[0] && memchr(why, 0, sizeof why) != NULL), "it says why");
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct config c, again;
	struct buf shown = {0}, second = {0};
	config_init(&c);
	if (read_text(slice_of(data, n), &c) == OK) {
		fuzz_must(config_show(&c, &shown) == OK, "settings are shown");
		config_init(&again);
		fuzz_must(read_text(buf_slice(&shown), &again) == OK, "what is shown can be read");
		fuzz_must(config_show(&again, &second) == OK && fuzz_same(&shown, &second), "to the same");
	}
	buf_free(&shown);
	buf_free(&second);
	return 0;
}
