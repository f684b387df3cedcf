/* What one peer keeps back, another gives. SPEC.md section 11. */
#include "protocol/peer/message.h"
#include "tests/support/world_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static unsigned kept_back;

/* ann never sends the second chunk. */
static bool keep_back(void *ctx, struct world_link *l, int to, uint8_t *type, struct buf *body)
{
	union message m;
	(void)ctx;
	if (*type != MESSAGE_CHUNK || strcmp(l->nodes[!to]->name, "ann") != 0)
		return true;
	assert_int_equal(message_decode(*type, buf_slice(body), &m), OK);
	kept_back += m.chunk.index == 1;
	return m.chunk.index != 1;
}

static void a_chunk_that_is_passed_over_comes_from_somebody_else(void **state)
{
	(void)state;
	struct world_node *a = world_node_new(&world, "ann"), *b = world_node_new(&world, "ben"),
			  *c = world_node_new(&world, "cas");
	struct world_person p;
	struct id32 root;
	char path[1024];
	world_person_new(a, &p);
	world_admit(a, b);
	world_admit(a, c);
	world_admit(b, c);
	assert_int_equal(world_follow(b, &p.id), OK);
	assert_int_equal(world_follow(c, &p.id), OK);
	assert_int_equal(world_attach(a, &p, 300000, &root).err, OK);
	world_connect(a, b);
	world_run(&world, 3000);
	world.meddle = keep_back;
	world_connect(a, c);
	world_run(&world, 12000);
	blob_path(c, &root, path);
	assert_true(kept_back > 0 && kept_back < 8); /* asked again now and then, not without end */
	assert_int_equal(same_files(path, path), 1); /* not complete */
	world_connect(b, c);
	world_run(&world, 12000);
	assert_int_equal(same_files(path, path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_chunk_that_is_passed_over_comes_from_somebody_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
