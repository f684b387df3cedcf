/* case_pages.h -- submissions or awards as answers list them: page by page, so that a long list is shown to its end. */
#ifndef QUIRE_DAEMON_CASE_PAGES_H
#define QUIRE_DAEMON_CASE_PAGES_H

#include "catalogue.h"

struct case_pages {
	uint64_t limit, cursor; /* cursor: how many of the list were passed */
	bool more, left_out;
	json_t *items; /* of catalogue_list */
};

/* "limit" (otherwise 50) and "cursor" of the query. Said: ERR_INPUT. */
MUST_CHECK enum err case_pages_read(struct act *a, struct case_pages *p);
/* One in the list; *out stays NULL: it is not shown. */
typedef enum err (*case_page_item)(
	struct catalogue *c, void *ctx, const struct cases_item *item, json_t **out);
/* This page of a list. The errors of `one`, ERR_MEMORY. */
MUST_CHECK enum err case_pages_fill(struct catalogue *c, struct case_pages *p, const struct cases_list *all,
	case_page_item one, void *ctx);
/* Behind catalogue_list: where it goes on, and at its end whether some were left out. ERR_MEMORY. */
MUST_CHECK enum err case_pages_answer(struct act *a, const struct case_pages *p);

#endif
