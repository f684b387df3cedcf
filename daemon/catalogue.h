/* catalogue.h -- what institutions have published, as answers show it: definitions, their versions, frameworks, appointments. SPEC.md sections 16.2 to 16.4. */
#ifndef QUIRE_DAEMON_CATALOGUE_H
#define QUIRE_DAEMON_CATALOGUE_H

#include "act.h"
#include "cases.h"
#include "names.h"

#define CATALOGUE_REF_BYTES 80u /* of "LOG:SEQ", with NUL */
#define CATALOGUE_VERSIONS_MAX 65u /* itself, and SPEC 16.3: "for at most 64 steps" */

struct catalogue {
	struct act *act; /* for act_say */
	struct store *store;
	struct book *book;
	struct cases *cases;
	struct names *names;
};

/* On a desk: runs fn on a pool thread, over what the session can open (s NULL: what anybody can). The errors of fn, of cases_open, ERR_MEMORY. */
typedef enum err (*catalogue_fn)(struct catalogue *c, void *ctx);
MUST_CHECK enum err catalogue_ask(struct act *a, struct session *s, catalogue_fn fn, void *ctx);
/* The same, and the answer is {"items": *items}: a list that fn fills. The caller adds to a->reply what else it says. */
MUST_CHECK enum err catalogue_list(struct act *a, catalogue_fn fn, void *ctx, json_t **items);
/* Behind catalogue_list: where the list goes on. ERR_MEMORY. */
MUST_CHECK enum err catalogue_go_on(struct act *a, bool more, uint64_t cursor);
/* The same as catalogue_ask without a request. */
MUST_CHECK enum err catalogue_ask_in(
	struct act *a, struct sessions *ss, struct session *s, catalogue_fn fn, void *ctx);

/* Within what counts of its log, and an act that counts (SPEC 16.2)? */
bool catalogue_act_counts(struct catalogue *c, const struct fact *f);
/* Does this definition count (SPEC 16.3)? */
MUST_CHECK enum err catalogue_counts(struct catalogue *c, const struct fact *definition, bool *counts);
/* The first that counts and supersedes it; found is a list of at most one, to be freed. */
MUST_CHECK enum err catalogue_successor(
	struct catalogue *c, const struct fact *definition, struct fact_list *found);
/* The fact of this kind that an entry states, in a list that is to be freed. ERR_NOT_FOUND: not at hand, or of another kind. */
MUST_CHECK enum err catalogue_find(
	struct catalogue *c, const struct entry_ref *at, enum fact_kind kind, struct fact_list *found);
/* The definition of a fact, if it is sound. ERR_FORMAT; ERR_MEMORY. definition_deinit it. */
MUST_CHECK enum err catalogue_read(const struct fact *f, struct definition *d);
/* One in a list: {"ref", "id", "title", "competency", "issuer", "hour", "current", "counts" …}. ERR_MEMORY, the store's. */
MUST_CHECK enum err catalogue_item(struct catalogue *c, const struct fact *f, json_t **out);
/* The same of one that was read; d: NULL if it is not sound. */
MUST_CHECK enum err catalogue_item_of(
	struct catalogue *c, const struct fact *f, const struct definition *d, json_t **out);
/* {"ref", "id", "title"} of a definition, or as much as is at hand. */
MUST_CHECK enum err catalogue_title(struct catalogue *c, const struct entry_ref *definition, json_t **out);
/* Where the appointments stand that cover it: itself and what it descends from, nearest first. ids has room for CATALOGUE_VERSIONS_MAX. */
MUST_CHECK enum err catalogue_lineage(
	struct catalogue *c, const struct fact *definition, struct id32 *ids, size_t *n);
/* Has its author ended it: an appointment or a vouch, by an end of `kind` that counts? */
MUST_CHECK enum err catalogue_ended(
	struct catalogue *c, const struct fact *f, enum fact_kind kind, bool *ended);
/* Who asked for an act, {"id", "name", …}; NULL: its writer itself. */
json_t *catalogue_by(struct catalogue *c, const struct fact *f);

/* A copy with all texts cleaned, and whole numbers as such. NULL: out of memory. */
json_t *catalogue_clean(const json_t *v);
void catalogue_ref_text(const struct entry_ref *ref, char out[CATALOGUE_REF_BYTES]);
/* Where a list goes on, as a text. */
json_t *catalogue_cursor_json(uint64_t cursor);
/* "limit" and "cursor" of a query. Said: ERR_INPUT. */
MUST_CHECK enum err catalogue_page(struct act *a, uint64_t *limit, uint64_t *cursor);

#endif
