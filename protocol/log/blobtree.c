/* blobtree.c -- see blobtree.h. */
#include "protocol/log/blobtree.h"
#include "protocol/log/hash.h"

#include <sodium.h>

uint64_t blob_chunks(uint64_t size)
{
	/* SPEC 6.1: "the last one has 0 … 65,536 bytes, and 0 only if the file is empty" */
	if (size == 0)
		return 1;
	return size / BLOB_CHUNK_BYTES + (size % BLOB_CHUNK_BYTES != 0);
}

uint32_t blob_pages(uint64_t size)
{
	return (uint32_t)((blob_chunks(size) + BLOB_PAGE_LEAVES - 1) / BLOB_PAGE_LEAVES);
}

uint32_t blob_page_leaves(uint64_t size, uint32_t page)
{
	/* SPEC 6.2: "page p holds leaves 1,024 p … 1,024 p + 1,023, as far as they exist" */
	uint64_t chunks = blob_chunks(size), first = (uint64_t)page * BLOB_PAGE_LEAVES;
	if (first >= chunks)
		return 0;
	return chunks - first < BLOB_PAGE_LEAVES ? (uint32_t)(chunks - first) : BLOB_PAGE_LEAVES;
}

uint64_t blob_stored_bytes(uint64_t size)
{
	return size + blob_chunks(size) * BLOB_CHUNK_TAG_BYTES;
}

size_t blob_chunk_plain_bytes(uint64_t size, uint64_t index)
{
	uint64_t chunks = blob_chunks(size);
	if (index >= chunks)
		return 0;
	return index + 1 < chunks ? BLOB_CHUNK_BYTES : (size_t)(size - index * BLOB_CHUNK_BYTES);
}

/* SPEC 6.1: "i as `u64`, then one byte that is 1 for the last chunk and 0 for others, then 15 zero bytes" */
static void chunk_nonce(
	uint64_t index, bool last, uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES])
{
	memset(nonce, 0, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
	be64_put(nonce, index);
	nonce[8] = last ? 1 : 0;
}

void blob_chunk_encrypt(
	const uint8_t key[32], uint64_t index, bool last, const uint8_t *plain, size_t n, uint8_t *out)
{
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
	chunk_nonce(index, last, nonce);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain, n, NULL, 0, NULL, nonce, key);
}

enum err blob_chunk_decrypt(
	const uint8_t key[32], uint64_t index, bool last, const uint8_t *in, size_t n, uint8_t *out)
{
	if (n < BLOB_CHUNK_TAG_BYTES)
		return ERR_DECRYPT;
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
	chunk_nonce(index, last, nonce);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, in, n, NULL, 0, nonce, key) != 0)
		return ERR_DECRYPT;
	return OK;
}

struct id32 blob_leaf(uint64_t index, const uint8_t *chunk, size_t n)
{
	uint8_t i[8];
	be64_put(i, index);
	const struct slice parts[] = {slice_of(i, sizeof i), slice_of(chunk, n)};
	return hash_parts(HASH_LEAF, parts, 2);
}

struct id32 blob_page_hash(const struct id32 *leaves, size_t n)
{
	return hash_bytes(HASH_NODE, leaves, n * sizeof *leaves);
}

struct id32 blob_root(const struct id32 *pages, size_t n, uint64_t size, const struct id32 *owner)
{
	uint8_t s[8];
	be64_put(s, size);
	/* SPEC 6.2: "It binds length and owner: nobody else's entry pins it." */
	const struct slice parts[] = {slice_of(pages, n * sizeof *pages), slice_of(s, sizeof s),
		slice_of(owner->b, sizeof owner->b)};
	return hash_parts(HASH_ROOT, parts, 3);
}
