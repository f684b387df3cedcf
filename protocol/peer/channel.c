/* channel.c -- see channel.h. */
#include "protocol/peer/channel.h"

#define LENGTH_BYTES 2u
#define FRAME_OVERHEAD_BYTES (LENGTH_BYTES + NOISE_TAG_BYTES)
#define HANDSHAKE_BYTES_MAX 64u
#define INPUT_KEEP_BYTES 1024u /* an input buffer up to this size is kept for the next frame */

_Static_assert(CHANNEL_MESSAGE_BYTES_MAX <= 2 * CHANNEL_FRAME_PLAIN_BYTES_MAX,
	"channel_send reserves for two frames");

/* The handshake message that each state awaits. SPEC 7.1: "The three handshake messages have empty payloads, so they
 * are 48, 48 and 64 bytes; anything else closes the connection." */
static const uint8_t handshake_bytes[] = {
	[CHANNEL_AWAITS_FIRST] = 32 + NOISE_TAG_BYTES,
	[CHANNEL_AWAITS_SECOND] = 32 + NOISE_TAG_BYTES,
	[CHANNEL_AWAITS_THIRD] = 32 + NOISE_TAG_BYTES + NOISE_TAG_BYTES,
	[CHANNEL_OPEN] = 0,
};

/* ---- states */

static const bool moves[][CHANNEL_OPEN + 1] = {
	[CHANNEL_CLOSED] =
		{[CHANNEL_CLOSED] = true, [CHANNEL_AWAITS_FIRST] = true, [CHANNEL_AWAITS_SECOND] = true},
	[CHANNEL_AWAITS_FIRST] = {[CHANNEL_CLOSED] = true, [CHANNEL_AWAITS_THIRD] = true},
	[CHANNEL_AWAITS_SECOND] = {[CHANNEL_CLOSED] = true, [CHANNEL_OPEN] = true},
	[CHANNEL_AWAITS_THIRD] = {[CHANNEL_CLOSED] = true, [CHANNEL_OPEN] = true},
	[CHANNEL_OPEN] = {[CHANNEL_CLOSED] = true},
};

/* What holds in each state, whatever the peer sends. */
static bool invariant(const struct channel *c)
{
	if (c->state == CHANNEL_CLOSED)
		return !c->in.p && !c->out.p;
	return noise_handshake_done(&c->handshake) == (c->state == CHANNEL_OPEN) && c->read <= c->plain &&
		c->plain <= c->in.n && c->in.cap <= CHANNEL_INPUT_BYTES_MAX && c->length_n <= LENGTH_BYTES &&
		(c->state == CHANNEL_OPEN || (c->plain == 0 && !c->frame_open));
}

static void move_to(struct channel *c, enum channel_state to)
{
	if (!moves[c->state][to])
		abort();
	c->state = to;
	if (!invariant(c))
		abort();
}

void channel_close(struct channel *c)
{
	noise_handshake_deinit(&c->handshake);
	noise_cipher_deinit(&c->sender);
	noise_cipher_deinit(&c->receiver);
	buf_free(&c->in);
	buf_free(&c->out);
	c->frame_open = false;
	move_to(c, CHANNEL_CLOSED);
}

void channel_deinit(struct channel *c)
{
	channel_close(c);
	*c = (struct channel){0};
}

/* Closes because of e, and passes it on. */
static enum err fail(struct channel *c, enum err e)
{
	channel_close(c);
	return e;
}

bool channel_established(const struct channel *c)
{
	return c->state == CHANNEL_OPEN;
}

const struct id32 *channel_remote_static(const struct channel *c)
{
	return channel_established(c) ? &c->handshake.remote_static : NULL;
}

const uint8_t *channel_handshake_hash(const struct channel *c)
{
	return channel_established(c) ? c->handshake.symmetric.hash : NULL;
}

/* ---- handshake */

