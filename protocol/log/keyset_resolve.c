/* keyset_resolve.c -- what is in force, from the whole stored set at once. SPEC.md section 3.5. */
#include "protocol/log/entry.h"
#include "protocol/log/keyset_internal.h"

/* Groups of keyset_reach: 0 is none; closings of one device that contradict get one each. */
enum { GROUP_READING = 1, GROUP_BADGE = 2 };

struct resolving {
	const struct keyset_state *st;
	const struct record *current; /* the current generation, or NULL */
	bool *in_force, *reached, *inner;
	uint32_t *group, groups_n;
	const struct record **
		closings; /* in force, as close_compare sorts them; later only those that count, one a device key */
	size_t closings_n;
	const struct record **list; /* n long, for whoever needs it */
};

static enum err begin(struct resolving *s, struct keyset_state *st)
{
	size_t n = st->n ? st->n : 1;
	s->st = st;
	s->current = st->current;
	s->in_force = (bool *)calloc(n, sizeof *s->in_force);
	s->reached = (bool *)calloc(n, sizeof *s->reached);
	s->inner = (bool *)calloc(n, sizeof *s->inner);
	s->group = (uint32_t *)calloc(n, sizeof *s->group);
	s->closings = (const struct record **)calloc(n, sizeof(const struct record *));
	s->list = (const struct record **)calloc(n, sizeof(const struct record *));
	for (size_t i = 0; i < st->n; i++) {
		st->order[i]->index = i;
		map_find(&st->ids, &st->order[i]->id)->index = (uint32_t)i;
	}
	return s->in_force && s->reached && s->inner && s->group && s->closings && s->list ? OK : ERR_MEMORY;
}

static void end(struct resolving *s)
{
	free(s->in_force);
	free(s->reached);
	free(s->inner);
	free(s->group);
	free(s->closings);
	free(s->list);
}

/* C's keeps, or an adopt event of C that wins its slot, names them. */
static void enforce_list(struct resolving *s, const struct record *by)
{
	for (size_t i = 0; i < by->list_n; i++) {
		struct id32 id = record_list(by, i);
		const struct record *r = keyset_record(s->st, &id);
		if (r && !r->root_signed)
			s->in_force[r->index] = true;
	}
}

static void enforce(struct resolving *s)
{
	for (size_t i = 0; i < s->st->n; i++) {
		const struct record *r = s->st->order[i];
		bool of_current = r->generation && r->generation == s->current;
		/* SPEC 3.5: "All other root-signed events that are kept (section 3.4) are in force." */
		if (r->root_signed)
			s->in_force[i] = r->kind != KEYEVENT_GENERATION;
		else if (of_current && r->wins)
			s->in_force[i] = true;
		/* SPEC 3.5: "or if an adopt event that names C and wins its slot names it" */
		if (r->kind == KEYEVENT_ADOPT && of_current && r->wins)
			enforce_list(s, r);
	}
	/* SPEC 3.5: "or if C's `keeps` names it" */
	if (s->current)
		enforce_list(s, s->current);
	/* SPEC 3.5: "Of the generation events C and its predecessors are in force." */
	for (const struct record *g = s->current; g; g = g->generation)
		s->in_force[g->index] = true;
}

/* ---- closings */

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* By device; then those of the highest rank and the latest generation first. */
static int close_compare_group(const struct record *a, const struct record *b)
{
	int c = id32_cmp(&a->key[0], &b->key[0]);
	if (c == 0)
		c = compare_u64(b->rank, a->rank);
	if (c == 0)
		c = compare_u64(b->generation->number, a->generation->number);
	return c ? c : id32_cmp(&a->generation->id, &b->generation->id);
}

/* SPEC 3.5: "then the lowest length; then the lowest entry id; then the lowest event id" */
static int close_compare(const void *x, const void *y)
{
	const struct record *a = *(const struct record *const *)x, *b = *(const struct record *const *)y;
	int c = close_compare_group(a, b);
	if (c == 0)
		c = compare_u64(a->length, b->length);
	if (c == 0)
		c = id32_cmp(&a->key[1], &b->key[1]);
	return c ? c : id32_cmp(&a->id, &b->id);
}

static bool same_device(const struct record *a, const struct record *b)
{
	return id32_equal(&a->key[0], &b->key[0]);
}

