/* daemon/book.c: what one identity writes for somebody leaves room in that book for what others write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/book_int.h"
#include "tests/support/desk_fixture.h"

#define TEXT_BYTES 49000u

static void catch_up(struct store *s, void *ctx)
{
	assert_int_equal(book_catch_up((struct book *)ctx, s), OK);
}

static bool has(struct book *b, const struct entry_ref *at)
{
	struct store_req req = {.op = STORE_FACT_AT, .a.log = at->log, .a.seq = at->seq};
	struct store_res res;
	with_store(catch_up, b);
	assert_int_equal(book_ask(b, &req, &res), OK);
	bool found = res.r.n > 0;
	store_res_free(&res);
	return found;
}

static struct entry_ref write_long(struct keyring *by, const struct keyring *to, const char *text)
{
	return put_record(by, readers(to, NULL), reflection(text), false, NULL);
}

static void who_writes_very_much_takes_half_of_a_book(void **state)
{
	(void)state;
	struct keyring *loud = make_identity("Loud", IDENTITY_PERSON),
		       *quiet = make_identity("Quiet", IDENTITY_PERSON),
		       *reader = make_identity("Reader", IDENTITY_ISSUER);
	struct book *of_reader = book_new(reader), *of_loud = book_new(loud);
	struct entry_ref last = {.seq = 0};
	char *text = (char *)malloc(TEXT_BYTES + 1);
	assert_true(text && of_reader && of_loud);
	memset(text, 'x', TEXT_BYTES);
	text[TEXT_BYTES] = 0;
	struct entry_ref first = write_long(loud, reader, text);
	for (size_t n = 0; n < BOOK_BYTES_MAX / 2 + 8 * TEXT_BYTES; n += TEXT_BYTES)
		last = write_long(loud, reader, text);
	struct entry_ref other = write_long(quiet, reader, "a few words");
	assert_true(has(of_reader, &first));
	assert_false(has(of_reader, &last));
	assert_true(has(of_reader, &other));
	assert_true(book_full(of_reader));
	assert_true(of_reader->bytes <= BOOK_BYTES_MAX / 2 + 2 * TEXT_BYTES);
	/* of one's own there may be more */
	assert_true(has(of_loud, &last));
	assert_false(book_full(of_loud));
	/* what is erased makes room again */
	size_t before = of_reader->bytes;
	erase_entry(loud, &first);
	assert_false(has(of_reader, &first));
	assert_true(of_reader->bytes < before);
	struct entry_ref more = write_long(loud, reader, "a word more");
	assert_true(has(of_reader, &more));
	free(text);
	book_free(of_reader);
	book_free(of_loud);
	keyring_free(loud);
	keyring_free(quiet);
	keyring_free(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(who_writes_very_much_takes_half_of_a_book),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
