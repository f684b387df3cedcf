/* acts.c -- what people do. */
#include "tools/sim/sim.h"

#include <stdio.h>

bool sim_person_new(struct sim *s, int node)
{
	struct world_person p;
	struct world_node *n = &s->w.nodes[node];
	if (s->people_n >= SIM_PEOPLE_MAX || !n->engine)
		return false;
	enum err e = world_person_new(n, &p);
	sim_tell(s, "a person comes to %s%s%s", n->name, e == OK ? "" : ": ", e == OK ? "" : err_name(e));
	if (e != OK)
		return false;
	struct sim_person *who = &s->p[s->people_n];
	*who = (struct sim_person){
		.id = p.id, .home = node, .hostile = s->n[node].role != ROLE_HONEST, .devices_n = 1};
	who->devices[0] = (struct sim_device){
		.node = node, .person = p, .log = sim_log_add(s, &p, (int)s->people_n, node)};
	s->follows[node][s->people_n] = s->followed[node][s->people_n] = true;
	s->people_n++;
	return true;
}

void sim_follow(struct sim *s, int node, int who, bool add)
{
	struct engine_cmd cmd = {.kind = ENGINE_CMD_FOLLOW, .identity = s->p[who].id, .flag = add};
	for (size_t k = 0; k < s->p[who].devices_n; k++)
		if (s->p[who].devices[k].node == node)
			cmd.flag = cmd.hosted = add = true;
	s->followed[node][who] = s->followed[node][who] || add;
	enum err e = world_command(&s->w.nodes[node], &cmd).err;
	if (e == OK) {
		s->follows[node][who] = add;
		s->declined[node][who] = !add;
	}
	if (!s->healing || e != OK)
		sim_tell(s, "%s %s person %d%s%s", sim_name(s, node), add ? "follows" : "no longer follows",
			who, e == OK ? "" : ": ", e == OK ? "" : err_name(e));
	if (s->healing)
		sim_must(s, e == OK, MUST_STORE, "a follow is refused at %s: %s", sim_name(s, node),
			err_name(e));
}

static struct sim_device *pick_device(struct sim *s, int *who, int *device)
{
	*who = (int)sim_chance(s, s->people_n);
	struct sim_person *p = &s->p[*who];
	*device = (int)sim_chance(s, p->devices_n);
	struct sim_device *d = &p->devices[*device];
	return sim_up(s, d->node) ? d : NULL;
}

/* A further device, or one in the place of a lost one. */
static void add_device(struct sim *s, int who, int node, int in_place_of, bool direct)
{
	struct sim_person *p = &s->p[who];
	struct world_person made;
	struct sim_log l = {0};
	struct id32 keys[2];
	if (!sim_up(s, node) || s->logs_n >= SIM_LOGS_MAX - 8 ||
		(in_place_of < 0 && p->devices_n >= SIM_DEVICES_MAX))
		return;
	int other = (int)sim_chance(s, s->nodes);
	if (direct && other != node) {
		bool less = memcmp(s->w.nodes[node].key.b, s->w.nodes[other].key.b, 32) < 0;
		l.direct_n = 2;
		l.direct[0] = node;
		l.direct[1] = other;
		keys[0] = s->w.nodes[less ? node : other].key;
		keys[1] = s->w.nodes[less ? other : node].key;
	}
	enum err e = world_person_direct(&s->w.nodes[node], &p->devices[0].person, keys, l.direct_n, &made);
	sim_tell(s, "person %d gets a %sdevice at %s%s%s", who, l.direct_n ? "direct " : "",
		sim_name(s, node), e == OK ? "" : ": ", e == OK ? "" : err_name(e));
	if (e != OK)
		return;
	int log = sim_log_add(s, &made, who, node);
	s->logs[log].direct_n = l.direct_n;
	memcpy(s->logs[log].direct, l.direct, sizeof l.direct);
	struct sim_device *d = &p->devices[in_place_of >= 0 ? (size_t)in_place_of : p->devices_n++];
	*d = (struct sim_device){.node = node, .person = made, .log = log};
	s->follows[node][who] = s->followed[node][who] = true;
	s->r->devices++;
}

static void write_some(struct sim *s)
{
	int who, device;
	struct sim_device *d = pick_device(s, &who, &device);
	if (!d)
		return;
	if (d->lost)
		add_device(s, who, d->node, device, false);
	uint64_t n = 1 + sim_chance(s, 5);
	if (sim_chance(s, 20) == 0)
		n = 80 + sim_chance(s, 80); /* more than an interval of signatures */
	for (uint64_t k = 0; k < n && sim_up(s, d->node) && !d->lost; k++) {
		size_t bytes = sim_chance(s, 12) || n > 10 ? 20 + sim_chance(s, 100) : 45000;
		struct sim_pending p = {.node = d->node, .who = who, .device = device};
		s->bytes_written += bytes;
		p.tag = s->w.nodes[d->node].next_tag + 1; /* it may be answered before it returns */
		sim_pend(s, p);
		s->r->faults[FAULT_KINDS] += s->w.nodes[d->node].kind != NULL;
		world_append_begin(&s->w.nodes[d->node], &d->person, bytes);
	}
	sim_tell(s, "person %d writes %llu at %s", who, (unsigned long long)n, sim_name(s, d->node));
}

