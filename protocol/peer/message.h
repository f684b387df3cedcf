/* message.h -- the messages between two nodes: structs, decoder and encoder, all from messages.def. SPEC.md section 9. */
#ifndef QUIRE_MESSAGE_H
#define QUIRE_MESSAGE_H

#include "bytes.h"
#include "bounds.h"
#include "protocol/log/mp.h"

/* A list's elements, encoded, one after the other; read with message_next_…. */
struct message_list {
	size_t n;
	struct slice raw;
};

/* struct message_hello, … : the fields in order. Slices borrow from the decoded body. */
#define MESSAGE(type, NAME, name, from, states) struct message_##name {
#define FIELD_UINT(field, spec, type, min, max) uint64_t field;
#define FIELD_BOOL(field, spec) bool field;
#define FIELD_ID(field, spec) struct id32 field;
#define FIELD_BIN(field, spec, min, max) struct slice field;
#define FIELD_STR(field, spec, min, max) struct slice field;
#define FIELD_LIST(field, spec, item_spec, item, min, max) struct message_list field;
#define MESSAGE_END \
	} \
	;
#include "messages.def"

enum message_type {
#define MESSAGE(type, NAME, name, from, states) MESSAGE_##NAME = (type),
#define FIELD_UINT(field, spec, type, min, max)
#define FIELD_BOOL(field, spec)
#define FIELD_ID(field, spec)
#define FIELD_BIN(field, spec, min, max)
#define FIELD_STR(field, spec, min, max)
#define FIELD_LIST(field, spec, item_spec, item, min, max)
#define MESSAGE_END
#include "messages.def"
	MESSAGE_COUNT
};

union message {
#define MESSAGE(type, NAME, name, from, states) struct message_##name name;
#define FIELD_UINT(field, spec, type, min, max)
#define FIELD_BOOL(field, spec)
#define FIELD_ID(field, spec)
#define FIELD_BIN(field, spec, min, max)
#define FIELD_STR(field, spec, min, max)
#define FIELD_LIST(field, spec, item_spec, item, min, max)
#define MESSAGE_END
#include "messages.def"
};

enum message_field_type { FIELD_T_UINT, FIELD_T_BOOL, FIELD_T_ID, FIELD_T_BIN, FIELD_T_STR, FIELD_T_LIST };
enum message_item {
	ITEM_NONE,
	ITEM_ADDRESS,
	ITEM_ID,
	ITEM_ROW,
	ITEM_EVENT,
	ITEM_PART,
	ITEM_SEQ,
	ITEM_ID_OR_NONE,
	ITEM_STATEMENT,
	ITEM_PEER
};

struct message_field {
	const char *spec; /* its name in SPEC.md */
	const char *type_spec; /* for integers and lists: how SPEC.md writes the type */
	enum message_field_type type;
	enum message_item item;
	uint64_t min, max;
};

struct message_desc {
	const char *name;
	const char *from; /* "B", "I" or "R" */
	const char *states; /* "S H O" */
	const struct message_field *fields;
	size_t fields_n;
};

/* NULL: a type that this version does not know. */
const struct message_desc *message_desc(unsigned type);

enum message_side { MESSAGE_FROM_INITIATOR, MESSAGE_FROM_RESPONDER };
enum message_state { MESSAGE_IN_STRANGER, MESSAGE_IN_HELLO, MESSAGE_IN_OPEN };

/* May this message come from this side in this state? */
bool message_allowed(const struct message_desc *d, enum message_side from, enum message_state state);

/* Decodes and checks a body against the table, lists' items too. ERR_WIRE: malformed; ERR_NOT_FOUND: unknown type, but well formed: skip it. */
MUST_CHECK enum err message_decode(unsigned type, struct slice body, union message *m);
/* Appends the body. A value outside the table's bounds is a programmer's error and aborts. ERR_MEMORY, ERR_LIMIT (longer than a message may be). */
MUST_CHECK enum err message_encode(unsigned type, const void *m, struct buf *out);

/* The numbers of `bye` and `done` (SPEC 1.6). What has none there leaves as the one that fits; unknown ones are read as REFUSED. */
enum err message_code_out(enum err e);
enum err message_code_in(uint64_t number);

/* Items of lists; call at most n times. Their form was checked by message_decode. */
struct message_row { /* SPEC 10.3 */
	uint8_t kind; /* 0 identity, 1 log */
	struct id32 identity, log, sum, last;
	uint64_t count; /* of key events, or the log's length */
	uint64_t fork_seq1;
	bool whole; /* the sender holds all bodies */
};
struct message_part { /* SPEC 9.2 */
	struct slice envelope, bytes;
	uint8_t kind;
};
struct message_peer { /* SPEC 9.2; the addresses' form is not checked */
	struct id32 node;
	size_t addresses_n, relays_n;
	struct slice addresses[LIMIT_ADDRESSES];
	struct id32 relays[LIMIT_ADDRESSES]; /* through which it can be reached */
	bool relaying; /* it relays for others */
	uint64_t hours; /* since it was last connected */
};
struct mp_in message_list_open(const struct message_list *l);
struct id32 message_next_id(struct mp_in *in);
bool message_next_id_or_none(struct mp_in *in, struct id32 *id); /* false: none */
uint64_t message_next_uint(struct mp_in *in);
struct slice message_next_bytes(struct mp_in *in); /* str or bin */
struct message_row message_next_row(struct mp_in *in);
struct message_part message_next_part(struct mp_in *in);
struct message_peer message_next_peer(struct mp_in *in);
void message_next_event(struct mp_in *in, struct slice *bytes, struct slice *signatures);

void message_put_row(struct mp_out *o, const struct message_row *r);
void message_put_part(struct mp_out *o, const struct message_part *p);
void message_put_peer(struct mp_out *o, const struct message_peer *p);
void message_put_event(struct mp_out *o, struct slice bytes, struct slice signatures);

#endif
