/* judgement.c -- reasons and lines. See judge.h. */
#include "protocol/award/judge_int.h"

#include <stdio.h>

struct judge_reason judge_because(
	enum judge_mark mark, const char *code, const struct id32 *entry, const char *text)
{
	struct judge_reason r = {.mark = mark, .code = code, .text = text};
	if (entry)
		r.entry = *entry;
	return r;
}

struct judge_reason judge_worse(struct judge_reason a, struct judge_reason b)
{
	return b.mark > a.mark ? b : a;
}

/* The last of the least bad lines makes room, if the new one is worse. */
static bool make_room(struct judgement *j, enum judge_mark mark)
{
	size_t least = 0;
	if (j->lines_n < JUDGE_LINES_MAX)
		return true;
	for (size_t i = 1; i < j->lines_n; i++)
		if (j->lines[i].mark <= j->lines[least].mark)
			least = i;
	if (j->lines[least].mark >= mark)
		return false;
	memmove(&j->lines[least], &j->lines[least + 1], (j->lines_n - least - 1) * sizeof j->lines[0]);
	j->lines_n--;
	return true;
}

void judgement_add_line(struct judgement *j, const struct judge_line *line)
{
	if (make_room(j, line->mark))
		j->lines[j->lines_n++] = *line;
}

void judgement_add(struct judgement *j, const struct judge_reason *r)
{
	struct judge_line line = {.mark = r->mark, .code = r->code, .entry = r->entry};
	const char *hash = strchr(r->text, '#');
	if (hash)
		snprintf(line.text, sizeof line.text, "%.*s%u%s", (int)(hash - r->text), r->text, r->number,
			hash + 1);
	else
		snprintf(line.text, sizeof line.text, "%s", r->text);
	judgement_add_line(j, &line);
}

void judgement_say(struct judgement *j, enum judge_mark mark, const char *code, const struct id32 *entry,
	const char *text, unsigned number)
{
	struct judge_reason r = judge_because(mark, code, entry, text);
	r.number = number;
	judgement_add(j, &r);
}

const struct judge_line *judgement_first_worst(const struct judgement *j)
{
	const struct judge_line *worst = NULL;
	for (size_t i = 0; i < j->lines_n; i++)
		if (!worst || j->lines[i].mark > worst->mark)
			worst = &j->lines[i];
	return worst;
}

enum judge_mark judgement_worst(const struct judgement *j)
{
	const struct judge_line *worst = judgement_first_worst(j);
	return worst ? worst->mark : JUDGE_GOOD;
}
