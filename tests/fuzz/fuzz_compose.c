/* fuzz_compose.c -- records from the JSON of the API and back (daemon/compose): what is composed counts as a record (SPEC 13), and any record
 * that counts can be shown.
 * Input: at most 8192 bytes: a kind, a line end, and fields as JSON; or, with a NUL first, a record. */
#include "tests/fuzz/fuzz.h"

#include "daemon/compose.h"

static enum err some_ref(void *ctx, const char *text, struct entry_ref *out)
{
	(void)ctx;
	if (!text[0])
		return ERR_INPUT;
	*out = (struct entry_ref){.log = {{1}}, .seq = (uint8_t)text[0], .id = {{2}}};
	return OK;
}

static void show(struct slice record)
{
	json_t *shown = compose_json(record);
	if (record_check(record, NULL) == OK)
		fuzz_must(shown != NULL, "a record that counts can be shown");
	if (shown) {
		char *text = json_dumps(shown, JSON_COMPACT);
		fuzz_must(text != NULL, "as JSON");
		free(text);
	}
	json_decref(shown);
}

static void compose(struct slice kind_bytes, struct slice text)
{
	const struct record_blob blob = {
		.root = {{3}}, .size = 4, .name = slice_str("a.txt"), .type = slice_str("text/plain")};
	const struct compose_env env = {.ref = some_ref, .blobs = &blob, .blobs_n = text.n & 1};
	char why[COMPOSE_WHY_BYTES] = "";
	const char *field = NULL;
	struct buf record = {0};
	json_t *fields = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	char *kind = fuzz_text(kind_bytes);
	if (fields) {
		enum err e = compose_record(kind, fields, &env, &record, why);
		if (e == OK) {
			fuzz_must(record_check(buf_slice(&record), &field) == OK, "what is composed counts");
			show(buf_slice(&record));
		} else {
			fuzz_must(why[0] && memchr(why, 0, sizeof why) != NULL, "it says why");
		}
	}
	json_decref(fields);
	buf_free(&record);
	free(kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *line = n ? memchr(data, '\n', n) : NULL;
	if (n > 0 && data[0] == 0)
		show(slice_of(data + 1, n - 1));
	else if (line)
		compose(slice_of(data, (size_t)(line - data)),
			slice_of(line + 1, n - (size_t)(line - data) - 1));
	return 0;
}
