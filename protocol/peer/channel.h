/* channel.h -- one connection between bytes and messages: handshake, frames, rekeying. SPEC.md section 7.
 *
 * A pure state machine for both roles: bytes in, bytes out, no I/O, no clock. What the messages mean is not known here;
 * neither is the end of the stream: whoever owns the connection sees whether a `bye` came before it was cut.
 *
 * Every frame is a u16 length and as many bytes. The first three are the messages of Noise XK, with empty payloads; the
 * others are transport frames. Their plaintexts, joined, are a stream of messages: u8 type, u24 body length, body.
 *
 * Use: feed what arrives, take messages until ERR_PENDING, send, then pass on the output.
 *
 *     while (in.n > 0) {
 *             e = channel_feed(&c, in, &taken);
 *             in = slice_of(in.p + taken, in.n - taken);
 *             while (e == OK && (e = channel_next(&c, &m)) == OK)
 *                     handle(&m);
 *             if (e != ERR_PENDING)
 *                     return e;
 *     }
 *
 * Memory: an idle channel is this struct and at most 1 KiB more; a busy one adds at most CHANNEL_INPUT_BYTES_MAX for
 * what comes in (one frame and one partial message), and what was sent and not yet taken by channel_output. */
#ifndef QUIRE_PROTOCOL_PEER_CHANNEL_H
#define QUIRE_PROTOCOL_PEER_CHANNEL_H

#include "bytes.h"
#include "err.h"
#include "protocol/peer/noise.h"
#include "random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_HEAD_BYTES 4u /* of a message: type and body length */
#define CHANNEL_MESSAGE_BYTES_MAX 81920u /* 80 KiB, head included */
#define CHANNEL_BODY_BYTES_MAX (CHANNEL_MESSAGE_BYTES_MAX - CHANNEL_HEAD_BYTES)
#define CHANNEL_FRAME_BYTES_MAX 65535u /* ciphertext and tag, without the length */
#define CHANNEL_FRAME_PLAIN_BYTES_MAX (CHANNEL_FRAME_BYTES_MAX - NOISE_TAG_BYTES)
#define CHANNEL_FRAME_BYTES_MIN (NOISE_TAG_BYTES + 1u)
#define CHANNEL_REKEY_FRAMES 1024u
#define CHANNEL_INPUT_BYTES_MAX (CHANNEL_MESSAGE_BYTES_MAX - 1u + CHANNEL_FRAME_BYTES_MAX)

enum channel_state {
	CHANNEL_CLOSED, /* also what a zeroed struct is */
	CHANNEL_AWAITS_FIRST,
	CHANNEL_AWAITS_SECOND,
	CHANNEL_AWAITS_THIRD,
	CHANNEL_OPEN,
};

/* One message; the body borrows from the channel until the next call of feed, next, close or deinit. */
struct channel_msg {
	uint8_t type;
	struct slice body;
};

struct channel {
	enum channel_state state;
	struct noise_handshake handshake; /* after OPEN only its hash and remote key are left */
	struct noise_cipher sender, receiver;

	/* Output: finished frames, then (if frame_open) the length bytes and plaintext of the frame that is being filled. */
	struct buf out;
	size_t frame_at;
	bool frame_open;

	/* Input: in.p[read .. plain) is plaintext not yet given out, in.p[plain .. in.n) an unfinished frame. */
	struct buf in;
	size_t read, plain;
	uint8_t length[2];
	uint8_t length_n;
	bool drained; /* channel_next said ERR_PENDING: read is 0, and below plain there is only a partial message */
};

/* Begin. Both copy what they are given, but *random.ctx must live as long as the handshake. The initiator's first
 * message is in the output at once.
 *   network  the network id; other side has another: the handshake fails
 *   own      the node's Noise keys
 *   remote   the responder's Noise key, known beforehand
 *   errors: ERR_MEMORY; ERR_FORMAT remote has low order. On error *c is closed. */
MUST_CHECK enum err channel_init_initiator(struct channel *c, struct random_source random,
	const struct id32 *network, const struct noise_keypair *own, const struct id32 *remote);
void channel_init_responder(struct channel *c, struct random_source random, const struct id32 *network,
	const struct noise_keypair *own);

/* Wipes the keys, drops input and output. Both accept a zeroed struct and may be called twice. */
void channel_close(struct channel *c);
void channel_deinit(struct channel *c);

/* Takes bytes from the peer, in any fragmentation: at most one frame a call, and nothing while messages wait in
 * channel_next. *taken says how many bytes; call again with the rest.
 *   errors: ERR_WIRE a length that SPEC.md does not allow, or a key of low order; ERR_DECRYPT forged, replayed or
 *   reordered, or (in the handshake) made for another key or network; ERR_MEMORY; ERR_LIMIT the connection has used up
 *   its 2^64-1 frames; ERR_CLOSED closed before. On error *c is closed; what channel_next gave before stays true. */
MUST_CHECK enum err channel_feed(struct channel *c, struct slice bytes, size_t *taken);

/* The next complete message. Not copied: the body lies where it was decrypted.
 *   errors: ERR_PENDING none yet, feed more; ERR_WIRE one is announced above CHANNEL_MESSAGE_BYTES_MAX: *c is closed;
 *   ERR_CLOSED. */
MUST_CHECK enum err channel_next(struct channel *c, struct channel_msg *m);

/* Queues one message whose body is the parts joined. Borrows during the call. Small messages share a frame; one that
 * does not fit into what is left of a frame begins a new one, so that up to 65,519 bytes it lies in one frame.
 *   errors: ERR_LIMIT the body is above CHANNEL_BODY_BYTES_MAX; ERR_MEMORY; ERR_STATE not open yet; ERR_CLOSED. Then
 *   nothing was queued. ERR_LIMIT also if 2^64-1 frames were sent; then *c is closed. */
MUST_CHECK enum err channel_send(struct channel *c, uint8_t type, const struct slice parts[], size_t count);

/* Bytes that channel_output would give now, within 18. The owner stops sending above its own bound. */
size_t channel_output_bytes(const struct channel *c);

/* Closes the frame that is being filled and gives all output: to an empty *out as a whole (its memory becomes the
 * channel's for what comes next, the channel's is given), else appended.
 *   errors: ERR_MEMORY (nothing is lost, *out is unchanged); ERR_LIMIT as in send; ERR_CLOSED. */
MUST_CHECK enum err channel_output(struct channel *c, struct buf *out);

/* Is the handshake complete? For the initiator this says that the responder owns the key `remote`; for the responder
 * that the peer owns channel_remote_static: look at it before taking the first message. */
bool channel_established(const struct channel *c);

/* The peer's Noise key, and the handshake hash (Noise section 11.2), the same on both sides and in no other connection.
 * NULL unless established. */
const struct id32 *channel_remote_static(const struct channel *c);
const uint8_t *channel_handshake_hash(const struct channel *c);

#endif
