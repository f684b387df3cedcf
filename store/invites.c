/* invites.c -- invitations of this node. SPEC.md section 8.3. */
#include "store/db.h"

enum err op_INVITE_PUT(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	const struct store_invite *i = q->a.invite;
	store_touch(s);
	struct query put = q_start(s, Q_INVITE_PUT);
	q_id(&put, &i->hash);
	q_int(&put, i->expires_hour);
	q_int(&put, i->uses_left);
	q_text(&put, i->note);
	q_uint(&put, i->made_s);
	return q_done(&put);
}

static enum err used_before(struct store *s, const struct store_req *q, bool *used)
{
	struct query get = q_start(s, Q_INVITE_USED);
	q_id(&get, &q->a.id);
	q_id(&get, &q->a.node);
	*used = q_row(&get);
	return q_end(&get);
}

static enum err was_removed(struct store *s, const struct id32 *node, bool *removed)
{
	struct query peer = q_start(s, Q_PEER_GET);
	q_id(&peer, node);
	*removed = q_row(&peer) && qc_int(&peer, 1) == PEER_REMOVED;
	return q_end(&peer);
}

enum err op_INVITE_USE(struct store *s, const struct store_req *q, struct store_res *r)
{
	struct query get = q_start(s, Q_INVITE_GET);
	q_id(&get, &q->a.id);
	bool found = q_row(&get);
	uint64_t expires = found ? qc_uint(&get, 0) : 0;
	int64_t left = found ? qc_int(&get, 1) : 0;
	enum err e = q_end(&get);
	if (e != OK || !found)
		return e != OK ? e : ERR_NOT_FOUND;
	bool used, removed;
	e = used_before(s, q, &used);
	if (e == OK)
		e = was_removed(s, &q->a.node, &removed);
	if (e != OK)
		return e;
	/* SPEC 8.3: "A redemption by a node key that is a member's is answered by `welcome` and costs no use" -- and whom the operator took out
	 * since needs a new invitation. */
	r->r.flag = used;
	if (used)
		return removed ? ERR_USED : OK;
	if (expires == 0) /* revoked */
		return ERR_REFUSED;
	if (q->a.end >= expires)
		return ERR_EXPIRED;
	if (left <= 0)
		return ERR_USED;
	e = peer_admit(s, &q->a.node, PEER_INVITED, false, q->a.peer ? q->a.peer->name : "");
	if (e == OK)
		e = introduction_drop(s, &q->a.node);
	if (e != OK)
		return e;
	struct query spend = q_start(s, Q_INVITE_SPEND);
	q_id(&spend, &q->a.id);
	e = q_done(&spend);
	if (e != OK)
		return e;
	struct query use = q_start(s, Q_INVITE_USE);
	q_id(&use, &q->a.id);
	q_id(&use, &q->a.node);
	return q_done(&use);
}

static enum err list_uses(struct store *s, struct store_invite *i, struct arena *mem)
{
	struct array nodes = {0};
	struct query list = q_start(s, Q_INVITE_USED_BY);
	q_id(&list, &i->hash);
	while (q_row(&list)) {
		struct id32 *node = array_add(&nodes, sizeof *node, &list);
		if (node)
			*node = qc_id(&list, 0);
	}
	i->used_n = nodes.n;
	i->used_by = array_give(&nodes, mem, &list);
	return q_end(&list);
}

enum err op_INVITE_LIST(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)q;
	struct array invites = {0};
	struct query list = q_start(s, Q_INVITE_LIST);
	while (q_row(&list)) {
		struct store_invite *i = array_add(&invites, sizeof *i, &list);
		if (!i)
			break;
		i->hash = qc_id(&list, 0);
		i->expires_hour = (uint32_t)qc_uint(&list, 1);
		i->uses_left = (uint32_t)qc_uint(&list, 2);
		qc_name(&list, 3, i->note);
		i->made_s = qc_uint(&list, 4);
	}
	r->r.n = invites.n;
	r->r.invites = array_give(&invites, &r->mem, &list);
	enum err e = q_end(&list);
	for (size_t i = 0; e == OK && i < r->r.n; i++)
		e = list_uses(s, &r->r.invites[i], &r->mem);
	return e;
}

enum err op_INVITE_REVOKE(struct store *s, const struct store_req *q, struct store_res *r)
{
	(void)r;
	struct query get = q_start(s, Q_INVITE_GET);
	q_id(&get, &q->a.id);
	bool found = q_row(&get);
	enum err e = q_end(&get);
	if (e != OK || !found)
		return e != OK ? e : ERR_NOT_FOUND;
	return db_on_id(s, Q_INVITE_REVOKE, &q->a.id);
}
