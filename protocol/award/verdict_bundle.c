/* verdict_bundle.c -- an award with its proof bundle: judged as a node judges it. SPEC.md section 18. */
#include "protocol/award/verdict_int.h"

#include "protocol/award/bundle.h"
#include "protocol/award/json.h"
#include "protocol/award/judge_int.h"

#include <stdio.h>

/* ---- the award */

/* SPEC 18: "`credential` is not that of the award's record" */
static enum err say_credential(struct verdict_task *t, const struct bundle *b, const struct fact *award)
{
	struct slice kind, fields, recorded = {0};
	struct buf shown = {0};
	enum err e = json_canonical(bundle_credential(b), &shown);
	bool same = e == OK && record_open(award->data, &kind, &fields) == OK &&
		record_get_str(fields, "credential", &recorded) == OK &&
		slice_equal(recorded, buf_slice(&shown));
	buf_free(&shown);
	if (e == ERR_MEMORY)
		return e;
	if (same)
		verdict_say(t, JUDGE_GOOD, "credential-recorded", &award->at.id,
			"The credential is the one of the issuer's record.");
	else
		verdict_say(t, JUDGE_WRONG, "credential-recorded", &award->at.id,
			"The credential is not the one of the issuer's record.");
	return OK;
}

static void say_state(struct verdict_task *t, const struct award_judgement *j)
{
	enum judge_mark worst = judgement_worst(&t->v->lines);
	const struct id32 *at = &j->award->at.id;
	switch (j->state) {
	case AWARD_REVOKED:
		if (worst != JUDGE_WRONG)
			verdict_say(t, JUDGE_WRONG, "revoked", at, "The issuer revoked the award.");
		return;
	case AWARD_UNKNOWN:
		if (worst < JUDGE_UNKNOWN)
			verdict_say(
				t, JUDGE_UNKNOWN, "award", at, "Whether the award counts cannot be told.");
		return;
	case AWARD_COUNTERSIGNED:
		verdict_say(t, JUDGE_UNKNOWN, "not-accepted", at,
			"Nothing here shows that the earner accepted the award, and before that it is not shown to others.");
		return;
	case AWARD_ACCEPTED: return;
	}
}

static enum err say_award(
	struct verdict_task *t, const struct bundle *b, struct award_judgement *j, bool *found)
{
	struct entry_ref at = bundle_award(b);
	enum err e = judge_award(bundle_case(b), &at.id, j);
	*found = e == OK;
	if (e == ERR_NOT_FOUND) {
		verdict_say(t, JUDGE_UNKNOWN, "award-missing", &at.id,
			"The award's own record is not in the bundle.");
		return OK;
	}
	if (e != OK)
		return e;
	for (size_t i = 0; i < j->verdict.lines_n; i++)
		judgement_add_line(&t->v->lines, &j->verdict.lines[i]);
	if (!judge_refs_equal(&at, &j->award->at))
		verdict_say(t, JUDGE_WRONG, "award-pointer", &at.id,
			"The award stands in another place than the bundle says.");
	t->v->state = j->state;
	say_state(t, j);
	return say_credential(t, b, j->award);
}

/* ---- who vouches */

static bool is_root(const struct verdict_task *t, const struct id32 *id)
{
	for (size_t i = 0; i < t->roots->n; i++)
		if (id32_equal(&t->roots->ids[i], id))
			return true;
	return false;
}

/* SPEC 16.9: "a verdict says if the day lies outside" */
static void say_days(struct verdict_task *t, const struct fact *vouch)
{
	char today[CREDENTIAL_TIME_BYTES];
	struct slice kind, fields, day;
	if (!t->now_s || record_open(vouch->data, &kind, &fields) != OK)
		return;
	credential_time_format(t->now_s, today);
	if (record_get_str(fields, "from", &day) == OK && day.n == 10 && memcmp(today, day.p, 10) < 0)
		verdict_say(t, JUDGE_NOTE, "vouch-days", &vouch->at.id,
			"The vouch speaks of a time that begins later.");
	if (record_get_str(fields, "until", &day) == OK && day.n == 10 && memcmp(today, day.p, 10) > 0)
		verdict_say(t, JUDGE_NOTE, "vouch-days", &vouch->at.id,
			"The vouch speaks of a time that is over.");
}

static void vouched_by(struct verdict_task *t, const struct id32 *who)
{
	t->v->vouched = true;
	t->v->voucher = *who;
}

