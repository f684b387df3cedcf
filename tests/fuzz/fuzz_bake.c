/* fuzz_bake.c -- credentials in pictures (SPEC 17.7): any bytes as a picture, which is read; then baked, read, and baked again. What was baked
 * in comes out, and a second baking replaces the first. The checksums of a PNG can be mended by the target.
 * Input: at most 8192 bytes; the first says how. */
#include "tests/fuzz/fuzz.h"

#include "protocol/award/bake.h"

/* CRC-32 of ISO 3309, as PNG has it. */
static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void mend(uint8_t *p, size_t n)
{
	static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	if (n < 8)
		return;
	memcpy(p, signature, 8);
	for (size_t at = 8; n - at >= 12;) {
		size_t length = be32_get(p + at);
		if (length > n - at - 12)
			length = n - at - 12;
		be32_put(p + at, (uint32_t)length);
		be32_put(p + at + 8 + length, crc32_of(p + at + 4, length + 4));
		at += length + 12;
	}
}

static void bake(struct slice picture, struct slice credential, struct slice bundle, bool svg)
{
	enum err (*into)(struct slice, struct slice, struct slice, struct buf *) = svg ? bake_svg : bake_png;
	struct buf once = {0}, twice = {0}, got = {0}, got_bundle = {0};
	bool has;
	enum err e = into(picture, credential, bundle, &once);
	fuzz_must(e == OK || e == ERR_FORMAT || e == ERR_LIMIT || e == ERR_INPUT, "the errors of its header");
	if (e == OK) {
		fuzz_must(once.n <= picture.n + 8 * (credential.n + bundle.n) + 1024, "no growth");
		fuzz_must(svg ? bake_is_svg(buf_slice(&once)) : bake_is_png(buf_slice(&once)),
			"still a picture");
		fuzz_must(
			bake_read(buf_slice(&once), &got, &got_bundle, &has) == OK, "what is baked is read");
		fuzz_must(slice_equal(buf_slice(&got), credential) && has == (bundle.n > 0) &&
				slice_equal(buf_slice(&got_bundle), bundle),
			"and is what was baked");
		fuzz_must(
			into(buf_slice(&once), credential, bundle, &twice) == OK && fuzz_same(&once, &twice),
			"baking again replaces");
	}
	buf_free(&once);
	buf_free(&twice);
	buf_free(&got);
	buf_free(&got_bundle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_open(data, n);
	uint8_t how = fuzz_u8(&in);
	uint8_t *file = malloc(in.n + 1);
	struct buf credential = {0}, bundle = {0};
	bool has = false;
	fuzz_must(file != NULL, "there is memory");
	if (in.n)
		memcpy(file, in.p, in.n);
	if (how & 1)
		mend(file, in.n);
	struct slice picture = slice_of(file, in.n);
	enum err e = bake_read(picture, &credential, &bundle, &has);
	if (e == OK)
		fuzz_must(credential.n + bundle.n <= 2 * in.n, "what is read comes from the picture");
	static const char *const texts[] = {
		"{\"a\":\"b\"}", "{\"]]>\":\"<&>\"}", "{\"\":\"\xf0\x9f\x8e\x93\"}"};
	bake(picture, slice_str(texts[how / 2 % 3]), slice_str(how & 16 ? "{\"bundle\":\"]]>\"}" : ""),
		bake_is_svg(picture));
	buf_free(&credential);
	buf_free(&bundle);
	free(file);
	return 0;
}
