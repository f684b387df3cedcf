/* uploads.c -- see uploads.h. How a file becomes a blob: upload_blob.c. */
#include "uploads.h"

#include "http_uri.h"
#include "node.h"

#include <sodium.h>
#include <time.h>

struct kept {
	bool used;
	char id[UPLOAD_ID_BYTES];
	struct id32 owner;
	struct record_blob blob;
	char name[256], type[101];
	uint64_t until_s;
};

static struct kept *all; /* sodium_malloc: keys of blobs */

static uint64_t now_s(void)
{
	return (uint64_t)time(NULL);
}

static void on_dropped(void *ctx, struct store_res *res)
{
	(void)ctx;
	(void)res;
}

/* The row; its file goes at the next start, when no row names it. */
static void drop(struct node *n, struct kept *k)
{
	struct store_req *req = (struct store_req *)calloc(1, sizeof *req);
	if (req) {
		req->op = STORE_BLOB_DROP;
		req->a.root = k->blob.root;
		node_store(n, req, on_dropped, NULL);
	}
	sodium_memzero(k, sizeof *k);
}

static void expire(struct node *n)
{
	uint64_t now = now_s();
	for (size_t i = 0; i < UPLOADS_MAX; i++)
		if (all[i].used && all[i].until_s <= now)
			drop(n, &all[i]);
}

enum err uploads_put(
	struct node *n, const struct id32 *owner, const struct record_blob *blob, char id[UPLOAD_ID_BYTES])
{
	struct kept *k = NULL;
	if (!all) {
		all = (struct kept *)sodium_malloc(UPLOADS_MAX * sizeof *all);
		if (!all)
			return ERR_MEMORY;
		memset(all, 0, UPLOADS_MAX * sizeof *all);
	}
	expire(n);
	for (size_t i = 0; i < UPLOADS_MAX && !k; i++)
		if (!all[i].used)
			k = &all[i];
	if (!k || blob->name.n > 255 || blob->type.n > 100)
		return ERR_LIMIT;
	uint8_t random[16];
	randombytes_buf(random, sizeof random);
	*k = (struct kept){.used = true, .owner = *owner, .blob = *blob, .until_s = now_s() + UPLOAD_S};
	sodium_bin2hex(k->id, sizeof k->id, random, sizeof random);
	memcpy(k->name, blob->name.p, blob->name.n);
	memcpy(k->type, blob->type.p, blob->type.n);
	k->blob.name = slice_of(k->name, blob->name.n);
	k->blob.type = slice_of(k->type, blob->type.n);
	memcpy(id, k->id, UPLOAD_ID_BYTES);
	return OK;
}

static struct kept *find(const char *id)
{
	for (size_t i = 0; all && i < UPLOADS_MAX; i++)
		if (all[i].used && strcmp(all[i].id, id) == 0)
			return &all[i];
	return NULL;
}

enum err uploads_get(const char *id, const struct id32 *owner, struct record_blob *blob)
{
	const struct kept *k = find(id);
	if (!k || !id32_equal(&k->owner, owner) || k->until_s <= now_s())
		return ERR_NOT_FOUND;
	*blob = k->blob;
	return OK;
}

void uploads_done(const char *id)
{
	struct kept *k = find(id);
	if (k)
		sodium_memzero(k, sizeof *k);
}

/* ---- media types */

static bool is_text(struct slice s)
{
	for (size_t i = 0; i < s.n;) {
		uint32_t c;
		uint8_t four[5] = {0};
		memcpy(four, s.p + i, s.n - i < 4 ? s.n - i : 4);
		size_t n = http_utf8_at(four, &c);
		if (n == 0)
			return s.n - i < 4 && i > 0 && four[0] >= 0xc0; /* a character that was cut */
		if (c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f')
			return false;
		i += n;
	}
	return s.n > 0;
}

static bool has(struct slice s, size_t at, const char *bytes, size_t n)
{
	return s.n >= at + n && memcmp(s.p + at, bytes, n) == 0;
}

static bool contains(struct slice s, const char *word)
{
	return memmem(s.p, s.n < 4096 ? s.n : 4096, word, strlen(word)) != NULL;
}

const char *uploads_type(struct slice s)
{
	if (has(s, 0, "\x89PNG\r\n\x1a\n", 8))
		return "image/png";
	if (has(s, 0, "\xff\xd8\xff", 3))
		return "image/jpeg";
	if (has(s, 0, "%PDF-", 5))
		return "application/pdf";
	if (has(s, 4, "ftypqt", 6))
		return "video/quicktime";
	if (has(s, 4, "ftypM4A", 7))
		return "audio/mp4";
	if (has(s, 4, "ftyp", 4))
		return "video/mp4";
	if (has(s, 0, "\x1a\x45\xdf\xa3", 4))
		return contains(s, "webm") ? "video/webm" : "video/x-matroska";
	if (has(s, 0, "OggS", 4))
		return contains(s, "theora") ? "video/ogg" : "audio/ogg";
	if (has(s, 0, "RIFF", 4) && has(s, 8, "WAVE", 4))
		return "audio/wav";
	if (has(s, 0, "ID3", 3) || (s.n > 2 && s.p[0] == 0xff && (s.p[1] & 0xe6) == 0xe2))
		return "audio/mpeg";
	if (has(s, 0, "PK\x03\x04", 4))
		return contains(s, "word/")
			? "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
			: "application/zip";
	return is_text(s) ? "text/plain" : "application/octet-stream";
}
