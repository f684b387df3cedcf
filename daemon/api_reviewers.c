/* api_reviewers.c -- reviewers of an institution: appointed for a micro-credential, listed, ended. SPEC.md section 16.4. */
#include "acting.h"
#include "catalogue.h"
#include "compose.h"
#include "handover.h"
#include "marks.h"
#include "protocol/log/record.h"

#define ENDED_MAX 32u /* appointments of one reviewer that one request ends */

/* ---- one appointment */

static enum err read_appointment(const struct fact *f, struct entry_ref *definition, struct id32 *reviewer)
{
	struct slice kind, fields;
	enum err e = record_open(f->data, &kind, &fields);
	if (e == OK)
		e = record_get_id(fields, "reviewer", reviewer);
	return e == OK ? cases_ref(f, "for", definition) : e;
}

/* SPEC 16.4: "names a `microcredential` of the same identity that counts" */
static enum err counts(
	struct catalogue *c, const struct fact *f, const struct entry_ref *definition, bool *is)
{
	struct fact_list found;
	*is = catalogue_act_counts(c, f);
	enum err e = catalogue_find(c, definition, FACT_DEFINITION, &found);
	if (e != OK) {
		*is = false;
		return e == ERR_NOT_FOUND ? OK : e;
	}
	*is = *is && id32_equal(&found.facts[0].author, &f->author);
	if (*is)
		e = catalogue_counts(c, &found.facts[0], is);
	fact_list_free(&found);
	return e;
}

static enum err appointment_json(struct catalogue *c, const struct fact *f, json_t **out)
{
	struct entry_ref definition;
	struct id32 reviewer;
	bool is = false, ended = false;
	json_t *title = NULL, *by = catalogue_by(c, f);
	enum err e = read_appointment(f, &definition, &reviewer);
	if (e == OK)
		e = counts(c, f, &definition, &is);
	if (e == OK)
		e = catalogue_ended(c, f, FACT_APPOINTMENT_END, &ended);
	if (e == OK)
		e = catalogue_title(c, &definition, &title);
	if (e == OK) {
		*out = json_pack("{s:o, s:o, s:o, s:O, s:o, s:i, s:b, s:b}", "ref",
			compose_ref_json(&f->at.log, f->at.seq), "id", compose_id_json(&f->at.id), "reviewer",
			names_json(c->names, &reviewer), "for", title, "issuer",
			names_json(c->names, &f->author), "hour", (int)f->hour, "ended", ended, "counts", is);
		e = *out ? OK : ERR_MEMORY;
	}
	if (e == OK && by)
		json_object_set(*out, "by", by);
	json_decref(by);
	json_decref(title);
	return e;
}

/* ---- those that cover a definition */

struct covering {
	struct entry_ref definition;
	const struct id32 *reviewer; /* NULL: all */
	struct id32 issuer;
	size_t n; /* that count, of this reviewer, and that no end has ended */
	struct entry_ref at[ENDED_MAX];
	json_t *items; /* NULL: none are wanted */
};

static enum err cover_one(struct catalogue *c, struct covering *w, const struct fact *f)
{
	json_t *item = NULL;
	if (!id32_equal(&f->author, &w->issuer) || (w->reviewer && !id32_equal(&f->party, w->reviewer)))
		return OK;
	enum err e = appointment_json(c, f, &item);
	if (e != OK)
		return e == ERR_FORMAT || e == ERR_NOT_FOUND ? OK : e;
	if (json_is_true(json_object_get(item, "counts")) && json_is_false(json_object_get(item, "ended")) &&
		w->n < ENDED_MAX)
		w->at[w->n++] = f->at;
	if (w->items && json_array_append(w->items, item) != 0)
		e = ERR_MEMORY;
	json_decref(item);
	return e;
}

