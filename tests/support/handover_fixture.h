/* handover_fixture.h -- an issuer who is signed in, an earner, and two reviewers, one of whom nobody but the issuer knows of; on award_fixture.h. Included by one test program each. */
#ifndef QUIRE_TESTS_HANDOVER_FIXTURE_H
#define QUIRE_TESTS_HANDOVER_FIXTURE_H

#include "daemon/handover.h"
#include "tests/support/award_fixture.h"

static struct {
	uv_loop_t loop;
	struct sessions *sessions;
	bool closed;
	struct session *session; /* the issuer's */
	struct keyring *issuer, *earner, *before, *late, *stranger;
	struct entry_ref definition, appointment; /* of who is late */
} f;

static inline void leave(struct keyring *k)
{
	(void)k; /* finish() frees it */
}

static inline bool sign_in(void)
{
	const struct session_caller caller = {.over_socket = true, .uid = 7};
	uint8_t token[SESSION_TOKEN_BYTES];
	return session_open(f.sessions, &f.issuer->self.identity, false, &caller, 60, f.issuer, leave, token,
		       &f.session) == OK;
}

static inline int begin(void **state)
{
	memset(&f, 0, sizeof f);
	if (open_world(state) != 0 || uv_loop_init(&f.loop) != 0)
		return -1;
	f.sessions = sessions_new(&f.loop);
	f.issuer = make_identity("Example University", IDENTITY_ISSUER);
	f.earner = make_identity("Ada", IDENTITY_PERSON);
	f.before = make_identity("Rei", IDENTITY_PERSON);
	f.late = make_identity("Lea", IDENTITY_PERSON);
	f.stranger = make_identity("Sam", IDENTITY_PERSON);
	f.definition = publish(f.issuer, NULL);
	appoint(f.issuer, &f.definition, f.before);
	f.appointment = appoint(f.issuer, &f.definition, f.late);
	return sign_in() ? 0 : -1;
}
static inline void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static inline int finish(void **state)
{
	sessions_close(f.sessions, on_closed, &f.closed);
	while (!f.closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	sessions_free(f.sessions);
	keyring_free(f.issuer);
	keyring_free(f.earner);
	keyring_free(f.before);
	keyring_free(f.late);
	keyring_free(f.stranger);
	return uv_loop_close(&f.loop) == 0 ? close_world(state) : -1;
}

static inline struct submitted submit_to(
	const struct entry_ref *definition, struct keyring *earner, size_t evidence)
{
	const struct submitting in = {.definition = definition,
		.earner = earner,
		.reader = f.before,
		.other = f.issuer,
		.evidence = evidence,
		.without_keys = true};
	return submit(&in);
}

/* ---- what somebody opens */

struct opening {
	struct book *book;
	const struct entry_ref *at;
	enum err err;
};

static inline void open_one(struct store *s, void *ctx)
{
	struct opening *o = (struct opening *)ctx;
	struct buf record = {0};
	assert_int_equal(book_catch_up(o->book, s), OK);
	o->err = book_record(o->book, s, o->at, &record);
	buf_free(&record);
}

static inline bool opens(const struct keyring *who, const struct entry_ref *at)
{
	struct opening o = {.book = book_new(who), .at = at};
	assert_non_null(o.book);
	with_store(open_one, &o);
	book_free(o.book);
	assert_true(o.err == OK || o.err == ERR_LOCKED);
	return o.err == OK;
}

static inline bool opens_all(const struct keyring *who, const struct submitted *s)
{
	bool all = opens(who, &s->submission) && opens(who, &s->manifest);
	for (size_t i = 0; i < s->n; i++)
		all = all && opens(who, &s->evidence[i]);
	return all;
}

#endif