static enum err say_vouch(struct verdict_task *t, const struct bundle *b, const struct id32 *issuer)
{
	const struct judge_case *c = bundle_case(b);
	if (is_root(t, issuer)) {
		vouched_by(t, issuer);
		verdict_say(t, JUDGE_GOOD, "vouched", NULL, "The issuer is an identity that you trust.");
		return OK;
	}
	const struct fact **vouches = (const struct fact **)calloc(c->facts_n + 1, sizeof *vouches);
	if (!vouches)
		return ERR_MEMORY;
	size_t n = judge_vouches(c, issuer, vouches, c->facts_n);
	for (size_t i = 0; i < n && !t->v->vouched; i++)
		if (is_root(t, &vouches[i]->author)) {
			vouched_by(t, &vouches[i]->author);
			verdict_say(t, JUDGE_GOOD, "vouched", &vouches[i]->at.id,
				"An identity that you trust vouches for the issuer.");
			say_days(t, vouches[i]);
		}
	free(vouches);
	if (!t->v->vouched)
		verdict_say(t, JUDGE_UNKNOWN, "not-vouched", NULL,
			t->roots->n ? "Nobody whom you trust vouches for the issuer."
				    : "You have named nobody whom you trust to vouch for the issuer.");
	return OK;
}

/* ---- how fresh it is */

static bool is_marked(const struct bundle *b, const struct id32 *log)
{
	const struct bundle_mark *marks;
	size_t n = bundle_marks(b, &marks);
	for (size_t i = 0; i < n; i++)
		if (id32_equal(&marks[i].log, log))
			return true;
	return false;
}

/* SPEC 18: "How fresh the knowledge of revocation is, is said" */
static void say_freshness(struct verdict_task *t, const struct bundle *b, const struct id32 *issuer)
{
	char until[CREDENTIAL_TIME_BYTES];
	const struct judge_identity *who = judge_identity_of(bundle_case(b), issuer);
	for (size_t i = 0; who && i < who->view->devices_n; i++)
		if (!who->view->devices[i].closed && !is_marked(b, &who->view->devices[i].log)) {
			verdict_say(t, JUDGE_UNKNOWN, "status", NULL,
				"The bundle does not say how far all logs of the issuer were known, so a revocation may be missing.");
			return;
		}
	if (!who)
		return;
	t->v->known_until_hour = bundle_hour(b);
	credential_time_format((uint64_t)bundle_hour(b) * 3600, until);
	verdict_say(t, JUDGE_NOTE, "status", NULL,
		"Revocation was known until %s, by the word of who made the bundle.", until);
}

/* ---- the whole */

static enum err judge_bundle(struct verdict_task *t, const struct bundle *b)
{
	struct award_judgement *j = (struct award_judgement *)calloc(1, sizeof *j);
	bool found = false;
	enum err e = j ? say_award(t, b, j, &found) : ERR_MEMORY;
	if (e == OK && found) {
		say_freshness(t, b, &j->issuer);
		e = say_vouch(t, b, &j->issuer);
	}
	free(j);
	if (e == ERR_LIMIT) {
		verdict_say(t, JUDGE_WRONG, "bundle", NULL, "The proof bundle says more than can be judged.");
		return OK;
	}
	return e;
}

enum err verdict_bundle(struct verdict_task *t, json_t *doc, const json_t *credential)
{
	struct bundle *b = NULL;
	char why[256];
	const json_t *shown = credential ? credential : json_object_get(doc, "credential");
	t->v->readable = json_is_object(shown);
	t->v->bundled = true;
	credential_read_about(shown, &t->v->about);
	enum err e = bundle_read_json(doc, &b, why);
	if (e == ERR_MEMORY)
		return e;
	if (e != OK) {
		verdict_say(t, JUDGE_WRONG, "bundle", NULL, "The proof bundle is wrong: %.200s", why);
		return OK;
	}
	verdict_say(t, JUDGE_GOOD, "bundle", NULL, "What the proof bundle holds is signed and unaltered.");
	if (credential && !json_equal(credential, bundle_credential(b)))
		verdict_say(t, JUDGE_WRONG, "other-credential", NULL,
			"The proof bundle is that of another credential.");
	if (bundle_left_out(b))
		verdict_say(t, JUDGE_UNKNOWN, "left-out", NULL,
			"Pieces of the bundle that could not be used, since what they need is not in it: %zu.",
			bundle_left_out(b));
	e = judge_bundle(t, b);
	verdict_validity(t, shown);
	bundle_free(b);
	return e;
}