static enum err cover(struct catalogue *c, void *ctx)
{
	struct covering *w = (struct covering *)ctx;
	struct id32 ids[CATALOGUE_VERSIONS_MAX];
	struct fact_list found, list;
	size_t n = 0;
	bool is = false;
	enum err e = catalogue_find(c, &w->definition, FACT_DEFINITION, &found);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, e, "This entry is not a micro-credential that can be read here.");
	if (e != OK)
		return e;
	w->issuer = found.facts[0].author;
	e = catalogue_counts(c, &found.facts[0], &is);
	if (e == OK && !is)
		e = act_say(c->act, ERR_STATE,
			"This micro-credential does not count, so it has no reviewers: see quire microcredential show.");
	if (e == OK)
		e = catalogue_lineage(c, &found.facts[0], ids, &n);
	fact_list_free(&found);
	for (size_t i = 0; e == OK && i < n; i++) {
		e = cases_about_by(c->cases, &ids[i], FACT_MASK(FACT_APPOINTMENT), &w->issuer, &list);
		for (size_t k = 0; e == OK && k < list.n; k++)
			e = cover_one(c, w, &list.facts[k]);
		fact_list_free(&list);
	}
	return e;
}

/* "for" and "reviewer" of a body. */
static enum err find_covering(struct act *a, struct covering *w, struct id32 *reviewer)
{
	const char *who, *definition;
	enum err e = act_need(a, "reviewer", &who);
	if (e == OK)
		e = act_need(a, "for", &definition);
	if (e == OK)
		e = act_identity(a, who, reviewer);
	if (e == OK)
		e = acting_entry(a, definition, &w->definition);
	w->reviewer = reviewer;
	return e == OK ? catalogue_ask(a, a->rq->session, cover, w) : e;
}

/* ---- appoint */

static enum err check_keys(struct act *a, const struct id32 *reviewer)
{
	struct keyset *ks = NULL;
	enum err e = desk_keyset(a->desk, reviewer, &ks);
	keyset_free(ks);
	return e == ERR_NOT_FOUND
		? act_say(a, e,
			  "The keys of this reviewer are not on this node, so nothing could be sealed to him: follow him first.")
		: e;
}

static enum err write_appointment(struct act *a, const struct covering *w, struct entry_ref *ref)
{
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "appointment");
	mp_put_map(&m, 2);
	mp_put_cstr(&m, "for");
	record_put_ref(&m, &w->definition);
	mp_put_cstr(&m, "reviewer");
	mp_put_id(&m, w->reviewer);
	enum err e = m.err;
	if (e == OK)
		e = acting_put(
			a, &w->issuer, KEYSET_RIGHT_APPOINT, (struct slice){0}, buf_slice(&record), ref);
	buf_free(&record);
	return e;
}

/* The appointment stands, whatever comes of this; what is left over is for the clerk. */
static void hand_over(struct act *a, const struct covering *w)
{
	struct handover h = {.submissions = 0};
	struct session *s = NULL;
	if (id32_equal(&w->issuer, &a->keys->self.identity)) {
		s = a->rq->session;
		session_hold(s);
	} else {
		s = institution_session(a->rq->sessions, &w->issuer);
	}
	enum err e = s ? handover_write(a, a->rq->sessions, s, &w->definition, w->reviewer, &h) : ERR_LOCKED;
	if (s)
		session_release(s);
	json_object_set_new(a->reply, "handed_on",
		json_pack("{s:o, s:o}", "submissions", compose_number_json(h.submissions), "keys",
			compose_number_json(e == OK ? h.keys : 0)));
	if (e != OK || h.cut_short)
		json_object_set_new(a->reply, "warning",
			json_sprintf(
				"Not all that is open could be handed on to the reviewer%s%s The issuer's "
				"node goes on with it while the issuer is signed in there.",
				e == OK ? "." : ": ",
				e == OK           ? ""
					: *a->why ? a->why
						  : err_text(e)));
	a->why[0] = 0;
}

