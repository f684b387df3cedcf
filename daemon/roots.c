/* roots.c -- see roots.h. */
#include "roots.h"

#include "bounds.h"
#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define COMMENT_BYTES_MAX 200u

/* ---- reading */

static enum err read_file(const char *home, struct buf *text)
{
	char path[HOME_PATH_BYTES];
	if (home_path(home, "roots", path) != OK)
		return ERR_LIMIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? OK : ERR_IO;
	enum err e = buf_reserve(text, ROOTS_BYTES_MAX + 1);
	ssize_t n = 1;
	while (e == OK && n > 0 && text->n <= ROOTS_BYTES_MAX) {
		n = read(fd, text->p + text->n, ROOTS_BYTES_MAX + 1 - text->n);
		if (n < 0)
			e = ERR_IO;
		else
			text->n += (size_t)n;
	}
	close(fd);
	return e == OK && text->n > ROOTS_BYTES_MAX ? ERR_LIMIT : e;
}

/* The next line without its end; false: there is none. */
static bool next_line(struct slice *rest, struct slice *line)
{
	if (!rest->n)
		return false;
	const uint8_t *end = (const uint8_t *)memchr(rest->p, '\n', rest->n);
	size_t n = end ? (size_t)(end - rest->p) : rest->n;
	*line = slice_of(rest->p, n);
	n += end ? 1 : 0;
	*rest = slice_of(rest->p + n, rest->n - n);
	return true;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* *has: it names an identity. ERR_FORMAT. */
static enum err read_line(struct slice line, struct id32 *id, bool *has)
{
	size_t at = 0, n = 0;
	while (at < line.n && is_space(line.p[at]))
		at++;
	*has = at < line.n && line.p[at] != '#';
	if (!*has)
		return OK;
	if (line.n - at < 64 ||
		sodium_hex2bin(id->b, 32, (const char *)line.p + at, 64, NULL, &n, NULL) != 0 || n != 32)
		return ERR_FORMAT;
	at += 64;
	while (at < line.n && is_space(line.p[at]))
		at++;
	return at == line.n || line.p[at] == '#' ? OK : ERR_FORMAT;
}

static bool has_id(const struct id32 *ids, size_t n, const struct id32 *id)
{
	for (size_t i = 0; i < n; i++)
		if (id32_equal(&ids[i], id))
			return true;
	return false;
}

static enum err parse(struct slice text, struct id32 *ids, size_t max, size_t *n, unsigned *line_out)
{
	struct slice line;
	struct id32 id;
	unsigned number = 0;
	enum err e = OK;
	*n = 0;
	while (e == OK && next_line(&text, &line)) {
		bool has = false;
		number++;
		e = read_line(line, &id, &has);
		if (e != OK || !has || has_id(ids, *n, &id))
			continue;
		if (*n == max)
			e = ERR_LIMIT;
		else
			ids[(*n)++] = id;
	}
	if (line_out)
		*line_out = e == OK ? 0 : number;
	return e;
}

enum err roots_read(const char *home, struct id32 *ids, size_t max, size_t *n, unsigned *line)
{
	struct buf text = {0};
	*n = 0;
	if (line)
		*line = 0;
	enum err e = read_file(home, &text);
	if (e == OK)
		e = parse(buf_slice(&text), ids, max, n, line);
	buf_free(&text);
	return e;
}

/* ---- writing */

static enum err put_file(int fd, struct slice text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);
		if (n <= 0)
			return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
		text = slice_of(text.p + n, text.n - (size_t)n);
	}
	return fsync(fd) == 0 ? OK : ERR_IO;
}

/* A new file takes the place of the old one, or nothing changes. */
static enum err write_file(const char *home, struct slice text)
{
	char path[HOME_PATH_BYTES], temporary[HOME_PATH_BYTES];
	if (home_path(home, "roots", path) != OK || home_path(home, "roots.new", temporary) != OK)
		return ERR_LIMIT;
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
	enum err e = put_file(fd, text);
	close(fd);
	if (e == OK && rename(temporary, path) != 0)
		e = ERR_IO;
	if (e != OK) {
		unlink(temporary);
		return e;
	}
	fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e = fd >= 0 && fsync(fd) == 0 ? OK : ERR_IO;
	if (fd >= 0)
		close(fd);
	return e;
}

static enum err append(struct buf *text, const struct id32 *id, const char *comment)
{
	char hex[65], line[64 + COMMENT_BYTES_MAX + 8];
	sodium_bin2hex(hex, sizeof hex, id->b, 32);
	int n = comment && *comment
		? snprintf(line, sizeof line, "%s  # %.*s", hex, (int)COMMENT_BYTES_MAX, comment)
		: snprintf(line, sizeof line, "%s", hex);
	for (int i = 64; i < n; i++)
		if ((uint8_t)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	enum err e = text->n && text->p[text->n - 1] != '\n' ? buf_put(text, "\n", 1) : OK;
	if (e == OK)
		e = buf_put(text, line, (size_t)n);
	return e == OK ? buf_put(text, "\n", 1) : e;
}

/* Both need the file whole and sound: what cannot be read is not written over. */
static enum err change(const char *home, const struct id32 *id, bool add, const char *comment)
{
	struct buf text = {0}, out = {0};
	struct id32 *ids = (struct id32 *)calloc(ROOTS_MAX, sizeof *ids), other;
	struct slice rest, line;
	size_t n = 0;
	enum err e = ids ? read_file(home, &text) : ERR_MEMORY;
	if (e == OK)
		e = parse(buf_slice(&text), ids, ROOTS_MAX, &n, NULL);
	if (e == OK && has_id(ids, n, id) == add)
		e = add ? ERR_EXISTS : ERR_NOT_FOUND;
	if (e == OK && add && n == ROOTS_MAX)
		e = ERR_LIMIT;
	for (rest = buf_slice(&text); e == OK && next_line(&rest, &line);) {
		bool has = false;
		e = read_line(line, &other, &has);
		if (e == OK && (!has || !id32_equal(&other, id))) {
			e = buf_put_slice(&out, line);
			if (e == OK)
				e = buf_put(&out, "\n", 1);
		}
	}
	if (e == OK && add)
		e = append(&out, id, comment);
	if (e == OK)
		e = out.n <= ROOTS_BYTES_MAX ? write_file(home, buf_slice(&out)) : ERR_LIMIT;
	buf_free(&text);
	buf_free(&out);
	free(ids);
	return e;
}

enum err roots_add(const char *home, const struct id32 *id, const char *comment)
{
	return change(home, id, true, comment);
}

enum err roots_remove(const char *home, const struct id32 *id)
{
	return change(home, id, false, NULL);
}
