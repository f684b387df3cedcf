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
#include "protocol/log/mp.h"
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

static void a_backup_holds_the_secrets_and_not_the_device(void **state)
{
	(void)state;
	static struct owner o, back;
	uint8_t file[KEYFILE_BYTES_MAX];
	size_t n = 0;
	char path[700], hex[65];
	struct stat st;
	fill_owner(&o);
	assert_int_equal(keyfile_without_device(home, &o.identity, file, &n), ERR_NOT_FOUND);
	assert_int_equal(keyfile_save(home, &o), OK);
	assert_int_equal(keyfile_without_device(home, &o.identity, file, &n), OK);
	sodium_bin2hex(hex, sizeof hex, o.identity.b, 32);
	snprintf(path, sizeof path, "%s/keys/%s.key", home, hex);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal((size_t)st.st_size - n, 24 + 64 + 16);
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, file, n), (ssize_t)n);
	close(fd);
	back = (struct owner){.identity = o.identity};
	assert_int_equal(keyfile_open(home, slice_str("correct horse"), &back), OK);
	assert_memory_equal(&back.secrets, &o.secrets, sizeof o.secrets);
	assert_true(sodium_is_zero((const uint8_t *)&back.device, sizeof back.device));
	file[n - 9] ^= 1;
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, file, n), (ssize_t)n);
	close(fd);
	assert_int_equal(keyfile_open(home, slice_str("correct horse"), &back), ERR_CORRUPT);
}

/* The form before: all in one map, and no length before it. */
static void a_file_of_the_first_form_is_read_and_written_anew(void **state)
{
	(void)state;
	static struct owner o, back;
	static uint8_t file[1024], ad[60 + 32], digest[32];
	uint8_t text[512];
	struct buf b = {0};
	char path[700], hex[65];
	unsigned long long n = 0;
	fill_owner(&o);
	struct mp_out m = mp_out_init(&b);
	mp_put_map(&m, 5);
	mp_put_cstr(&m, "badge");
	mp_put_bin(&m, slice_of(o.secrets.badge_seed, 32));
	mp_put_cstr(&m, "box");
	mp_put_bin(&m, slice_of(o.device.box_secret, 32));
	mp_put_cstr(&m, "device");
	mp_put_bin(&m, slice_of(o.device.sign_seed, 32));
	mp_put_cstr(&m, "readings");
	mp_put_array(&m, 0);
	mp_put_cstr(&m, "signing");
	mp_put_bin(&m, slice_of(o.secrets.signing_seed, 32));
	assert_int_equal(m.err, OK);
	assert_true(b.n <= sizeof text);
	memcpy(text, b.p, b.n);
	memcpy(file, "QUIREKEYS1\n", 12);
	be32_put(file + 12, o.lock.passes);
	be32_put(file + 16, o.lock.kib);
	memcpy(file + 20, o.lock.salt, 16);
	memcpy(ad, file, 60);
	memcpy(ad + 60, o.identity.b, 32);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		file + 60, &n, text, b.n, ad, sizeof ad, NULL, file + 36, o.lock.key);
	crypto_generichash(digest, sizeof digest, file, 60 + (size_t)n, NULL, 0);
	memcpy(file + 60 + n, digest, 8);
	buf_free(&b);
	sodium_bin2hex(hex, sizeof hex, o.identity.b, 32);
	snprintf(path, sizeof path, "%s/keys/%s.key", home, hex);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, file, 68 + (size_t)n), (ssize_t)(68 + n));
	close(fd);
	uint8_t copy[KEYFILE_BYTES_MAX];
	size_t copy_n = 0;
	assert_int_equal(keyfile_without_device(home, &o.identity, copy, &copy_n), ERR_STATE);
	for (int i = 0; i < 2; i++) {
		back = (struct owner){.identity = o.identity};
		assert_int_equal(keyfile_open(home, slice_str("correct horse"), &back), OK);
		assert_memory_equal(&back.device, &o.device, sizeof o.device);
		assert_memory_equal(back.secrets.signing_seed, o.secrets.signing_seed, 32);
	}
	assert_int_equal(keyfile_without_device(home, &o.identity, copy, &copy_n), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_backup_holds_the_secrets_and_not_the_device, begin, finish),
		cmocka_unit_test_setup_teardown(
			a_file_of_the_first_form_is_read_and_written_anew, begin, finish),
		cmocka_unit_test_setup_teardown(secrets_come_back_with_their_passphrase, begin, finish),
		cmocka_unit_test_setup_teardown(a_wrong_passphrase_gives_nothing, begin, finish),
		cmocka_unit_test_setup_teardown(damage_is_told_from_a_wrong_passphrase, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
