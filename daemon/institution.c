/* institution.c -- see institution.h. */
#include "institution.h"

#include "names.h"
#include "protocol/log/entry.h"
#include "protocol/log/hash.h"
#include "protocol/log/record.h"

#include <stdio.h>

#define SHOWN_BYTES 80

const char *institution_right_name(uint32_t right)
{
	switch (right) {
	case KEYSET_RIGHT_PUBLISH: return "publish";
	case KEYSET_RIGHT_APPOINT: return "appoint";
	case KEYSET_RIGHT_COUNTERSIGN: return "countersign";
	case KEYSET_RIGHT_REVOKE: return "revoke";
	case KEYSET_RIGHT_VOUCH: return "vouch";
	}
	return "unknown";
}

/* ---- its session on this node */

struct looking {
	const struct id32 *identity;
	struct session *found;
};

static void look(void *ctx, struct session *s)
{
	struct looking *l = (struct looking *)ctx;
	if (!l->found && s->open && s->keyring && id32_equal(&s->identity, l->identity))
		l->found = s;
}

struct session *institution_session(struct sessions *ss, const struct id32 *identity)
{
	struct looking l = {.identity = identity};
	session_each(ss, look, &l);
	if (l.found)
		session_hold(l.found);
	return l.found;
}

/* ---- who may */

struct naming {
	const struct id32 *id;
	char *out;
};

static void read_name(void *ctx, struct store *s, enum err e)
{
	struct naming *n = (struct naming *)ctx;
	struct names *names = e == OK ? names_new(s) : NULL;
	const char *text = names ? names_text(names, n->id) : "";
	char hex[17];
	for (size_t i = 0; i < 8; i++)
		snprintf(hex + 2 * i, 3, "%02x", n->id->b[i]);
	snprintf(n->out, SHOWN_BYTES, *text ? "%.48s (%s)" : "%.0s%s", text, hex);
	names_free(names);
}

static void show_name(struct act *a, const struct id32 *id, char out[SHOWN_BYTES])
{
	struct naming n = {.id = id, .out = out};
	desk_read(a->desk, read_name, &n);
}

static enum err refuse(struct act *a, const struct keyset_view *v, const struct id32 *who,
	const struct id32 *institution, uint32_t right)
{
	char shown[SHOWN_BYTES];
	bool was = false, is = false, had = false;
	for (size_t i = 0; i < v->officers_all_n; i++) {
		const struct keyset_officer *o = &v->officers_all[i];
		if (!id32_equal(&o->identity, who))
			continue;
		was = true;
		is = is || !o->ended;
		had = had || (o->rights & right) == right;
	}
	show_name(a, institution, shown);
	if (!was)
		return act_say(
			a, ERR_REFUSED, "You are no officer of %s: it must name you as one first.", shown);
	if (!is || had)
		return act_say(a, ERR_REFUSED,
			"Your office at %s has ended: you can no longer %s in its name.", shown,
			institution_right_name(right));
	return act_say(a, ERR_REFUSED,
		"You are an officer of %s, but without the right to %s: it must name you with that right.",
		shown, institution_right_name(right));
}

static bool is_officer(const struct keyset_view *v, const struct id32 *who, uint32_t right)
{
	for (size_t i = 0; i < v->officers_n; i++)
		if (id32_equal(&v->officers[i].identity, who) && (v->officers[i].rights & right) == right)
			return true;
	return false;
}

/* at: where the act will stand; NULL: not known yet. */
static enum err check_officer(struct act *a, const struct id32 *who, const struct id32 *institution,
	uint32_t right, const struct entry_ref *at)
{
	char shown[SHOWN_BYTES];
	struct keyset *ks = NULL;
	struct keyset_view v = {0};
	enum err e = desk_keyset(a->desk, institution, &ks);
	if (e == ERR_NOT_FOUND) {
		show_name(a, institution, shown);
		return act_say(a, e, "The keys of %s are not on this node: follow it first.", shown);
	}
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK &&
		(!is_officer(&v, who, right) ||
			(at && !keyset_officer_may(&v, who, right, &at->log, at->seq))))
		e = refuse(a, &v, who, institution, right);
	keyset_view_deinit(&v);
	keyset_free(ks);
	return e;
}

