/* tools/quire against a daemon that says what the test wants, on a Unix socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/quire/cli.h"

#define ANSWERS_MAX 4
#define REQUEST_BYTES 8192
#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char home[200], *out_text, *said_text;

/* ---- a daemon of a few answers, one a connection */

struct daemon {
	int fd;
	pthread_t thread;
	size_t n;
	struct {
		const char *head, *body;
		char request[REQUEST_BYTES];
	} at[ANSWERS_MAX];
};

static size_t announced(const char *request)
{
	const char *p = strstr(request, "Content-Length: ");
	return p ? strtoul(p + strlen("Content-Length: "), NULL, 10) : 0;
}

static void take(int fd, char request[REQUEST_BYTES])
{
	size_t n = 0;
	for (;;) {
		request[n] = 0;
		const char *body = strstr(request, "\r\n\r\n");
		if (body && n - (size_t)(body + 4 - request) >= announced(request))
			return;
		ssize_t got = read(fd, request + n, REQUEST_BYTES - 1 - n);
		if (got <= 0)
			return;
		n += (size_t)got;
	}
}

static void *serve(void *ctx)
{
	struct daemon *d = (struct daemon *)ctx;
	for (size_t i = 0; i < d->n; i++) {
		char text[REQUEST_BYTES];
		int fd = accept(d->fd, NULL, NULL);
		if (fd < 0)
			break;
		take(fd, d->at[i].request);
		int n = snprintf(text, sizeof text,
			"HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", d->at[i].head,
			strlen(d->at[i].body), d->at[i].body);
		for (ssize_t at = 0, put; at < n; at += put)
			if ((put = write(fd, text + at, (size_t)(n - at))) <= 0)
				break;
		(void)close(fd);
	}
	return NULL;
}

static void start(struct daemon *d)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/quire.sock", home);
	assert_in_range(n, 1, (int)sizeof address.sun_path - 1);
	(void)unlink(address.sun_path);
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(d->fd >= 0);
	assert_int_equal(bind(d->fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(d->fd, 8), 0);
	while (d->n < ANSWERS_MAX && d->at[d->n].head)
		d->n++;
	assert_int_equal(pthread_create(&d->thread, NULL, serve, d), 0);
}

static void stop(struct daemon *d)
{
	(void)shutdown(d->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(d->thread, NULL), 0);
	(void)close(d->fd);
}

/* ---- the command */

/* Words between spaces, after --home. */
static int run(const char *words)
{
	char line[1024], *argv[32], nothing[] = "\n", program[] = "quire", option[] = "--home";
	size_t out_n, err_n;
	int argc = 3;
	argv[0] = program;
	argv[1] = option;
	argv[2] = home;
	snprintf(line, sizeof line, "%s", words);
	char *rest = NULL;
	for (char *p = strtok_r(line, " ", &rest); p && argc < 31; p = strtok_r(NULL, " ", &rest))
		argv[argc++] = p;
	argv[argc] = NULL;
	free(out_text);
	free(said_text);
	FILE *in = fmemopen(nothing, 1, "r"), *out = open_memstream(&out_text, &out_n),
	     *err = open_memstream(&said_text, &err_n);
	assert_true(in && out && err);
	int code = cli_main(argc, argv, in, out, err);
	(void)fclose(in);
	(void)fclose(out);
	(void)fclose(err);
	return code;
}

