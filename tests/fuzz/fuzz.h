/* fuzz.h -- what fuzz targets share: the entry point that libFuzzer and the replayer call, a reader of the input, and the demand that a
 * property hold. A target is one file fuzz_NAME.c; its corpus lies in corpus/NAME/. */
#ifndef QUIRE_TESTS_FUZZ_H
#define QUIRE_TESTS_FUZZ_H

#include "bytes.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A property that does not hold is a find. */
static inline void fuzz_must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz: does not hold: %s\n", what);
	abort();
}

/* Reads the input from the front; zeros behind its end. */
struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

static inline struct fuzz_in fuzz_open(const uint8_t *data, size_t n)
{
	return (struct fuzz_in){.p = data, .n = n};
}

/* At most n bytes. */
static inline struct slice fuzz_take(struct fuzz_in *in, size_t n)
{
	struct slice s = slice_of(in->p, n < in->n ? n : in->n);
	if (s.n) {
		in->p += s.n;
		in->n -= s.n;
	}
	return s;
}

static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
	struct slice s = fuzz_take(in, 1);
	return s.n ? s.p[0] : 0;
}

static inline uint16_t fuzz_u16(struct fuzz_in *in)
{
	uint16_t high = fuzz_u8(in);
	return (uint16_t)(high << 8 | fuzz_u8(in));
}

static inline uint32_t fuzz_u32(struct fuzz_in *in)
{
	uint32_t high = fuzz_u16(in);
	return high << 16 | fuzz_u16(in);
}

/* A key, hash or id: n bytes given by one of the input, so that ids meet again. */
static inline struct id32 fuzz_id(struct fuzz_in *in)
{
	struct id32 id;
	memset(id.b, fuzz_u8(in), 32);
	return id;
}

/* A copy that ends with NUL; the caller frees it. */
static inline char *fuzz_text(struct slice s)
{
	char *text = (char *)malloc(s.n + 1);
	fuzz_must(text != NULL, "there is memory");
	if (s.n)
		memcpy(text, s.p, s.n);
	text[s.n] = 0;
	return text;
}

static inline bool fuzz_same(const struct buf *a, const struct buf *b)
{
	return slice_equal(buf_slice(a), buf_slice(b));
}

#endif
