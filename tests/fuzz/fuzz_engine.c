/* fuzz_engine.c -- step sequences of the engine (SPEC 8 to 12): a node with a log of its own and a peer that has much for it, both real engines on
 * real stores, without cipher and fsync; signatures are good unless their last byte is 0xff. The input is a script: which message,
 * result or command comes next, and which messages are altered, doubled, dropped, cut or made up. Whatever came: what the node sends is well
 * formed, it comes to rest, and a command is answered; and where nothing was altered, it has what the peer has.
 * Input: at most 512 bytes. */
#include "tests/fuzz/fuzz.h"

#include "daemon/drive_work.h"
#include "protocol/award/facts.h"
#include "protocol/peer/message.h"
#include "tests/support/files.h"
#include "tools/sim/world.h"

#include <sys/stat.h>
#include <unistd.h>

int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key);
int crypto_sign_verify_detached(
	const unsigned char *sig, const unsigned char *m, unsigned long long n, const unsigned char *key)
{
	(void)m, (void)n, (void)key;
	return sig[63] != 0xff ? 0 : -1;
}

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

#define REST_STEPS 20000u
#define BYE 256u

struct message_waiting {
	struct message_waiting *next;
	unsigned type; /* BYE: the connection ends here */
	struct buf body;
};

struct input {
	struct input *next;
	struct store_req *req;
	struct engine_work *work;
};

struct node {
	char home[512];
	struct id32 key, network;
	uint8_t starts;
	struct store *store;
	struct engine *engine;
	conn_id conn; /* to the other node; 0: none */
	conn_id strange; /* to somebody whose messages are made up */
	struct message_waiting *messages; /* to this node */
	struct input *reqs, *works;
	struct node *other;
	bool files; /* it wrote blob files */
	uint64_t answers; /* commands that were answered */
	bool dials; /* it asked to reach a node */
	struct id32 dialled; /* the last one */
};

static struct world world;
static struct world_person owner, author;
static struct node nodes[2];
static uint64_t now_ms;
static conn_id next_conn;

/* ---- the two homes as they are at the start of each input */

struct image {
	struct buf database, side;
};

static struct image images[2];
static char folder[64];

static struct buf file_read(const char *home, const char *name)
{
	char path[600];
	struct stat st;
	struct buf b = {0};
	snprintf(path, sizeof path, "%s/%s", home, name);
	FILE *in = fopen(path, "rb");
	fuzz_must(in && fstat(fileno(in), &st) == 0 && buf_reserve(&b, (size_t)st.st_size) == OK, path);
	b.n = fread(b.p, 1, (size_t)st.st_size, in);
	fuzz_must(fclose(in) == 0 && b.n == (size_t)st.st_size, path);
	return b;
}

/* In place: the file stays the same file, or the home counts as a copied one. */
static void file_write(const char *home, const char *name, const struct buf *b)
{
	char path[600];
	snprintf(path, sizeof path, "%s/%s", home, name);
	FILE *out = fopen(path, "wb");
	fuzz_must(out && fwrite(b->p, 1, b->n, out) == b->n && fclose(out) == 0, path);
}

static void file_remove(const char *home, const char *name)
{
	char path[600];
	snprintf(path, sizeof path, "%s/%s", home, name);
	(void)unlink(path);
}

static void at_exit(void)
{
	(void)remove_tree(folder);
}

static void once(void)
{
	static bool done;
	const char *tmp = getenv("TMPDIR");
	struct id32 root;
	if (done)
		return;
	done = true;
	snprintf(folder, sizeof folder, "%.40s/fuzz.XXXXXX", tmp ? tmp : "/tmp");
	fuzz_must(mkdtemp(folder) != NULL, "a folder");
	(void)atexit(at_exit);
	world_init(&world, 1, folder);
	struct world_node *a = world_node_new(&world, "a"), *b = world_node_new(&world, "b");
	(void)world_person_new(a, &owner);
	(void)world_person_new(b, &author);
	for (unsigned i = 0; i < 66; i++)
		(void)world_append(b, &author, 40);
	(void)world_append(a, &owner, 40);
	(void)world_attach(b, &author, 100000, &root);
	(void)world_attach(b, &author, 1000, &root);
	(void)world_erase_begin(b, &author, 3);
	world_admit(a, b);
	(void)world_follow(a, &author.id);
	(void)world_follow(b, &owner.id);
	world_run(&world, 0);
	for (size_t i = 0; i < 2; i++) {
		const struct world_node *n = i ? b : a;
		nodes[i] = (struct node){.key = n->key, .network = world.network, .other = &nodes[!i]};
		snprintf(nodes[i].home, sizeof nodes[i].home, "%s", n->home);
	}
	world_deinit(&world);
	for (size_t i = 0; i < 2; i++)
		images[i] = (struct image){
			file_read(nodes[i].home, "quire.db"), file_read(nodes[i].home, "instance")};
}

