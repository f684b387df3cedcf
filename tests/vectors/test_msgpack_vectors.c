/* The msgpack-test-suite: exactly the encodings of our profile are accepted, and they are what msgpack-c writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bounds.h"
#include "protocol/log/mp.h"
#include "vectors.h"

/* Writes a JSON value of the suite's arrays and maps. */
static void put_json(struct mp_out *o, json_t *v)
{
	size_t i;
	json_t *element;
	const char *key;
	if (json_is_array(v)) {
		mp_put_array(o, json_array_size(v));
		json_array_foreach(v, i, element) put_json(o, element);
	} else if (json_is_object(v)) {
		mp_put_map(o, json_object_size(v));
		json_object_foreach(v, key, element)
		{
			mp_put_cstr(o, key);
			put_json(o, element);
		}
	} else if (json_is_string(v)) {
		mp_put_cstr(o, json_string_value(v));
	} else if (json_is_integer(v)) {
		mp_put_int(o, json_integer_value(v));
	} else {
		vectors_fail("a value of another type", json_string_value(v));
	}
}

/* The one encoding of a test's value; false if the profile has no such value. */
static bool encode(const json_t *test, struct buf *out)
{
	struct mp_out o = mp_out_init(out);
	const char *type = json_string_value(json_object_get(test, "type"));
	json_t *v = json_object_get(test, "value");
	static struct vector_bytes bytes;
	if (strcmp(type, "nil") == 0)
		mp_put_nil(&o);
	else if (strcmp(type, "bool") == 0)
		mp_put_bool(&o, json_is_true(v));
	else if (strcmp(type, "uint") == 0)
		mp_put_uint(&o, strtoull(json_string_value(v), NULL, 10));
	else if (strcmp(type, "int") == 0)
		mp_put_int(&o, strtoll(json_string_value(v), NULL, 10));
	else if (strcmp(type, "string") == 0 || strcmp(type, "array") == 0 || strcmp(type, "map") == 0)
		put_json(&o, v);
	else if (strcmp(type, "binary") == 0) {
		vectors_need(test, "value", &bytes);
		mp_put_bin(&o, vectors_slice(&bytes));
	} else {
		return false;
	}
	assert_int_equal(o.err, OK);
	return true;
}

/* What the cursor reads of an accepted scalar is the suite's value. */
static void same_value(const json_t *test, struct slice encoded)
{
	struct mp_in in = mp_open(encoded);
	const char *text = json_string_value(json_object_get(test, "value"));
	static struct vector_bytes bytes;
	struct slice s;
	uint64_t u;
	int64_t i;
	bool b;
	size_t n;
	switch (mp_peek(&in)) {
	case MP_NIL: assert_int_equal(mp_get_nil(&in), OK); break;
	case MP_BOOL:
		assert_int_equal(mp_get_bool(&in, &b), OK);
		assert_int_equal(b, json_is_true(json_object_get(test, "value")));
		break;
	case MP_UINT:
		assert_int_equal(mp_get_uint(&in, UINT64_MAX, &u), OK);
		assert_true(u == strtoull(text, NULL, 10));
		break;
	case MP_INT:
		assert_int_equal(mp_get_int(&in, &i), OK);
		assert_true(i == strtoll(text, NULL, 10));
		break;
	case MP_STR:
		assert_int_equal(mp_get_str(&in, 0, SIZE_MAX, &s), OK);
		assert_true(slice_equal(s, slice_str(text)));
		break;
	case MP_BIN:
		assert_int_equal(mp_get_bin(&in, 0, SIZE_MAX, &s), OK);
		vectors_need(test, "value", &bytes);
		assert_true(slice_equal(s, vectors_slice(&bytes)));
		break;
	case MP_ARRAY:
		assert_int_equal(mp_get_array(&in, 0, SIZE_MAX, &n), OK);
		assert_int_equal(n, json_array_size(json_object_get(test, "value")));
		return;
	case MP_MAP:
		assert_int_equal(mp_get_map(&in, SIZE_MAX, &n), OK);
		assert_int_equal(n, json_object_size(json_object_get(test, "value")));
		return;
	case MP_END: fail();
	}
	assert_int_equal(mp_peek(&in), MP_END);
}

static void exactly_the_encodings_of_the_profile_are_accepted(void **state)
{
	(void)state;
	size_t accepted = 0, refused = 0, i, k;
	json_t *doc = vectors_load("msgpack/suite.json"), *test, *hex;
	json_array_foreach(json_object_get(doc, "tests"), i, test)
	{
		struct buf expected = {0};
		bool has = encode(test, &expected);
		size_t accepted_here = 0;
		json_array_foreach(json_object_get(test, "encodings"), k, hex)
		{
			static struct vector_bytes bytes;
			json_t *one = json_pack("{sO}", "x", hex);
			vectors_need(one, "x", &bytes);
			json_decref(one);
			bool ok = mp_check(vectors_slice(&bytes), LIMIT_MP_NODES) == OK;
			bool should = has && slice_equal(vectors_slice(&bytes), buf_slice(&expected));
			if (ok != should)
				fail_msg("test %zu: %s", i + 1, json_string_value(hex));
			if (ok)
				same_value(test, vectors_slice(&bytes));
			accepted_here += ok;
			refused += !ok;
		}
		assert_int_equal(accepted_here, has ? 1 : 0);
		accepted += accepted_here;
		buf_free(&expected);
	}
	json_decref(doc);
	assert_int_equal(accepted, 57);
	assert_int_equal(refused, 176);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_encodings_of_the_profile_are_accepted)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
