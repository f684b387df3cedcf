/* paper_submission.c -- a submission, for those who read it: what was asked for and given, how it is judged, and what was said of it. See paper.h. */
#include "paper.h"

static void put_fact(struct cli_call *c, const char *label, const char *text)
{
	paper_text(c, 0, label, text);
}

static void put_who(struct cli_call *c, const char *label, const json_t *who)
{
	char text[512];
	const char *name = paper_of(who, "name"), *id = paper_of(who, "id");
	snprintf(text, sizeof text, "%.400s%s%.8s%s", name, *name ? " (" : "", id, *name ? ")" : "");
	put_fact(c, label, text);
}

static void put_days(struct cli_call *c, const json_t *o)
{
	char text[64];
	long long left = paper_number(o, "days_left");
	if (!json_object_get(o, "days_left"))
		return;
	if (left >= 0)
		snprintf(text, sizeof text, "%lld days are left", left);
	else
		snprintf(text, sizeof text, "%lld days over", -left);
	put_fact(c, "time      ", text);
}

void paper_head(struct cli_call *c, const json_t *o)
{
	char text[256], day[32];
	paper_heading(c, paper_of(o, "title"));
	put_fact(c, "ref       ", paper_of(o, "ref"));
	put_fact(c, "state     ", paper_of(o, "state"));
	put_fact(c, "for       ", paper_of(o, "definition"));
	put_who(c, "earner    ", json_object_get(o, "earner"));
	put_who(c, "issuer    ", json_object_get(o, "issuer"));
	put_fact(c, "submitted ", cli_time(paper_number(o, "hour") * 3600, day, sizeof day));
	snprintf(text, sizeof text, "%lld needed; so far %lld meets, %lld not yet, %lld unjudgeable",
		paper_number(o, "reviews_needed"), paper_number(o, "met"), paper_number(o, "not_yet"),
		paper_number(o, "unjudgeable"));
	put_fact(c, "reviews   ", text);
	put_days(c, o);
	put_fact(c, "award     ", paper_of(o, "award"));
	put_fact(c, "revises   ", paper_of(o, "revises"));
	put_fact(c, "changed   ", paper_of(o, "changed"));
	put_fact(c, "revised by ", paper_of(o, "revised_by"));
}

/* ---- evidence */

static void put_blobs(struct cli_call *c, const json_t *fields)
{
	char text[512], size[32];
	const json_t *list = json_object_get(fields, "blobs");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *b = json_array_get(list, i);
		snprintf(text, sizeof text, "%.255s, %s", paper_of(b, "name"),
			cli_size((uint64_t)paper_number(b, "size"), size, sizeof size));
		paper_text(c, 6, "file ", text);
		paper_text(c, 6, "     quire blob get -o FILE ", paper_of(b, "root"));
	}
}

static void put_piece(struct cli_call *c, const json_t *e, bool in_full)
{
	char text[512];
	const json_t *fields = json_object_get(e, "fields");
	const char *state = paper_of(e, "state"), *title = paper_of(e, "title");
	snprintf(text, sizeof text, "%s%s%s%s%s%s", paper_of(e, "kind"), *title ? ": " : "", title,
		strcmp(state, "here") == 0 ? "" : "  [", strcmp(state, "here") == 0 ? "" : state,
		strcmp(state, "here") == 0 ? "" : "]");
	paper_text(c, 4, "- ", text);
	paper_text(c, 6, "", paper_of(e, "ref"));
	if (!in_full)
		return;
	paper_text(c, 6, "", paper_of(fields, "about"));
	paper_text(c, 6, "", paper_of(fields, "text"));
	put_blobs(c, fields);
}

