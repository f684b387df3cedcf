/* fuzz_record.c -- records (SPEC 13): what record_check lets count, its readers read without an error; setting and removing `by` gives the
 * same bytes back; and any record makes at most so many facts (SPEC 16.1).
 * Input: at most 65536 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/award/facts.h"
#include "protocol/log/record.h"

static void read_part(const struct record_field *field, struct mp_in *in)
{
	struct record_item item;
	struct record_score score;
	struct record_mark mark;
	struct record_blob blob;
	struct entry_ref ref;
	struct id32 id;
	struct slice s;
	uint8_t key[32];
	enum err e = OK;
	switch (field->type) {
	case RECORD_STRS: e = mp_get_str(in, field->min, field->max, &s); break;
	case RECORD_IDS: e = mp_get_id(in, &id); break;
	case RECORD_REFS: e = record_get_ref(in, &ref); break;
	case RECORD_KEYS: e = record_get_key(in, &ref, key); break;
	case RECORD_ITEMS: e = record_get_item(in, &item); break;
	case RECORD_SCORES: e = record_get_score(in, &score); break;
	case RECORD_MARKS: e = record_get_mark(in, &mark); break;
	case RECORD_BLOBS: e = record_get_blob(in, &blob); break;
	case RECORD_STR:
	case RECORD_ID:
	case RECORD_REF:
	case RECORD_CHOICE:
	case RECORD_DATE:
	case RECORD_JSON:
	case RECORD_BY: fuzz_must(false, "only lists have parts"); break;
	}
	fuzz_must(e == OK, "a checked part is read");
}

static void read_one(struct slice fields, const struct record_field *field)
{
	struct id32 id;
	struct entry_ref ref;
	struct slice s;
	struct mp_in in;
	size_t n;
	enum err e = record_get(fields, field->name, &in);
	fuzz_must(e == OK || (e == ERR_NOT_FOUND && !field->required), "a required field is there");
	if (e != OK)
		return;
	switch (field->type) {
	case RECORD_STR:
	case RECORD_CHOICE:
	case RECORD_DATE:
	case RECORD_JSON:
		fuzz_must(record_get_str(fields, field->name, &s) == OK, "a checked text is read");
		fuzz_must(field->type != RECORD_CHOICE || record_is_choice(s, field->choices), "a choice");
		break;
	case RECORD_ID:
		fuzz_must(record_get_id(fields, field->name, &id) == OK, "a checked id is read");
		break;
	case RECORD_REF: fuzz_must(record_get_ref(&in, &ref) == OK, "a checked pointer is read"); break;
	case RECORD_BY: fuzz_must(record_get_by(fields, &id, &ref) == OK, "by is read"); break;
	case RECORD_BLOBS:
	case RECORD_STRS:
	case RECORD_IDS:
	case RECORD_REFS:
	case RECORD_KEYS:
	case RECORD_ITEMS:
	case RECORD_SCORES:
	case RECORD_MARKS:
		fuzz_must(mp_get_array(&in, 0, field->items_max, &n) == OK, "a checked list is read");
		for (size_t i = 0; i < n; i++)
			read_part(field, &in);
		break;
	}
}

static void by_and_back(struct slice record)
{
	const struct id32 officer = {{1}};
	const struct entry_ref ref = {.log = {{2}}, .seq = 3, .id = {{4}}};
	struct buf without = {0}, with = {0}, again = {0};
	enum err e = record_with_by(record, NULL, NULL, &without);
	fuzz_must(e == OK, "by can be left out of a checked record");
	e = record_with_by(buf_slice(&without), &officer, &ref, &with);
	if (e == OK)
		fuzz_must(record_with_by(buf_slice(&with), NULL, NULL, &again) == OK &&
				fuzz_same(&without, &again),
			"by set and left out again gives the same bytes");
	buf_free(&without);
	buf_free(&with);
	buf_free(&again);
}

static void facts(struct slice record, bool counts)
{
	struct fact out[FACTS_OF_ENTRY_MAX];
	struct fact_words words = {0};
	struct buf keep = {0};
	const struct fact_source src = {.at = {.seq = 7}, .record = record};
	size_t n = facts_make(&src, out, &words, &keep);
	fuzz_must(n <= FACTS_OF_ENTRY_MAX, "facts of an entry are bounded");
	fuzz_must(counts || n == 0, "what does not count makes no facts");
	for (size_t i = 0; i < n; i++)
		fuzz_must(out[i].kind > FACT_NONE && out[i].kind < FACT_KIND_COUNT, "a fact has a kind");
	for (size_t i = 0; n > 0 && i < FACT_TEXTS; i++)
		fuzz_must(words.text[i].n <= keep.n + record.n, "words come from the record");
	buf_free(&keep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice record = slice_of(data, n), kind, fields;
	const char *field = NULL;
	enum err e = record_check(record, &field);
	facts(record, e == OK);
	if (e != OK)
		return 0;
	fuzz_must(record_open(record, &kind, &fields) == OK, "a checked record opens");
	const struct record_kind *k = record_kind_find(kind);
	for (size_t i = 0; k && i < k->fields_n; i++)
		read_one(fields, &k->fields[i]);
	if (k)
		by_and_back(record);
	return 0;
}