/* Writes our next handshake message to the output; splits if it was the last. */
static enum err handshake_write(struct channel *c)
{
	size_t n = 0;
	enum err e = buf_reserve(&c->out, LENGTH_BYTES + HANDSHAKE_BYTES_MAX);
	if (e != OK)
		return e;
	uint8_t *p = c->out.p + c->out.n;
	e = noise_handshake_write(
		&c->handshake, (struct slice){0}, p + LENGTH_BYTES, HANDSHAKE_BYTES_MAX, &n);
	if (e != OK)
		return e;
	be16_put(p, (uint16_t)n);
	c->out.n += LENGTH_BYTES + n;
	return OK;
}

static enum err handshake_read(struct channel *c, struct slice message)
{
	size_t payload_n = 0;
	enum err e = noise_handshake_read(&c->handshake, message, NULL, 0, &payload_n);
	if (e == OK && noise_handshake_writes_next(&c->handshake))
		e = handshake_write(c);
	if (e != OK)
		return e == ERR_FORMAT ? ERR_WIRE : e;
	if (!noise_handshake_done(&c->handshake)) {
		move_to(c, CHANNEL_AWAITS_THIRD);
		return OK;
	}
	e = noise_handshake_split(&c->handshake, &c->sender, &c->receiver);
	if (e == OK)
		move_to(c, CHANNEL_OPEN);
	return e;
}

/* SPEC 7.1: "The prologue is the ASCII bytes `quire/1`, a zero byte, and the 32-byte network id." */
static void handshake_init(struct channel *c, struct random_source random, const struct id32 *network,
	const struct noise_keypair *own, const struct id32 *remote)
{
	uint8_t prologue[8 + sizeof network->b] = "quire/1";
	memcpy(prologue + 8, network->b, sizeof network->b);
	const struct noise_config config = {.name = NOISE_XK,
		.initiator = remote != NULL,
		.prologue = slice_of(prologue, sizeof prologue),
		.random = random,
		.own_static = own,
		.remote_static = remote};
	*c = (struct channel){.drained = true};
	if (noise_handshake_init(&c->handshake, &config) != OK)
		abort(); /* the name is known and no key is missing */
}

enum err channel_init_initiator(struct channel *c, struct random_source random, const struct id32 *network,
	const struct noise_keypair *own, const struct id32 *remote)
{
	handshake_init(c, random, network, own, remote);
	enum err e = handshake_write(c);
	if (e != OK)
		return fail(c, e);
	move_to(c, CHANNEL_AWAITS_SECOND);
	return OK;
}

void channel_init_responder(struct channel *c, struct random_source random, const struct id32 *network,
	const struct noise_keypair *own)
{
	handshake_init(c, random, network, own, NULL);
	move_to(c, CHANNEL_AWAITS_FIRST);
}

/* ---- input */

/* SPEC 7.2: "Each direction calls Noise's REKEY() on its cipher before every frame whose number (from 0) is a multiple
 * of 1,024, other than 0; the nonce goes on counting" */
static void rekey_if_due(struct noise_cipher *cipher)
{
	if (cipher->n > 0 && cipher->n % CHANNEL_REKEY_FRAMES == 0)
		noise_cipher_rekey(cipher);
}

/* Room for n bytes in all. Doubles, so that a peer who announces much and sends little costs little, but never above
 * CHANNEL_INPUT_BYTES_MAX. */
static enum err input_reserve(struct buf *in, size_t n)
{
	if (n <= in->cap)
		return OK;
	size_t cap = n > 2 * in->cap ? n : 2 * in->cap;
	if (cap > CHANNEL_INPUT_BYTES_MAX)
		cap = CHANNEL_INPUT_BYTES_MAX;
	uint8_t *p = (uint8_t *)realloc(in->p, cap);
	if (!p)
		return ERR_MEMORY;
	in->p = p;
	in->cap = cap;
	return OK;
}

/* SPEC 7.2: "17 … 65,535 bytes including the tag" */
static enum err frame_length_check(const struct channel *c, size_t n)
{
	if (c->state != CHANNEL_OPEN)
		return n == handshake_bytes[c->state] ? OK : ERR_WIRE;
	return n >= CHANNEL_FRAME_BYTES_MIN ? OK : ERR_WIRE;
}

