/* Every message of the table, sound and malformed: generated from messages.def through message_desc(). SPEC.md section 9. */
#include "protocol/peer/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* One value of a field, encoded. */
static void put_item(struct mp_out *o, enum message_item item)
{
	static const uint8_t bytes[LIMIT_ERASURE_BYTES];
	struct slice id = slice_of(bytes, 32);
	switch (item) {
	case ITEM_NONE: abort();
	case ITEM_ADDRESS: mp_put_cstr(o, "a:1"); return;
	case ITEM_ID: mp_put_bin(o, id); return;
	case ITEM_ROW: message_put_row(o, &(struct message_row){.kind = 1, .count = 7}); return;
	case ITEM_EVENT: message_put_event(o, slice_of(bytes, 5), slice_of(bytes, 64)); return;
	case ITEM_PART: message_put_part(o, &(struct message_part){.kind = 0}); return;
	case ITEM_SEQ: mp_put_uint(o, 9); return;
	case ITEM_ID_OR_NONE: mp_put_bin(o, (struct slice){0}); return;
	case ITEM_STATEMENT: mp_put_bin(o, slice_of(bytes, LIMIT_ERASURE_BYTES)); return;
	case ITEM_PEER:
		message_put_peer(o,
			&(struct message_peer){.addresses_n = 1,
				.addresses = {slice_str("a:1")},
				.relays_n = 1,
				.relaying = true,
				.hours = 3});
		return;
	}
}

/* How a field is spoilt. */
enum spoil { SOUND, SHORT, LONG, NON_MINIMAL, OUT_OF_RANGE, OTHER_TYPE, SPOILS };

static const char *const spoil_names[] = {
	"sound", "short", "long", "non-minimal", "out of range", "other type"};

static bool put_uint(struct mp_out *o, const struct message_field *f, enum spoil how)
{
	static const uint8_t wide[] = {0xcf, 0, 0, 0, 0, 0, 0, 0, 1};
	if (how == NON_MINIMAL) {
		mp_put_raw(o, slice_of(wide, sizeof wide));
		return true;
	}
	if (how != SOUND && (how != OUT_OF_RANGE || (f->max == UINT64_MAX && f->min == 0)))
		return false;
	mp_put_uint(o, how == SOUND ? f->min : f->max < UINT64_MAX ? f->max + 1 : f->min - 1);
	return true;
}

static bool put_bytes(struct mp_out *o, const struct message_field *f, enum spoil how)
{
	static char text[LIMIT_MESSAGE_BYTES];
	size_t n = (size_t)f->min;
	if (how == SHORT && f->min > 0)
		n = (size_t)f->min - 1;
	else if (how == LONG && f->max + 1 <= LIMIT_MESSAGE_BODY_BYTES)
		n = (size_t)f->max + 1;
	else if (how != SOUND && how != NON_MINIMAL)
		return false;
	memset(text, 'x', sizeof text);
	if (how == NON_MINIMAL) {
		uint8_t head[] = {f->type == FIELD_T_STR ? 0xdb : 0xc6, 0, 0, 0, (uint8_t)n};
		assert_true(n < 256);
		mp_put_raw(o, slice_of(head, sizeof head));
		mp_put_raw(o, slice_of(text, n));
	} else if (f->type == FIELD_T_STR) {
		mp_put_str(o, slice_of(text, n));
	} else {
		mp_put_bin(o, slice_of(text, n));
	}
	return true;
}

static bool put_list(struct mp_out *o, const struct message_field *f, enum spoil how)
{
	static const uint8_t head[] = {0xdd, 0, 0, 0, 0};
	size_t n = (size_t)f->min;
	if (how == NON_MINIMAL) {
		mp_put_raw(o, slice_of(head, sizeof head));
		return true;
	}
	if (how == SHORT && f->min > 0)
		n = (size_t)f->min - 1;
	else if (how == LONG)
		n = (size_t)f->max + 1;
	else if (how == OUT_OF_RANGE)
		n = f->min ? n : 1;
	else if (how != SOUND)
		return false;
	mp_put_array(o, n);
	for (size_t i = 0; i < n; i++) {
		if (how == OUT_OF_RANGE)
			mp_put_nil(o);
		else
			put_item(o, f->item);
	}
	return true;
}

/* Encodes field f, spoilt; false: this field cannot be spoilt so. */
static bool put_field(struct mp_out *o, const struct message_field *f, enum spoil how)
{
	if (how == OTHER_TYPE) {
		if (f->type == FIELD_T_BOOL)
			mp_put_uint(o, 1);
		else
			mp_put_bool(o, true);
		return true;
	}
	switch (f->type) {
	case FIELD_T_UINT: return put_uint(o, f, how);
	case FIELD_T_BOOL:
		if (how == SOUND)
			mp_put_bool(o, false);
		return how == SOUND;
	case FIELD_T_ID:
	case FIELD_T_BIN:
	case FIELD_T_STR: return put_bytes(o, f, how);
	case FIELD_T_LIST: return put_list(o, f, how);
	}
	fail();
	return false;
}

