/* daemon/keyfile.c: secrets come back with the passphrase alone, and damage is told from a wrong one. */
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
#include "daemon/keyfile.h"
#include "protocol/log/secret.h"

static char home[512], why[HOME_WHY_BYTES];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static int begin(void **state)
{
	(void)state;
	const char *folder = getenv("TMPDIR");
	snprintf(home, sizeof home, "%s/keyfileXXXXXX", folder ? folder : "/tmp");
	if (sodium_init() < 0 || !mkdtemp(home))
		return -1;
	return home_create(home, why) == OK ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void fill_owner(struct owner *o)
{
	uint8_t scratch[64];
	memset(o, 0, sizeof *o);
	memset(o->identity.b, 7, 32);
	randombytes_buf(&o->device, sizeof o->device);
	o->secrets.has_signing = o->secrets.has_badge = true;
	randombytes_buf(o->secrets.signing_seed, 32);
	randombytes_buf(o->secrets.badge_seed, 32);
	secret_sign_pair(o->secrets.signing_seed, &o->secrets.signing_key, scratch);
	secret_sign_pair(o->secrets.badge_seed, &o->secrets.badge_key, scratch);
	o->secrets.readings_n = 2;
	for (size_t i = 0; i < 2; i++) {
		randombytes_buf(o->secrets.readings[i].secret, 32);
		secret_box_public(o->secrets.readings[i].secret, &o->secrets.readings[i].key);
	}
	assert_int_equal(keyfile_lock_new(slice_str("correct horse"), &o->lock), OK);
}

static void path_of(const struct owner *o, char path[HOME_PATH_BYTES])
{
	char hex[65], name[96];
	sodium_bin2hex(hex, sizeof hex, o->identity.b, 32);
	snprintf(name, sizeof name, "keys/%s.key", hex);
	assert_int_equal(home_path(home, name, path), OK);
}

static void secrets_come_back_with_their_passphrase(void **state)
{
	(void)state;
	static struct owner o, back;
	char path[HOME_PATH_BYTES];
	struct stat st;
	fill_owner(&o);
	assert_false(keyfile_exists(home, &o.identity));
	assert_int_equal(keyfile_save(home, &o), OK);
	assert_true(keyfile_exists(home, &o.identity));
	path_of(&o, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	back.identity = o.identity;
	assert_int_equal(keyfile_open(home, slice_str("correct horse"), &back), OK);
	assert_memory_equal(&back, &o, sizeof o);
	/* it is replaced without the passphrase, by what the passphrase came to */
	randombytes_buf(&back.device, sizeof back.device);
	assert_int_equal(keyfile_save(home, &back), OK);
	assert_int_equal(keyfile_open(home, slice_str("correct horse"), &o), OK);
	assert_memory_equal(&back, &o, sizeof o);
}

static void a_wrong_passphrase_gives_nothing(void **state)
{
	(void)state;
	static struct owner o, back;
	fill_owner(&o);
	assert_int_equal(keyfile_save(home, &o), OK);
	back.identity = o.identity;
	assert_int_equal(keyfile_open(home, slice_str("correct horsf"), &back), ERR_PASSPHRASE);
	assert_false(back.secrets.has_signing);
	assert_true(sodium_is_zero((const uint8_t *)&back.device, sizeof back.device));
	assert_int_equal(keyfile_open(home, slice_str(""), &back), ERR_INPUT);
	memset(back.identity.b, 8, 32);
	assert_int_equal(keyfile_open(home, slice_str("correct horse"), &back), ERR_NOT_FOUND);
}

static void damage_is_told_from_a_wrong_passphrase(void **state)
{
	(void)state;
	static struct owner o, back;
	char path[HOME_PATH_BYTES];
	uint8_t byte;
	fill_owner(&o);
	assert_int_equal(keyfile_save(home, &o), OK);
	path_of(&o, path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &byte, 1, 70), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 70), 1);
	back.identity = o.identity;
	assert_int_equal(keyfile_open(home, slice_str("correct horse"), &back), ERR_CORRUPT);
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_int_equal(keyfile_open(home, slice_str("correct horse"), &back), ERR_CORRUPT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(secrets_come_back_with_their_passphrase, begin, finish),
		cmocka_unit_test_setup_teardown(a_wrong_passphrase_gives_nothing, begin, finish),
		cmocka_unit_test_setup_teardown(damage_is_told_from_a_wrong_passphrase, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
