/* exec.c -- the door: a store's life, and a batch of requests with one commit for all of its writes. */
#include "store/db.h"

#include <stdio.h>

typedef enum err (*op_function)(struct store *s, const struct store_req *q, struct store_res *r);

static const struct {
	op_function run;
	bool writes;
} ops[STORE_OP_COUNT] = {
#define STORE_OP(name, w) [STORE_##name] = {op_##name, w},
#include "store_ops.def"
#undef STORE_OP
};

static enum err read_number(struct store *s)
{
	struct query q = q_start(s, Q_NUMBER);
	if (q_row(&q))
		s->number = s->number_committed = qc_uint(&q, 0);
	else if (q.e == OK)
		q.e = ERR_CORRUPT;
	return q_end(&q);
}

/* A statement that must not want for memory when it is needed. */
static enum err prepare_rollback(struct store *s)
{
	struct query q = q_start(s, Q_ROLLBACK);
	return q_end(&q);
}

static enum err open_inside(struct store *s, const struct store_options *o)
{
	int64_t version;
	enum err e = db_open(s, o);
	if (e == OK)
		e = o->read_only ? db_version_check(s, &version) : db_migrate(s);
	if (e == OK && o->read_only && version < DB_VERSION)
		e = ERR_STATE; /* the writer migrates */
	if (e == OK)
		e = prepare_rollback(s);
	if (e == OK)
		e = read_number(s);
	return e == OK && !o->read_only ? facts_catch_up(s) : e;
}

enum err store_open(const struct store_options *o, struct store **out)
{
	struct store *s = calloc(1, sizeof *s);
	if (!s)
		return ERR_MEMORY;
	s->lock_fd = -1;
	s->read_only = o->read_only;
	s->facts = o->facts;
	s->facts_made_late = o->facts_made_late;
	size_t n = strlen(o->home) + 1;
	s->home = malloc(n);
	s->logs = malloc(STORE_LOGS_MAX * sizeof *s->logs);
	s->log_slots = calloc(STORE_LOG_SLOTS, sizeof *s->log_slots);
	enum err e = ERR_MEMORY;
	if (s->home && s->logs && s->log_slots) {
		memcpy(s->home, o->home, n);
		e = open_inside(s, o);
	}
	if (e != OK) {
		store_close(s);
		return e;
	}
	*out = s;
	return OK;
}

enum err store_open_memory(struct store **out)
{
	struct store *s = calloc(1, sizeof *s);
	if (!s)
		return ERR_MEMORY;
	s->lock_fd = -1;
	s->memory = true;
	enum err e = db_open_memory(s);
	if (e == OK)
		e = db_migrate_memory(s);
	if (e != OK) {
		store_close(s);
		return ERR_MEMORY;
	}
	*out = s;
	return OK;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	db_close(s);
	free(s->home);
	free(s->logs);
	free(s->log_slots);
	free(s);
}

const char *store_last_error(const struct store *s)
{
	return s->last_error;
}

uint64_t store_commits(const struct store *s)
{
	return s->commits;
}

static enum err transaction(struct store *s, enum query_name name)
{
	struct query q = q_start(s, name);
	return q_done(&q);
}

static void roll_back(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db)) {
		enum err e = transaction(s, Q_ROLLBACK);
		(void)e; /* what a rollback cannot undo, the next batch does before it does anything, or the next open */
	}
	logs_forget(s);
	s->number = s->number_committed;
	s->in_transaction = false;
	s->wipe = s->words_gone = false;
}

static enum err commit(struct store *s)
{
	enum err e = logs_flush(s);
	if (e == OK)
		e = facts_settle(s);
	if (e == OK && s->number != s->number_committed) {
		struct query q = q_start(s, Q_NUMBER_SET);
		q_uint(&q, s->number);
		e = q_done(&q);
	}
	if (e == OK)
		e = transaction(s, Q_COMMIT);
	if (e != OK)
		return e;
	s->in_transaction = false;
	s->number_committed = s->number;
	s->commits++;
	logs_forget(s);
	return OK;
}

/* What was dropped must not survive in the log of writes either. A reader may be in the way: then after the next commit. */
static void wipe(struct store *s)
{
	struct query q = q_start(s, Q_CHECKPOINT);
	bool busy = !q_row(&q) || qc_int(&q, 0) != 0;
	enum err e = q_end(&q);
	s->wipe = e != OK || busy;
}

static enum err run_op(struct store *s, const struct store_req *q, struct store_res *r)
{
	enum err e = ops[q->op].run(s, q, r);
	if (e != OK) {
		arena_free(&r->mem);
		memset(&r->r, 0, sizeof r->r); /* results are set only on success */
	}
	return e;
}

