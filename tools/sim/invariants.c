/* invariants.c -- all that must hold, in one place. What a run is for.
 *
 * While nodes still exchange, sim_converged(s, false) only looks; when they should be done, sim_converged(s, true) counts and notes. */
#include "protocol/log/entry.h"
#include "tools/sim/sim.h"

#include <malloc.h>
#include <stdio.h>

/* Bounds, for a whole world. What an engine or a store may take is measured and then doubled. */
#define MEMORY_BASE_BYTES (48u << 20)
#define MEMORY_NODE_BYTES (2u << 20)
#define DISK_BASE_BYTES (8u << 20)
#define DISK_FACTOR 6
#define SETTLE_MS 660000 /* until blobs that nobody has are asked for twenty minutes later */
#define QUIET_MS 100000
#define AUDIT_MESSAGES 3 /* a question about ranges, its answer, and `done` */
#define BODY_MESSAGES 3 /* a question for a body, that it is not there, and `done`, at most */
#define FILE_MESSAGES \
	4 /* a question for a file, what it is, which parts are there, and `done`, of each peer, once in all this time */
#define SEEK_MESSAGES \
	2 /* an entry that nobody has is sought at each peer, once in all this time; an answer */
#define QUIET_MESSAGES 12 /* a connection: pings, lazy listings */
#define QUIET_MEETINGS \
	30 /* a node that keeps neighbours by itself: about two others are met, and `peers` told */

/* A check that may fail as long as it is not the last time. */
#define SEE(s, last, good, what, ...) ((last) ? sim_must(s, good, what, __VA_ARGS__) : (bool)(good))

static bool named(const struct sim_log *l, int node)
{
	bool is = l->direct_n == 0;
	for (size_t k = 0; k < l->direct_n; k++)
		is = is || l->direct[k] == node;
	return is;
}

static bool should_hold(const struct sim *s, int node, const struct sim_log *l)
{
	return s->n[node].role == ROLE_HONEST && named(l, node) && s->follows[node][l->who];
}

static bool is_hostile(const struct sim *s, const struct sim_log *l)
{
	return s->n[l->node].role != ROLE_HONEST || s->p[l->who].hostile;
}

static struct id32 id_at(struct sim *s, int node, const struct id32 *log, uint64_t seq)
{
	struct store_req q = {.op = STORE_IDS};
	struct store_res res;
	struct id32 id = {{0}};
	q.a.log = *log;
	q.a.seqs = &seq;
	q.a.n = 1;
	world_store(&s->w.nodes[node], &q, &res);
	if (res.err == OK)
		id = res.r.ids[0];
	store_res_free(&res);
	return id;
}

/* ---- key events ---- */

/* The ids of what a node keeps of an identity, as one number; and which logs are in force there. */
static uint64_t keys_at(struct sim *s, int node, int who)
{
	struct keyset *ks = world_keyset(&s->w.nodes[node], &s->p[who].id);
	struct keyset_view v;
	uint64_t sum = 0;
	for (size_t i = 0; ks && i < keyset_count(ks); i++)
		sum += be64_get(keyset_at(ks, i)->id.b) | 1;
	if (ks && keyset_resolve(ks, &v) == OK) {
		for (size_t k = 0; k < s->logs_n; k++)
			if (s->logs[k].who == who)
				s->logs[k].in_force = keyset_view_device(&v, &s->logs[k].log) != NULL;
		keyset_view_deinit(&v);
	}
	keyset_free(ks);
	return sum;
}

static bool keys_equal(struct sim *s, int who, bool last)
{
	uint64_t sum = 0;
	int first = -1;
	for (int i = 0; i < (int)s->w.nodes_n; i++) {
		if (s->n[i].role != ROLE_HONEST || !s->follows[i][who])
			continue;
		uint64_t here = keys_at(s, i, who);
		if (first < 0)
			sum = here;
		first = first < 0 ? i : first;
		if (!SEE(s, last, here == sum, MUST_HELD, "%s and %s hold other key events of person %d",
			    sim_name(s, first), sim_name(s, i), who))
			return false;
	}
	return true;
}

