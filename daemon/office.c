/* office.c -- see office.h. */
#include "office.h"

#include "admissions.h"
#include "log.h"
#include "ownlog.h"
#include "task.h"

#include <time.h>

static struct {
	struct node *node;
	struct sessions *sessions;
	uint64_t clone_s;
	struct id32 clone;
} office;

struct errand {
	struct session *session; /* held */
};

enum err office_sign_in(struct desk *d, struct keyring *k, size_t *again)
{
	size_t more = 0;
	enum err e = ownlog_ensure(d, &k->self, again);
	struct id32 network = d->node ? node_network(d->node) : k->network.identity;
	if (e != OK || !k->has_network || !id32_equal(&network, &k->network.identity))
		return e;
	e = ownlog_ensure(d, &k->network, &more);
	*again += more;
	return e == OK ? admissions_ensure(d, &k->network) : e;
}

static void run_errand(struct desk *d, void *ctx)
{
	struct errand *errand = (struct errand *)ctx;
	size_t again = 0;
	enum err e = office_sign_in(d, errand->session->keyring, &again);
	if (e != OK && e != ERR_CLOSED)
		log_warning("office", log_text("event", "a log cannot be written"),
			log_id("identity", &errand->session->identity), log_err(e));
	else if (again)
		log_info("office", log_text("event", "entries were written again in a new log"),
			log_id("identity", &errand->session->identity), log_uint("count", again));
}

static void end_errand(void *ctx)
{
	struct errand *errand = (struct errand *)ctx;
	session_release(errand->session);
	free(errand);
}

static void begin_errand(struct session *s)
{
	struct errand *errand = (struct errand *)calloc(1, sizeof *errand);
	if (!errand)
		return;
	errand->session = s;
	session_hold(s);
	if (task_begin(office.node, run_errand, end_errand, errand) != OK)
		end_errand(errand);
}

/* One session for each identity is enough; its sign-in looks at everything. */
static void on_session(void *ctx, struct session *s)
{
	const struct engine_event *ev = (const struct engine_event *)ctx;
	const struct keyring *k = s->keyring;
	if (!k)
		return;
	bool newcomer = ev->kind == ENGINE_EVENT_REDEEMED || ev->kind == ENGINE_EVENT_INTRODUCED;
	if (newcomer ? k->has_network
		     : id32_equal(&ev->identity, &k->self.identity) ||
				(k->has_network && id32_equal(&ev->identity, &k->network.identity)))
		begin_errand(s);
}

static void heard(void *ctx, const struct engine_event *ev)
{
	(void)ctx;
	struct engine_event copy = *ev;
	if (ev->kind == ENGINE_EVENT_CLONE) {
		office.clone_s = (uint64_t)time(NULL);
		office.clone = ev->node;
	}
	if (ev->kind == ENGINE_EVENT_REDEEMED || ev->kind == ENGINE_EVENT_OWN_OLD ||
		(ev->kind == ENGINE_EVENT_INTRODUCED &&
			strcmp(node_config(office.node)->introductions, "admit") == 0))
		session_each(office.sessions, on_session, &copy);
}

void office_open(struct node *n, struct sessions *sessions)
{
	if (office.node == n)
		return;
	office.node = n;
	office.sessions = sessions;
	if (node_listen_events(n, heard, NULL) != OK)
		log_broken("office", log_text("event", "there is no room for a listener"));
}

uint64_t office_clone_seen(struct id32 *node)
{
	*node = office.clone;
	return office.clone_s;
}
