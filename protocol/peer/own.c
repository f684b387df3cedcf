/* own.c -- logs that this node writes: appending, holding back, and finding out that they are old. SPEC.md sections 4.2, 10.5. */
#include "engine_int.h"

struct own_log *own_find(struct engine *e, const struct id32 *log)
{
	for (struct own_log *o = e->own; o; o = o->next)
		if (id32_equal(&o->log, log))
			return o;
	return NULL;
}

static struct own_log *own_new(struct engine *e, const struct id32 *log)
{
	struct own_log *o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	o->log = *log;
	o->next = e->own;
	e->own = o;
	return o;
}

static void own_drop(struct engine *e, struct own_log *o)
{
	struct own_log **at = &e->own;
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	free(o);
}

void own_deinit(struct engine *e)
{
	while (e->own) {
		struct own_log *o = e->own;
		e->own = o->next;
		free(o);
	}
}

static void set(struct own_log *o, const struct store_log *l)
{
	o->identity = l->identity;
	o->device_key = l->device_key;
	o->state = l->own;
	o->length = l->length;
	o->last = l->last;
	o->held_from = l->held_from;
}

bool own_loaded(struct engine *e, struct store_res *res)
{
	for (size_t i = 0; i < res->r.n; i++) {
		struct own_log *o = own_find(e, &res->r.logs[i].log);
		if (!o)
			o = own_new(e, &res->r.logs[i].log);
		if (!o)
			return false;
		set(o, &res->r.logs[i]);
	}
	return true;
}

/* ---- appending ---- */

struct append {
	uint64_t tag;
	struct own_log *o;
	uint64_t seq;
	struct id32 id;
	bool pins;
};

static void reloaded(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct own_log *o = ctx;
	(void)e, (void)s;
	o->loading = false;
	o->failed = OK;
	o->unknown = res->err != OK; /* never guess a seq: it is asked again before anything is appended */
	if (res->err == OK)
		set(o, &res->r.logs[0]);
}

/* What was under way did not get in: ask the store how long the log is. */
static void reload(struct engine *e, struct own_log *o)
{
	if (o->loading)
		return;
	struct store_req *q = req_new(STORE_LOG_GET);
	if (q)
		q->a.log = o->log;
	o->loading = true;
	emit_store(e, q, NULL, reloaded, o);
}

static void appended(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct append *a = ctx;
	struct own_log *o = a->o;
	(void)s;
	if (res->err == ERR_CHAIN && o->failed != OK)
		res->err = o->failed;
	o->failed = o->failed != OK ? o->failed : res->err;
	struct engine_event ev = {.kind = ENGINE_EVENT_ANSWER,
		.tag = a->tag,
		.err = res->err,
		.log = o->log,
		.identity = o->identity,
		.seq = a->seq,
		.id = a->id};
	if (res->err == OK) {
		struct engine_event entry = {.kind = ENGINE_EVENT_ENTRY,
			.log = o->log,
			.identity = o->identity,
			.seq = a->seq,
			.count = 1};
		emit_event(e, &ev);
		emit_event(e, &entry);
		if (a->pins && res->r.flag)
			blob_pinned(e);
		trees_committed(e, &o->log, a->seq, 1, res, 0);
		(void)engine_written(e, res, "an entry");
	} else {
		emit_event(e, &ev);
		(void)engine_written(e, res, "an entry");
		reload(e, o);
	}
	free(a);
}

static void seal_header(struct engine *e, const struct own_log *o, const struct engine_cmd *cmd,
	uint8_t out[ENTRY_HEADER_BYTES])
{
	struct entry_header h = {.flags = cmd->flags,
		.log = o->log,
		.seq = o->length,
		.prev = o->last,
		.hour = (uint32_t)(e->wall_s / 3600),
		.envelope_hash = entry_envelope_hash(cmd->envelope),
		.body_bytes = (uint32_t)cmd->body.n,
		.commitment = entry_body_commitment(cmd->body)};
	memcpy(h.scope, cmd->scope, sizeof h.scope);
	entry_header_encode(&h, out);
}

static bool put_pins(struct store_req *q, struct slice envelope, uint64_t seq)
{
	struct envelope env;
	if (envelope_decode(envelope, &env) != OK)
		return false;
	struct store_pin *pins = arena_alloc(&q->mem, (env.blobs_n + 1) * sizeof *pins);
	for (size_t i = 0; pins && i < env.blobs_n; i++)
		pins[i] = (struct store_pin){
			.seq = seq, .root = env.blobs[i].root, .size = env.blobs[i].size};
	q->a.pins = pins;
	q->a.pins_n = env.blobs_n;
	return pins != NULL;
}

/* Builds, signs and gives to the store; the length moves at once, so that appends queue up behind each other in one commit. */
static enum err append(struct engine *e, struct own_log *o, const struct engine_cmd *cmd)
{
	uint8_t signature[ENTRY_SIGNATURE_BYTES];
	struct append *a = calloc(1, sizeof *a);
	struct store_req *q = a ? req_new(STORE_RUN_PUT) : NULL;
	struct store_part *part = q ? arena_alloc(&q->mem, sizeof *part) : NULL;
	uint8_t *header = part ? arena_alloc(&q->mem, ENTRY_HEADER_BYTES) : NULL;
	struct slice sig = {0};
	if (header) {
		*part = (struct store_part){.header = header, .kind = BODY_HERE};
		seal_header(e, o, cmd, header);
		entry_sign(header, cmd->device_secret, signature);
	}
	if (!header || !arena_put(&q->mem, slice_of(signature, sizeof signature), &sig) ||
		!arena_put(&q->mem, cmd->body, &part->bytes) ||
		!arena_put(&q->mem, cmd->envelope, &part->envelope) ||
		!put_pins(q, cmd->envelope, o->length)) {
		if (q)
			store_req_free(q);
		free(q);
		free(a);
		return ERR_MEMORY;
	}
	*a = (struct append){
		.tag = cmd->tag, .o = o, .seq = o->length, .id = entry_id(header), .pins = q->a.pins_n > 0};
	q->a.log = o->log;
	q->a.identity = o->identity;
	q->a.device_key = o->device_key;
	q->a.first = o->length;
	q->a.prev = o->last;
	q->a.n = 1;
	q->a.parts = part;
	q->a.sig = sig;
	q->a.id = a->id;
	q->a.own = OWN_ACTIVE;
	q->a.now_s = e->wall_s;
	o->length++;
	o->last = a->id;
	emit_store(e, q, NULL, appended, a);
	return OK;
}