/* The message with field `which` spoilt; false: not possible. */
static bool build(const struct message_desc *d, size_t which, enum spoil how, struct buf *out)
{
	out->n = 0;
	struct mp_out o = mp_out_init(out);
	mp_put_array(&o, d->fields_n);
	for (size_t i = 0; i < d->fields_n; i++)
		if (!put_field(&o, &d->fields[i], i == which ? how : SOUND))
			return false;
	assert_int_equal(o.err, OK);
	return true;
}

static void every_sound_message_is_accepted_and_encoded_again_alike(void **state)
{
	(void)state;
	struct buf b = {0}, again = {0};
	for (unsigned t = 0; t < MESSAGE_COUNT; t++) {
		const struct message_desc *d = message_desc(t);
		union message m;
		if (!d)
			continue;
		assert_true(build(d, SIZE_MAX, SOUND, &b));
		assert_int_equal(message_decode(t, buf_slice(&b), &m), OK);
		again.n = 0;
		assert_int_equal(message_encode(t, &m, &again), OK);
		assert_true(slice_equal(buf_slice(&b), buf_slice(&again)));
	}
	buf_free(&b);
	buf_free(&again);
}

static void every_field_spoilt_in_every_way_is_refused(void **state)
{
	(void)state;
	struct buf b = {0};
	unsigned counts[SPOILS] = {0};
	for (unsigned t = 0; t < MESSAGE_COUNT; t++) {
		const struct message_desc *d = message_desc(t);
		for (size_t f = 0; d && f < d->fields_n; f++) {
			for (enum spoil how = SHORT; how < SPOILS; how++) {
				union message m;
				if (!build(d, f, how, &b))
					continue;
				if (message_decode(t, buf_slice(&b), &m) != ERR_WIRE)
					fail_msg("%s: field %s, %s, was accepted", d->name, d->fields[f].spec,
						spoil_names[how]);
				counts[how]++;
			}
		}
	}
	unsigned all = 0;
	for (enum spoil how = SHORT; how < SPOILS; how++) {
		all += counts[how];
		assert_true(counts[how] > 20);
	}
	print_message(
		"%u malformed fields refused (short %u, long %u, non-minimal %u, out of range %u, other type %u)\n",
		all, counts[SHORT], counts[LONG], counts[NON_MINIMAL], counts[OUT_OF_RANGE],
		counts[OTHER_TYPE]);
	buf_free(&b);
}

static void every_truncation_is_refused_and_bytes_behind_are_too(void **state)
{
	(void)state;
	struct buf b = {0};
	for (unsigned t = 0; t < MESSAGE_COUNT; t++) {
		union message m;
		if (!message_desc(t))
			continue;
		assert_true(build(message_desc(t), SIZE_MAX, SOUND, &b));
		for (size_t n = 0; n < b.n; n++)
			assert_int_equal(message_decode(t, slice_of(b.p, n), &m), ERR_WIRE);
		assert_int_equal(buf_put(&b, "\0", 1), OK);
		assert_int_equal(message_decode(t, buf_slice(&b), &m), ERR_WIRE);
	}
	buf_free(&b);
}

static void further_elements_are_ignored_and_fewer_are_malformed(void **state)
{
	(void)state;
	struct buf b = {0};
	for (unsigned t = 0; t < MESSAGE_COUNT; t++) {
		const struct message_desc *d = message_desc(t);
		union message m;
		if (!d)
			continue;
		for (size_t n = d->fields_n - 1; n <= d->fields_n + 2; n++) {
			b.n = 0;
			struct mp_out o = mp_out_init(&b);
			mp_put_array(&o, n);
			for (size_t i = 0; i < n; i++) {
				if (i < d->fields_n)
					assert_true(put_field(&o, &d->fields[i], SOUND));
				else
					mp_put_cstr(&o, "later");
			}
			assert_int_equal(
				message_decode(t, buf_slice(&b), &m), n < d->fields_n ? ERR_WIRE : OK);
		}
	}
	buf_free(&b);
}

static void an_unknown_type_is_skipped_only_if_it_is_well_formed(void **state)
{
	(void)state;
	union message m;
	static const uint8_t good[] = {0x91, 0x01}, bomb[] = {0xdd, 0x10, 0, 0, 0};
	assert_int_equal(message_decode(200, slice_of(good, sizeof good), &m), ERR_NOT_FOUND);
	assert_int_equal(message_decode(200, slice_of(bomb, sizeof bomb), &m), ERR_WIRE);
	assert_null(message_desc(200));
}