enum err institution_may(
	struct act *a, const struct id32 *who, const struct id32 *institution, uint32_t right)
{
	return id32_equal(who, institution) ? OK : check_officer(a, who, institution, right, NULL);
}

/* ---- writing */

/* SPEC 16.2: "an officer, who signed an `act` record in a log of his own" */
static enum err write_request(
	struct act *a, struct owner *officer, const struct institution_act *in, struct entry_ref *ref)
{
	struct buf record = {0};
	const struct id32 digest = hash_bytes(HASH_ACT, in->record.p, in->record.n);
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "act");
	mp_put_map(&m, 2);
	mp_put_cstr(&m, "digest");
	mp_put_id(&m, &digest);
	mp_put_cstr(&m, "institution");
	mp_put_id(&m, &in->institution);
	struct audience *all = audience_new();
	enum err e = !all ? ERR_MEMORY : m.err;
	if (e == OK) {
		all->clear = true;
		const struct writing w = {.to = all, .record = buf_slice(&record), .keep = true};
		e = writing_put(a, officer, &w, ref, NULL);
	}
	audience_free(all);
	buf_free(&record);
	return e;
}

/* Where the next entry of its log will stand. */
static enum err find_next(struct act *a, const struct owner *o, struct entry_ref *at)
{
	struct store_req req = {.op = STORE_LOG_GET, .a.log = ownlog_id(o)};
	struct store_res res;
	enum err e = desk_store(a->desk, &req, &res);
	*at = (struct entry_ref){.log = req.a.log, .seq = e == OK ? res.r.logs[0].length : 0};
	store_res_free(&res);
	return e == ERR_NOT_FOUND ? OK : e;
}

static enum err check_record(struct act *a, const struct institution_act *in)
{
	struct slice kind, fields;
	struct mp_in by;
	const char *field = NULL;
	enum err e = record_open(in->record, &kind, &fields);
	if (e == OK)
		e = record_check(in->record, &field);
	if (e == OK && record_get(fields, "by", &by) == OK) {
		field = "by";
		e = ERR_FORMAT;
	}
	return e == OK ? OK
		       : act_say(a, e, "The act is not as it must be: \"%s\": %s.", field ? field : "kind",
				 err_text(e));
}

static enum err write_for(struct act *a, struct keyring *who, struct owner *institution,
	const struct institution_act *in, struct entry_ref *ref, uint8_t content_key[32])
{
	struct entry_ref next, asked;
	struct buf record = {0};
	enum err e = find_next(a, institution, &next);
	if (e == OK)
		e = check_officer(a, &who->self.identity, &in->institution, in->right, &next);
	if (e == OK)
		e = write_request(a, &who->self, in, &asked);
	if (e == OK)
		e = record_with_by(in->record, &who->self.identity, &asked, &record);
	if (e == OK) {
		const struct writing w = {
			.to = in->to, .envelope = in->envelope, .record = buf_slice(&record), .keep = true};
		e = writing_put(a, institution, &w, ref, content_key);
	}
	buf_free(&record);
	return e;
}

enum err institution_act(struct act *a, struct sessions *ss, struct keyring *who,
	const struct institution_act *in, struct entry_ref *ref, uint8_t content_key[32])
{
	char shown[SHOWN_BYTES];
	enum err e = check_record(a, in);
	if (e != OK)
		return e;
	if (id32_equal(&who->self.identity, &in->institution)) {
		const struct writing w = {
			.to = in->to, .envelope = in->envelope, .record = in->record, .keep = true};
		return writing_put(a, &who->self, &w, ref, content_key);
	}
	e = check_officer(a, &who->self.identity, &in->institution, in->right, NULL);
	if (e != OK)
		return e;
	struct session *s = institution_session(ss, &in->institution);
	if (!s) {
		show_name(a, &in->institution, shown);
		return act_say(a, ERR_LOCKED,
			"%s is locked on this node: unlock %s here, or let its unattended session run.",
			shown, shown);
	}
	e = write_for(a, who, &s->keyring->self, in, ref, content_key);
	session_release(s);
	return e;
}
