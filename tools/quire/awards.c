/* awards.c -- awards for people: one in words, and as files. */
#include "paper.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LINE_BYTES 4096

static void put(struct cli_call *c, const char *label, const char *text)
{
	char clean[LINE_BYTES];
	if (*text)
		fprintf(c->out, "%-14s%s\n", label, cli_clean(text, clean, sizeof clean));
}

/* ---- one award */

static const char *state_words(const json_t *o)
{
	const char *state = paper_of(o, "state");
	if (strcmp(state, "countersigned") == 0)
		return "countersigned: the earner has not accepted it yet";
	if (strcmp(state, "unknown") == 0)
		return "it does not count, or cannot be told from what is here: see below";
	return state;
}

static void put_head(struct cli_call *c, const json_t *o)
{
	const json_t *revoked = json_object_get(o, "revoked"), *standing = json_object_get(o, "standing");
	put(c, "award", paper_of(o, "title"));
	put(c, "state", state_words(o));
	if (revoked)
		put(c, "revoked since", paper_of(revoked, "why"));
	if (standing) {
		put(c, "in its place", paper_of(standing, "ref"));
		put(c, "", paper_of(standing, "state"));
	}
	put(c, "earner", paper_of(json_object_get(o, "earner"), "name"));
	put(c, "issuer", paper_of(json_object_get(o, "issuer"), "name"));
	put(c, "asked for by", paper_of(json_object_get(o, "by"), "name"));
	put(c, "valid from", paper_of(o, "valid_from"));
	put(c, "valid until", paper_of(o, "valid_until"));
	put(c, "submission", paper_of(o, "submission"));
	put(c, "credential", paper_of(o, "credential"));
}

static void put_results(struct cli_call *c, const json_t *list)
{
	char text[LINE_BYTES];
	if (json_array_size(list))
		paper_heading(c, "Levels");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		fprintf(c->out, "  %s: ", cli_clean(paper_of(r, "name"), text, sizeof text));
		fprintf(c->out, "%s", cli_clean(paper_of(r, "level_name"), text, sizeof text));
		fprintf(c->out, " (required: %s)\n",
			cli_clean(paper_of(r, "required_name"), text, sizeof text));
	}
}

static void put_reviewers(struct cli_call *c, const json_t *list)
{
	char text[LINE_BYTES];
	if (json_array_size(list))
		paper_heading(c, "Reviewers");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *who = json_object_get(json_array_get(list, i), "reviewer");
		fprintf(c->out, "  %s\n",
			json_is_object(who) ? cli_clean(paper_of(who, "name"), text, sizeof text)
					    : "somebody whose review cannot be read here");
	}
}

static void put_evidence(struct cli_call *c, const json_t *list)
{
	static const struct {
		const char *state, *words;
	} states[] = {{"held", "held here"}, {"sealed", "held here, and sealed to others"},
		{"erased", "erased"}, {"absent", "never at hand here"}};
	char text[LINE_BYTES];
	if (json_array_size(list))
		paper_heading(c, "Evidence");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);
		const char *words = "";
		for (size_t k = 0; k < sizeof states / sizeof states[0]; k++)
			if (strcmp(states[k].state, paper_of(e, "state")) == 0)
				words = states[k].words;
		fprintf(c->out, "  %s, ", cli_clean(paper_of(e, "requirement"), text, sizeof text));
		fprintf(c->out, "%s: %s\n", cli_clean(paper_of(e, "kind"), text, sizeof text), words);
	}
}

static void put_verdict(struct cli_call *c, const json_t *list)
{
	static const struct {
		const char *mark, *word;
	} marks[] = {{"good", "ok"}, {"note", "note"}, {"unknown", "?"}, {"wrong", "wrong"}};
	char text[LINE_BYTES];
	paper_heading(c, "Checked");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *l = json_array_get(list, i);
		const char *word = "";
		for (size_t k = 0; k < sizeof marks / sizeof marks[0]; k++)
			if (strcmp(marks[k].mark, paper_of(l, "mark")) == 0)
				word = marks[k].word;
		fprintf(c->out, "  %-6s%s\n", word, cli_clean(paper_of(l, "text"), text, sizeof text));
	}
}

int cli_award_show(struct cli_call *c)
{
	char path[CLI_PATH_BYTES];
	json_t *o = NULL;
	int code = cli_path(c, c->command->route, path);
	if (code == CLI_DONE)
		code = cli_ask_json(c, "GET", path, NULL, &o);
	if (code == CLI_DONE && c->json) {
		cli_print_json(c, o);
	} else if (code == CLI_DONE) {
		put_head(c, o);
		put_results(c, json_object_get(o, "results"));
		put_reviewers(c, json_object_get(o, "reviewers"));
		put_evidence(c, json_object_get(o, "evidence"));
		put_verdict(c, json_object_get(o, "verdict"));
	}
	json_decref(o);
	return code;
}

/* ---- as a file */

static int write_file(struct cli_call *c, struct cli_request *r, const char *file)
{
	char part[CLI_PATH_BYTES];
	snprintf(part, sizeof part, "%s.part", file);
	int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "r+") : NULL;
	if (!f)
		return cli_problemf(c, "IO", "cannot write %s: %s.", part, strerror(errno));
	r->sink = f;
	int code = cli_ask(c, r);
	bool good = code == CLI_DONE && fflush(f) == 0 && fsync(fd) == 0;
	(void)fclose(f);
	if (code == CLI_DONE && (!good || rename(part, file) != 0))
		code = cli_problemf(c, "IO", "cannot write %s: %s.", file, strerror(errno));
	if (code != CLI_DONE)
		unlink(part);
	return code;
}

int cli_award_export(struct cli_call *c)
{
	char path[CLI_PATH_BYTES], clean[1024];
	const char *file = cli_get(c, "output");
	bool out = strcmp(file, "-") == 0;
	struct cli_request r = {.method = "GET", .path = path, .sink = c->out};
	int code = cli_path(c, c->command->route, path);
	if (code != CLI_DONE)
		return code;
	if (out && c->json)
		return cli_problem(c, "USAGE", 0, "--json and -o - both want stdout: choose one.");
	if (strlen(file) + 8 > CLI_PATH_BYTES)
		return cli_problem(c, "USAGE", 0, "the name of the file is too long.");
	code = out ? cli_ask(c, &r) : write_file(c, &r, file);
	if (code != CLI_DONE)
		return code;
	if (c->json) {
		json_t *answer = json_pack(
			"{s:s, s:s, s:s}", "file", file, "format", cli_get(c, "format"), "says", r.verdict);
		cli_print_json(c, answer);
		json_decref(answer);
	} else {
		fprintf(c->err, "Wrote %s.\n%s\n", out ? "it" : file,
			cli_clean(r.verdict, clean, sizeof clean));
	}
	return CLI_DONE;
}