/* One whole frame; it lies in the caller's bytes, or in c->in from c->plain on. Its plaintext goes to the latter place,
 * right behind the partial message before it, so that a message that spans frames needs no copy either. */
static enum err frame_read(struct channel *c, struct slice frame)
{
	if (c->state != CHANNEL_OPEN) {
		enum err e = handshake_read(c, frame);
		c->in.n = 0;
		return e;
	}
	rekey_if_due(&c->receiver);
	enum err e = noise_cipher_decrypt(&c->receiver, (struct slice){0}, frame, c->in.p + c->plain);
	if (e != OK)
		return e;
	c->plain += frame.n - NOISE_TAG_BYTES;
	c->in.n = c->plain;
	c->drained = false;
	return OK;
}

/* Takes bytes of the body of the frame, whose length is known; true in *whole if it is complete and was read. */
static enum err body_feed(struct channel *c, struct slice bytes, size_t *taken)
{
	size_t frame_n = be16_get(c->length);
	size_t held = c->in.n - c->plain;
	struct slice frame = slice_of(bytes.p, frame_n);
	size_t n = frame_n - held < bytes.n ? frame_n - held : bytes.n;
	bool in_place = held > 0 || n < frame_n;
	enum err e = input_reserve(&c->in, c->in.n + (in_place ? n : frame_n - NOISE_TAG_BYTES));
	if (e != OK)
		return e;
	*taken = n;
	if (in_place) {
		memcpy(c->in.p + c->in.n, bytes.p, n);
		c->in.n += n;
		if (held + n < frame_n)
			return OK;
		frame = slice_of(c->in.p + c->plain, frame_n);
	}
	c->length_n = 0;
	return frame_read(c, frame);
}

enum err channel_feed(struct channel *c, struct slice bytes, size_t *taken)
{
	*taken = 0;
	if (c->state == CHANNEL_CLOSED)
		return ERR_CLOSED;
	if (!c->drained)
		return OK;
	while (c->length_n < LENGTH_BYTES && *taken < bytes.n) {
		c->length[c->length_n++] = bytes.p[(*taken)++];
		if (c->length_n == LENGTH_BYTES && frame_length_check(c, be16_get(c->length)) != OK)
			return fail(c, ERR_WIRE);
	}
	if (*taken == bytes.n)
		return OK;
	size_t n = 0;
	enum err e = body_feed(c, slice_of(bytes.p + *taken, bytes.n - *taken), &n);
	if (e != OK)
		return fail(c, e);
	*taken += n;
	return OK;
}

/* Every complete message is given out: the partial one goes to the front; an empty large buffer is given back. */
static void input_settle(struct channel *c)
{
	size_t left = c->plain - c->read;
	if (left == 0 && c->in.cap > INPUT_KEEP_BYTES)
		buf_free(&c->in);
	else if (left > 0 && c->read > 0)
		memmove(c->in.p, c->in.p + c->read, left);
	c->in.n = left;
	c->plain = left;
	c->read = 0;
	c->drained = true;
}

enum err channel_next(struct channel *c, struct channel_msg *m)
{
	if (c->state == CHANNEL_CLOSED)
		return ERR_CLOSED;
	if (c->drained)
		return ERR_PENDING;
	size_t left = c->plain - c->read;
	if (left >= CHANNEL_HEAD_BYTES) {
		const uint8_t *p = c->in.p + c->read;
		uint32_t head = be32_get(p);
		size_t body_n = head & 0xffffffu;
		/* SPEC 7.3: "A message is at most 81,920 bytes with its head" */
		if (body_n > CHANNEL_BODY_BYTES_MAX)
			return fail(c, ERR_WIRE);
		if (left - CHANNEL_HEAD_BYTES >= body_n) {
			*m = (struct channel_msg){.type = (uint8_t)(head >> 24),
				.body = slice_of(p + CHANNEL_HEAD_BYTES, body_n)};
			c->read += CHANNEL_HEAD_BYTES + body_n;
			return OK;
		}
	}
	input_settle(c);
	return ERR_PENDING;
}