void paper_requirements(struct cli_call *c, const json_t *o, bool in_full)
{
	char label[160];
	const json_t *list = json_object_get(o, "requirements");
	paper_heading(c, "What was submitted");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i), *given = json_object_get(r, "evidence");
		snprintf(label, sizeof label, "%s: ", paper_of(r, "id"));
		paper_text(c, 2, label, paper_of(r, "prompt"));
		for (size_t k = 0; k < json_array_size(given); k++)
			put_piece(c, json_array_get(given, k), in_full);
		if (json_array_size(given) == 0)
			paper_text(c, 4, "- ", "nothing");
	}
}

/* ---- rubric and reviews */

void paper_rubric(struct cli_call *c, const json_t *o)
{
	char label[300];
	const json_t *list = json_object_get(o, "rubric");
	paper_heading(c, "Rubric (* is required)");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *k = json_array_get(list, i), *levels = json_object_get(k, "levels");
		snprintf(label, sizeof label, "%s: ", paper_of(k, "id"));
		paper_text(c, 2, label, paper_of(k, "name"));
		for (size_t l = 0; l < json_array_size(levels); l++) {
			const json_t *level = json_array_get(levels, l);
			bool required = strcmp(paper_of(level, "id"), paper_of(k, "required_level")) == 0;
			snprintf(label, sizeof label, "%s %s: ", required ? "*" : " ", paper_of(level, "id"));
			paper_text(c, 4, label, paper_of(level, "description"));
		}
	}
	if (*paper_of(o, "scoring_guide")) {
		paper_heading(c, "For reviewers");
		paper_text(c, 2, "", paper_of(o, "scoring_guide"));
	}
}

static void put_review(struct cli_call *c, const json_t *r)
{
	char text[1024];
	const json_t *scores = json_object_get(r, "scores");
	snprintf(text, sizeof text, "%s by %s", paper_of(r, "decision"),
		paper_of(json_object_get(r, "reviewer"), "name"));
	paper_text(c, 2, "- ", text);
	paper_text(c, 4, "", paper_of(r, "ref"));
	for (size_t i = 0; i < json_array_size(scores); i++) {
		const json_t *s = json_array_get(scores, i);
		const char *comment = paper_of(s, "comment");
		snprintf(text, sizeof text, "%s: %s%s", paper_of(s, "name"), paper_of(s, "level_name"),
			*comment ? ". " : "");
		if (*comment)
			paper_text(c, 4, text, comment);
		else
			paper_text(c, 4, "", text);
	}
	paper_text(c, 4, "", paper_of(r, "feedback"));
}

void paper_reviews(struct cli_call *c, const json_t *o)
{
	char text[512];
	const json_t *list = json_object_get(o, "reviews"), *claims = json_object_get(o, "claims");
	if (json_array_size(list) || json_array_size(claims))
		paper_heading(c, "Reviews");
	for (size_t i = 0; i < json_array_size(list); i++)
		put_review(c, json_array_get(list, i));
	for (size_t i = 0; i < json_array_size(claims); i++) {
		const json_t *one = json_array_get(claims, i);
		snprintf(text, sizeof text, "%.300s is at work on it: claim %s",
			paper_of(json_object_get(one, "reviewer"), "name"), paper_of(one, "ref"));
		paper_text(c, 2, "- ", text);
	}
}

void paper_attempts(struct cli_call *c, const json_t *o)
{
	char text[512], day[32];
	const json_t *list = json_object_get(o, "attempts");
	if (json_array_size(list) < 2)
		return;
	paper_heading(c, "Attempts");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		snprintf(text, sizeof text, "%s  %s  %s",
			cli_time(paper_number(one, "hour") * 3600, day, sizeof day), paper_of(one, "ref"),
			paper_of(one, "state"));
		paper_text(c, 2, "", text);
	}
}

void paper_why(struct cli_call *c, const json_t *o)
{
	const json_t *list = json_object_get(o, "why");
	if (json_array_size(list) == 0)
		return;
	paper_heading(c, "Worth knowing");
	for (size_t i = 0; i < json_array_size(list); i++)
		paper_text(c, 2, "- ", paper_of(json_array_get(list, i), "text"));
}
