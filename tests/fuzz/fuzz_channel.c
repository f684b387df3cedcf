/* fuzz_channel.c -- the bytes of a connection (SPEC 7) without cipher and curve: handshake, frames, the stream of messages.
 * The first byte says how: as initiator or responder, with the handshake done or not; or two channels that send to each other.
 * The same bytes in other fragments must give the same messages and the same end.
 * Input: at most 16384 bytes. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/null_aead.h"

#include "protocol/log/hash.h"
#include "protocol/peer/channel.h"
#include "tests/support/seeded_random.h"

NULL_AEAD(crypto_aead_chacha20poly1305_ietf)

/* The "public key" of a secret is itself; a shared secret the sum of both. */
int crypto_scalarmult_base(unsigned char *q, const unsigned char *n)
{
	memmove(q, n, 32);
	return 0;
}

int crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
	unsigned char out[32];
	for (size_t i = 0; i < 32; i++)
		out[i] = n[i] ^ p[i];
	memcpy(q, out, 32);
	return sodium_is_zero(q, 32) ? -1 : 0;
}

static const struct id32 network = {{1}};
static struct noise_keypair ours, theirs;

static void begin(struct channel *c, bool initiator, struct seeded_random *seed)
{
	struct random_source rnd = seeded_random_source(seed);
	if (initiator)
		fuzz_must(
			channel_init_initiator(c, rnd, &network, &ours, &theirs.public_key) == OK, "begins");
	else
		channel_init_responder(c, rnd, &network, &theirs);
}

/* Gives all that came, until nothing is left or the channel has closed itself; adds what it gave to the digest. */
static enum err feed(struct channel *c, struct slice bytes, struct buf *got, size_t *messages)
{
	enum err e = OK;
	while (bytes.n > 0 && e == OK) {
		size_t taken = 0;
		struct channel_msg m;
		e = channel_feed(c, bytes, &taken);
		fuzz_must(taken <= bytes.n && (taken > 0 || e != OK),
			"it takes something, and no more than there is");
		bytes = slice_of(bytes.p + taken, bytes.n - taken);
		while (e == OK && (e = channel_next(c, &m)) == OK) {
			uint8_t head[5] = {m.type};
			be32_put(head + 1, (uint32_t)m.body.n);
			fuzz_must(m.body.n <= CHANNEL_BODY_BYTES_MAX, "a message is bounded");
			fuzz_must(buf_put(got, head, 5) == OK && buf_put_slice(got, m.body) == OK,
				"there is memory");
			(*messages)++;
		}
		fuzz_must(c->in.n <= CHANNEL_INPUT_BYTES_MAX, "what waits is bounded");
		if (e == ERR_PENDING)
			e = OK;
	}
	fuzz_must(e == OK || c->state == CHANNEL_CLOSED, "an error closes it");
	return e;
}

/* One goes as far as the other answers. */
static void pass(struct channel *from, struct channel *to, struct buf *got, size_t *messages)
{
	struct buf out = {0};
	if (channel_output(from, &out) == OK)
		fuzz_must(feed(to, buf_slice(&out), got, messages) == OK, "what one sends the other takes");
	buf_free(&out);
}

static void shake(struct channel *a, struct channel *b)
{
	struct buf got = {0};
	size_t n = 0;
	pass(a, b, &got, &n);
	pass(b, a, &got, &n);
	pass(a, b, &got, &n);
	fuzz_must(channel_established(a) && channel_established(b) && n == 0, "the handshake is complete");
	buf_free(&got);
}

struct two {
	struct channel a, b;
	struct seeded_random seeds[2];
};

static void two_begin(struct two *t, bool done)
{
	*t = (struct two){.seeds = {{.seed = 1}, {.seed = 2}}};
	begin(&t->a, true, &t->seeds[0]);
	begin(&t->b, false, &t->seeds[1]);
	if (done)
		shake(&t->a, &t->b);
}

static void two_end(struct two *t)
{
	channel_deinit(&t->a);
	channel_deinit(&t->b);
}

/* The bytes as they are; then again in pieces, which the first of them choose. */
static void raw(struct slice bytes, bool initiator, bool done)
{
	struct buf got[2] = {{0}, {0}};
	size_t messages[2] = {0, 0};
	enum err e[2] = {OK, OK};
	for (int round = 0; round < 2; round++) {
		struct two t;
		two_begin(&t, done);
		struct channel *c = initiator ? &t.a : &t.b;
		struct slice rest = bytes;
		for (size_t i = 0; rest.n > 0 && e[round] == OK; i++) {
			size_t n = round == 0 ? rest.n : 1u + bytes.p[i % bytes.n] % 97u;
			n = n < rest.n ? n : rest.n;
			e[round] = feed(c, slice_of(rest.p, n), &got[round], &messages[round]);
			rest = slice_of(rest.p + n, rest.n - n);
		}
		two_end(&t);
	}
	fuzz_must(e[0] == e[1] && messages[0] == messages[1] && fuzz_same(&got[0], &got[1]),
		"the same messages and the same end in other fragments");
	buf_free(&got[0]);
	buf_free(&got[1]);
}

/* Messages of lengths that the input names, up to the largest and one more. */
static void honest(struct fuzz_in *in)
{
	static uint8_t body[CHANNEL_BODY_BYTES_MAX + 1];
	struct two t;
	struct buf got = {0}, want = {0};
	size_t messages = 0, sent = 0;
	two_begin(&t, true);
	for (size_t i = 0; in->n > 0 && i < 6; i++) {
		uint8_t type = fuzz_u8(in);
		size_t n = (size_t)fuzz_u16(in) * (type & 1u ? 1u : 2u) % (sizeof body + 1);
		enum err e = channel_send(&t.a, type, (const struct slice[]){slice_of(body, n)}, 1);
		fuzz_must(e == (n > CHANNEL_BODY_BYTES_MAX ? ERR_LIMIT : OK), "what fits is sent");
		if (e == OK) {
			uint8_t head[5] = {type};
			be32_put(head + 1, (uint32_t)n);
			fuzz_must(buf_put(&want, head, 5) == OK && buf_put(&want, body, n) == OK,
				"there is memory");
			sent++;
		}
		if (type & 2)
			pass(&t.a, &t.b, &got, &messages);
	}
	pass(&t.a, &t.b, &got, &messages);
	fuzz_must(messages == sent && fuzz_same(&got, &want), "what is sent arrives, in order");
	two_end(&t);
	buf_free(&got);
	buf_free(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_open(data, n);
	static const uint8_t secrets[2][32] = {{3}, {4}};
	noise_keypair_from_secret(&ours, secrets[0]);
	noise_keypair_from_secret(&theirs, secrets[1]);
	uint8_t how = fuzz_u8(&in);
	if (how & 4)
		honest(&in);
	else if (in.n > 0)
		raw(slice_of(in.p, in.n), how & 1, how & 2);
	return 0;
}