/* ---- output */

/* Plaintext bytes in the frame that is being filled. */
static size_t frame_plain_bytes(const struct channel *c)
{
	return c->frame_open ? c->out.n - c->frame_at - LENGTH_BYTES : 0;
}

/* Encrypts the frame where it lies. Room for the tag was reserved. */
static enum err frame_finish(struct channel *c)
{
	uint8_t *p = c->out.p + c->frame_at;
	struct slice plain = slice_of(p + LENGTH_BYTES, frame_plain_bytes(c));
	rekey_if_due(&c->sender);
	enum err e = noise_cipher_encrypt(&c->sender, (struct slice){0}, plain, p + LENGTH_BYTES);
	if (e != OK)
		return fail(c, e);
	be16_put(p, (uint16_t)(plain.n + NOISE_TAG_BYTES));
	c->out.n += NOISE_TAG_BYTES;
	c->frame_open = false;
	return OK;
}

/* Room was reserved. */
static enum err stream_put(struct channel *c, struct slice s)
{
	while (s.n > 0) {
		if (!c->frame_open) {
			c->frame_at = c->out.n;
			c->out.n += LENGTH_BYTES;
			c->frame_open = true;
		}
		size_t room = CHANNEL_FRAME_PLAIN_BYTES_MAX - frame_plain_bytes(c);
		size_t n = s.n < room ? s.n : room;
		memcpy(c->out.p + c->out.n, s.p, n);
		c->out.n += n;
		s = slice_of(s.p + n, s.n - n);
		if (n == room) {
			enum err e = frame_finish(c);
			if (e != OK)
				return e;
		}
	}
	return OK;
}

enum err channel_send(struct channel *c, uint8_t type, const struct slice parts[], size_t count)
{
	if (c->state != CHANNEL_OPEN)
		return c->state == CHANNEL_CLOSED ? ERR_CLOSED : ERR_STATE;
	size_t body_n = 0;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].n > CHANNEL_BODY_BYTES_MAX - body_n)
			return ERR_LIMIT;
		body_n += parts[i].n;
	}
	size_t total = CHANNEL_HEAD_BYTES + body_n;
	/* the tag of the frame that is open, and two frames more */
	enum err e = buf_reserve(&c->out, total + 3 * FRAME_OVERHEAD_BYTES);
	if (e != OK)
		return e;
	if (c->frame_open && total > CHANNEL_FRAME_PLAIN_BYTES_MAX - frame_plain_bytes(c))
		e = frame_finish(c);

	uint8_t head[CHANNEL_HEAD_BYTES];
	be32_put(head, (uint32_t)type << 24 | (uint32_t)body_n);
	if (e == OK)
		e = stream_put(c, slice_of(head, sizeof head));
	for (size_t i = 0; e == OK && i < count; i++)
		e = stream_put(c, parts[i]);
	return e;
}

size_t channel_output_bytes(const struct channel *c)
{
	return c->out.n + (c->frame_open ? NOISE_TAG_BYTES : 0);
}

enum err channel_output(struct channel *c, struct buf *out)
{
	if (c->state == CHANNEL_CLOSED)
		return ERR_CLOSED;
	if (out->n > 0) {
		enum err e = buf_reserve(out, channel_output_bytes(c));
		if (e != OK)
			return e;
	}
	if (c->frame_open) {
		enum err e = frame_finish(c);
		if (e != OK)
			return e;
	}
	if (out->n > 0) {
		if (c->out.n)
			memcpy(out->p + out->n, c->out.p, c->out.n);
		out->n += c->out.n;
		buf_free(&c->out);
		return OK;
	}
	struct buf empty = *out;
	*out = c->out;
	c->out = empty;
	return OK;
}
