/* api_introductions.c -- the network's owner admits or refuses whom members introduced. SPEC.md section 8.4. */
#include "act.h"
#include "admissions.h"
#include "compose.h"
#include "introductions.h"

/* ---- who is meant */

struct target {
	struct id32 node, introducer; /* introducer: zeros if it is not known */
	char name[LIMIT_NAME_BYTES + 1];
	bool peer, out; /* known as a peer; taken out */
	size_t found;
};

static void take(struct target *t, const struct id32 *node, const char *name)
{
	if (t->found && id32_equal(&t->node, node))
		return;
	t->node = *node;
	memcpy(t->name, name, strlen(name) + 1);
	t->found++;
}

static enum err look_at_introductions(struct desk *d, const char *prefix, bool refused, struct target *t)
{
	struct store_req req = {.op = STORE_INTRODUCE_LIST};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		const struct store_introduction *x = &res.r.introductions[i];
		if (!act_begins(&x->node, prefix) || (x->refused && !refused))
			continue;
		take(t, &x->node, x->name);
		t->introducer = x->introducer;
	}
	store_res_free(&res);
	return e;
}

static enum err look_at_peers(struct desk *d, const char *prefix, struct target *t)
{
	struct store_req req = {.op = STORE_PEER_LIST};
	struct store_res res;
	enum err e = desk_store(d, &req, &res);
	for (size_t i = 0; e == OK && i < res.r.n; i++) {
		if (!act_begins(&res.r.peers[i].node, prefix))
			continue;
		take(t, &res.r.peers[i].node, res.r.peers[i].name);
		t->peer = true;
		t->out = res.r.peers[i].origin == PEER_REMOVED;
	}
	store_res_free(&res);
	return e;
}

static enum err find(struct act *a, bool admit, struct target *t)
{
	const char *prefix = api_param(a->rq, "node");
	size_t n = strlen(prefix), digits = strspn(prefix, "0123456789abcdef");
	*t = (struct target){0};
	if (n < 8 || n > 64 || digits != n)
		return act_say(a, ERR_INPUT,
			"A node is named by its key, or the first 8 digits of it or more: see quire peer list.");
	enum err e = look_at_introductions(a->desk, prefix, admit, t);
	if (e == OK && admit)
		e = look_at_peers(a->desk, prefix, t);
	if (e == OK && t->found > 1)
		return act_say(a, ERR_AMBIGUOUS, "Several nodes begin with these digits: give more of them.");
	if (e == OK && !t->found)
		return act_say(a, ERR_NOT_FOUND,
			admit ? "Nobody introduced that node, and it is not known here: see quire peer list."
			      : "That node does not wait to be admitted: see quire peer list.");
	return e;
}

/* ---- admit */

struct signed_in { /* a session that holds the network's keys */
	const struct session_caller *caller;
	struct session *session;
};

static void look_at_session(void *ctx, struct session *s)
{
	struct signed_in *in = (struct signed_in *)ctx;
	if (!in->session && s->keyring && s->keyring->has_network && in->caller->over_socket &&
		s->over_socket && s->uid == in->caller->uid)
		in->session = s;
}

/* The caller's session that holds them, whichever it acts as. Held. */
static struct session *owner_session(struct act *a)
{
	struct signed_in in = {.caller = &a->rq->caller};
	if (a->keys && a->keys->has_network)
		in.session = a->rq->session;
	else
		session_each(a->rq->sessions, look_at_session, &in);
	if (in.session)
		session_hold(in.session);
	return in.session;
}

static enum err not_signed_in(struct act *a)
{
	struct id32 owner;
	bool owned;
	enum err e = introductions_owned(a->desk, &owned);
	if (e == OK && !owned)
		return act_say(a, ERR_REFUSED,
			"The network is owned on another node: only there nodes are admitted to it.");
	if (e == OK)
		e = desk_meta_id(a->desk, "network_owner", &owner);
	return e != OK
		? e
		: act_say(a, ERR_LOCKED,
			  "The network's owner is not signed in: quire identity unlock %02x%02x%02x%02x",
			  owner.b[0], owner.b[1], owner.b[2], owner.b[3]);
}

static enum err write_admission(struct act *a, const struct owner *network, const struct target *t)
{
	enum admission_standing standing;
	enum err e = admissions_standing(a->desk, &network->identity, &t->node, &standing);
	if (e == OK && standing == ADMISSION_IN_FORCE && t->peer && !t->out)
		return act_say(a, ERR_EXISTS, "That node is admitted already.");
	struct store_req pardon = {.op = STORE_PEER_PARDON, .a.node = t->node};
	if (e == OK && t->out)
		e = desk_put(a->desk, &pardon);
	if (e == OK)
		e = admissions_put(a->desk, network, &t->node, t->name, &t->introducer);
	if (e != OK)
		return e;
	a->reply = json_pack("{s:o, s:o, s:b}", "node", compose_id_json(&t->node), "name", api_clean(t->name),
		"admitted", true);
	if (!id32_is_zero(&t->introducer))
		json_object_set_new(
			a->reply, "introduced_by", introductions_node_json(a->desk, &t->introducer));
	return OK;
}

static enum err admit(struct act *a)
{
	struct target t;
	enum err e = find(a, true, &t);
	if (e != OK)
		return e;
	struct session *s = owner_session(a);
	struct id32 network = node_network(a->rq->node);
	if (!s || !id32_equal(&s->keyring->network.identity, &network)) {
		if (s)
			session_release(s);
		return not_signed_in(a);
	}
	const struct id32 node = t.node;
	desk_lock_on(a->desk, &node);
	e = find(a, true, &t); /* it may have been admitted meanwhile */
	if (e == OK)
		e = write_admission(a, &s->keyring->network, &t);
	desk_unlock_on(a->desk, &node);
	session_release(s);
	return e;
}

/* ---- refuse */

static enum err refuse(struct act *a)
{
	struct target t;
	enum err e = find(a, false, &t);
	struct store_req req = {.op = STORE_INTRODUCE_REFUSE, .a.node = t.node};
	if (e == OK)
		e = desk_put(a->desk, &req);
	if (e == OK)
		a->reply = json_pack("{s:o, s:o, s:b}", "node", compose_id_json(&t.node), "name",
			api_clean(t.name), "refused", true);
	return e;
}

void route_peer_admit(struct api_request *rq)
{
	act_begin(rq, admit);
}

void route_peer_refuse(struct api_request *rq)
{
	act_begin(rq, refuse);
}
