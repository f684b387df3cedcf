/* session.h -- who is signed in: sessions in memory only, each with the unlocked secrets of one identity. Loop thread.
 *
 * A session belongs to a caller: the user of the Unix socket (by uid), or whoever shows the session's token over TCP. It ends by the clock,
 * by session_close(), or with the daemon; then its keyring is freed, which wipes it. A request that is at work holds its session, so that
 * the secrets stay where they are until it has replied; but nobody finds a session that has ended. */
#ifndef QUIRE_SESSION_H
#define QUIRE_SESSION_H

#include "bytes.h"

#include <uv.h>

#define SESSION_TOKEN_BYTES 32
#define SESSIONS_MAX 2048
#define SESSION_SECONDS_MAX (31u * 86400)

struct sessions;
struct keyring; /* unlocked secrets; the key module's */
struct book; /* what they open: book.h */
struct shares; /* what it has handed on: shares.h */

/* Who asks. */
struct session_caller {
	bool over_socket;
	uint32_t uid; /* over the socket */
	bool has_token;
	uint8_t token[SESSION_TOKEN_BYTES]; /* over TCP */
};

struct session {
	uint64_t number; /* never used again while the daemon runs */
	struct id32 identity; /* zeros: the operator's page, nobody signed in */
	bool operator_; /* may also do what the operator may */
	bool over_socket;
	uint32_t uid;
	uint64_t until_s; /* wall clock */
	struct keyring *keyring; /* NULL without identity */
	struct book *book; /* NULL until session_book() was asked; its own */
	struct shares *shares; /* NULL until something is handed on; under desk_lock_shares() */
	bool open; /* false: it has ended; finish what is under way, begin nothing */
};

/* NULL: out of memory. */
struct sessions *sessions_new(uv_loop_t *loop);
/* Ends all sessions, closes the timer, then closed(ctx) from the loop; sessions_free() after that. */
void sessions_close(struct sessions *ss, void (*closed)(void *ctx), void *ctx);
void sessions_free(struct sessions *ss);

/* Opens a session.
 *   identity  NULL: none, for the operator's page
 *   caller    over the socket: its uid is remembered (an open session of the same uid and identity is closed first); over TCP: the token is what counts
 *   keyring   taken, also on error; freed with free_keyring when the session has ended and nobody holds it
 *   token     filled with a new one, over either door
 * ERR_LIMIT: too many; ERR_RANGE: for_seconds is 0 or over SESSION_SECONDS_MAX; ERR_MEMORY. */
MUST_CHECK enum err session_open(struct sessions *ss, const struct id32 *identity, bool operator_,
	const struct session_caller *caller, uint64_t for_seconds, struct keyring *keyring,
	void (*free_keyring)(struct keyring *), uint8_t token[SESSION_TOKEN_BYTES], struct session **out);
/* identity NULL: the caller's only session. Borrowed, until it ends.
 * ERR_LOCKED: none; ERR_AMBIGUOUS: the user of the socket has several. */
MUST_CHECK enum err session_find(struct sessions *ss, const struct session_caller *caller,
	const struct id32 *identity, struct session **out);
void session_close(struct sessions *ss, struct session *s);
/* Every open session; each may close the one it is shown. */
void session_each(struct sessions *ss, void (*each)(void *ctx, struct session *s), void *ctx);
/* ended(ctx, s) is called when a session ends, before its keyring may be freed. One listener. */
void session_on_end(struct sessions *ss, void (*ended)(void *ctx, struct session *s), void *ctx);

/* The book of a session, made on first use, with the reading keys as they are now; of one without identity, or NULL: the book that those who are not
 * signed in share. Good while the session is held (that of nobody: while anybody holds one, and until sessions_free). NULL: out of memory. */
struct book *session_book(struct sessions *ss, struct session *s);

/* Keeps s, its keyring and its book in memory, whether open or ended. Each hold needs one release. */
void session_hold(struct session *s);
void session_release(struct session *s);

#endif
