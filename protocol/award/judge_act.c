/* judge_act.c -- entries that stand, acts and officers, and what is before an end. SPEC.md sections 16.1 and 16.2. */
#include "protocol/award/judge_int.h"

#include "protocol/award/facts.h"
#include "protocol/log/entry.h"

struct judge_reason judge_stands(struct judge_node *node)
{
	const struct id32 *id = &node->f->at.id;
	struct slice fields;
	/* SPEC 16.1: "its entry lies within what counts of its log (section 4.4)" */
	if (node->f->cut)
		return judge_because(JUDGE_WRONG, "entry-cut", id,
			"It lies behind the end of its log: the device was closed before it, or its log was forked.");
	if (!judge_fields(node, &fields))
		return judge_because(JUDGE_WRONG, "malformed", id, "The record is malformed.");
	return JUDGE_FINE;
}

struct judge_reason judge_kept(struct judge_node *node)
{
	/* SPEC 16.2: "their entries have the `keep` flag; without it they do not count" */
	if (!(node->f->flags & ENTRY_FLAG_KEEP))
		return judge_because(JUDGE_WRONG, "not-kept", &node->f->at.id,
			"It was written so that it can be erased, and such a record does not count.");
	return judge_stands(node);
}

/* SPEC 16.2: the table of rights. 0: nobody may do it for another. */
static uint32_t right_of(enum fact_kind kind)
{
	static const struct {
		enum fact_kind kind;
		enum keyset_right right;
	} rights[] = {{FACT_FRAMEWORK, KEYSET_RIGHT_PUBLISH}, {FACT_DEFINITION, KEYSET_RIGHT_PUBLISH},
		{FACT_APPOINTMENT, KEYSET_RIGHT_APPOINT}, {FACT_APPOINTMENT_END, KEYSET_RIGHT_APPOINT},
		{FACT_TAKE_UP, KEYSET_RIGHT_APPOINT}, {FACT_RELEASE, KEYSET_RIGHT_APPOINT},
		{FACT_AWARD, KEYSET_RIGHT_COUNTERSIGN}, {FACT_NAMED, KEYSET_RIGHT_COUNTERSIGN},
		{FACT_REVOKE, KEYSET_RIGHT_REVOKE}, {FACT_VOUCH, KEYSET_RIGHT_VOUCH},
		{FACT_VOUCH_END, KEYSET_RIGHT_VOUCH}};
	for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
		if (rights[i].kind == kind)
			return rights[i].right;
	return 0;
}

static bool had_right(const struct keyset_view *v, const struct id32 *officer, uint32_t right)
{
	for (size_t i = 0; i < v->officers_all_n; i++)
		if ((v->officers_all[i].rights & right) == right &&
			id32_equal(&v->officers_all[i].identity, officer))
			return true;
	return false;
}

/* SPEC 16.2: "An act with `by` counts if some officer event in force (section 3.5) of the institution" */
static struct judge_reason by_officer(
	const struct judge_identity *institution, const struct fact *f, const struct id32 *officer)
{
	uint32_t right = right_of(f->kind);
	if (!institution)
		return judge_because(JUDGE_UNKNOWN, "keys-missing", &f->at.id,
			"The key events of the institution are not at hand, so it cannot be told if its officer could ask for this.");
	if (keyset_officer_may(institution->view, officer, right, &f->at.log, f->at.seq))
		return JUDGE_FINE;
	if (right && had_right(institution->view, officer, right))
		return judge_because(JUDGE_WRONG, "officer-ended", &f->at.id,
			"The officer who asked for this was dismissed, and the dismissal does not say that it was written before.");
	return judge_because(JUDGE_WRONG, "officer", &f->at.id,
		"Whoever asked for this is no officer of the institution with the right to do so.");
}

static struct judge_reason act_of(struct judge_node *node, const struct judge_identity *institution)
{
	struct judge_reason why = judge_kept(node);
	struct slice fields;
	struct id32 officer;
	struct entry_ref asked;
	if (why.mark == JUDGE_GOOD && judge_fields(node, &fields) &&
		record_get_by(fields, &officer, &asked) == OK)
		why = by_officer(institution, node->f, &officer);
	return why;
}

struct judge_reason judge_act(struct judge_index *ix, struct judge_node *node)
{
	if (!node->act.known) {
		const struct judge_keys *keys = judge_keys_of(ix, &node->f->author);
		node->act = (struct judge_memo){true, act_of(node, keys ? keys->who : NULL)};
	}
	return node->act.why;
}

void judge_say_idle(struct judge_index *ix, const struct entry_ref *at, enum fact_kind kind,
	const struct id32 *author, bool act, struct judgement *lines)
{
	struct judge_range r = judge_about(ix, &at->id, kind);
	for (size_t i = 0; i < r.n; i++) {
		if (!id32_equal(&r.first[i]->f->author, author) || !judge_points(r.first[i], "of", at))
			continue;
		struct judge_reason why = act ? judge_act(ix, r.first[i]) : judge_kept(r.first[i]);
		if (why.mark == JUDGE_GOOD)
			continue;
		why.mark = JUDGE_NOTE;
		judgement_add(lines, &why);
	}
}

/* SPEC 16.2: "A `release` is an act if its writer is the issuer of what it releases." The claim's own writer needs no act. */
static bool releases_own(const struct judge_case *c, const struct fact *release)
{
	for (size_t i = 0; i < c->facts_n; i++)
		if (c->facts[i].kind == FACT_CLAIM && id32_equal(&c->facts[i].at.id, &release->about))
			return id32_equal(&c->facts[i].author, &release->author);
	return false;
}

bool judge_act_counts(const struct judge_case *c, const struct fact *act)
{
	struct judge_node node = {.f = act};
	if (act->kind == FACT_RELEASE && releases_own(c, act))
		return judge_stands(&node).mark == JUDGE_GOOD;
	if (act->kind == FACT_WITHDRAW || act->kind == FACT_ACCEPTANCE || act->kind == FACT_ACT)
		return judge_kept(&node).mark == JUDGE_GOOD;
	if (right_of(act->kind) == 0)
		return judge_stands(&node).mark == JUDGE_GOOD;
	return act_of(&node, judge_identity_of(c, &act->author)).mark == JUDGE_GOOD;
}

/* SPEC 16.2: "Nothing else is before it: an end beats what it had not seen." */
bool judge_before(const struct judge_end *end, const struct id32 *log, uint64_t seq)
{
	if (id32_equal(&end->f->at.log, log) && seq < end->f->at.seq)
		return true;
	size_t low = 0, high = end->marks_n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = id32_cmp(&end->marks[mid].log, log);
		if (c == 0)
			return seq < end->marks[mid].length;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}
