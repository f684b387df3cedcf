/* submission_draft.c -- see submission_draft.h. The checks: submission_check.c and submission_attempts.c. */
#include "submission_draft.h"

#include "acting.h"

#include <sodium.h>

const char *const submission_attests[SUBMISSION_ATTESTS] = {"own-work", "consents-held", "no-names"};

void submission_draft_free(struct submission_draft *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++) {
		if (d->items[i].record.p)
			sodium_memzero(d->items[i].record.p, d->items[i].record.cap);
		buf_free(&d->items[i].record);
	}
	if (d->earlier)
		sodium_memzero(d->earlier, d->earlier_n * sizeof *d->earlier);
	free(d->earlier);
	if (d->defined)
		definition_deinit(&d->d);
	json_decref(d->findings);
	json_decref(d->notes);
	json_decref(d->readers);
	json_decref(d->skipped);
	sodium_memzero(d, sizeof *d);
	free(d);
}

/* ---- the request */

static enum err add_item(struct act *a, struct submission_draft *d, const json_t *one, bool reflection)
{
	const json_t *text = json_object_get(one, reflection ? "text" : "ref");
	const char *requirement = json_string_value(json_object_get(one, "requirement"));
	if (!requirement || !json_is_string(text))
		return act_say(a, ERR_INPUT,
			reflection ? "\"reflections\" is a list of {\"requirement\", \"text\"}."
				   : "\"evidence\" is a list of {\"requirement\", \"ref\"}.");
	if (d->n == DRAFT_ITEMS_MAX)
		return act_say(a, ERR_LIMIT, "At most %u pieces of evidence can be submitted at once.",
			DRAFT_ITEMS_MAX);
	struct draft_item *item = &d->items[d->n++];
	*item = (struct draft_item){.requirement = requirement};
	if (reflection) {
		item->text = slice_of(json_string_value(text), json_string_length(text));
		item->owner = a->keys->self.identity;
		return OK;
	}
	item->given = json_string_value(text);
	item->found = act_entry(a->desk, item->given, &item->at, &item->owner, NULL);
	return OK;
}

static enum err read_items(struct act *a, struct submission_draft *d, const char *field)
{
	const json_t *list = json_object_get(a->rq->body, field);
	enum err e = OK;
	if (list && !json_is_array(list))
		return act_say(a, ERR_INPUT, "\"%s\" is a list.", field);
	for (size_t i = 0; e == OK && i < json_array_size(list); i++)
		e = add_item(a, d, json_array_get(list, i), strcmp(field, "reflections") == 0);
	return e;
}

static enum err read_attests(struct act *a, struct submission_draft *d)
{
	const json_t *list = json_object_get(a->rq->body, "attests");
	if (list && !json_is_array(list))
		return act_say(a, ERR_INPUT, "\"attests\" is a list.");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));
		unsigned k = 0;
		while (k < SUBMISSION_ATTESTS && (!word || strcmp(word, submission_attests[k]) != 0))
			k++;
		if (k == SUBMISSION_ATTESTS)
			return act_say(a, ERR_INPUT,
				"\"%.40s\" is nothing that is attested: it is own-work, consents-held and no-names.",
				word ? word : "");
		d->attests |= 1u << k;
	}
	return OK;
}

static enum err read_revision(struct act *a, struct submission_draft *d)
{
	const char *revises = act_text(a, "revises");
	const json_t *changed = json_object_get(a->rq->body, "changed");
	if (changed && !json_is_string(changed))
		return act_say(a, ERR_INPUT, "\"changed\" is a text.");
	d->revises = revises != NULL;
	if (changed)
		d->changed = slice_of(json_string_value(changed), json_string_length(changed));
	return revises ? acting_entry(a, revises, &d->revised) : OK;
}

static enum err read_request(struct act *a, struct submission_draft *d)
{
	const char *definition;
	enum err e = act_need(a, "for", &definition);
	if (e == OK)
		e = acting_entry(a, definition, &d->definition_at);
	if (e == OK)
		e = read_items(a, d, "evidence");
	if (e == OK)
		e = read_items(a, d, "reflections");
	if (e == OK)
		e = read_attests(a, d);
	return e == OK ? read_revision(a, d) : e;
}

/* ---- the checks */

static enum err note_newer(struct catalogue *c, struct submission_draft *d, const struct fact *definition)
{
	char ref[CATALOGUE_REF_BYTES];
	struct fact_list next;
	enum err e = catalogue_successor(c, definition, &next);
	if (e != OK || next.n == 0)
		return e;
	catalogue_ref_text(&next.facts[0].at, ref);
	fact_list_free(&next);
	return json_array_append_new(d->notes,
		       json_sprintf("There is a newer version of this micro-credential, %s. "
				    "This submission is judged by the one that it names.",
			       ref)) == 0
		? OK
		: ERR_MEMORY;
}

static enum err check_definition(struct catalogue *c, struct submission_draft *d, const struct id32 *me)
{
	struct fact_list found;
	bool counts = false;
	enum err e = catalogue_find(c, &d->definition_at, FACT_DEFINITION, &found);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, ERR_INPUT, "What you would submit for is not a micro-credential.");
	if (e != OK)
		return e;
	d->issuer = found.facts[0].author;
	e = catalogue_counts(c, &found.facts[0], &counts);
	if (e == OK && !counts)
		e = act_say(c->act, ERR_STATE,
			"This entry does not count as a micro-credential: nobody can submit for it.");
	if (e == OK)
		e = catalogue_read(&found.facts[0], &d->d);
	d->defined = e == OK;
	if (e == OK && d->d.blind)
		e = act_say(c->act, ERR_REFUSED,
			"It is to be reviewed blind, and this version of Quire takes no submissions for such.");
	if (e == OK && id32_equal(&d->issuer, me))
		e = act_say(c->act, ERR_REFUSED,
			"It is your own micro-credential: nobody gives one to himself. Choose another earner with --as.");
	if (e == OK)
		e = note_newer(c, d, &found.facts[0]);
	fact_list_free(&found);
	return e;
}

static enum err check_attests(struct submission_draft *d)
{
	static const char *const meaning[SUBMISSION_ATTESTS] = {"that this is your own work",
		"that you hold the consents of those who can be seen or heard",
		"that no child's name is in it"};
	enum err e = OK;
	for (unsigned i = 0; e == OK && i < SUBMISSION_ATTESTS; i++)
		if (!(d->attests & (1u << i)))
			e = submission_finding(d, "", "attest %s: %s", submission_attests[i], meaning[i]);
	return e;
}

static enum err check(struct catalogue *c, void *ctx)
{
	struct submission_draft *d = (struct submission_draft *)ctx;
	const struct id32 *me = &c->act->keys->self.identity;
	enum err e = check_definition(c, d, me);
	if (e == OK)
		e = submission_check_evidence(c, d, me);
	if (e == OK)
		e = check_attests(d);
	if (e == OK)
		e = submission_check_attempts(c, d, me);
	return e == OK ? submission_readers(c, &d->definition_at, &d->issuer, me, &d->readers, &d->skipped)
		       : e;
}

enum err submission_draft_read(struct act *a, struct submission_draft **out)
{
	struct submission_draft *d = (struct submission_draft *)calloc(1, sizeof *d);
	enum err e = d ? OK : ERR_MEMORY;
	if (e == OK) {
		d->findings = json_array();
		d->notes = json_array();
		e = d->findings && d->notes ? read_request(a, d) : ERR_MEMORY;
	}
	if (e == OK)
		e = catalogue_ask(a, a->rq->session, check, d);
	if (e == OK)
		*out = d;
	else
		submission_draft_free(d);
	return e;
}