static enum err write_and_hand_over(struct act *a, const struct covering *w)
{
	struct entry_ref ref;
	enum err e = OK;
	if (w->n)
		ref = w->at[0];
	else
		e = write_appointment(a, w, &ref);
	if (e != OK)
		return e;
	a->status = w->n ? 200 : 201;
	a->reply = acting_json(&ref, &w->issuer);
	if (!a->reply)
		return ERR_MEMORY;
	json_object_set_new(a->reply, "reviewer", compose_id_json(w->reviewer));
	json_object_set_new(a->reply, "already", json_boolean(w->n > 0));
	hand_over(a, w);
	return OK;
}

static enum err appoint(struct act *a)
{
	struct covering w = {.n = 0};
	struct id32 reviewer, institution;
	enum err e = find_covering(a, &w, &reviewer);
	institution = w.issuer;
	if (e == OK && act_text(a, "institution"))
		e = acting_for(a, &institution);
	if (e == OK && !id32_equal(&institution, &w.issuer))
		e = act_say(
			a, ERR_REFUSED, "Only the issuer of this micro-credential appoints its reviewers.");
	if (e == OK)
		e = institution_may(a, &a->keys->self.identity, &w.issuer, KEYSET_RIGHT_APPOINT);
	if (e == OK)
		e = check_keys(a, &reviewer);
	if (e != OK)
		return e;
	/* Before the clerk hears of it; and who asked for the same at the same time may have written it by now. */
	desk_lock_shares(a->desk);
	w.n = 0;
	e = catalogue_ask(a, a->rq->session, cover, &w);
	if (e == OK)
		e = write_and_hand_over(a, &w);
	desk_unlock_shares(a->desk);
	return e;
}

/* ---- list */

struct listing {
	struct covering *covering; /* NULL: all */
	uint64_t limit, cursor;
	bool more;
	json_t *items;
};

static enum err list_all(struct catalogue *c, void *ctx)
{
	struct listing *l = (struct listing *)ctx;
	struct store_req req = {.op = STORE_FACT_ALL,
		.a.number = FACT_MASK(FACT_APPOINTMENT),
		.a.seq = l->cursor,
		.a.max = l->limit};
	struct store_res res = {0};
	store_exec_one(c->store, &req, &res);
	enum err e = res.err;
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		json_t *item = NULL;
		enum err read = appointment_json(c, &res.r.facts[i], &item);
		if (read == OK)
			e = json_array_append_new(l->items, item) == 0 ? OK : ERR_MEMORY;
		else if (read != ERR_FORMAT && read != ERR_NOT_FOUND)
			e = read;
	}
	l->cursor = res.r.number;
	l->more = res.r.more;
	store_res_free(&res);
	return e;
}

static enum err list(struct act *a)
{
	const char *definition = api_query(a->rq, "for");
	struct covering w = {.n = 0};
	struct listing l = {.limit = 50};
	enum err e = catalogue_page(a, &l.limit, &l.cursor);
	if (e == OK && definition) {
		e = acting_entry(a, definition, &w.definition);
		return e == OK ? catalogue_list(a, cover, &w, &w.items) : e;
	}
	if (e == OK)
		e = catalogue_list(a, list_all, &l, &l.items);
	return e == OK ? catalogue_go_on(a, l.more, l.cursor) : e;
}

/* ---- end */

static enum err find_issuer_marks(struct act *a, const struct id32 *issuer, struct marks *m)
{
	struct keyset *ks = NULL;
	struct keyset_view v = {0};
	enum err e = desk_keyset(a->desk, issuer, &ks);
	if (e == OK)
		e = keyset_resolve(ks, &v);
	if (e == OK)
		e = marks_find(a->desk, issuer, &v, m);
	keyset_view_deinit(&v);
	keyset_free(ks);
	marks_sort(m);
	return e;
}