/* ---- driving */

static void drain(struct node *n);

static void step(struct node *n, struct engine_in *in)
{
	in->now_ms = now_ms;
	in->wall_s = 1760000000 + now_ms / 1000;
	engine_step(n->engine, in);
	drain(n);
}

static void put_message(struct node *to, unsigned type, struct buf *body)
{
	struct message_waiting *m = calloc(1, sizeof *m), **at = &to->messages;
	fuzz_must(m != NULL, "there is memory");
	m->type = type;
	if (body)
		m->body = *body;
	while (*at)
		at = &(*at)->next;
	*at = m;
}

static void drop_message(struct node *n)
{
	struct message_waiting *m = n->messages;
	if (!m)
		return;
	n->messages = m->next;
	buf_free(&m->body);
	free(m);
}

static void sent(struct node *n, struct engine_out *o)
{
	union message m;
	fuzz_must(o->type < MESSAGE_COUNT && message_decode(o->type, buf_slice(&o->body), &m) == OK,
		"what a node sends is well formed");
	struct engine_in written = {.kind = ENGINE_IN_WRITTEN,
		.now_ms = now_ms,
		.wall_s = 1760000000 + now_ms / 1000,
		.conn = o->conn,
		.bytes = o->body.n,
		.bulk = o->bulk};
	if (o->conn == n->conn && n->conn && n->other->conn)
		put_message(n->other, o->type, &o->body);
	else
		buf_free(&o->body);
	engine_step(n->engine, &written);
}

static void closed(struct node *n, conn_id conn)
{
	if (!conn || (conn != n->conn && conn != n->strange))
		return;
	if (conn == n->conn) {
		n->conn = 0;
		while (n->messages)
			drop_message(n);
		if (n->other->conn)
			put_message(n->other, BYE, NULL);
	} else {
		n->strange = 0;
	}
	engine_step(n->engine,
		&(struct engine_in){.kind = ENGINE_IN_CLOSED,
			.now_ms = now_ms,
			.wall_s = 1760000000 + now_ms / 1000,
			.conn = conn});
}

static void put_input(struct input **at, struct store_req *req, struct engine_work *work)
{
	struct input *i = calloc(1, sizeof *i);
	fuzz_must(i != NULL, "there is memory");
	i->req = req;
	i->work = work;
	while (*at)
		at = &(*at)->next;
	*at = i;
}

static void drain(struct node *n)
{
	struct engine_out o;
	while (engine_next(n->engine, &o)) {
		switch (o.kind) {
		case ENGINE_OUT_SEND: sent(n, &o); break;
		case ENGINE_OUT_CLOSE: closed(n, o.conn); break;
		case ENGINE_OUT_PAUSE:
		case ENGINE_OUT_RESUME: break;
		case ENGINE_OUT_DIAL:
			n->dials = true;
			n->dialled = o.node;
			break;
		case ENGINE_OUT_SPLICE:
			closed(n, o.conn);
			closed(n, o.other);
			break;
		case ENGINE_OUT_RENEW: closed(n, o.conn); break;
		case ENGINE_OUT_STORE: put_input(&n->reqs, o.req, NULL); break;
		case ENGINE_OUT_WORK:
			n->files = n->files || o.work->file;
			drive_work(n->home, o.work);
			put_input(&n->works, NULL, o.work);
			break;
		case ENGINE_OUT_EVENT:
			fuzz_must(memchr(o.event.text, 0, sizeof o.event.text) != NULL, "a text ends");
			n->answers += o.event.kind == ENGINE_EVENT_ANSWER;
			break;
		}
	}
}

static bool do_store(struct node *n)
{
	struct input *i = n->reqs;
	struct store_res res;
	if (!i)
		return false;
	n->reqs = i->next;
	store_exec_one(n->store, i->req, &res);
	store_req_free(i->req);
	free(i->req);
	free(i);
	step(n, &(struct engine_in){.kind = ENGINE_IN_STORED, .res = &res});
	return true;
}

static bool do_work(struct node *n, size_t which)
{
	struct input **at = &n->works;
	while (*at && (*at)->next && which-- > 0)
		at = &(*at)->next;
	struct input *i = *at;
	if (!i)
		return false;
	*at = i->next;
	struct engine_work *work = i->work;
	free(i);
	step(n, &(struct engine_in){.kind = ENGINE_IN_WORKED, .work = work});
	return true;
}