static void attach(struct sim *s)
{
	int who, device;
	struct sim_device *d = pick_device(s, &who, &device);
	if (!d || d->lost || s->blobs_n >= SIM_BLOBS_MAX)
		return;
	uint64_t size = sim_chance(s, 2) ? 1 + sim_chance(s, 9000) : 1 + sim_chance(s, 400000);
	struct sim_blob b = {.log = d->log};
	struct engine_event ev = world_attach(&s->w.nodes[d->node], &d->person, size, &b.root);
	sim_tell(s, "person %d attaches %llu bytes at %s%s%s", who, (unsigned long long)size,
		sim_name(s, d->node), ev.err == OK ? "" : ": ", ev.err == OK ? "" : err_name(ev.err));
	if (ev.err == ERR_STATE || ev.err == ERR_NOT_FOUND)
		d->lost = true;
	if (ev.err != OK)
		return;
	s->bytes_written += size;
	b.seq = ev.seq;
	s->blobs[s->blobs_n++] = b;
}

static void erase(struct sim *s)
{
	int node = (int)sim_chance(s, s->nodes);
	if (s->entries_n == 0 || !sim_up(s, node))
		return;
	const struct sim_entry *e = &s->entries[sim_chance(s, s->entries_n)];
	const struct sim_log *l = &s->logs[e->log];
	struct world_person as = s->p[l->who].devices[0].person; /* the signing key is the same on each */
	as.log = l->log;
	struct sim_pending p = {.node = node, .log = e->log, .erasure = true};
	p.tag = s->w.nodes[node].next_tag + 1;
	(void)world_entry_at(&s->w.nodes[node], &l->log, e->seq, &p.erased);
	sim_pend(s, p);
	if (world_erase_begin(&s->w.nodes[node], &as, e->seq))
		sim_tell(s, "entry %llu of person %d is erased at %s", (unsigned long long)e->seq, l->who,
			sim_name(s, node));
	else
		s->pending_n--; /* not held there */
}

static void follow(struct sim *s)
{
	int node = (int)sim_chance(s, s->nodes), who = (int)sim_chance(s, s->people_n);
	bool add = sim_chance(s, 3) != 0;
	if (sim_up(s, node) && s->n[node].role == ROLE_HONEST)
		sim_follow(s, node, who, add);
}

static void more_devices(struct sim *s)
{
	int who = (int)sim_chance(s, s->people_n), node = (int)sim_chance(s, s->nodes);
	bool there = s->p[who].home == node || s->follows[node][who];
	bool own_kind = (s->n[node].role == ROLE_HONEST) == !s->p[who].hostile;
	if (there && own_kind)
		add_device(s, who, node, -1, sim_chance(s, 3) == 0);
}

void sim_close(struct sim *s, int who, struct sim_device *d, uint64_t before)
{
	const int node = s->p[who].home;
	struct world_node *n = &s->w.nodes[node];
	struct store_log log;
	if (d->lost || s->p[who].devices_n < 2 || !sim_up(s, node) ||
		world_log(n, &d->person.log, &log) != OK || log.length <= before)
		return;
	const uint64_t length = log.length - before;
	struct id32 last = log.last;
	if (before && !world_entry_at(n, &d->person.log, length - 1, &last))
		return;
	enum err e = world_person_close(n, &d->person, &d->person.log, length, &last);
	sim_tell(s, "person %d closes the device at %s behind entry %llu%s%s", who, sim_name(s, d->node),
		(unsigned long long)length - 1, e == OK ? "" : ": ", e == OK ? "" : err_name(e));
	s->logs[d->log].closed = s->logs[d->log].closed || e == OK || e == ERR_CLOSED;
	s->logs[d->log].maybe_closed = s->logs[d->log].maybe_closed || e == ERR_IO || e == ERR_FULL;
	s->r->closed += e == OK;
	if (e == OK)
		d->lost = true;
}

/* A device is closed somewhere, where it may be known only in part. */
static void close_device(struct sim *s)
{
	int who, device;
	struct sim_device *d = pick_device(s, &who, &device);
	if (d)
		sim_close(s, who, d, 0);
}

void sim_people_act(struct sim *s)
{
	uint64_t what = sim_chance(s, 100);
	if (s->people_n == 0)
		sim_person_new(s, (int)sim_chance(s, s->nodes));
	else if (what < 60)
		write_some(s);
	else if (what < 70)
		erase(s);
	else if (what < 78)
		attach(s);
	else if (what < 88)
		follow(s);
	else if (what < 95)
		more_devices(s);
	else if (what < 97)
		close_device(s);
	else if (s->people_n < s->people + 4)
		sim_person_new(s, (int)sim_chance(s, s->nodes));
}
