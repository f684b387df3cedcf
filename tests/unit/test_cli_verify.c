/* quire verify: exit codes, words, JSON, whom the reader trusts, and what a terminal sees of a hostile badge. No daemon runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/award/json.h"
#include "tests/support/award_world.h"
#include "tests/support/files.h"
#include "tools/quire/cli.h"

static struct award_world award; /* large, so not on the stack */
static char home[64], root[65], *out_text, *said_text;
static const char *at_text; /* NULL: at the time of the award */

static void write_file(const char *name, struct slice bytes)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", home, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	if (bytes.n)
		assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

static int start(void **state)
{
	(void)state;
	struct buf bundle = {0}, credential = {0};
	snprintf(home, sizeof home, "/tmp/quire-verify-XXXXXX");
	if (sodium_init() < 0 || !mkdtemp(home))
		return -1;
	award_world_init(&award, 5, &(struct award_twist){0});
	award_world_bundle(&award, &bundle);
	assert_int_equal(json_canonical(award.credential, &credential), OK);
	write_file("bundle.json", buf_slice(&bundle));
	write_file("credential.json", buf_slice(&credential));
	write_file("empty", (struct slice){0});
	sodium_bin2hex(root, sizeof root, award.person[AWARD_DISTRICT].id.b, 32);
	buf_free(&bundle);
	buf_free(&credential);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	award_world_deinit(&award);
	free(out_text);
	free(said_text);
	return remove_tree(home);
}

/* quire --home HOME verify and these words, the first a file of the home unless it is -. */
static int verify_from(FILE *in, const char *file, const char *const *words)
{
	char path[256], at[CREDENTIAL_TIME_BYTES];
	char *argv[16];
	size_t n = 0, out_n, err_n;
	credential_time_format((uint64_t)award.hour * 3600, at);
	snprintf(path, sizeof path, "%s/%s", home, file);
	const char *const fixed[] = {"quire", "--home", home, "verify", strcmp(file, "-") == 0 ? file : path,
		"--at", at_text ? at_text : at};
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		argv[n++] = strdup(fixed[i]);
	for (; words && *words; words++)
		argv[n++] = strdup(*words);
	argv[n] = NULL;
	free(out_text);
	free(said_text);
	FILE *out = open_memstream(&out_text, &out_n), *err = open_memstream(&said_text, &err_n);
	int code = cli_main((int)n, argv, in, out, err);
	(void)fclose(out);
	(void)fclose(err);
	while (n)
		free(argv[--n]);
	return code;
}