/* ---- logs ---- */

static struct store_log log_at(struct sim *s, int node, const struct sim_log *l)
{
	struct store_log out;
	if (!s->w.nodes[node].store || world_log(&s->w.nodes[node], &l->log, &out) != OK)
		out = (struct store_log){0};
	return out;
}

/* Two holders of one log. */
static bool same(struct sim *s, const struct sim_log *l, int x, int y, bool last)
{
	struct store_log a = log_at(s, x, l), b = log_at(s, y, l);
	enum sim_invariant what = is_hostile(s, l) || l->may_fork ? MUST_ENDS : MUST_HELD;
	const char *p = sim_name(s, x), *q = sim_name(s, y);
	if (!SEE(s, last, a.end == b.end, what, "%s has %llu entries of %s's log of person %d, %s %llu", p,
		    (unsigned long long)a.end, sim_name(s, l->node), l->who, q, (unsigned long long)b.end))
		return false;
	struct id32 i = {{0}}, k = {{0}};
	if (a.end) {
		i = id_at(s, x, &l->log, a.end - 1);
		k = id_at(s, y, &l->log, a.end - 1);
	}
	return SEE(s, last, id32_equal(&i, &k), what, "%s and %s end a log of %s at other entries", p, q,
		       sim_name(s, l->node)) &&
		SEE(s, last, a.fork_seq1 == b.fork_seq1, what, "%s has a fork at %llu, %s at %llu", p,
			(unsigned long long)a.fork_seq1, q, (unsigned long long)b.fork_seq1) &&
		SEE(s, last, id32_equal(&a.erased_sum, &b.erased_sum), MUST_ERASED,
			"%s and %s differ on what is erased in a log of %s", p, q, sim_name(s, l->node)) &&
		SEE(s, last, a.gaps == b.gaps, MUST_HELD, "%s lacks %llu bodies of a log of %s, %s %llu", p,
			(unsigned long long)a.gaps, sim_name(s, l->node), q, (unsigned long long)b.gaps);
}

static bool log_equal(struct sim *s, const struct sim_log *l, bool last)
{
	int first = -1;
	for (int i = 0; i < (int)s->w.nodes_n; i++) {
		if (!should_hold(s, i, l))
			continue;
		if (!SEE(s, last, l->may_fork || log_at(s, i, l).fork_seq1 == 0, MUST_FORK,
			    "%s has a fork of an honest log", sim_name(s, i)))
			return false;
		if (first >= 0 && !same(s, l, first, i, last))
			return false;
		first = first < 0 ? i : first;
	}
	return true;
}

/* ---- entries and blobs ---- */

static bool counts(struct sim *s, const struct sim_entry *e)
{
	const struct sim_log *l = &s->logs[e->log];
	if (e->gone || !l->in_force || l->closed || is_hostile(s, l))
		return false;
	struct store_log at = log_at(s, l->node, l);
	if (l->maybe_closed && e->seq >= at.end)
		return false;
	return !(at.fork_seq1 && e->seq + 1 >= at.fork_seq1);
}

static bool entry_good(struct sim *s, const struct sim_entry *e, bool last)
{
	const struct sim_log *l = &s->logs[e->log];
	unsigned long long seq = (unsigned long long)e->seq;
	if (!counts(s, e))
		return true;
	bool side = s->n[l->node].old && sim_on_side_table(s, l->node, &s->p[l->who].id, &e->id);
	for (int i = 0; i < (int)s->w.nodes_n; i++) {
		if (!should_hold(s, i, l) || (s->nodes > 40 && i != l->node && (i + (int)e->seq) % 16))
			continue;
		uint8_t kind = sim_body_at(s, i, &l->log, e->seq, &e->id);
		if (!SEE(s, last, kind || side, i == l->node ? MUST_KEPT : MUST_HELD,
			    "entry %llu of %s's log of person %d was acknowledged, and is not at %s", seq,
			    sim_name(s, l->node), l->who, sim_name(s, i)))
			return false;
		if (e->erased && kind &&
			!SEE(s, last, kind == BODY_ERASED, MUST_ERASED,
				"entry %llu of %s's log of person %d was erased, and is at %s", seq,
				sim_name(s, l->node), l->who, sim_name(s, i)))
			return false;
	}
	return true;
}

