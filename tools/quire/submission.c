/* submission.c -- submissions at the command line: sent with what is asked for, and read. */
#include "paper.h"

#define REFLECTION_BYTES_MAX 49152u
#define CHANGED_BYTES_MAX 4096u

/* "REQUIREMENT=REST": the rest, or NULL: it has been said. */
static const char *split(
	struct cli_call *c, const char *option, const char *text, char requirement[65], int *code)
{
	const char *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : 0;
	char clean[128];
	if (n == 0 || n > 64 || !equals[1]) {
		*code = cli_problemf(c, "USAGE", "--%s takes REQUIREMENT=%s, and not \"%s\".", option,
			strcmp(option, "evidence") == 0 ? "REF" : "FILE",
			cli_clean(text, clean, sizeof clean));
		return NULL;
	}
	memcpy(requirement, text, n);
	requirement[n] = 0;
	return equals + 1;
}

static int add_pieces(struct cli_call *c, const char *option, json_t *list)
{
	char requirement[65];
	int code = CLI_DONE;
	const char *text;
	for (size_t i = 0; code == CLI_DONE && (text = cli_next(c, option, &i));) {
		const char *rest = split(c, option, text, requirement, &code);
		bool file = strcmp(option, "reflection") == 0;
		json_t *v = rest && !file ? json_string(rest) : NULL;
		if (rest && file)
			code = paper_read(c, rest, REFLECTION_BYTES_MAX, &v);
		if (code != CLI_DONE)
			break;
		json_t *one = json_pack("{s:s, s:o}", "requirement", requirement, file ? "text" : "ref", v);
		if (!one || json_array_append_new(list, one) != 0)
			code = cli_problemf(c, "USAGE", "--%s is no text in UTF-8.", option);
	}
	return code;
}

static int put_attests(struct cli_call *c, json_t *body)
{
	json_t *list = cli_given(c, "attest-all")
		? json_pack("[s, s, s]", "own-work", "consents-held", "no-names")
		: json_array();
	const char *text;
	for (size_t i = 0; !cli_given(c, "attest-all") && (text = cli_next(c, "attest", &i));)
		json_array_append_new(list, json_string(text));
	return json_object_set_new(body, "attests", list) == 0 ? CLI_DONE : CLI_FAILED;
}

static int put_changed(struct cli_call *c, json_t *body)
{
	json_t *v = NULL;
	const char *file = cli_get(c, "changed-file");
	if (file && cli_given(c, "changed"))
		return cli_problem(c, "USAGE", 0, "--changed and --changed-file say the same: choose one.");
	int code = file ? paper_read(c, file, CHANGED_BYTES_MAX, &v) : CLI_DONE;
	if (v)
		json_object_set_new(body, "changed", v);
	return code;
}

static json_t *make_body(struct cli_call *c, int *code)
{
	json_t *evidence = json_array(), *reflections = json_array(), *body = cli_body(c, code);
	if (*code == CLI_DONE)
		*code = add_pieces(c, "evidence", evidence);
	if (*code == CLI_DONE)
		*code = add_pieces(c, "reflection", reflections);
	if (*code == CLI_DONE)
		*code = put_attests(c, body);
	if (*code == CLI_DONE)
		*code = put_changed(c, body);
	if (*code == CLI_DONE) {
		json_object_set(body, "evidence", evidence);
		json_object_set(body, "reflections", reflections);
	}
	json_decref(evidence);
	json_decref(reflections);
	return body;
}

/* ---- who will read it */

static void say_people(struct cli_call *c, const json_t *list, const char *head)
{
	char name[256], why[256];
	if (json_array_size(list) == 0)
		return;
	fprintf(c->err, "%s\n", head);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *reason = paper_of(one, "why");
		fprintf(c->err, "  %s (%.8s), %s%s%s\n",
			cli_clean(*paper_of(one, "name") ? paper_of(one, "name") : "without a name", name,
				sizeof name),
			paper_of(one, "id"), paper_of(one, "role"), *reason ? ": " : "",
			cli_clean(reason, why, sizeof why));
	}
}

/* The issuer's node serves everybody but the issuer. */
static void say_skipped(struct cli_call *c, const json_t *skipped, bool dry)
{
	json_t *issuer = json_array(), *others = json_array();
	for (size_t i = 0; i < json_array_size(skipped); i++) {
		json_t *one = json_array_get(skipped, i);
		json_array_append(strcmp(paper_of(one, "role"), "issuer") == 0 ? issuer : others, one);
	}
	say_people(c, issuer, "Its issuer could not read it, so it cannot be sent:");
	say_people(c, others,
		dry ? "These could not at first; the issuer's node would hand it on to them when it can:"
		    : "These cannot yet; the issuer's node hands it on to them when it can:");
	json_decref(issuer);
	json_decref(others);
}

