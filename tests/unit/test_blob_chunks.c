/* Which chunks a peer is asked for. SPEC.md section 11.2. */
#include "bitmap.h"
#include "protocol/peer/blob_fetch.h"
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CHUNKS 24
#define WHOLE 5 /* the source that has all; those before it have parts and are busy */

static uint8_t have[3], asked[3], lacks[WHOLE][3];

/* Source i holds chunks 4i to 4i + 3; those from 20 on are the whole one's alone. */
static void begin(struct engine *e, struct fetch *f)
{
	memset(have, 0, sizeof have);
	memset(asked, 0, sizeof asked);
	memset(lacks, 0xff, sizeof lacks);
	*f = (struct fetch){.e = e,
		.step = FETCH_WORK,
		.refs = 1,
		.size = (uint64_t)CHUNKS * BLOB_CHUNK_BYTES,
		.chunks = CHUNKS,
		.leaves_state = LEAVES_HERE,
		.have = have,
		.asked = asked};
	for (unsigned i = 0; i <= WHOLE; i++) {
		f->sources[i] = (struct source){.state = SOURCE_READY, .s = hand_peer(e, i + 1)};
		if (i == WHOLE)
			continue;
		f->sources[i].part = true;
		f->sources[i].lacks = lacks[i];
		for (unsigned k = 0; k < 4; k++)
			bit_clear(lacks[i], 4 * i + k);
	}
}

static uint64_t first_asked(struct fetch *f)
{
	struct engine_out out;
	union message m = {.want_chunks = {.first = UINT64_MAX}};
	f->sources[WHOLE].window = f->sources[WHOLE].out + 1;
	fetch_ask_chunks(f);
	if (hand_next(f->e, ENGINE_OUT_SEND, &out)) {
		assert_int_equal(out.conn, WHOLE + 1);
		assert_int_equal(out.type, MESSAGE_WANT_CHUNKS);
		assert_int_equal(message_decode(out.type, buf_slice(&out.body), &m), OK);
		buf_free(&out.body);
	}
	return m.want_chunks.first;
}

/* Else all would wait for the one that has all, and those in part would be asked for nothing. */
static void who_has_all_is_asked_first_for_what_no_other_has(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	struct fetch f;
	begin(e, &f);
	for (uint64_t i = 20; i < CHUNKS; i++)
		assert_int_equal(first_asked(&f), i);
	for (uint64_t i = 0; i < 4; i++) /* and then for the rest */
		assert_int_equal(first_asked(&f), i);
	engine_free(e);
}

/* One that answers too late, or is gone, counts for nothing. */
static void what_only_a_late_one_has_is_asked_for_first_too(void **state)
{
	(void)state;
	struct engine *e = hand_engine(false);
	struct fetch f;
	begin(e, &f);
	f.sources[1].late = 1;
	assert_int_equal(first_asked(&f), 4);
	f.sources[0].state = SOURCE_FREE;
	assert_int_equal(first_asked(&f), 0);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_all_is_asked_first_for_what_no_other_has),
		cmocka_unit_test(what_only_a_late_one_has_is_asked_for_first_too),
	};
	return cmocka_run_group_tests_name("blob chunks", tests, NULL, NULL);
}
