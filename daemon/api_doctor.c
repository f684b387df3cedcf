/* api_doctor.c -- the doctor of a running node. */
#include "act.h"
#include "doctor.h"
#include "introductions.h"
#include "office.h"

#include <sodium.h>
#include <stdio.h>

struct slice_of_work {
	struct doctor *doctor;
	bool more;
	enum err err;
};

static void step(void *ctx, struct store *s, enum err e)
{
	struct slice_of_work *w = (struct slice_of_work *)ctx;
	w->err = e;
	w->more = e == OK && doctor_step(w->doctor, s);
}

/* What only the running node knows. */
static void look_at_node(struct node *n, struct doctor *d)
{
	const char *why = NULL;
	struct id32 node;
	char what[128], hex[17];
	if (node_disk_full(n))
		doctor_find(d, "error", "The disk is full: nothing is written any more",
			"the disk that holds the home has no room left", "make room; it goes on by itself");
	if (node_blobs_refused(n)) {
		snprintf(what, sizeof what, "%llu files of others are not fetched: the quota is used up",
			(unsigned long long)node_blobs_refused(n));
		doctor_find(d, "warning", what, "the setting store.quota",
			"raise it in quire.conf, or follow less; what waits is fetched then");
	}
	if (node_restored(n, &why))
		doctor_find(d, "warning", "This home was restored or copied", why ? why : "",
			"sign in to begin a new log; never start the other copy again");
	if (office_clone_seen(&node)) {
		sodium_bin2hex(hex, sizeof hex, node.b, 8);
		snprintf(what, sizeof what, "A second node runs with the key %s", hex);
		doctor_find(d, "error", what, "a home was copied, and both copies run",
			"stop one of the two; make a new home for it");
	}
}

/* Who waits for a word of the network's owner. */
static enum err look_at_introductions(struct desk *desk, struct doctor *d)
{
	char words[INTRODUCTIONS_WORDS_BYTES];
	json_t *items = json_array();
	uint64_t n;
	enum err e = introductions_list(desk, items, &n, words);
	if (e == OK && n)
		doctor_find(d, "warning", words, "members let them in, and only the network's owner admits",
			"say quire peer admit or quire peer refuse with each node; quire peer list shows them");
	json_decref(items);
	return e;
}

static enum err examine(struct act *a)
{
	struct slice_of_work w = {.doctor = doctor_new(a->desk->home), .more = true};
	if (!w.doctor)
		return ERR_MEMORY;
	look_at_node(a->rq->node, w.doctor);
	w.err = look_at_introductions(a->desk, w.doctor);
	w.more = w.err == OK;
	while (w.more)
		desk_read(a->desk, step, &w);
	if (w.err == OK)
		a->reply = doctor_result(w.doctor);
	doctor_free(w.doctor);
	return w.err;
}

void route_doctor(struct api_request *rq)
{
	act_begin(rq, examine);
}