static bool sound(const struct engine_cmd *cmd)
{
	struct envelope env;
	return cmd->body.n >= LIMIT_BODY_BYTES_MIN && cmd->body.n <= LIMIT_BODY_BYTES && cmd->device_secret &&
		!(cmd->flags & ~(ENTRY_FLAG_SEALED | ENTRY_FLAG_KEEP)) &&
		envelope_decode(cmd->envelope, &env) == OK;
}

static enum err ask_again(struct engine *e, struct own_log *o)
{
	reload(e, o);
	return ERR_BUSY;
}

void own_append(struct engine *e, const struct engine_cmd *cmd)
{
	struct own_log *o = own_find(e, &cmd->log);
	enum err err = OK;
	if (!o)
		err = ERR_NOT_FOUND;
	else if (o->state != OWN_ACTIVE || o->length > LIMIT_SEQ)
		err = ERR_STATE;
	else if (o->loading)
		err = ERR_BUSY;
	else if (o->unknown)
		err = ask_again(e, o);
	else if (!sound(cmd))
		err = ERR_INPUT;
	else
		err = append(e, o, cmd);
	if (err != OK)
		command_answer(e, cmd->tag, err);
}

/* ---- announcing, SPEC 10.5 ---- */

static void released(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct own_log *o = ctx;
	(void)s;
	if (!engine_written(e, res, "the release of a log"))
		return;
	o->held_from = UINT64_MAX;
	for (struct session *t = e->sessions; t; t = t->next)
		if (t->state == SESSION_OPEN && t->synced) {
			listing_free(t);
			seek_serve_free(t);
		}
}

static void release(struct engine *e, struct own_log *o)
{
	struct store_req *q = req_new(STORE_OWN_RELEASE);
	if (q)
		q->a.log = o->log;
	emit_store(e, q, NULL, released, o);
}

void own_synced(struct engine *e)
{
	for (struct own_log *o = e->own; o; o = o->next)
		if (o->held_from != UINT64_MAX) /* a retired log too: what it holds was acknowledged here */
			release(e, o);
}

/* ---- becoming ours ---- */

struct put {
	uint64_t tag;
	struct own_log *o;
};

static void own_stored(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	struct put *p = ctx;
	(void)s;
	if (res->err != OK)
		own_drop(e, p->o);
	else
		release(e, p->o); /* it is new: nobody can hold more of it */
	(void)engine_written(e, res, "a log of this node");
	command_answer(e, p->tag, res->err);
	free(p);
}

void own_put(struct engine *e, const struct engine_cmd *cmd)
{
	struct own_log *o = own_find(e, &cmd->log);
	size_t n = 0;
	for (struct own_log *l = e->own; l; l = l->next)
		n += l->state == OWN_ACTIVE;
	if (o || n >= LIMIT_OWN_LOGS) {
		command_answer(e, cmd->tag, o ? ERR_EXISTS : ERR_LIMIT);
		return;
	}
	struct put *p = calloc(1, sizeof *p);
	struct store_req *q = p ? req_new(STORE_OWN_PUT) : NULL;
	o = q ? own_new(e, &cmd->log) : NULL;
	if (!o) {
		free(q);
		free(p);
		command_answer(e, cmd->tag, ERR_MEMORY);
		return;
	}
	o->identity = cmd->identity;
	o->device_key = cmd->device_key;
	o->state = OWN_ACTIVE;
	*p = (struct put){.tag = cmd->tag, .o = o};
	q->a.log = o->log;
	q->a.identity = o->identity;
	q->a.device_key = o->device_key;
	q->a.own = OWN_ACTIVE;
	emit_store(e, q, NULL, own_stored, p);
}

/* ---- old state ---- */

static void retired(struct engine *e, struct session *s, void *ctx, struct store_res *res)
{
	(void)s, (void)ctx;
	(void)engine_written(e, res, "the end of a log");
}

void own_retire(struct engine *e, struct own_log *o)
{
	if (o->state == OWN_RETIRED)
		return;
	o->state = OWN_RETIRED;
	struct store_req *q = req_new(STORE_OWN_PUT);
	if (q) {
		q->a.log = o->log;
		q->a.identity = o->identity;
		q->a.device_key = o->device_key;
		q->a.own = OWN_RETIRED;
	}
	emit_store(e, q, NULL, retired, NULL);
	struct engine_event ev = {.kind = ENGINE_EVENT_OWN_OLD, .log = o->log, .identity = o->identity};
	emit_event(e, &ev);
}

void own_old(struct engine *e, struct own_log *o, const struct store_log *log)
{
	own_retire(e, o);
	if (log->held_from >= log->length)
		return;
	struct store_req *q = req_new(STORE_SIDE_MOVE);
	if (q) {
		q->a.log = o->log;
		q->a.first = log->held_from;
		q->a.flag = true;
	}
	emit_store(e, q, NULL, retired, NULL);
}
