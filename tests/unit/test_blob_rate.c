/* How much of blobs is asked for a second, where the operator bounds it. SPEC.md section 11.1. */
#include "tests/support/hand_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Bytes that are asked for in so long by who would always like more; it comes when it is woken, or every 50 ms. */
static uint64_t asked_for(struct engine *e, uint64_t each, uint64_t ms)
{
	uint64_t sum = 0;
	for (uint64_t until = e->now_ms + ms; e->now_ms < until; e->now_ms += 50)
		while (sum < 1ull << 32 && blob_rate_allows(e, each))
			sum += each;
	return sum;
}

static struct engine *with_rate(uint64_t rate)
{
	struct engine *e = hand_engine(false);
	e->config.blob_rate = rate;
	return e;
}

static void no_more_is_asked_for_than_the_rate(void **state)
{
	(void)state;
	struct engine *e = with_rate(1000000);
	assert_in_range(asked_for(e, BLOB_CHUNK_BYTES, 20000), 19000000, 21100000);
	engine_free(e);
}

static void a_rest_is_made_up_for_by_no_more_than_a_second(void **state)
{
	(void)state;
	struct engine *e = with_rate(1000000);
	(void)asked_for(e, BLOB_CHUNK_BYTES, 5000);
	e->now_ms += 3600000;
	assert_in_range(asked_for(e, BLOB_CHUNK_BYTES, 50), 1000000 - BLOB_CHUNK_BYTES, 1000000);
	engine_free(e);
}

/* A chunk takes more than six seconds of it. */
static void a_rate_below_one_chunk_a_second_is_slow_and_no_halt(void **state)
{
	(void)state;
	struct engine *e = with_rate(10000);
	assert_true(blob_rate_allows(e, BLOB_CHUNK_BYTES));
	assert_in_range(asked_for(e, BLOB_CHUNK_BYTES, 100000), 900000, 1000000);
	engine_free(e);
}

/* Less than a byte comes from one look to the next. */
static void a_rate_of_bytes_comes_to_a_chunk_in_the_end(void **state)
{
	(void)state;
	struct engine *e = with_rate(10);
	assert_in_range(asked_for(e, BLOB_CHUNK_BYTES, 20000000), 2 * BLOB_CHUNK_BYTES, 3 * BLOB_CHUNK_BYTES);
	engine_free(e);
}

/* Who may ask for no more is woken when he may, and no sooner. */
static void a_wait_is_as_long_as_it_takes(void **state)
{
	(void)state;
	struct engine *e = with_rate(10000);
	assert_true(blob_rate_allows(e, BLOB_CHUNK_BYTES));
	uint64_t began = e->now_ms;
	assert_false(blob_rate_allows(e, BLOB_CHUNK_BYTES));
	assert_in_range(e->fetch_retry_ms, began + 6553, began + 6555);
	e->fetch_retry_ms = began + 100000; /* something else would look again then: too late */
	assert_false(blob_rate_allows(e, BLOB_CHUNK_BYTES));
	assert_in_range(e->fetch_retry_ms, began + 6553, began + 6555);
	e->fetch_retry_ms = began + 10; /* and this stays */
	assert_false(blob_rate_allows(e, BLOB_CHUNK_BYTES));
	assert_int_equal(e->fetch_retry_ms, began + 10);
	e->now_ms = began + 6555;
	assert_true(blob_rate_allows(e, BLOB_CHUNK_BYTES));
	engine_free(e);
}

static void without_a_rate_there_is_no_bound(void **state)
{
	(void)state;
	struct engine *e = with_rate(0);
	for (int i = 0; i < 100000; i++)
		assert_true(blob_rate_allows(e, BLOB_CHUNK_BYTES));
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_is_asked_for_than_the_rate),
		cmocka_unit_test(a_rest_is_made_up_for_by_no_more_than_a_second),
		cmocka_unit_test(a_rate_below_one_chunk_a_second_is_slow_and_no_halt),
		cmocka_unit_test(a_rate_of_bytes_comes_to_a_chunk_in_the_end),
		cmocka_unit_test(a_wait_is_as_long_as_it_takes),
		cmocka_unit_test(without_a_rate_there_is_no_bound),
	};
	return cmocka_run_group_tests_name("blob rate", tests, NULL, NULL);
}