static bool blob_whole(struct sim *s, int node, const struct id32 *root, bool *pinned)
{
	struct store_req q = {.op = STORE_BLOB_GET};
	struct store_res res;
	q.a.root = *root;
	world_store(&s->w.nodes[node], &q, &res);
	bool whole = res.err == OK && res.r.blobs[0].state == BLOB_COMPLETE;
	*pinned = res.err == OK && res.r.blobs[0].pins > 0;
	store_res_free(&res);
	return whole;
}

static bool blob_good(struct sim *s, const struct sim_blob *b, bool last)
{
	const struct sim_log *l = &s->logs[b->log];
	int lacking = -1, has = -1;
	for (int i = 0; i < (int)s->w.nodes_n; i++) {
		bool pinned;
		if (!should_hold(s, i, l))
			continue;
		bool whole = blob_whole(s, i, &b->root, &pinned);
		if (whole)
			has = i;
		if (pinned && !whole && b->seq < log_at(s, i, l).end)
			lacking = i;
	}
	if (has < 0)
		return true;
	return SEE(s, last, lacking < 0, MUST_BLOBS,
		"%s lacks the blob of entry %llu of person %d, %s has it",
		lacking < 0 ? "" : sim_name(s, lacking), (unsigned long long)b->seq, l->who,
		sim_name(s, has));
}

bool sim_converged(struct sim *s, bool last)
{
	bool good = true;
	for (size_t k = 0; good && k < s->people_n; k++)
		good = keys_equal(s, (int)k, last);
	for (size_t k = 0; good && k < s->logs_n; k++)
		if (s->logs[k].in_force)
			good = log_equal(s, &s->logs[k], last);
	for (size_t k = 0; good && k < s->entries_n; k++)
		good = entry_good(s, &s->entries[k], last);
	for (size_t k = 0; good && k < s->blobs_n; k++)
		if (s->logs[s->blobs[k].log].in_force)
			good = blob_good(s, &s->blobs[k], last);
	return good && sim_tidings_came(s, last);
}

/* ---- at the end ---- */

static void nothing_beside(struct sim *s)
{
	for (size_t k = 0; k < s->logs_n; k++) {
		const struct sim_log *l = &s->logs[k];
		for (int i = 0; i < (int)s->w.nodes_n; i++) {
			bool may = s->followed[i][l->who] && named(l, i);
			if (may || s->n[i].role != ROLE_HONEST || !sim_up(s, i))
				continue;
			sim_must(s, log_at(s, i, l).length == 0, MUST_ONLY,
				"%s holds %s's %slog of person %d", sim_name(s, i), sim_name(s, l->node),
				l->direct_n ? "direct " : "", l->who);
		}
	}
}

static void found(void *ctx, const char *text)
{
	fprintf(stderr, "quire-sim: %s\n", text);
	++*(unsigned *)ctx;
}

static uint64_t file_bytes(const struct sim *s, const char *home, const char *name)
{
	char path[700];
	snprintf(path, sizeof path, "%s/%s", home, name);
	return disk_file_bytes(s->w.disks, path);
}

