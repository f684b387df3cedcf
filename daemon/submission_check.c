/* submission_check.c -- evidence against the requirements of a definition. SPEC.md section 16.5. See submission_draft.h. */
#include "submission_draft.h"

#include "protocol/log/record.h"

#include <stdarg.h>
#include <stdio.h>

enum err submission_finding(struct submission_draft *d, const char *requirement, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_t *one = json_pack("{s:o, s:o}", "requirement", api_clean(requirement), "what", api_clean(text));
	return one && json_array_append_new(d->findings, one) == 0 ? OK : ERR_MEMORY;
}

/* Runs of what is not white space. */
static unsigned count_words(struct slice text)
{
	unsigned n = 0;
	bool in = false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t ch = text.p[i];
		bool space = ch == ' ' || (ch >= '\t' && ch <= '\r');
		n += !space && !in;
		in = !space;
	}
	return n;
}

/* ---- one piece */

static enum err say_found(struct submission_draft *d, const struct draft_item *item)
{
	const char *what = item->found == ERR_INPUT ? "is no REF: it is LOG:SEQ"
		: item->found == ERR_AMBIGUOUS      ? "fits several logs: give more digits"
		: item->found == ERR_NOT_FOUND      ? "is not on this node"
						    : NULL;
	return what ? submission_finding(d, item->requirement, "%.90s %s", item->given, what) : item->found;
}

static const char *why_closed(enum err e)
{
	if (e == ERR_ERASED)
		return "was erased";
	if (e == ERR_LOCKED)
		return "cannot be opened with your keys";
	if (e == ERR_NOT_FOUND || e == ERR_PENDING || e == ERR_REFUSED)
		return "is not here yet: what it says has still to come from another node";
	return e == ERR_FORMAT || e == ERR_DECRYPT ? "is damaged: it cannot be opened" : NULL;
}

/* The record and its key; false in *good: a finding says why not. */
static enum err open_item(
	struct catalogue *c, struct submission_draft *d, struct draft_item *item, bool *good)
{
	enum err e = book_record(c->book, c->store, &item->at, &item->record);
	if (e == OK) {
		e = book_key(c->book, c->store, &item->at, item->key);
		item->sealed = e == OK;
		e = e == ERR_STATE ? OK : e;
	}
	*good = e == OK;
	if (e == OK)
		return OK;
	const char *why = why_closed(e);
	return why ? submission_finding(d, item->requirement, "%.90s %s", item->given, why) : e;
}

/* SPEC 16.5: "`reflection` for reflections, else the artifact's `kind`" */
static bool read_kind(struct draft_item *item)
{
	struct slice kind, fields, text;
	if (record_check(buf_slice(&item->record), NULL) != OK ||
		record_open(buf_slice(&item->record), &kind, &fields) != OK)
		return false;
	if (slice_equal(kind, slice_str("reflection")))
		return record_get_str(fields, "text", &item->text) == OK &&
			snprintf(item->kind, sizeof item->kind, "reflection") > 0;
	if (!slice_equal(kind, slice_str("artifact")) || record_get_str(fields, "kind", &text) != OK ||
		text.n >= sizeof item->kind)
		return false;
	snprintf(item->kind, sizeof item->kind, "%.*s", (int)text.n, (const char *)text.p);
	return true;
}

/* Behind what counts of its log it would be as if it were not at hand. */
static enum err is_cut(struct catalogue *c, const struct draft_item *item, bool *cut)
{
	struct fact_list facts;
	enum err e = cases_at(c->cases, &item->at, &facts);
	*cut = e == OK && facts.n && facts.facts[0].cut;
	if (e == OK)
		fact_list_free(&facts);
	return e;
}