static bool do_message(struct node *n)
{
	struct message_waiting *m = n->messages;
	if (!m)
		return false;
	n->messages = m->next;
	m->next = NULL;
	if (m->type == BYE)
		closed(n, n->conn);
	else if (n->conn)
		step(n,
			&(struct engine_in){.kind = ENGINE_IN_MESSAGE,
				.conn = n->conn,
				.type = (uint8_t)m->type,
				.body = buf_slice(&m->body)});
	buf_free(&m->body);
	free(m);
	drain(n);
	return true;
}

/* Until nothing waits. */
static void rest(void)
{
	size_t steps = 0;
	bool more = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < 2; i++) {
			struct node *n = &nodes[i];
			more = do_store(n) || more;
			more = do_work(n, 0) || more;
			more = do_message(n) || more;
		}
		fuzz_must(++steps < REST_STEPS, "it comes to rest");
	}
}

/* ---- nodes and connections */

static void start(struct node *n)
{
	struct engine_config c = {
		.node = n->key, .network = n->network, .name = "node", .relay = true, .gossip = true};
	bool restored;
	const char *why;
	memset(c.instance, ++n->starts, sizeof c.instance);
	c.instance[0] = n == &nodes[0];
	struct store_options o = {.home = n->home, .facts = facts_make};
	fuzz_must(store_open(&o, &n->store) == OK, "the store opens");
	fuzz_must(store_start(n->store, c.instance, &restored, &why) == OK, "the store starts");
	n->engine = engine_new(&c);
	fuzz_must(n->engine != NULL, "there is memory");
	drain(n);
	while (do_store(n) || do_work(n, 0))
		;
}

/* As SIGKILL would. */
static void stop(struct node *n)
{
	while (n->messages)
		drop_message(n);
	if (n->conn && n->other->conn)
		put_message(n->other, BYE, NULL);
	n->conn = n->strange = 0;
	while (n->reqs) {
		struct input *i = n->reqs;
		n->reqs = i->next;
		store_req_free(i->req);
		free(i->req);
		free(i);
	}
	while (n->works) {
		struct input *i = n->works;
		n->works = i->next;
		engine_work_free(i->work);
		free(i);
	}
	engine_free(n->engine);
	store_close(n->store);
	n->engine = NULL;
	n->store = NULL;
}

static void connect_nodes(bool first_dials)
{
	if (nodes[0].conn || nodes[1].conn)
		return;
	for (size_t i = 0; i < 2; i++) {
		while (nodes[i].messages)
			drop_message(&nodes[i]);
		nodes[i].conn = ++next_conn;
	}
	for (size_t i = 0; i < 2; i++)
		step(&nodes[i],
			&(struct engine_in){.kind = ENGINE_IN_OPENED,
				.conn = nodes[i].conn,
				.peer = nodes[!i].key,
				.initiator = (i == 0) == first_dials});
}

static void connect_stranger(struct node *n, uint8_t how)
{
	if (n->strange)
		return;
	n->strange = ++next_conn;
	struct engine_in in = {.kind = ENGINE_IN_OPENED, .conn = n->strange, .peer = {{7}}};
	if (how & 1)
		in.peer = n->other->key;
	in.initiator = how & 2;
	in.redeem = in.initiator && how & 4;
	step(n, &in);
}

/* ---- the script */

static void alter(struct node *n, struct fuzz_in *in)
{
	struct message_waiting *m = n->messages;
	for (unsigned changes = 1 + fuzz_u8(in) % 3; changes > 0; changes--) {
		size_t at = fuzz_u16(in);
		uint8_t by = fuzz_u8(in);
		if (m && m->body.n > 0)
			m->body.p[at % m->body.n] ^= by;
	}
}

static void cut(struct node *n, struct fuzz_in *in)
{
	size_t to = fuzz_u16(in);
	if (n->messages && n->messages->body.n > 0)
		n->messages->body.n = to % n->messages->body.n;
}

static void repeat(struct node *n)
{
	struct buf copy = {0};
	if (!n->messages || n->messages->type == BYE)
		return;
	fuzz_must(buf_put_slice(&copy, buf_slice(&n->messages->body)) == OK, "there is memory");
	put_message(n, n->messages->type, &copy);
}

static void make_up(struct node *n, conn_id conn, struct fuzz_in *in)
{
	uint8_t type = fuzz_u8(in);
	struct slice body = fuzz_take(in, fuzz_u8(in));
	if (conn)
		step(n,
			&(struct engine_in){
				.kind = ENGINE_IN_MESSAGE, .conn = conn, .type = type, .body = body});
}