static int verify(const char *file, const char *const *words)
{
	char nothing[] = "\n";
	FILE *in = fmemopen(nothing, 1, "r");
	int code = verify_from(in, file, words);
	(void)fclose(in);
	return code;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void the_exit_code_is_the_verdict(void **state)
{
	(void)state;
	assert_int_equal(verify("bundle.json", WORDS("--root", root)), 0);
	contains(out_text, "Good: \"Checking for Understanding\" was awarded as it says");
	contains(out_text, "issuer       Example School\n");
	contains(out_text, "state        accepted\n");
	contains(out_text, root);
	contains(out_text, "\nok     Both signatures of the credential verify.\n");
	contains(out_text, "\nnote   Revocation was known until ");
	assert_string_equal(said_text, "");
	assert_int_equal(verify("bundle.json", NULL), 7);
	contains(out_text, "Not known: You have named nobody");
	contains(out_text, "\n?      You have named nobody");
	assert_int_equal(verify("credential.json", WORDS("--root", root)), 7);
	contains(out_text, "without its proof bundle");
	at_text = "2040-01-01";
	assert_int_equal(verify("bundle.json", WORDS("--root", root)), 6);
	at_text = NULL;
	contains(out_text, "Wrong: It is no longer valid.");
	contains(out_text, "\nwrong  It is no longer valid.\n");
}

static void roots_come_from_the_home_too(void **state)
{
	(void)state;
	char text[256], upper[65];
	snprintf(upper, sizeof upper, "%s", root);
	upper[0] = (char)(upper[0] >= 'a' ? upper[0] - 32 : upper[0]);
	snprintf(text, sizeof text, "# whom we trust\n\n  %s  # the district\r\n", upper);
	write_file("roots", slice_str(text));
	assert_int_equal(verify("bundle.json", NULL), 0);
	write_file("roots", slice_str("# nobody\n"));
	assert_int_equal(verify("bundle.json", NULL), 7);
	write_file("roots", slice_str("# one\n12345\n"));
	assert_int_equal(verify("bundle.json", NULL), 2);
	contains(said_text, "roots, line 2: it must be an identity's id");
	memset(text, ' ', sizeof text);
	struct buf b = {0};
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(buf_put(&b, text, sizeof text), OK);
	write_file("roots", buf_slice(&b));
	assert_int_equal(verify("bundle.json", NULL), 2);
	contains(said_text, "line 1 is too long");
	buf_free(&b);
	char path[256];
	snprintf(path, sizeof path, "%s/roots", home);
	assert_int_equal(unlink(path), 0);
}

static void a_bundle_may_lie_beside_and_stdin_be_read(void **state)
{
	(void)state;
	char bundle[128], empty[128], path[128];
	snprintf(bundle, sizeof bundle, "%s/bundle.json", home);
	snprintf(empty, sizeof empty, "%s/empty", home);
	snprintf(path, sizeof path, "%s/credential.json", home);
	assert_int_equal(verify("credential.json", WORDS("--bundle", bundle, "--root", root)), 0);
	assert_int_equal(verify("credential.json", WORDS("--bundle", empty, "--root", root)), 1);
	contains(said_text, "is empty");
	FILE *in = fopen(path, "rb");
	assert_non_null(in);
	assert_int_equal(verify_from(in, "-", WORDS("--bundle", bundle, "--root", root)), 0);
	(void)fclose(in);
}

static void programs_get_json(void **state)
{
	(void)state;
	json_error_t fault;
	assert_int_equal(verify("bundle.json", WORDS("--root", root, "--json")), 0);
	json_t *o = json_loads(out_text, 0, &fault);
	assert_non_null(o);
	assert_int_equal(json_integer_value(json_object_get(o, "v")), 1);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "good");
	assert_int_equal(json_integer_value(json_object_get(o, "exit")), 0);
	assert_string_equal(json_string_value(json_object_get(o, "state")), "accepted");
	assert_string_equal(json_string_value(json_object_get(o, "vouched_by")), root);
	assert_int_equal(strlen(json_string_value(json_object_get(o, "known_until"))), 20);
	assert_true(json_is_true(json_object_get(o, "bundled")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "credential"), "name")),
		"Checking for Understanding");
	const json_t *first = json_array_get(json_object_get(o, "checks"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "mark")), "good");
	assert_string_equal(json_string_value(json_object_get(first, "code")), "bundle");
	assert_true(json_is_null(json_object_get(first, "entry")));
	json_decref(o);
	assert_int_equal(verify("empty", WORDS("--json")), 7);
	o = json_loads(out_text, 0, &fault);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "unknown");
	assert_true(json_is_null(json_object_get(o, "credential")));
	assert_true(json_is_null(json_object_get(o, "state")));
	json_decref(o);
}

static void what_cannot_be_asked_is_said(void **state)
{
	(void)state;
	assert_int_equal(verify("nothere", NULL), 1);
	contains(said_text, "cannot read");
	assert_int_equal(verify("", NULL), 1); /* the folder itself */
	assert_int_equal(verify("bundle.json", WORDS("--root", "5b1d0c8f")), 2);
	contains(said_text, "--root must be an identity's id");
	at_text = "yesterday";
	assert_int_equal(verify("bundle.json", NULL), 2);
	contains(said_text, "--at must be a day or a time");
	at_text = NULL;
	assert_int_equal(verify("bundle.json", WORDS("--bundle", "/nowhere/at/all")), 1);
}

static void a_terminal_sees_no_tricks(void **state)
{
	(void)state;
	static const char text[] =
		"{\"type\": [\"VerifiableCredential\"], \"name\": \"a\\u001b[2Jb\\u202ec\\u009b d\","
		" \"issuer\": {\"id\": \"did:key:\\u0007\", \"name\": \"x\\r\\ny\"}}";
	static const char *const forms[] = {"--yes", "--json"};
	write_file("tricks.json", slice_str(text));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(verify("tricks.json", WORDS(forms[i])), 6);
		contains(out_text, "a[2Jbc d");
		contains(out_text, "x");
		for (const char *p = out_text; *p; p++)
			assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
		assert_null(strstr(out_text, "\xe2\x80\xae"));
		assert_null(strstr(out_text, "\xc2\x9b"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_code_is_the_verdict),
		cmocka_unit_test(roots_come_from_the_home_too),
		cmocka_unit_test(a_bundle_may_lie_beside_and_stdin_be_read),
		cmocka_unit_test(programs_get_json),
		cmocka_unit_test(what_cannot_be_asked_is_said),
		cmocka_unit_test(a_terminal_sees_no_tricks),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