static enum err check_entry(
	struct catalogue *c, struct submission_draft *d, struct draft_item *item, const struct id32 *me)
{
	bool good = false, cut = false;
	if (item->found != OK)
		return say_found(d, item);
	if (!id32_equal(&item->owner, me))
		return submission_finding(
			d, item->requirement, "%.90s is somebody else's: evidence is your own", item->given);
	enum err e = open_item(c, d, item, &good);
	if (e != OK || !good)
		return e;
	if (!read_kind(item)) {
		*item->kind = 0;
		return submission_finding(
			d, item->requirement, "%.90s is neither an artifact nor a reflection", item->given);
	}
	e = is_cut(c, item, &cut);
	return e == OK && cut
		? submission_finding(d, item->requirement,
			  "%.90s stands behind the end of its log, and counts for nothing", item->given)
		: e;
}

static enum err check_words(
	struct submission_draft *d, const struct definition_requirement *r, const struct draft_item *item)
{
	unsigned words = count_words(item->text);
	if (!item->given && (item->text.n > 49152 || definition_blank(item->text)))
		return submission_finding(d, r->id, "%s",
			item->text.n ? "the reflection is blank, or longer than 48 kB"
				     : "the reflection is empty");
	return r->words_max && words > r->words_max
		? submission_finding(
			  d, r->id, "has %u words, and at most %u are allowed", words, r->words_max)
		: OK;
}

static enum err check_fit(struct submission_draft *d, const struct draft_item *item, unsigned *count)
{
	size_t i = definition_requirement(&d->d, slice_str(item->requirement));
	if (i == SIZE_MAX)
		return submission_finding(
			d, item->requirement, "this micro-credential has no such requirement");
	const struct definition_requirement *r = &d->d.requirements[i];
	count[i]++;
	if (!*item->kind)
		return OK;
	if (!definition_kind_fits(r, slice_str(item->kind)))
		return r->reflection
			? submission_finding(d, r->id, "asks for a reflection, and %.90s is of the kind %s",
				  item->given ? item->given : "it", item->kind)
			: submission_finding(d, r->id,
				  "%.90s is of the kind %s, which this requirement does not take",
				  item->given ? item->given : "a reflection", item->kind);
	return r->reflection ? check_words(d, r, item) : OK;
}

/* ---- all of them */

static enum err check_twice(struct submission_draft *d, size_t i)
{
	const struct draft_item *item = &d->items[i];
	for (size_t k = 0; k < i; k++)
		if (item->given && d->items[k].given && item->found == OK && d->items[k].found == OK &&
			id32_equal(&item->at.id, &d->items[k].at.id))
			return submission_finding(d, item->requirement,
				"%.90s is given twice: each piece of evidence stands for one requirement",
				item->given);
	return OK;
}

static enum err check_count(struct submission_draft *d, const struct definition_requirement *r, unsigned n)
{
	const char *what = r->reflection ? "reflection" : "piece of evidence";
	if (n < r->min)
		return submission_finding(d, r->id, "is missing: %u %s%s needed, %u given", r->min, what,
			r->min == 1             ? " is"
				: r->reflection ? "s are"
						: " (or more) are",
			n);
	return n > r->max
		? submission_finding(d, r->id, "has too many: at most %u, and %u were given", r->max, n)
		: OK;
}

enum err submission_check_evidence(struct catalogue *c, struct submission_draft *d, const struct id32 *me)
{
	unsigned count[DEFINITION_REQUIREMENTS_MAX] = {0};
	enum err e = OK;
	for (size_t i = 0; e == OK && i < d->n; i++) {
		struct draft_item *item = &d->items[i];
		if (item->given)
			e = check_entry(c, d, item, me);
		else
			snprintf(item->kind, sizeof item->kind, "reflection");
		if (e == OK)
			e = check_fit(d, item, count);
		if (e == OK)
			e = check_twice(d, i);
	}
	for (size_t i = 0; e == OK && i < d->d.requirements_n; i++)
		e = check_count(d, &d->d.requirements[i], count[i]);
	return e == OK && d->n == 0 ? submission_finding(d, "", "there is no evidence at all") : e;
}