static void state_and_sender_follow_the_table(void **state)
{
	(void)state;
	unsigned refused = 0, allowed = 0, known = 0;
	for (unsigned t = 0; t < MESSAGE_COUNT; t++) {
		if (!message_desc(t))
			continue;
		known++;
		for (int side = 0; side < 2; side++)
			for (int st = 0; st < 3; st++)
				*(message_allowed(
					  message_desc(t), (enum message_side)side, (enum message_state)st)
						? &allowed
						: &refused) += 1;
	}
	const struct message_desc *redeem = message_desc(MESSAGE_REDEEM), *run = message_desc(MESSAGE_RUN),
				  *bye = message_desc(MESSAGE_BYE);
	assert_true(message_allowed(redeem, MESSAGE_FROM_INITIATOR, MESSAGE_IN_STRANGER));
	assert_false(message_allowed(redeem, MESSAGE_FROM_RESPONDER, MESSAGE_IN_STRANGER));
	assert_false(message_allowed(redeem, MESSAGE_FROM_INITIATOR, MESSAGE_IN_OPEN));
	assert_false(message_allowed(run, MESSAGE_FROM_RESPONDER, MESSAGE_IN_HELLO));
	assert_true(message_allowed(bye, MESSAGE_FROM_RESPONDER, MESSAGE_IN_STRANGER));
	assert_int_equal(allowed + refused, known * 6);
	print_message("%u wrong states and senders refused\n", refused);
}

static void items_are_read_back_as_they_were_written(void **state)
{
	(void)state;
	struct buf b = {0};
	struct mp_out o = mp_out_init(&b);
	struct message_row row = {.kind = 1, .count = 70000, .fork_seq1 = 5},
			   id_row = {.kind = 0, .count = 3};
	row.log.b[0] = 1, row.identity.b[1] = 2, row.last.b[2] = 3, row.sum.b[3] = 4, id_row.sum.b[0] = 9;
	message_put_row(&o, &row);
	message_put_row(&o, &id_row);
	struct message_list l = {.n = 2, .raw = buf_slice(&b)};
	struct mp_in in = message_list_open(&l);
	struct message_row r = message_next_row(&in), r2 = message_next_row(&in);
	assert_memory_equal(&r.log, &row.log, 32);
	assert_memory_equal(&r.last, &row.last, 32);
	assert_int_equal(r.count, 70000);
	assert_int_equal(r.fork_seq1, 5);
	assert_int_equal(r2.kind, 0);
	assert_memory_equal(&r2.sum, &id_row.sum, 32);
	buf_free(&b);
	struct message_peer peer = {.addresses_n = 2,
		.addresses = {slice_str("a:1"), slice_str("[::1]:7411")},
		.relays_n = 1,
		.hours = 70000};
	peer.node.b[0] = 5, peer.relays[0].b[31] = 6;
	o = mp_out_init(&b);
	message_put_peer(&o, &peer);
	l = (struct message_list){.n = 1, .raw = buf_slice(&b)};
	in = message_list_open(&l);
	struct message_peer p = message_next_peer(&in);
	assert_memory_equal(&p.node, &peer.node, 32);
	assert_memory_equal(&p.relays[0], &peer.relays[0], 32);
	assert_int_equal(p.addresses_n, 2);
	assert_true(slice_equal(p.addresses[1], peer.addresses[1]));
	assert_false(p.relaying);
	assert_int_equal(p.hours, 65535);
	buf_free(&b);
}

/* SPEC 1.6 */
static void only_numbers_of_the_table_leave_and_others_are_read_as_refused(void **state)
{
	(void)state;
	static const uint8_t numbers[] = {
		0, 2, 3, 4, 6, 7, 9, 10, 11, 15, 17, 18, 19, 20, 21, 25, 26, 29, 32, 33};
	bool listed[256] = {false};
	for (size_t i = 0; i < sizeof numbers; i++)
		listed[numbers[i]] = true;
	for (unsigned n = 0; n < 256; n++) {
		assert_int_equal(message_code_in(n), listed[n] ? n : ERR_REFUSED);
		if (n > ERR_ENOUGH)
			continue;
		enum err out = message_code_out((enum err)n);
		assert_true(listed[out] && (!listed[n] || out == n));
	}
	assert_int_equal(message_code_out(ERR_HASH), ERR_WIRE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sound_message_is_accepted_and_encoded_again_alike),
		cmocka_unit_test(every_field_spoilt_in_every_way_is_refused),
		cmocka_unit_test(every_truncation_is_refused_and_bytes_behind_are_too),
		cmocka_unit_test(further_elements_are_ignored_and_fewer_are_malformed),
		cmocka_unit_test(an_unknown_type_is_skipped_only_if_it_is_well_formed),
		cmocka_unit_test(state_and_sender_follow_the_table),
		cmocka_unit_test(items_are_read_back_as_they_were_written),
		cmocka_unit_test(only_numbers_of_the_table_leave_and_others_are_read_as_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
