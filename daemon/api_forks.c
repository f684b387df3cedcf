/* api_forks.c -- a forked log: its branches, and its owner's choice between them. SPEC.md sections 4.4 and 10.5. */
#include "act.h"
#include "branches.h"
#include "compose.h"
#include "ownlog.h"
#include "rewrite.h"

static json_t *branch_json(const struct branches *b, const struct branch *one)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "last", compose_id_json(&one->last), "length",
		compose_number_json(one->length), "entries", compose_number_json(one->entries), "bodies",
		compose_number_json(one->here), "first_hour", compose_number_json(one->first_hour),
		"last_hour", compose_number_json(one->last_hour), "counts", b->end >= one->length);
}

/* LOG or the first digits of it. */
static enum err find_log(struct act *a, struct id32 *log)
{
	uint64_t seq;
	char ref[70];
	const char *text = api_param(a->rq, "log");
	if (strlen(text) > 64)
		return act_say(a, ERR_INPUT, "A log is named by its id, or 8 or more of its first digits.");
	(void)snprintf(ref, sizeof ref, "%s:0", text);
	enum err e = act_ref(a->desk, ref, log, &seq);
	if (e == ERR_INPUT)
		return act_say(a, e, "A log is named by its id, or 8 or more of its first digits.");
	return e == ERR_NOT_FOUND ? act_say(a, e, "No log that begins with %.64s is here.", text) : e;
}

static enum err find(struct act *a, struct id32 *log, struct branches *b)
{
	*b = (struct branches){0};
	enum err e = find_log(a, log);
	if (e == OK)
		e = branches_find(a->desk, log, b);
	return e == ERR_STATE ? act_say(a, e, "This log is not forked.") : e;
}

static enum err show(struct act *a)
{
	struct id32 log;
	struct branches b;
	enum err e = find(a, &log, &b);
	json_t *items = json_array();
	for (size_t i = 0; e == OK && i < b.n; i++)
		json_array_append_new(items, branch_json(&b, &b.list[i]));
	if (e == OK)
		a->reply = json_pack("{s:o, s:o, s:o, s:b, s:O}", "log", compose_id_json(&log), "identity",
			compose_id_json(&b.identity), "fork", compose_number_json(b.fork), "own", b.own,
			"items", items);
	json_decref(items);
	branches_deinit(&b);
	return e;
}

void route_fork_show(struct api_request *rq)
{
	act_begin(rq, show);
}

static enum err choose(struct act *a, const struct branches *b, const struct branch **out)
{
	const char *text;
	size_t found = 0;
	enum err e = act_need(a, "keep", &text);
	if (e != OK)
		return e;
	for (size_t i = 0; i < b->n; i++) {
		if (strlen(text) >= 8 && act_begins(&b->list[i].last, text)) {
			*out = &b->list[i];
			found++;
		}
	}
	return found == 1
		? OK
		: act_say(a, found ? ERR_AMBIGUOUS : ERR_NOT_FOUND,
			  "No branch, or more than one, ends with the entry %.64s: see quire fork show.",
			  text);
}

static enum err close_at(struct act *a, const struct id32 *log, const struct branch *keep)
{
	struct keyset *ks = NULL;
	struct identity_event ev = {0};
	desk_lock(a->desk);
	enum err e = desk_keyset(a->desk, &a->keys->self.identity, &ks);
	if (e == OK)
		e = ownlog_put_event(a->desk, ks, &ev,
			identity_close_device(&desk_random, ks, &a->keys->self.secrets, log, keep->length,
				&keep->last, &ev));
	desk_unlock(a->desk);
	keyset_free(ks);
	return e == ERR_NOT_FOUND ? act_say(a, e, "This identity has no such device.") : e;
}

/* What the other branches say and can be said again. */
static enum err mark_others(
	struct act *a, const struct id32 *log, const struct branches *b, const struct branch *keep)
{
	enum err e = OK;
	for (size_t i = 0; e == OK && i < b->entries_n; i++) {
		const struct branch_entry *one = &b->entries[i];
		struct store_req q = {
			.op = STORE_SIDE_AGAIN, .a.log = *log, .a.seq = one->seq, .a.id = one->id};
		if (one->here && !branches_on(b, keep, one))
			e = desk_put(a->desk, &q);
	}
	return e;
}

static enum err settle(struct act *a)
{
	struct id32 log;
	struct branches b;
	const struct branch *keep = NULL;
	size_t again = 0;
	enum err e = find(a, &log, &b);
	if (e == OK && !id32_equal(&b.identity, &a->keys->self.identity))
		e = act_say(a, ERR_REFUSED, "Only its owner can settle a fork: unlock that identity.");
	if (e == OK)
		e = choose(a, &b, &keep);
	if (e == OK)
		e = close_at(a, &log, keep);
	if (e == OK)
		e = mark_others(a, &log, &b, keep);
	if (e == OK)
		e = ownlog_ensure(a->desk, &a->keys->self, &again);
	if (e == OK)
		a->reply = json_pack("{s:o, s:o, s:o, s:o}", "log", compose_id_json(&log), "length",
			compose_number_json(keep->length), "last", compose_id_json(&keep->last), "again",
			compose_number_json(again));
	branches_deinit(&b);
	return e;
}

void route_fork_settle(struct api_request *rq)
{
	act_begin(rq, settle);
}
