/* Definitions, read: what is in them, defaults, canonical form; scores against their rubric. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lint_case.h"
#include "protocol/award/definition_table.h"
#include "protocol/log/record.h"

#define SAMPLE "tests/unit/data/definition.json"

static char *sample;
static struct finding found[DEFINITION_FINDINGS_MAX];

static void reading_fills_in_what_is_there_and_what_is_not(void **state)
{
	(void)state;
	struct definition d;
	assert_int_equal(definition_read(slice_str(sample), &d, NULL), OK);
	assert_string_equal(d.title, "Think time");
	assert_string_equal(d.competency, "Gives pupils time to think before they answer.");
	assert_string_equal(d.language, "en-GB");
	assert_string_equal(d.licence, "CC-BY-4.0");
	assert_string_equal(d.scoring_guide, "Count with a stopwatch.");
	assert_int_equal(d.method_n, 2);
	assert_string_equal(d.method[1], "Wait");
	assert_int_equal(d.tags_n, 2);
	assert_string_equal(d.tags[0], "questions");
	assert_int_equal(d.complexity, 2);
	assert_int_equal(d.valid_months, 60);
	assert_int_equal(d.reviewers, 2);
	assert_int_equal(d.days, 21);
	assert_int_equal(d.resubmissions_max, 3);
	assert_true(!d.blind && d.same_school && d.automatic);
	const struct definition_requirement *r =
		&d.requirements[definition_requirement(&d, slice_str("recording"))];
	assert_true(r->min == 1 && r->max == 2 && !r->reflection && r->evidence_kinds_n == 2);
	assert_true(definition_kind_fits(r, slice_str("audio")));
	assert_false(definition_kind_fits(r, slice_str("photo")));
	assert_false(definition_kind_fits(r, slice_str("reflection")));
	r = &d.requirements[definition_requirement(&d, slice_str("looking-back"))];
	assert_true(r->min == 1 && r->max == 1 && r->reflection && r->words_max == 400 && !r->section);
	assert_true(definition_kind_fits(r, slice_str("reflection")));
	assert_false(definition_kind_fits(r, slice_str("audio")));
	assert_int_equal(definition_requirement(&d, slice_str("record")), SIZE_MAX);
	assert_int_equal(d.criteria_n, 2);
	const struct definition_criterion *c = &d.criteria[definition_criterion(&d, slice_str("pauses"))];
	assert_int_equal(c->required, 1);
	assert_int_equal(c->levels_n, 3);
	assert_true(c->levels[0].has_points && c->levels[1].points == 1 && !c->levels[2].has_points);
	assert_string_equal(c->levels[2].description, "Pupils wait too");
	assert_int_equal(definition_level(c, slice_str("full")), SIZE_MAX);
	assert_int_equal(definition_criterion(&d, slice_str("")), SIZE_MAX);
	assert_int_equal(d.alignment_n, 1);
	assert_string_equal(d.alignment[0].code, "3.1");
	definition_deinit(&d);
	definition_deinit(&d);
}

static void what_is_left_out_has_its_default(void **state)
{
	(void)state;
	static const char small[] =
		"{\"title\":\"t\",\"competency\":\"c\",\"key_method\":\"k\",\"research\":[\"r\"],"
		"\"requirements\":[{\"id\":\"a\",\"kind\":\"artifact\",\"prompt\":\"p\",\"min\":3},"
		"{\"id\":\"b\",\"kind\":\"artifact\",\"prompt\":\"p\",\"min\":0}],"
		"\"rubric\":[{\"id\":\"a\",\"name\":\"n\",\"levels\":[{\"id\":\"a\",\"name\":\"n\",\"description\":\"d\"},"
		"{\"id\":\"b\",\"name\":\"n\",\"description\":\"d\"}],\"required_level\":\"b\"}],\"review\":{\"reviewers\":1}}";
	struct definition d;
	assert_int_equal(definition_read(slice_str(small), &d, NULL), OK);
	assert_true(d.days == 14 && d.resubmissions_max == 5 && !d.blind && !d.same_school && !d.automatic);
	assert_true(d.complexity == 0 && d.valid_months == 0 && d.tags_n == 0 && d.alignment_n == 0);
	assert_true(!d.language && !d.licence && !d.scoring_guide);
	assert_true(d.requirements[0].min == 3 && d.requirements[0].max == 3);
	assert_true(d.requirements[1].min == 0 && d.requirements[1].max == 1);
	assert_true(definition_kind_fits(&d.requirements[0], slice_str("photo")));
	definition_deinit(&d);
}

static void the_canonical_form_is_read_back_and_no_other(void **state)
{
	(void)state;
	struct definition d;
	struct buf form = {0};
	assert_int_equal(buf_put(&form, "before", 6), OK);
	assert_int_equal(definition_read(slice_str(sample), &d, &form), OK);
	definition_deinit(&d);
	assert_memory_equal(form.p, "before{\"alignment\":[{\"code\":\"3.1\",", 31);
	struct slice text = slice_of(form.p + 6, form.n - 6);
	assert_int_equal(definition_read_canonical(text, &d), OK);
	assert_string_equal(d.title, "Think time");
	definition_deinit(&d);
	assert_int_equal(definition_read_canonical(slice_str(sample), &d), ERR_FORMAT);
	assert_int_equal(definition_read_canonical(slice_of(text.p, text.n - 1), &d), ERR_FORMAT);
	buf_free(&form);
}

/* ---- scores */

