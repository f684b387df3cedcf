/* quire_cases.c -- see quire_cases.h. Whatever fails here aborts: it is a fault of the generator. */
#include "quire_cases.h"
#include "cases_in.h"

struct seeded_random cases_seed;
struct random_source cases_rnd;
json_t *cases_list;

char *quire_cases_text(void)
{
	cases_seed = (struct seeded_random){.seed = 20260101};
	cases_rnd = seeded_random_source(&cases_seed);
	cases_list = json_array();
	cases_make_plain();
	cases_make_sealed();
	struct buf out = {0};
	must(buf_put_slice(&out, slice_str("{\"format\":1,\"tests\":[\n")) == OK);
	for (size_t i = 0; i < json_array_size(cases_list); i++) {
		char *line = json_dumps(json_array_get(cases_list, i), JSON_COMPACT);
		must(line && (i == 0 || buf_put_slice(&out, slice_str(",\n")) == OK));
		must(buf_put_slice(&out, slice_str(line)) == OK);
		free(line);
	}
	must(buf_put(&out, "\n]}\n", 5) == OK); /* with its NUL */
	json_decref(cases_list);
	return (char *)out.p;
}
