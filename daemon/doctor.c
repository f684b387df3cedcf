/* doctor.c -- see doctor.h. */
#include "doctor_int.h"

#include "desk.h"
#include "home.h"
#include "protocol/award/facts.h"

#include <stdarg.h>
#include <stdio.h>

struct doctor *doctor_new(const char *home)
{
	struct doctor *d = (struct doctor *)calloc(1, sizeof *d);
	if (!d)
		return NULL;
	snprintf(d->home, sizeof d->home, "%s", home);
	d->items = json_array();
	return d;
}

void doctor_free(struct doctor *d)
{
	if (!d)
		return;
	store_res_free(&d->logs);
	store_res_free(&d->blobs);
	json_decref(d->items);
	free(d);
}

void doctor_find(struct doctor *d, const char *level, const char *what, const char *cause, const char *cure)
{
	d->errors += strcmp(level, "error") == 0;
	d->warnings += strcmp(level, "warning") == 0;
	json_array_append_new(d->items,
		json_pack(
			"{s:s, s:s, s:s, s:s}", "level", level, "what", what, "cause", cause, "cure", cure));
}

void doctor_say(
	struct doctor *d, const char *level, const char *cause, const char *cure, const char *format, ...)
{
	char what[320];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	doctor_find(d, level, what, cause, cure);
}

json_t *doctor_result(struct doctor *d)
{
	return json_pack(
		"{s:O, s:i, s:i}", "items", d->items, "errors", (int)d->errors, "warnings", (int)d->warnings);
}

/* ---- the database and the keys */

static void found(void *ctx, const char *text)
{
	doctor_say((struct doctor *)ctx, "error", "the file was damaged, by the disk or from outside",
		"restore a backup; peers send again what it lacks", "The database: %.200s", text);
}

static void check_identities(struct doctor *d, struct store *s)
{
	struct store_req req = {.op = STORE_IDENTITY_LIST};
	struct store_res res = {0};
	size_t bad = 0;
	store_exec_one(s, &req, &res);
	for (size_t i = 0; res.err == OK && i < res.r.n; i++) {
		struct keyset *ks = NULL;
		struct keyset_view v;
		enum err e = desk_keyset_read(s, &res.r.ids[i], &ks);
		if (e == OK)
			e = keyset_resolve(ks, &v);
		if (e == OK)
			keyset_view_deinit(&v);
		keyset_free(ks);
		bad += e != OK;
	}
	if (bad)
		doctor_say(d, "error", "the database was damaged", "restore a backup",
			"The keys of %zu identities cannot be read", bad);
	else
		doctor_say(d, "ok", "", "", "The keys of %zu identities are in order", res.r.n);
	store_res_free(&res);
}

static void begin(struct doctor *d, struct store *s)
{
	unsigned before = d->errors;
	if (store_check(s, found, d) != OK)
		found(d, store_last_error(s));
	if (d->errors == before)
		doctor_find(d, "ok", "The database file is in order", "", "");
	check_identities(d, s);
}

/* Whom only the network admits need not be reached from here: others pass on what they write. */
static void check_peers(struct doctor *d, struct store *s)
{
	struct store_req req = {.op = STORE_PEER_LIST};
	struct store_res res = {0};
	store_exec_one(s, &req, &res);
	for (size_t i = 0; res.err == OK && i < res.r.n; i++)
		if ((res.r.peers[i].origin == PEER_INVITED || res.r.peers[i].origin == PEER_INVITER) &&
			!res.r.peers[i].seen_s)
			doctor_say(d, "warning", "it was never reached, and never came",
				"ask whether it runs, and whether its address is right; or remove it",
				"The peer \"%s\" was never seen", res.r.peers[i].name);
	store_res_free(&res);
}

bool doctor_step(struct doctor *d, struct store *s)
{
	switch (d->stage) {
	case DOCTOR_BEGIN: begin(d, s); break;
	case DOCTOR_LOGS:
		if (doctor_logs(d, s))
			return true;
		break;
	case DOCTOR_BLOBS:
		if (doctor_blobs(d, s))
			return true;
		break;
	case DOCTOR_PEERS: check_peers(d, s); break;
	case DOCTOR_END: return false;
	}
	d->stage++;
	return d->stage != DOCTOR_END;
}

/* ---- without a daemon */

static enum err open_home(const char *home, bool read_only, int *lock, struct store **s, char why[256])
{
	const struct store_options options = {.home = home,
		.read_only = read_only,
		.facts = facts_make,
		.facts_made_late = FACTS_MADE_LATE};
	enum err e = home_lock(home, lock, why);
	if (e != OK)
		return e;
	e = store_open(&options, s);
	if (e != OK)
		snprintf(why, 256, "the database in %.150s cannot be opened: %s", home, err_text(e));
	return e;
}

enum err doctor_run(const char *home, json_t **out, char why[256])
{
	int lock = -1;
	struct store *s = NULL;
	struct doctor *d = doctor_new(home);
	enum err e = d ? open_home(home, true, &lock, &s, why) : ERR_MEMORY;
	if (e == OK)
		while (doctor_step(d, s))
			;
	else if (d && lock >= 0) {
		doctor_find(d, "error", why, "the database is damaged, missing, or of another version",
			"restore a backup, or use the version of Quire that made it");
		e = OK;
	}
	if (e == OK)
		*out = doctor_result(d);
	if (s)
		store_close(s);
	home_unlock(&lock);
	doctor_free(d);
	return e;
}

enum err doctor_rebuild(const char *home, char why[256])
{
	int lock = -1;
	struct store *s = NULL;
	enum err e = open_home(home, false, &lock, &s, why);
	if (e == OK) {
		e = store_rebuild(s);
		if (e != OK)
			snprintf(why, 256, "the database cannot be rebuilt: %s", err_text(e));
	}
	if (s)
		store_close(s);
	home_unlock(&lock);
	return e;
}