static enum err end_one(struct act *a, const struct id32 *issuer, const struct entry_ref *appointment,
	const struct marks *marks, struct entry_ref *ref)
{
	struct buf record = {0};
	struct mp_out m = mp_out_init(&record);
	mp_put_array(&m, 2);
	mp_put_cstr(&m, "appointment-end");
	mp_put_map(&m, marks->n ? 2 : 1);
	if (marks->n) {
		mp_put_cstr(&m, "marks");
		mp_put_array(&m, marks->n);
	}
	for (size_t i = 0; i < marks->n; i++) {
		const struct record_mark mark = {
			.log = marks->at[i].log, .length = marks->at[i].length, .last = marks->at[i].last};
		record_put_mark(&m, &mark);
	}
	mp_put_cstr(&m, "of");
	record_put_ref(&m, appointment);
	enum err e = m.err;
	if (e == OK)
		e = acting_put(a, issuer, KEYSET_RIGHT_APPOINT, (struct slice){0}, buf_slice(&record), ref);
	buf_free(&record);
	return e;
}

static enum err find_one(struct catalogue *c, void *ctx)
{
	struct covering *w = (struct covering *)ctx;
	struct fact_list found;
	bool ended = false;
	enum err e = catalogue_find(c, &w->at[0], FACT_APPOINTMENT, &found);
	if (e == ERR_NOT_FOUND)
		return act_say(c->act, e, "This entry is not an appointment that can be read here.");
	if (e == OK)
		e = catalogue_ended(c, &found.facts[0], FACT_APPOINTMENT_END, &ended);
	if (e == OK) {
		w->issuer = found.facts[0].author;
		w->n = ended ? 0 : 1;
	}
	fact_list_free(&found);
	return e;
}

static enum err find_ended(struct act *a, struct covering *w)
{
	struct id32 reviewer;
	const char *appointment = act_text(a, "appointment");
	enum err e = appointment ? acting_entry(a, appointment, &w->at[0]) : find_covering(a, w, &reviewer);
	w->reviewer = NULL;
	if (e == OK && appointment)
		e = catalogue_ask(a, a->rq->session, find_one, w);
	if (e == OK && w->n == 0)
		e = act_say(a, ERR_NOT_FOUND,
			appointment ? "This appointment was ended before."
				    : "There is no such appointment, or it was ended before.");
	return e;
}

static enum err end_them(struct act *a)
{
	struct covering w = {.n = 0};
	struct marks m = {.n = 0};
	struct entry_ref ref;
	size_t ended = 0;
	enum err e = find_ended(a, &w);
	if (e == OK)
		e = institution_may(a, &a->keys->self.identity, &w.issuer, KEYSET_RIGHT_APPOINT);
	if (e == OK)
		e = find_issuer_marks(a, &w.issuer, &m);
	for (; e == OK && ended < w.n; ended++)
		e = end_one(a, &w.issuer, &w.at[ended], &m, &ref);
	if (e != OK)
		return e;
	a->status = 201;
	a->reply = acting_json(&ref, &w.issuer);
	if (a->reply) {
		json_object_set_new(a->reply, "ended", compose_number_json(ended));
		json_object_set_new(a->reply, "marks", marks_json(&m));
	}
	if (a->reply && m.unmarked)
		json_object_set_new(a->reply, "warning",
			json_sprintf(
				"An end has room for %d logs: reviews that only %zu further logs of this "
				"institution took up count no more.",
				LIMIT_END_MARKS, m.unmarked));
	return OK;
}

/* As they are appointed: one after the other. */
static enum err end(struct act *a)
{
	desk_lock_shares(a->desk);
	enum err e = end_them(a);
	desk_unlock_shares(a->desk);
	return e;
}

void route_reviewer_appoint(struct api_request *rq)
{
	act_begin(rq, appoint);
}

void route_reviewer_list(struct api_request *rq)
{
	act_begin(rq, list);
}

void route_reviewer_end(struct api_request *rq)
{
	act_begin(rq, end);
}