static void say_answer(struct cli_call *c, const json_t *answer)
{
	char text[512];
	const json_t *notes = json_object_get(answer, "notes");
	bool dry = cli_given(c, "dry-run");
	for (size_t i = 0; i < json_array_size(notes); i++)
		fprintf(c->err, "quire: %s\n",
			cli_clean(json_string_value(json_array_get(notes, i)), text, sizeof text));
	say_people(
		c, json_object_get(answer, "readers"), dry ? "These could read it:" : "These can read it:");
	say_skipped(c, json_object_get(answer, "skipped"), dry);
}

static int show_draft(struct cli_call *c, json_t *answer)
{
	json_t *findings = json_object_get(answer, "findings");
	bool complete = json_is_true(json_object_get(answer, "complete"));
	if (c->json) {
		cli_print_json(c, answer);
		return complete ? CLI_DONE : CLI_REFUSED;
	}
	if (!complete)
		(void)cli_problem_with(c, "REFUSED", 0, "The submission could not be sent yet:", findings);
	else
		fputs("It is complete. Nothing was sent.\n", c->err);
	say_answer(c, answer);
	return complete ? CLI_DONE : CLI_REFUSED;
}

int cli_submission_create(struct cli_call *c)
{
	int code = CLI_DONE;
	json_t *answer = NULL, *body = make_body(c, &code);
	if (code == CLI_DONE)
		code = paper_post(c, body, &answer);
	json_decref(body);
	if (code == CLI_DONE && cli_given(c, "dry-run")) {
		code = show_draft(c, answer);
	} else if (code == CLI_DONE) {
		code = cli_show(c, answer);
		if (!c->json)
			say_answer(c, answer);
	}
	json_decref(answer);
	return code;
}

/* ---- show */

static int ask(struct cli_call *c, json_t **o)
{
	char path[CLI_PATH_BYTES];
	int code = cli_path(c, c->command->route, path);
	return code == CLI_DONE ? cli_ask_json(c, "GET", path, NULL, o) : code;
}

int cli_submission_show(struct cli_call *c)
{
	json_t *o = NULL;
	int code = ask(c, &o);
	if (code == CLI_DONE && c->json) {
		cli_print_json(c, o);
	} else if (code == CLI_DONE) {
		paper_head(c, o);
		paper_requirements(c, o, false);
		paper_rubric(c, o);
		paper_reviews(c, o);
		paper_attempts(c, o);
		paper_why(c, o);
	}
	json_decref(o);
	return code;
}

int cli_review_show(struct cli_call *c)
{
	json_t *o = NULL;
	int code = ask(c, &o);
	if (code == CLI_DONE && c->json) {
		cli_print_json(c, o);
	} else if (code == CLI_DONE) {
		paper_head(c, o);
		paper_text(c, 0, "claim     ", paper_of(o, "my_claim"));
		paper_text(c, 0, "review    ", paper_of(o, "my_review"));
		paper_text(c, 0, "note      ", paper_of(o, "why_not"));
		paper_requirements(c, o, true);
		paper_rubric(c, o);
		paper_reviews(c, o);
		paper_attempts(c, o);
		paper_why(c, o);
	}
	json_decref(o);
	return code;
}

/* ---- decide */

#define SCORES_BYTES_MAX 131072u
#define FEEDBACK_BYTES_MAX 16384u

int cli_review_decide(struct cli_call *c)
{
	int code = CLI_DONE;
	json_t *answer = NULL, *scores = NULL, *feedback = NULL, *body = cli_body(c, &code);
	const char *file = cli_get(c, "scores"), *text = cli_get(c, "feedback");
	if (code == CLI_DONE && file && strcmp(file, "-") == 0 && strcmp(text, "-") == 0)
		code = cli_problem(c, "USAGE", 0, "only one of --scores and --feedback can come from stdin.");
	if (code == CLI_DONE && file)
		code = paper_read(c, file, SCORES_BYTES_MAX, &scores);
	if (code == CLI_DONE)
		code = paper_read(c, text, FEEDBACK_BYTES_MAX, &feedback);
	if (code == CLI_DONE) {
		if (scores)
			json_object_set(body, "scores", scores);
		json_object_set(body, "feedback", feedback);
		code = paper_post(c, body, &answer);
	}
	if (code == CLI_DONE)
		code = cli_show(c, answer);
	json_decref(answer);
	json_decref(scores);
	json_decref(feedback);
	json_decref(body);
	return code;
}
