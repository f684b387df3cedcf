/* audience.h -- who will be able to read an entry: everybody, or the holders of some reading keys. SPEC.md section 5.2. On a desk.
 *
 * Of the act only `desk` and `why` are used, so that work without a request (office.c) can do with `struct act a = {.desk = d}`; if there is a request, audience_panel
 * also looks at appointments that its session can open.
 * Its author is a reader in any case (writing.h), added or not. One identity added twice is one reader. */
#ifndef QUIRE_DAEMON_AUDIENCE_H
#define QUIRE_DAEMON_AUDIENCE_H

#include "act.h"
#include "bounds.h"
#include "protocol/log/mp.h"

#define AUDIENCE_SKIPPED_MAX 16u
#define AUDIENCE_READERS_MAX (LIMIT_READERS - 1u) /* one slot is the author's */

#define AUDIENCE_OFFICER_RIGHTS ((uint32_t)KEYSET_RIGHT_COUNTERSIGN | KEYSET_RIGHT_APPOINT) /* SPEC 16.4 */
#define AUDIENCE_NAMED_MAX 64u /* SPEC 13: "`to` (ids, 1..64)" */
#define AUDIENCE_HOSTS_MAX 512u

/* A node that hosts a reader. */
struct audience_host {
	struct id32 reader, node, notice_key;
};

struct audience {
	bool clear; /* everybody; then n is 0 */
	bool said; /* audience_list: somebody was named, or "private" or "public" was said */
	size_t n; /* at most AUDIENCE_READERS_MAX */
	struct id32 keys[LIMIT_READERS]; /* current reading keys, in the order in which they were added */
	size_t hosts_n; /* other nodes that host readers, each once; what is beyond the bound is left out */
	struct audience_host hosts[AUDIENCE_HOSTS_MAX];
	size_t named_n; /* by audience_panel: officers and reviewers that were added, as many as there is room for */
	struct id32 named[AUDIENCE_NAMED_MAX]; /* ascending */
	size_t skipped_n; /* by audience_panel: could not be added, since their keys are not here or they have no reading key; may be over AUDIENCE_SKIPPED_MAX */
	struct id32 skipped[AUDIENCE_SKIPPED_MAX]; /* the first of them */
};

/* Empty: only its author. 66 KB, so it is allocated. NULL: out of memory. */
struct audience *audience_new(void);
void audience_free(struct audience *to); /* NULL is fine */

/* Adds the current reading key of an identity. Said: ERR_NOT_FOUND: its keys are not on this node; ERR_STATE: it has no reading key, or `to` is clear;
 * ERR_LIMIT: too many. ERR_MEMORY, ERR_IO … */
MUST_CHECK enum err audience_add(struct act *a, struct audience *to, const struct id32 *identity);
/* "private", "public", or an identity as act_identity has it. Said: ERR_INPUT, and those of audience_add and act_identity. */
MUST_CHECK enum err audience_word(struct act *a, struct audience *to, const char *word);
/* The "to" of a request: a text, or a list of texts; NULL: nothing is said, and `to` stays as it is. ERR_INPUT: also where "public" does not stand alone.
 * Those of audience_word. */
MUST_CHECK enum err audience_list(struct act *a, struct audience *to, const json_t *list);

/* Adds everybody who takes part in what is submitted under a definition: the institution in whose log it stands; its officers, not ended, with the right to
 * countersign or to appoint; the reviewers whom appointments that are at hand cover and no end has ended (SPEC 16.4); the earner (NULL: nobody).
 * Who cannot be added is skipped and noted; so are reviewers beyond AUDIENCE_READERS_MAX.
 * Said: ERR_NOT_FOUND: the definition is not on this node (or not a definition that counts), or the institution's keys are not; ERR_STATE: the institution has no reading key. ERR_MEMORY, ERR_IO … */
MUST_CHECK enum err audience_panel(
	struct act *a, struct audience *to, const struct entry_ref *definition, const struct id32 *earner);
/* How many fields audience_put_to() writes: the last of a record, `to` (SPEC 16.4), or none if there is nobody to name. */
size_t audience_to_fields(const struct audience *to);
void audience_put_to(struct mp_out *m, const struct audience *to);
/* {"readers": n, "everybody": bool, "skipped": [ids]}: for answers. readers: those added; for the number to be right the author is added too. NULL: out of memory. */
json_t *audience_json(const struct audience *to);

#endif