static void command(struct node *n, struct fuzz_in *in)
{
	static uint8_t body[64] = {1};
	static const enum engine_cmd_kind kinds[] = {ENGINE_CMD_APPEND, ENGINE_CMD_FOLLOW, ENGINE_CMD_FIND,
		ENGINE_CMD_BLOB_WANT, ENGINE_CMD_PEER_REMOVED, ENGINE_CMD_ERASE, ENGINE_CMD_NETWORK};
	uint8_t which = fuzz_u8(in);
	struct engine_cmd cmd = {.kind = kinds[which % (sizeof kinds / sizeof *kinds)],
		.tag = which,
		.log = owner.log,
		.identity = which & 32 ? author.id : owner.id,
		.node = n->other->key,
		.id = which & 64 ? (struct id32){{1}} : n->network,
		.body = slice_of(body, sizeof body),
		.statement = slice_of(body, sizeof body),
		.device_secret = owner.device_secret,
		.flag = which & 128};
	step(n, &(struct engine_in){.kind = ENGINE_IN_COMMAND, .cmd = &cmd});
}

/* These only choose an order. */
static bool is_order(uint8_t op)
{
	return op <= 1 || op == 6 || op == 7 || op == 8 || op == 14 || op == 18 || op == 19;
}

/* Did the script leave all messages as they were? */
static bool act(struct fuzz_in *in)
{
	struct node *a = &nodes[0], *b = &nodes[1];
	uint8_t op = fuzz_u8(in);
	switch (op % 20) {
	case 0: (void)do_message(a); break;
	case 1: (void)do_message(b); break;
	case 2: alter(a, in); break;
	case 3: cut(a, in); break;
	case 4: drop_message(a); break;
	case 5: repeat(a); break;
	case 6: (void)do_store(a); break;
	case 7: (void)do_work(a, fuzz_u8(in)); break;
	case 8:
		while (do_store(b) || do_work(b, 0))
			;
		break;
	case 9: now_ms += 10 * (uint64_t)fuzz_u16(in); break;
	case 10: make_up(a, a->conn, in); break;
	case 11: connect_nodes(fuzz_u8(in) & 1); break;
	case 12: closed(fuzz_u8(in) & 1 ? a : b, (op & 32 ? a : b)->conn); break;
	case 13: command(a, in); break;
	case 14: rest(); break;
	case 15:
		stop(a);
		start(a);
		break;
	case 16: connect_stranger(a, fuzz_u8(in)); break;
	case 17: make_up(a, a->strange, in); break;
	case 18:
		step(a, &(struct engine_in){.kind = ENGINE_IN_TIME});
		if (a->dials)
			step(a, &(struct engine_in){.kind = ENGINE_IN_UNREACHED, .peer = a->dialled});
		break;
	case 19:
		for (unsigned i = fuzz_u8(in); i > 0 && (do_store(a) || do_work(a, 0) || do_message(b)); i--)
			;
		break;
	}
	drain(a);
	drain(b);
	return is_order(op % 20);
}

static uint64_t length(struct node *n)
{
	struct store_req q = {.op = STORE_LOG_GET, .a.log = author.log};
	struct store_res r;
	store_exec_one(n->store, &q, &r);
	uint64_t length = r.err == OK ? r.r.logs[0].length : 0;
	store_res_free(&r);
	return length;
}

static void begin(struct node *n, const struct image *image)
{
	file_remove(n->home, "quire.db-wal");
	file_remove(n->home, "quire.db-shm");
	file_write(n->home, "quire.db", &image->database);
	file_write(n->home, "instance", &image->side);
	n->conn = n->strange = 0;
	n->answers = 0;
	n->dials = false;
	n->starts = 0;
	start(n);
}

static void end(struct node *n)
{
	char path[600];
	stop(n);
	snprintf(path, sizeof path, "%s/blobs", n->home);
	if (n->files && n == &nodes[0])
		fuzz_must(remove_tree(path) == 0 && mkdir(path, 0700) == 0, "blobs are removed");
	n->files = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	once();
	struct fuzz_in in = fuzz_open(data, n);
	now_ms = 1000;
	next_conn = 0;
	for (size_t i = 0; i < 2; i++)
		begin(&nodes[i], &images[i]);
	connect_nodes(true);
	bool honest = true;
	while (in.n > 0)
		honest = act(&in) && honest;
	rest();
	fuzz_must(!honest || (length(&nodes[0]) == length(&nodes[1]) && length(&nodes[1]) > 66),
		"in whatever order, all is taken");
	uint64_t before = nodes[0].answers;
	static const uint8_t append = 0;
	struct fuzz_in one = fuzz_open(&append, 1);
	command(&nodes[0], &one);
	rest();
	fuzz_must(nodes[0].answers == before + 1, "a command is answered, whatever came");
	for (size_t i = 0; i < 2; i++)
		end(&nodes[i]);
	return 0;
}
