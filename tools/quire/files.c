/* files.c -- files into the portfolio and out of it. */
#include "client.h"

#include "bounds.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- in */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static const char *media_type(const char *name)
{
	static const struct {
		const char *end, *type;
	} types[] = {{".mp4", "video/mp4"}, {".webm", "video/webm"}, {".mov", "video/quicktime"},
		{".mp3", "audio/mpeg"}, {".m4a", "audio/mp4"}, {".ogg", "audio/ogg"}, {".wav", "audio/wav"},
		{".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".png", "image/png"}, {".gif", "image/gif"},
		{".webp", "image/webp"}, {".pdf", "application/pdf"}, {".txt", "text/plain"},
		{".md", "text/markdown"}, {".csv", "text/csv"}, {".json", "application/json"},
		{".odt", "application/vnd.oasis.opendocument.text"},
		{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"}};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
		if (strcasecmp(dot, types[i].end) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static bool escape(const char *text, char *out, size_t n)
{
	size_t at = 0;
	for (; *text; text++) {
		bool plain = (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
			(*text >= 'A' && *text <= 'Z') || strchr("-._~", *text);
		if (at + 4 > n)
			return false;
		at += (size_t)snprintf(out + at, n - at, plain ? "%c" : "%%%02X", (unsigned)(uint8_t)*text);
	}
	out[at] = 0;
	return true;
}

static int upload(struct cli_call *c, const char *path, json_t *uploads)
{
	char name[1024], type[256], url[CLI_PATH_BYTES];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!f || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		int code = cli_problemf(
			c, "USAGE", "cannot read %s: %s.", path, f ? "it is no file" : strerror(errno));
		if (f)
			(void)fclose(f);
		return code;
	}
	if (!escape(base_name(path), name, sizeof name) || !escape(media_type(path), type, sizeof type)) {
		(void)fclose(f);
		return cli_problemf(c, "USAGE", "the name of %s is too long.", path);
	}
	snprintf(url, sizeof url, "/api/v1/uploads?name=%s&type=%s&as=%s", name, type, c->as_id);
	struct cli_request r = {.method = "POST",
		.path = url,
		.upload = f,
		.upload_size = (uint64_t)st.st_size,
		.what = base_name(path)};
	int code = cli_ask(c, &r);
	(void)fclose(f);
	json_t *id = json_object_get(r.answer, "upload");
	if (code == CLI_DONE && !id)
		code = cli_problem(c, "WIRE", 0, "the daemon did not say under which name it took the file.");
	else if (code == CLI_DONE)
		json_array_append(uploads, id);
	json_decref(r.answer);
	return code;
}

static int check_files(struct cli_call *c)
{
	size_t i = 0, n = 0;
	for (const char *path; (path = cli_next(c, "FILE", &i)); n++)
		if (access(path, R_OK) != 0)
			return cli_problemf(c, "USAGE", "cannot read %s: %s.", path, strerror(errno));
	if (n > LIMIT_ENVELOPE_BLOBS)
		return cli_problemf(c, "USAGE", "an entry holds at most %d files.", LIMIT_ENVELOPE_BLOBS);
	const char *to = cli_get(c, "to");
	if (strcmp(to, "private") != 0 && !cli_given(c, "depicts"))
		return cli_problem(c, "USAGE", 0,
			"others will see it: say with --depicts whether pupils can be seen or heard (nobody, "
			"incidental or focus).");
	return CLI_DONE;
}

/* Until the entry is made, uploads belong to nothing: stopping before leaves nothing behind. */
int cli_artifact_add(struct cli_call *c)
{
	char path[CLI_PATH_BYTES], once[33];
	uint8_t random[16];
	json_t *body = NULL, *uploads = json_array();
	size_t i = 0;
	struct cli_request r = {.method = "POST", .path = path, .once = once, .to_the_end = true};
	int code = check_files(c);
	cli_interruptible(true);
	if (code == CLI_DONE)
		code = cli_path(c, c->command->route, path);
	if (code == CLI_DONE)
		body = cli_body(c, &code);
	for (const char *file; code == CLI_DONE && (file = cli_next(c, "FILE", &i));)
		code = upload(c, file, uploads);
	if (code == CLI_DONE && cli_interrupted())
		code = cli_problem(c, "INTERRUPTED", 0, "stopped: nothing was added.");
	if (code == CLI_DONE) {
		randombytes_buf(random, sizeof random);
		sodium_bin2hex(once, sizeof once, random, sizeof random);
		json_object_set(body, "uploads", uploads);
		r.body = body;
		code = cli_ask(c, &r);
	}
	cli_interruptible(false);
	if (code == CLI_DONE)
		code = cli_show(c, r.answer);
	json_decref(r.answer);
	json_decref(uploads);
	json_decref(body);
	return code;
}

/* ---- out */

static int to_stdout(struct cli_call *c, const char *path)
{
	if (c->json)
		return cli_problem(c, "USAGE", 0, "--json and -o - both want stdout: choose one.");
	struct cli_request r = {.method = "GET", .path = path, .sink = c->out};
	return cli_ask(c, &r);
}

static int finish(struct cli_call *c, FILE *f, const char *part, const char *file)
{
	bool good = fflush(f) == 0 && fsync(fileno(f)) == 0;
	if (!good || rename(part, file) != 0)
		return cli_problemf(c, "IO", "cannot write %s: %s.", file, strerror(errno));
	return CLI_DONE;
}

static int fetch(struct cli_call *c, const char *path, const char *file, uint64_t *size)
{
	char part[CLI_PATH_BYTES];
	snprintf(part, sizeof part, "%s.part", file);
	int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "r+") : NULL;
	if (!f || fseeko(f, 0, SEEK_END) != 0)
		return cli_problemf(c, "IO", "cannot write %s: %s.", part, strerror(errno));
	struct cli_request r = {.method = "GET",
		.path = path,
		.sink = f,
		.from = (uint64_t)ftello(f),
		.what = base_name(file),
		.whole_ok = true};
	int code = cli_ask(c, &r);
	if (code == CLI_DONE && r.status == 416) {
		/* The part is as long as the whole, or longer, or not its beginning: once more, from nothing. */
		rewind(f);
		r.from = 0;
		r.whole_ok = false;
		code = ftruncate(fd, 0) == 0 ? cli_ask(c, &r) : CLI_FAILED;
	}
	off_t end = ftello(f);
	if (code == CLI_DONE && (fflush(f) != 0 || ftruncate(fd, end) != 0))
		code = cli_problemf(c, "IO", "cannot write %s: %s.", part, strerror(errno));
	if (code == CLI_DONE)
		code = finish(c, f, part, file);
	*size = (uint64_t)end;
	(void)fclose(f);
	/* Nothing came: an empty part would only be in the way. */
	if (code != CLI_DONE && end == 0)
		unlink(part);
	return code;
}

int cli_blob_get(struct cli_call *c)
{
	char path[CLI_PATH_BYTES], text[32];
	const char *file = cli_get(c, "output");
	uint64_t size = 0;
	int code = cli_path(c, c->command->route, path);
	if (code != CLI_DONE)
		return code;
	if (strcmp(file, "-") == 0)
		return to_stdout(c, path);
	if (strlen(file) + 8 > CLI_PATH_BYTES)
		return cli_problem(c, "USAGE", 0, "the name of the file is too long.");
	if (access(file, F_OK) == 0 && !c->yes)
		return cli_problemf(
			c, "EXISTS", "%s exists already: choose another name, or say --yes.", file);
	cli_interruptible(true);
	code = fetch(c, path, file, &size);
	cli_interruptible(false);
	if (code != CLI_DONE)
		return code;
	json_t *answer = json_pack("{s:s, s:I}", "file", file, "size", (json_int_t)size);
	if (c->json)
		cli_print_json(c, answer);
	else
		fprintf(c->err, "Wrote %s, %s.\n", file, cli_size(size, text, sizeof text));
	json_decref(answer);
	return CLI_DONE;
}
