/* crowd.c -- many logs at once: made up, put into a store beside its engine, the same for each node that asks. */
#include "protocol/log/entry.h"
#include "tools/sim/world.h"

#include <stdio.h>

#define BATCH 256

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sim: %s\n", what);
	abort();
}

static struct id32 number_id(uint64_t a, uint64_t b)
{
	struct id32 id = {{'c', 'r', 'o', 'w', 'd'}};
	be64_put(id.b + 8, a);
	be64_put(id.b + 16, b);
	return id;
}

static void run_batch(struct world_node *n, struct store_req *reqs, size_t k)
{
	struct store_req *list[BATCH];
	struct store_res res[BATCH];
	for (size_t i = 0; i < k; i++)
		list[i] = &reqs[i];
	store_exec(n->store, list, res, k);
	for (size_t i = 0; i < k; i++) {
		must(res[i].err == OK, "a crowd is not stored");
		store_res_free(&res[i]);
		store_req_free(&reqs[i]);
	}
}

static void put_log(struct store_req *q, uint64_t i, uint64_t each)
{
	*q = (struct store_req){.op = STORE_RUN_PUT};
	uint8_t *header = arena_alloc(&q->mem, ENTRY_HEADER_BYTES + 64);
	struct store_part *part = arena_alloc(&q->mem, sizeof *part);
	must(header && part, "out of memory");
	memset(header, 0, ENTRY_HEADER_BYTES + 64);
	q->a.log = number_id(2, i);
	q->a.identity = number_id(1, i / each);
	memcpy(header + 2, q->a.log.b, 32);
	*part = (struct store_part){.header = header, .kind = BODY_HERE, .bytes = slice_of(header, 64)};
	q->a.n = 1;
	q->a.parts = part;
	q->a.sig = slice_of(header + ENTRY_HEADER_BYTES, 64);
	q->a.id = entry_id(header);
}

void world_crowd(struct world_node *n, size_t logs, size_t each)
{
	struct store_req reqs[BATCH];
	for (size_t i = 0; i < logs;) {
		size_t k = 0;
		for (; k + 1 < BATCH && i < logs; i++) {
			if (i % each == 0)
				reqs[k++] = (struct store_req){
					.op = STORE_FOLLOW_ADD, .a.identity = number_id(1, i / each)};
			put_log(&reqs[k++], i, each);
		}
		run_batch(n, reqs, k);
	}
	world_crash(n); /* whom it follows is read at the start */
	world_restart(n);
}