/* Sorts the closings and gives those a group that only `after` can decide between. */
static void group_closings(struct resolving *s)
{
	for (size_t i = 0; i < s->st->n; i++)
		if (s->in_force[i] && s->st->order[i]->kind == KEYEVENT_CLOSE)
			s->closings[s->closings_n++] = s->st->order[i];
	qsort(s->closings, s->closings_n, sizeof *s->closings, close_compare);
	for (size_t i = 0, next; i < s->closings_n; i = next) {
		size_t top = i + 1;
		while (top < s->closings_n && close_compare_group(s->closings[i], s->closings[top]) == 0)
			top++;
		next = top;
		while (next < s->closings_n && same_device(s->closings[i], s->closings[next]))
			next++;
		if (top == i + 1)
			continue;
		for (size_t k = i; k < top; k++)
			s->group[s->closings[k]->index] = s->groups_n;
		s->groups_n++;
	}
}

/* Keeps the first of each device that is not reached. */
static void choose_closings(struct resolving *s)
{
	size_t n = 0;
	for (size_t i = 0, next; i < s->closings_n; i = next) {
		const struct record *best = s->closings[i];
		for (next = i; next < s->closings_n && same_device(s->closings[i], s->closings[next]); next++)
			if (s->reached[best->index] && close_compare_group(best, s->closings[next]) == 0)
				best = s->closings[next];
		s->closings[n++] = best;
	}
	s->closings_n = n;
}

/* ---- the view */

static int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct id32));
}

static bool has_kind(const struct resolving *s, size_t i, enum keyevent_kind kind)
{
	return s->in_force[i] && s->st->order[i]->kind == kind;
}

static size_t count_kind(const struct resolving *s, enum keyevent_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < s->st->n; i++)
		n += has_kind(s, i, kind);
	return n;
}

/* SPEC 3.5: "that no other kind 2 event in force reaches; of several, the one with the lowest id" */
static const struct record *top_of(const struct resolving *s, enum keyevent_kind kind)
{
	const struct record *best = NULL;
	for (size_t i = 0; i < s->st->n; i++) {
		const struct record *r = s->st->order[i];
		if (has_kind(s, i, kind) && !s->reached[i] && (!best || id32_cmp(&r->id, &best->id) < 0))
			best = r;
	}
	return best;
}

static enum err view_readings(const struct resolving *s, struct keyset_view *v)
{
	const struct record *current = top_of(s, KEYEVENT_READING);
	size_t n = count_kind(s, KEYEVENT_READING);
	v->readings = (struct id32 *)calloc(n + 1, sizeof *v->readings);
	if (!v->readings)
		return ERR_MEMORY;
	if (!current)
		return OK;
	v->has_reading = true;
	v->reading_key = current->key[0];
	v->reading_event = current->id;
	/* The current one first, then the others, each once. */
	struct id32 *others = v->readings + 1;
	v->readings[0] = current->key[0];
	size_t others_n = 0, kept = 0;
	for (size_t i = 0; i < s->st->n; i++)
		if (has_kind(s, i, KEYEVENT_READING) &&
			!id32_equal(&s->st->order[i]->key[0], &v->reading_key))
			others[others_n++] = s->st->order[i]->key[0];
	qsort(others, others_n, sizeof *others, id_compare);
	for (size_t i = 0; i < others_n; i++)
		if (i == 0 || !id32_equal(&others[i], &others[kept - 1]))
			others[kept++] = others[i];
	v->readings_n = 1 + kept;
	return OK;
}

static enum err view_keys(const struct resolving *s, struct keyset_view *v)
{
	const struct record *inception = s->st->inception, *badge = top_of(s, KEYEVENT_BADGE);
	v->kind = (uint8_t)inception->number;
	v->root_key = inception->key[0];
	v->recovery_key = inception->key[1];
	v->has_generation = s->current != NULL;
	if (s->current) {
		v->generation = s->current->id;
		v->generation_number = s->current->number;
		v->signing_key = s->current->key[0];
	}
	/* SPEC 3.5: "without one it is the inception's" */
	v->badge_key = badge ? badge->key[0] : inception->key[2];
	v->badge_event = badge ? badge->id : inception->id;
	return view_readings(s, v);
}

static int device_compare_key(const void *x, const void *y)
{
	const struct record *a = *(const struct record *const *)x, *b = *(const struct record *const *)y;
	int c = id32_cmp(&a->key[0], &b->key[0]);
	return c ? c : id32_cmp(&a->id, &b->id);
}

static int device_compare_log(const void *x, const void *y)
{
	const struct keyset_device *a = (const struct keyset_device *)x, *b = (const struct keyset_device *)y;
	return id32_cmp(&a->log, &b->log);
}

static void view_device(const struct id32 *identity, const struct record *r, const struct record *closing,
	struct keyset_device *d)
{
	d->event = r->id;
	d->sign_key = r->key[0];
	d->box_key = r->key[1];
	d->log = entry_log_id(identity, &r->key[0]);
	d->direct = r->list_n > 0;
	d->direct_n = r->list_n;
	for (size_t i = 0; i < r->list_n; i++)
		d->direct_nodes[i] = record_list(r, i);
	d->closed = closing != NULL;
	if (closing) {
		d->closed_length = closing->length;
		d->closed_last = closing->key[1];
		d->close_event = closing->id;
	}
}