static void stores_sound(struct sim *s)
{
	uint64_t bound = DISK_BASE_BYTES + DISK_FACTOR * s->bytes_written;
	for (int i = 0; i < (int)s->w.nodes_n; i++) {
		const struct world_node *n = &s->w.nodes[i];
		unsigned findings = 0;
		if (s->n[i].role != ROLE_HONEST || !n->store)
			continue;
		enum err e = store_check(n->store, found, &findings);
		sim_must(s, e == OK && findings == 0, MUST_STORE, "%s's store: %s, %u findings", n->name,
			err_name(e), findings);
		uint64_t bytes = file_bytes(s, n->home, "quire.db") + file_bytes(s, n->home, "quire.db-wal");
		s->r->disk_bytes += bytes;
		sim_must(s, bytes <= bound, MUST_DISK, "%s's database has %llu bytes, people wrote %llu",
			n->name, (unsigned long long)bytes, (unsigned long long)s->bytes_written);
	}
}

/* What nodes that are up lack and ask for now and then, as it is at no place where they could have it: bodies, and files. */
static void missing(struct sim *s, uint64_t *bodies, uint64_t *files)
{
	*bodies = *files = 0;
	for (int i = 0; i < (int)s->w.nodes_n; i++) {
		if (!sim_up(s, i))
			continue;
		for (size_t k = 0; k < s->logs_n; k++)
			*bodies += log_at(s, i, &s->logs[k]).gaps;
		struct store_req q = {.op = STORE_BLOB_LIST, .a.flag = true, .a.max = 256};
		struct store_res res;
		world_store(&s->w.nodes[i], &q, &res);
		*files += res.err == OK ? res.r.n : 0;
		store_res_free(&res);
	}
}

/* SPEC 10.3: "If there is nothing to list, and nothing was asked, nothing is sent". But an audit asks for bodies (SPEC 10.8), and a pause for a file may end now (SPEC 11). */
static void quiet(struct sim *s)
{
	uint64_t links = 0;
	for (size_t i = 0; i < s->w.nodes_n; i++)
		if (s->n[i].role != ROLE_HONEST && !s->n[i].gone)
			return;
	for (size_t i = 0; i < s->w.links_n; i++)
		links += s->w.links[i].open[0] && s->w.links[i].open[1];
	world_run(&s->w, SETTLE_MS);
	uint64_t before = s->r->messages;
	uint64_t audits = s->r->reconciled;
	uint64_t bound = links * QUIET_MESSAGES + (s->w.gossip ? s->w.nodes_n * QUIET_MEETINGS : 0);
	world_run(&s->w, QUIET_MS);
	audits = s->r->reconciled - audits;
	uint64_t heard = s->r->messages - before - AUDIT_MESSAGES * audits;
	uint64_t bodies, files;
	missing(s, &bodies, &files);
	bound += (audits < s->w.nodes_n ? audits : s->w.nodes_n) * bodies * BODY_MESSAGES;
	bound += files * s->w.nodes_n * FILE_MESSAGES;
	bound += s->seeks_n * s->w.nodes_n * SEEK_MESSAGES;
	sim_must(s, heard <= bound, MUST_QUIET,
		"%llu messages on %llu connections in %d s after all were one", (unsigned long long)heard,
		(unsigned long long)links, QUIET_MS / 1000);
}

void sim_check_end(struct sim *s)
{
	sim_seeks_end(s);
	s->settled = true;
	nothing_beside(s);
	stores_sound(s);
	quiet(s);
	sim_check_memory(s);
}

void sim_check_memory(struct sim *s)
{
	uint64_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd, disks = disks_memory_bytes(s->w.disks);
	if (bytes == 0)
		return; /* a sanitizer's allocator does not say */
	bytes -= disks < bytes ? disks : bytes;
	if (bytes > s->r->memory_bytes)
		s->r->memory_bytes = bytes;
	uint64_t bound = MEMORY_BASE_BYTES + (uint64_t)MEMORY_NODE_BYTES * s->w.nodes_n;
	sim_must(s, bytes <= bound, MUST_MEMORY, "%llu bytes in use, %zu nodes", (unsigned long long)bytes,
		s->w.nodes_n);
}
