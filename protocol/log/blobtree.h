/* blobtree.h -- encrypted chunks, leaves, pages and the root of a blob. SPEC.md section 6. Pure; hashing a chunk takes about 60 us. */
#ifndef QUIRE_BLOBTREE_H
#define QUIRE_BLOBTREE_H

#include "bytes.h"
#include "bounds.h"

uint64_t blob_chunks(uint64_t size); /* max(1, ceil(size / 65536)); size in plain bytes */
uint32_t blob_pages(uint64_t size);
uint32_t blob_page_leaves(uint64_t size, uint32_t page); /* how many leaves that page has */
uint64_t blob_stored_bytes(uint64_t size); /* of the encrypted file */
size_t blob_chunk_plain_bytes(uint64_t size, uint64_t index);

/* out has n + 16 bytes / n - 16 bytes; may work in place. ERR_DECRYPT. */
void blob_chunk_encrypt(
	const uint8_t key[32], uint64_t index, bool last, const uint8_t *plain, size_t n, uint8_t *out);
MUST_CHECK enum err blob_chunk_decrypt(
	const uint8_t key[32], uint64_t index, bool last, const uint8_t *in, size_t n, uint8_t *out);

struct id32 blob_leaf(uint64_t index, const uint8_t *chunk, size_t n);
struct id32 blob_page_hash(const struct id32 *leaves, size_t n);
struct id32 blob_root(const struct id32 *pages, size_t n, uint64_t size, const struct id32 *owner);

#endif