static enum err view_devices(const struct resolving *s, const struct id32 *identity, struct keyset_view *v)
{
	size_t n = 0, close = 0;
	v->devices = (struct keyset_device *)calloc(count_kind(s, KEYEVENT_DEVICE) + 1, sizeof *v->devices);
	if (!v->devices)
		return ERR_MEMORY;
	for (size_t i = 0; i < s->st->n; i++)
		if (has_kind(s, i, KEYEVENT_DEVICE))
			s->list[n++] = s->st->order[i];
	qsort(s->list, n, sizeof *s->list, device_compare_key);
	for (size_t i = 0; i < n; i++) {
		const struct record *r = s->list[i];
		/* SPEC 3.5: "Of several with the same device signing key the lowest id counts." */
		if (i && same_device(s->list[i - 1], r))
			continue;
		while (close < s->closings_n && id32_cmp(&s->closings[close]->key[0], &r->key[0]) < 0)
			close++;
		bool closed = close < s->closings_n && same_device(s->closings[close], r);
		view_device(identity, r, closed ? s->closings[close] : NULL, &v->devices[v->devices_n++]);
	}
	qsort(v->devices, v->devices_n, sizeof *v->devices, device_compare_log);
	return OK;
}

static enum err view_lists(const struct resolving *s, struct keyset_view *v)
{
	size_t n = s->st->n;
	v->waiting = (struct id32 *)calloc(n, sizeof *v->waiting);
	v->in_force = (struct id32 *)calloc(n, sizeof *v->in_force);
	if (!v->waiting || !v->in_force)
		return ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		const struct record *r = s->st->order[i];
		if (s->in_force[i])
			v->in_force[v->in_force_n++] = r->id;
		else if (!r->root_signed)
			v->waiting[v->waiting_n++] = r->id;
	}
	qsort(v->waiting, v->waiting_n, sizeof *v->waiting, id_compare);
	qsort(v->in_force, v->in_force_n, sizeof *v->in_force, id_compare);
	/* SPEC 3.1: "of more than fit into the event, as many as fit, the lowest ids first" */
	for (size_t i = 0; i < v->in_force_n && v->heads_n < LIMIT_KEYEVENT_AFTER; i++)
		if (!s->inner[keyset_record(s->st, &v->in_force[i])->index])
			v->heads[v->heads_n++] = v->in_force[i];
	return OK;
}

static enum err resolve(struct resolving *s, const struct id32 *identity, struct keyset_view *v)
{
	enforce(s);
	s->groups_n = GROUP_BADGE + 1;
	for (size_t i = 0; i < s->st->n; i++)
		if (s->in_force[i] && s->st->order[i]->kind == KEYEVENT_READING)
			s->group[i] = GROUP_READING;
		else if (s->in_force[i] && s->st->order[i]->kind == KEYEVENT_BADGE)
			s->group[i] = GROUP_BADGE;
	group_closings(s);
	enum err e = keyset_reach(s->st, s->group, s->groups_n, s->in_force, s->reached, s->inner);
	if (e != OK)
		return e;
	choose_closings(s);
	e = view_keys(s, v);
	if (e == OK)
		e = view_devices(s, identity, v);
	if (e == OK)
		e = keyset_view_roles(s->st, s->in_force, v);
	return e == OK ? view_lists(s, v) : e;
}

enum err keyset_resolve(const struct keyset *ks, struct keyset_view *v)
{
	struct resolving s = {0};
	struct keyset_view made = {0};
	struct keyset_state *st = keyset_settled(ks);
	if (!st->inception)
		return ERR_NOT_FOUND;
	enum err e = begin(&s, st);
	if (e == OK)
		e = resolve(&s, &ks->identity, &made);
	end(&s);
	if (e == OK)
		*v = made;
	else
		keyset_view_deinit(&made);
	return e;
}

void keyset_view_deinit(struct keyset_view *v)
{
	free(v->readings);
	free(v->devices);
	free(v->hostings);
	free(v->officers);
	free(v->officers_all);
	free(v->ends);
	free(v->marks);
	free(v->waiting);
	free(v->in_force);
	*v = (struct keyset_view){0};
}

const struct keyset_device *keyset_view_device(const struct keyset_view *v, const struct id32 *log)
{
	struct keyset_device key = {.log = *log};
	if (v->devices_n == 0)
		return NULL;
	return (const struct keyset_device *)bsearch(
		&key, v->devices, v->devices_n, sizeof key, device_compare_log);
}