static void contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static const char *in_home(const char *name)
{
	static char path[4][256];
	static size_t turn;
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", home, name);
	return path[turn];
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(in_home(name), "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static const char *read_file(const char *name)
{
	static char text[4096];
	FILE *f = fopen(in_home(name), "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	(void)fclose(f);
	return text;
}

/* ---- tests */

#define JSON "200 OK\r\nContent-Type: application/json"

static void without_a_daemon_it_says_how_to_start_one(void **state)
{
	(void)state;
	(void)unlink(in_home("quire.sock"));
	assert_int_equal(run("node status"), CLI_UNREACHABLE);
	contains(said_text, "no daemon answers at");
	contains(said_text, "start it with quired --home");
	assert_string_equal(out_text, "");
	assert_int_equal(run("node status --json"), CLI_UNREACHABLE);
	contains(out_text, "\"NO_DAEMON\"");
	contains(out_text, "\"v\": 1");
}

static void an_invitation_is_alone_on_stdout(void **state)
{
	(void)state;
	struct daemon d = {.at = {{.head = JSON, .body = "{\"v\":1,\"invitation\":\"quire:abc\"}"}}};
	start(&d);
	assert_int_equal(run("peer invite --expires 90m"), CLI_DONE);
	stop(&d);
	assert_string_equal(out_text, "quire:abc\n");
	contains(said_text, "peer join");
	contains(d.at[0].request, "POST /api/v1/invitations HTTP/1.1\r\n");
	contains(d.at[0].request, "\"expires_hours\":2");
	contains(d.at[0].request, "\"uses\":1");
}

static void a_problem_gives_its_exit_code_and_cannot_steer(void **state)
{
	(void)state;
	static const char problem[] =
		"{\"title\":\"the identity is locked\",\"status\":401,\"code\":\"LOCKED\","
		"\"detail\":\"Unlock \\u202eit\\u001b[2J.\"}";
	struct daemon d = {.at = {{.head = "401 Unauthorized\r\nContent-Type: application/problem+json",
					  .body = problem},
				   {.head = "401 Unauthorized\r\nContent-Type: application/problem+json",
					   .body = problem},
				   {.head = "502 Bad Gateway", .body = "<html>"}}};
	start(&d);
	assert_int_equal(run("entry show 9f2c4e01:12"), CLI_REFUSED);
	assert_string_equal(said_text, "quire: the identity is locked. Unlock it[2J.\n");
	assert_int_equal(run("entry show 9f2c4e01:12 --json"), CLI_REFUSED);
	contains(out_text, "\"LOCKED\"");
	contains(out_text, "\"status\": 401");
	assert_int_equal(run("entry list"), CLI_FAILED);
	contains(said_text, "502");
	stop(&d);
	contains(d.at[0].request, "GET /api/v1/entries/9f2c4e01%3A12 HTTP/1.1\r\n");
}

static void a_list_is_aligned_and_fetched_to_its_end(void **state)
{
	(void)state;
	struct daemon d = {
		.at = {{.head = JSON,
			       .body = "{\"v\":1,\"items\":[{\"name\":\"Zo\xc3\xab\",\"kind\":\"person\",\"id\":\"" ID_A
				       "\",\"state\":\"locked\"}],\"cursor\":\"a&b\"}"},
			{.head = JSON,
				.body = "{\"v\":1,\"items\":[{\"name\":\"Lincoln\",\"kind\":\"school\",\"id\":\"bb\"}]}"}}};
	start(&d);
	assert_int_equal(run("identity list"), CLI_DONE);
	stop(&d);
	assert_string_equal(out_text,
		"name     kind    id        state\n"
		"Zo\xc3\xab      person  aaaaaaaa  locked\n"
		"Lincoln  school  bb        \n");
	contains(d.at[1].request, "GET /api/v1/identities?cursor=a%26b HTTP/1.1\r\n");
}

static void a_passphrase_comes_from_a_file(void **state)
{
	(void)state;
	char line[512];
	struct daemon d = {
		.at = {{.head = JSON, .body = "{\"v\":1,\"items\":[{\"name\":\"Ana\",\"id\":\"" ID_A "\"}]}"},
			{.head = JSON, .body = "{\"v\":1}"}}};
	write_file("pass", "correct horse\r\nmore\n");
	start(&d);
	snprintf(line, sizeof line, "identity unlock Ana --for 8h --passphrase-file %s", in_home("pass"));
	assert_int_equal(run(line), CLI_DONE);
	stop(&d);
	contains(d.at[1].request, "POST /api/v1/session HTTP/1.1\r\n");
	contains(d.at[1].request, "\"passphrase\":\"correct horse\"");
	contains(d.at[1].request, "\"identity\":\"" ID_A "\"");
	contains(d.at[1].request, "\"for_seconds\":28800");
}

static void files_are_uploaded_before_their_entry(void **state)
{
	(void)state;
	char line[512];
	struct daemon d = {
		.at = {{.head = JSON, .body = "{\"v\":1,\"upload\":\"u1\"}"},
			{.head = JSON, .body = "{\"v\":1,\"ref\":\"9f2c:12\",\"id\":\"" ID_A "\"}"}}};
	write_file("plan.txt", "the plan");
	start(&d);
	snprintf(line, sizeof line, "--as " ID_A " artifact add %s --title T --kind document --tag x --tag y",
		in_home("plan.txt"));
	assert_int_equal(run(line), CLI_DONE);
	stop(&d);
	assert_string_equal(out_text, "9f2c:12\n");
	contains(d.at[0].request,
		"POST /api/v1/uploads?name=plan.txt&type=text%2Fplain&as=" ID_A " HTTP/1.1\r\n");
	contains(d.at[0].request, "\r\n\r\nthe plan");
	contains(d.at[1].request, "POST /api/v1/entries?as=" ID_A " HTTP/1.1\r\n");
	contains(d.at[1].request, "Quire-As: " ID_A);
	contains(d.at[1].request, "Idempotency-Key: ");
	contains(d.at[1].request, "\"uploads\":[\"u1\"]");
	contains(d.at[1].request, "\"tags\":[\"x\",\"y\"]");
	contains(d.at[1].request, "\"to\":\"private\"");
	contains(d.at[1].request, "\"kind\":\"artifact\"");
	/* What others will see needs a word on who is in it. */
	snprintf(line, sizeof line, "artifact add %s --title T --kind document --to public",
		in_home("plan.txt"));
	assert_int_equal(run(line), CLI_USAGE);
	contains(said_text, "--depicts");
}

static void a_part_of_a_file_is_gone_on_with(void **state)
{
	(void)state;
	char line[512];
	struct daemon d = {
		.at = {{.head = "206 Partial Content", .body = "world"},
			{.head = "416 Range Not Satisfiable", .body = "{}"},
			{.head = "200 OK", .body = "all anew"}, {.head = "200 OK", .body = "short"}}};
	start(&d);
	write_file("f.part", "hello ");
	snprintf(line, sizeof line, "blob get " ID_A " -o %s", in_home("f"));
	assert_int_equal(run(line), CLI_DONE);
	assert_string_equal(read_file("f"), "hello world");
	assert_int_not_equal(access(in_home("f.part"), F_OK), 0);
	contains(d.at[0].request, "Range: bytes=6-\r\n");
	/* It is never written over what is there without consent. */
	assert_int_equal(run(line), CLI_FAILED);
	contains(said_text, "exists already");
	/* A part that cannot be the beginning. */
	write_file("g.part", "much longer than all of it");
	snprintf(line, sizeof line, "blob get " ID_A " -o %s", in_home("g"));
	assert_int_equal(run(line), CLI_DONE);
	assert_string_equal(read_file("g"), "all anew");
	/* A daemon that gives no ranges. */
	write_file("h.part", "much longer than all of it");
	snprintf(line, sizeof line, "blob get " ID_A " -o %s", in_home("h"));
	assert_int_equal(run(line), CLI_DONE);
	assert_string_equal(read_file("h"), "short");
	stop(&d);
}

static void severe_acts_need_consent(void **state)
{
	(void)state;
	struct daemon d = {.at = {{.head = "200 OK\r\nContent-Type: application/json", .body = "{\"v\":1}"}}};
	start(&d);
	assert_int_equal(run("peer remove " ID_A), CLI_USAGE);
	assert_int_equal(run("peer remove " ID_A " --yes"), CLI_DONE);
	stop(&d);
	contains(d.at[0].request, "DELETE /api/v1/peers/" ID_A " HTTP/1.1\r\n");
}

static int setup(void **state)
{
	(void)state;
	const char *folder = getenv("TMPDIR");
	snprintf(home, sizeof home, "%s/cli-XXXXXX", folder && strlen(folder) < 60 ? folder : "/tmp");
	return sodium_init() >= 0 && mkdtemp(home) ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	static const char *const names[] = {"quire.sock", "pass", "plan.txt", "f", "g", "h"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)unlink(in_home(names[i]));
	free(out_text);
	free(said_text);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_daemon_it_says_how_to_start_one),
		cmocka_unit_test(an_invitation_is_alone_on_stdout),
		cmocka_unit_test(a_problem_gives_its_exit_code_and_cannot_steer),
		cmocka_unit_test(a_list_is_aligned_and_fetched_to_its_end),
		cmocka_unit_test(a_passphrase_comes_from_a_file),
		cmocka_unit_test(files_are_uploaded_before_their_entry),
		cmocka_unit_test(a_part_of_a_file_is_gone_on_with),
		cmocka_unit_test(severe_acts_need_consent),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