/* One read. *fatal: the transaction is gone, which SQLite may undo where memory or disk fails it. */
static enum err run_read(struct store *s, const struct store_req *q, struct store_res *r, bool *fatal)
{
	enum err e = s->in_transaction ? logs_flush(s) : OK;
	if (e == OK)
		e = run_op(s, q, r);
	*fatal = e != OK && s->in_transaction && sqlite3_get_autocommit(s->db);
	return e;
}

/* One write. *fatal: the transaction can't go on (it holds half of something, or is gone). */
static enum err run_write(struct store *s, const struct store_req *q, struct store_res *r, bool *fatal)
{
	if (!s->in_transaction) {
		enum err e = transaction(s, Q_BEGIN);
		if (e != OK) {
			*fatal = true;
			return e;
		}
		s->in_transaction = true;
	}
	s->touched = s->admissions_stale = false;
	enum err e = run_op(s, q, r);
	r->r.stale = e == OK && s->admissions_stale;
	*fatal = e != OK && (s->touched || e == ERR_FULL || e == ERR_IO || sqlite3_get_autocommit(s->db));
	return e;
}

enum err store_write_alone(struct store *s, enum err (*work)(struct store *s))
{
	if (s->broken != OK)
		return s->broken;
	enum err e = transaction(s, Q_BEGIN);
	if (e != OK)
		return e;
	s->in_transaction = true;
	e = work(s);
	if (e == OK)
		e = commit(s);
	if (e != OK)
		roll_back(s);
	return e;
}

/* A memory store holds facts and nothing else. */
static bool takes(const struct store *s, enum store_op op)
{
	return !s->memory || (op >= STORE_FACT_PUT && op <= STORE_FACT_SEARCH);
}

static void fail_writes(
	struct store *s, struct store_req *const *reqs, struct store_res *res, size_t n, enum err why)
{
	bool written = false, gone;
	for (size_t i = 0; i < n; i++) {
		if (!takes(s, reqs[i]->op))
			continue;
		if (!ops[reqs[i]->op].writes) {
			if (!written)
				continue;
			/* It may have seen what is now undone. */
			arena_free(&res[i].mem);
			memset(&res[i].r, 0, sizeof res[i].r);
			res[i].err = run_read(s, reqs[i], &res[i], &gone);
			continue;
		}
		written = true;
		arena_free(&res[i].mem);
		memset(&res[i].r, 0, sizeof res[i].r);
		res[i].err = why;
	}
}

static enum err run_batch(struct store *s, struct store_req *const *reqs, struct store_res *res, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool fatal = false;
		if (!takes(s, reqs[i]->op))
			res[i].err = ERR_REFUSED;
		else if (!ops[reqs[i]->op].writes)
			res[i].err = run_read(s, reqs[i], &res[i], &fatal);
		else if (s->read_only)
			res[i].err = ERR_REFUSED;
		else if (s->broken != OK)
			return s->broken;
		else
			res[i].err = run_write(s, reqs[i], &res[i], &fatal);
		if (fatal)
			return res[i].err;
	}
	return s->in_transaction ? commit(s) : OK;
}

void store_exec(struct store *s, struct store_req *const *reqs, struct store_res *res, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned)reqs[i]->op >= STORE_OP_COUNT)
			abort();
		res[i] = (struct store_res){.op = reqs[i]->op, .tag = reqs[i]->tag};
	}
	if (!s->in_transaction && !s->read_only && !sqlite3_get_autocommit(s->db)) {
		roll_back(
			s); /* it failed before; what it holds was never acknowledged, and nobody may see it */
		if (!sqlite3_get_autocommit(s->db)) {
			for (size_t i = 0; i < n; i++)
				res[i].err = ERR_IO;
			return;
		}
	}
	/* A reader sees one state of the database during a batch. */
	bool snapshot = s->read_only && transaction(s, Q_BEGIN_READ) == OK;
	enum err e = run_batch(s, reqs, res, n);
	if (e != OK) {
		roll_back(s);
		fail_writes(s, reqs, res, n, e);
	}
	logs_forget(s);
	if (snapshot) {
		enum err ended = transaction(s, Q_COMMIT);
		(void)ended; /* it read, and changed nothing */
	}
	if (s->wipe)
		wipe(s);
}

void store_exec_one(struct store *s, struct store_req *req, struct store_res *res)
{
	store_exec(s, &req, res, 1);
}

void store_rest(struct store *s)
{
	(void)sqlite3_db_release_memory(s->db);
}
