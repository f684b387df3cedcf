/* case_pages.c -- see case_pages.h. */
#include "case_pages.h"

enum err case_pages_read(struct act *a, struct case_pages *p)
{
	p->limit = 50;
	p->cursor = 0;
	return catalogue_page(a, &p->limit, &p->cursor);
}

enum err case_pages_fill(struct catalogue *c, struct case_pages *p, const struct cases_list *all,
	case_page_item one, void *ctx)
{
	enum err e = OK;
	while (e == OK && p->cursor < all->n && json_array_size(p->items) < p->limit) {
		json_t *o = NULL;
		e = one(c, ctx, &all->items[p->cursor++], &o);
		if (e != OK)
			json_decref(o);
		else if (o && json_array_append_new(p->items, o) != 0)
			e = ERR_MEMORY;
		cases_tidy(c->cases);
	}
	p->more = p->cursor < all->n;
	p->left_out = all->more;
	return e;
}

enum err case_pages_answer(struct act *a, const struct case_pages *p)
{
	if (!p->more && p->left_out &&
		json_object_set_new(a->reply, "warning", json_string("There are more: not all are shown.")) !=
			0)
		return ERR_MEMORY;
	return catalogue_go_on(a, p->more, p->cursor);
}
