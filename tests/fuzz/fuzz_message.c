/* fuzz_message.c -- bodies of messages (SPEC 9.2), all types: lists are read in their bounds; what is decoded is encoded to
 * the same bytes, or to fewer where elements of a later version were ignored, and then decodes to itself.
 * Input: at most 81917 bytes; the first is the type. */
#include "tests/fuzz/fuzz.h"

#include "protocol/log/erasure.h"
#include "protocol/log/entry.h"
#include "protocol/peer/message.h"

static void read_item(enum message_item item, struct mp_in *in)
{
	struct slice bytes, signatures;
	struct message_row row;
	struct message_part part;
	struct message_peer peer;
	struct id32 id;
	switch (item) {
	case ITEM_NONE: fuzz_must(false, "a list has items"); break;
	case ITEM_ADDRESS:
	case ITEM_STATEMENT:
		bytes = message_next_bytes(in);
		fuzz_must(bytes.n > 0 && bytes.n <= LIMIT_ERASURE_BYTES, "an item in its bounds");
		break;
	case ITEM_ID: (void)message_next_id(in); break;
	case ITEM_ROW:
		row = message_next_row(in);
		fuzz_must(row.kind <= 1, "a row of an identity or a log");
		break;
	case ITEM_EVENT:
		message_next_event(in, &bytes, &signatures);
		fuzz_must(bytes.n > 0 && bytes.n <= LIMIT_KEYEVENT_ROOT_BYTES, "an event in its bounds");
		break;
	case ITEM_PART:
		part = message_next_part(in);
		fuzz_must(part.kind <= BODY_WITHHELD && part.bytes.n <= LIMIT_BODY_BYTES &&
				part.envelope.n <= LIMIT_ENVELOPE_BYTES,
			"a part in its bounds");
		break;
	case ITEM_SEQ: fuzz_must(message_next_uint(in) <= LIMIT_SEQ, "a seq in its bounds"); break;
	case ITEM_ID_OR_NONE: (void)message_next_id_or_none(in, &id); break;
	case ITEM_PEER:
		peer = message_next_peer(in);
		fuzz_must(peer.addresses_n <= LIMIT_ADDRESSES && peer.relays_n <= LIMIT_ADDRESSES &&
				peer.hours <= UINT16_MAX,
			"a peer in its bounds");
		break;
	}
}

static void read_list(const struct message_field *f, const struct message_list *l)
{
	fuzz_must(l->n >= f->min && l->n <= f->max, "a list in its bounds");
	struct mp_in in = message_list_open(l);
	for (size_t i = 0; i < l->n; i++)
		read_item(f->item, &in);
	fuzz_must(mp_peek(&in) == MP_END, "a list ends with its last item");
}

static void read_lists(unsigned type, const union message *m)
{
	const struct message_field *f = message_desc(type)->fields;
	switch (type) {
#define MESSAGE(number, NAME, name, from, states) \
	case number: { \
		const struct message_##name *body = &m->name; \
		(void)body;
#define FIELD_UINT(field, spec, type, min, max) f++;
#define FIELD_BOOL(field, spec) f++;
#define FIELD_ID(field, spec) f++;
#define FIELD_BIN(field, spec, min, max) f++;
#define FIELD_STR(field, spec, min, max) f++;
#define FIELD_LIST(field, spec, item_spec, item, min, max) read_list(f++, &body->field);
#define MESSAGE_END \
	break; \
	}
#include "protocol/peer/messages.def"
	}
	fuzz_must(f == message_desc(type)->fields + message_desc(type)->fields_n, "every field was seen");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_open(data, n);
	unsigned type = fuzz_u8(&in);
	struct slice body = slice_of(in.p, in.n);
	union message m;
	enum err e = message_decode(type, body, &m);
	fuzz_must(e == OK || e == ERR_WIRE || (e == ERR_NOT_FOUND && !message_desc(type)),
		"the errors of its header");
	if (e != OK)
		return 0;
	fuzz_must(
		message_desc(type) != NULL && body.n <= LIMIT_MESSAGE_BODY_BYTES, "a known, bounded message");
	read_lists(type, &m);
	struct buf once = {0}, twice = {0};
	fuzz_must(message_encode(type, &m, &once) == OK, "what is decoded can be encoded");
	struct mp_in head = mp_open(body);
	size_t elements;
	fuzz_must(mp_get_array(&head, 0, SIZE_MAX, &elements) == OK, "a body is an array");
	if (elements == message_desc(type)->fields_n)
		fuzz_must(slice_equal(buf_slice(&once), body), "to the same bytes");
	fuzz_must(once.n <= body.n && message_decode(type, buf_slice(&once), &m) == OK &&
			message_encode(type, &m, &twice) == OK && fuzz_same(&once, &twice),
		"and decodes to itself");
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
