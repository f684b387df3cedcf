/* What a peer that looks for a blob is told of the part that is here. SPEC.md section 11.2. */
#include "protocol/log/blobtree.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CHUNKS 1500 /* in two pages of leaves */

/* A part came from somebody who has left: nothing is being fetched, and it is told from what the store keeps. */
static void a_part_that_is_kept_is_told_though_nothing_is_being_fetched(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	struct session *s = hand_peer(e, 1);
	struct engine_out out;
	uint8_t have[(CHUNKS + 7) / 8] = {[3] = 0x81, [130] = 0x10}, pages[64] = {5};
	struct store_blob b = {.root = {{6}},
		.owner = {{7}},
		.size = (uint64_t)CHUNKS * BLOB_CHUNK_BYTES,
		.state = BLOB_PARTIAL,
		.pages = slice_of(pages, sizeof pages),
		.have = slice_of(have, sizeof have),
		.have_n = 3};
	struct store_res res = {.err = OK, .r = {.n = 1, .blobs = &b}};
	bool told[2 * BLOB_PAGE_LEAVES] = {false};
	blob_serve_want(s, &(struct message_want_blob){.req = 4, .root = b.root});
	assert_true(hand_next(e, ENGINE_OUT_STORE, &out));
	assert_int_equal(out.req->op, STORE_BLOB_GET);
	hand_stored(e, out.req, &res);
	while (hand_next(e, ENGINE_OUT_SEND, &out)) {
		union message m;
		assert_int_equal(message_decode(out.type, buf_slice(&out.body), &m), OK);
		for (size_t i = 0; out.type == MESSAGE_HAVE_CHUNKS && i < m.have_chunks.bits.n * 8; i++)
			told[m.have_chunks.page * BLOB_PAGE_LEAVES + i] =
				m.have_chunks.bits.p[i / 8] >> (i % 8) & 1;
		if (out.type == MESSAGE_DONE)
			assert_int_equal(m.done.code, OK);
		buf_free(&out.body);
	}
	for (size_t i = 0; i < 2 * BLOB_PAGE_LEAVES; i++)
		assert_int_equal(told[i], i == 24 || i == 31 || i == 1044);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_that_is_kept_is_told_though_nothing_is_being_fetched),
	};
	return cmocka_run_group_tests_name("blob serve", tests, NULL, NULL);
}