static size_t score(const struct definition *d, const char *text, bool complete, struct buf *record)
{
	size_t n;
	assert_int_equal(definition_scores(d, slice_str(text), complete, found, &n, record), OK);
	return n;
}

static void scores_become_what_a_review_holds(void **state)
{
	(void)state;
	struct definition d;
	struct buf record = {0};
	assert_int_equal(definition_read(slice_str(sample), &d, NULL), OK);
	assert_int_equal(
		score(&d,
			"{\"pauses\": {\"level\": \"met\", \"comment\": \"Well done\"}, \"answers\": {\"level\": \"short\"}}",
			true, &record),
		0);
	assert_int_equal(mp_check(buf_slice(&record), 100), OK);
	struct mp_in in = mp_open(buf_slice(&record));
	struct record_score s;
	size_t n;
	assert_int_equal(mp_get_array(&in, 0, 32, &n), OK);
	assert_int_equal(n, 2);
	assert_int_equal(record_get_score(&in, &s), OK);
	assert_true(
		slice_equal(s.criterion, slice_str("answers")) && slice_equal(s.level, slice_str("short")));
	assert_int_equal(s.comment.n, 0);
	assert_int_equal(record_get_score(&in, &s), OK);
	assert_true(slice_equal(s.criterion, slice_str("pauses")) &&
		slice_equal(s.comment, slice_str("Well done")));
	assert_int_equal(mp_peek(&in), MP_END);
	buf_free(&record);
	definition_deinit(&d);
}

static void scores_that_do_not_fit_the_rubric_are_found(void **state)
{
	(void)state;
	static const struct lint_case cases[] = {
		{NULL, "{\"pauses\": {\"level\": \"met\"}, \"answers\": {\"level\": \"full\"}}", 0, NULL,
			NULL},
		{NULL, "{\"answers\": {\"level\": \"full\"}}", 1, "pauses",
			"every criterion must have a score"},
		{NULL, "{\"answers\": {\"level\": \"full\"},\n\"pauses\": {\n\"level\": \"mett\"}}", 3,
			"pauses.level", "must be one of: not-yet, met, beyond; did you mean \"met\"?"},
		{NULL, "{\"answers\": {\"level\": \"full\"},\n\"pauses\": {\n}}", 2, "pauses.level",
			"is missing"},
		{NULL, "{\"answers\": {\"level\": \"full\"},\n\"pauses\": 1}", 2, "pauses",
			"must be an object"},
		{NULL, "{\"answers\": {\"level\": \"full\"},\n\"pauses\": {\"level\": \"met\",\n\"Comment\": \"\"}}",
			3, "pauses.Comment", "did you mean \"comment\"?"},
		{NULL, "{\"answers\": {\"level\": \"full\"},\n\"pauses\": {\"level\": \"met\"},\n\"pause\": 0}",
			3, "pause", "did you mean \"pauses\"?"},
		{NULL, "[]", 1, "", "must be an object"},
		{NULL, "{", 1, "", "is not sound JSON"},
	};
	struct definition d;
	struct buf record = {0};
	assert_int_equal(definition_read(slice_str(sample), &d, NULL), OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		record.n = 0;
		lint_expect(found, &cases[i], score(&d, cases[i].new, true, &record));
		assert_int_equal(record.n > 0, cases[i].field == NULL);
	}
	assert_int_equal(score(&d, "{\"answers\": {\"level\": \"full\"}}", false, NULL), 0);
	assert_int_equal(score(&d, "{}", false, NULL), 1);
	assert_non_null(strstr(found[0].what, "at least one criterion"));
	buf_free(&record);
	definition_deinit(&d);
}

static int set_up(void **state)
{
	(void)state;
	sample = lint_file(SAMPLE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(sample);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_fills_in_what_is_there_and_what_is_not),
		cmocka_unit_test(what_is_left_out_has_its_default),
		cmocka_unit_test(the_canonical_form_is_read_back_and_no_other),
		cmocka_unit_test(scores_become_what_a_review_holds),
		cmocka_unit_test(scores_that_do_not_fit_the_rubric_are_found),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
