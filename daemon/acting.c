/* acting.c -- see acting.h. */
#include "acting.h"

#include "compose.h"
#include "protocol/log/entry.h"

enum err acting_for(struct act *a, struct id32 *institution)
{
	const char *text = act_text(a, "institution");
	if (!text)
		text = api_query(a->rq, "institution");
	if (text)
		return act_identity(a, text, institution);
	*institution = a->keys->self.identity;
	return OK;
}

enum err acting_put(struct act *a, const struct id32 *institution, uint32_t right, struct slice envelope,
	struct slice record, struct entry_ref *ref)
{
	struct audience *all = audience_new();
	if (!all)
		return ERR_MEMORY;
	all->clear = true;
	const struct institution_act in = {.institution = *institution,
		.right = right,
		.record = record,
		.envelope = envelope,
		.to = all};
	enum err e = institution_act(a, a->rq->sessions, a->keys, &in, ref, NULL);
	audience_free(all);
	return e;
}

static enum err say_entry(struct act *a, enum err e, const char *text)
{
	if (e == ERR_NOT_FOUND)
		return act_say(a, e, "The entry %.80s is not on this node.", text);
	if (e == ERR_AMBIGUOUS)
		return act_say(a, e, "Several logs begin as %.80s does: give more digits.", text);
	return e == ERR_INPUT
		? act_say(a, e,
			  "\"%.80s\" names no entry: it is LOG:SEQ; LOG may be shortened to 8 digits or more.",
			  text)
		: e;
}

enum err acting_entry(struct act *a, const char *text, struct entry_ref *ref)
{
	return say_entry(a, act_entry(a->desk, text, ref, NULL, NULL), text);
}

enum err acting_held(struct act *a, const char *text, struct entry_ref *ref)
{
	struct store_res res;
	enum err e = act_entry(a->desk, text, ref, NULL, NULL);
	if (e != ERR_NOT_FOUND || act_ref(a->desk, text, &ref->log, &ref->seq) != OK)
		return say_entry(a, e, text);
	struct store_req get = {.op = STORE_BODY_GET, .a.log = ref->log, .a.seqs = &ref->seq, .a.n = 1};
	e = desk_store(a->desk, &get, &res);
	if (e == OK && !res.r.parts[0].header)
		e = ERR_NOT_FOUND;
	if (e == OK)
		ref->id = entry_id(res.r.parts[0].header);
	store_res_free(&res);
	return say_entry(a, e, text);
}

json_t *acting_json(const struct entry_ref *ref, const struct id32 *institution)
{
	return json_pack("{s:o, s:o, s:o}", "ref", compose_ref_json(&ref->log, ref->seq), "id",
		compose_id_json(&ref->id), "institution", compose_id_json(institution));
}
