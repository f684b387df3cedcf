/* fuzz_run.c -- run_verify (SPEC 4.3) without signatures: a closing stands for the last one. Headers are built from the input, which may
 * leave each of log, seq, link, envelope hash, body length and commitment as it is or have it mended; run_verify and this target must agree.
 * Input: at most 8192 bytes. */
#include "tests/fuzz/fuzz.h"

#include "protocol/log/entry.h"

enum { SPOIL_LOG = 1, SPOIL_SEQ = 2, SPOIL_PREV = 4, SPOIL_ENVELOPE = 8, SPOIL_BODY = 16, SPOIL_FORM = 32 };

struct made {
	uint8_t headers[LIMIT_RUN_ENTRIES * ENTRY_HEADER_BYTES];
	struct entry_part parts[LIMIT_RUN_ENTRIES];
	bool sound;
};

static bool part_sound(const struct entry_part *p)
{
	struct envelope e;
	if (envelope_decode(p->envelope, &e) != OK)
		return false;
	switch (p->kind) {
	case BODY_HERE: return p->bytes.n >= LIMIT_BODY_BYTES_MIN && p->bytes.n <= LIMIT_BODY_BYTES;
	case BODY_ERASED: return p->bytes.n == LIMIT_ERASURE_BYTES;
	case BODY_ASK:
	case BODY_ABSENT:
	case BODY_WITHHELD: return p->bytes.n == 0;
	default: return false;
	}
}

static void make(struct fuzz_in *in, struct made *m, const struct id32 *log, uint64_t seq, size_t i)
{
	struct entry_part *part = &m->parts[i];
	uint8_t *bytes = m->headers + i * ENTRY_HEADER_BYTES;
	uint8_t spoil = fuzz_u8(in);
	part->kind = fuzz_u8(in);
	part->envelope = fuzz_take(in, fuzz_u8(in));
	part->bytes = fuzz_take(in, part->kind == BODY_ERASED ? fuzz_u8(in) : fuzz_u8(in) % 64);
	struct entry_header h = {.log = *log, .seq = seq, .hour = 1, .flags = fuzz_u8(in) & 3};
	if (i > 0)
		h.prev = entry_id(bytes - ENTRY_HEADER_BYTES);
	else if (seq > 0)
		h.prev = (struct id32){{9}};
	h.envelope_hash = entry_envelope_hash(part->envelope);
	h.body_bytes = part->kind == BODY_HERE ? (uint32_t)part->bytes.n : LIMIT_BODY_BYTES_MIN;
	h.commitment = entry_body_commitment(part->bytes);
	m->sound = m->sound && part_sound(part);
	if (h.body_bytes < LIMIT_BODY_BYTES_MIN)
		h.body_bytes = LIMIT_BODY_BYTES_MIN;
	entry_header_encode(&h, bytes);
	if (spoil & SPOIL_LOG)
		bytes[2] ^= 1;
	if (spoil & SPOIL_SEQ)
		bytes[41] ^= 1;
	if (spoil & SPOIL_PREV && i > 0)
		bytes[42] ^= 1;
	if (spoil & SPOIL_ENVELOPE)
		bytes[94] ^= 1;
	if (spoil & SPOIL_BODY && part->kind == BODY_HERE)
		bytes[161] ^= 1;
	if (spoil & SPOIL_FORM)
		bytes[0] ^= 1;
	m->sound = m->sound && !(spoil & (SPOIL_LOG | SPOIL_SEQ | SPOIL_ENVELOPE | SPOIL_FORM)) &&
		!(spoil & SPOIL_PREV && i > 0) && !(spoil & SPOIL_BODY && part->kind == BODY_HERE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fuzz_in in = fuzz_open(data, n);
	static struct made m;
	m.sound = true;
	struct run run = {.log = {{7}}, .headers = m.headers, .parts = m.parts};
	run.first = fuzz_u8(&in) & 1 ? fuzz_u32(&in) : fuzz_u8(&in) % 64;
	run.n = 1 + fuzz_u8(&in) % LIMIT_RUN_ENTRIES;
	const struct id32 key = {{1}};
	struct run_ends ends;
	if (run.n > run_interval_end(run.first) - run.first) {
		fuzz_must(run_verify(&run, &key, &ends) == ERR_RANGE, "a run ends with its interval");
		return 0;
	}
	for (size_t i = 0; i < run.n; i++)
		make(&in, &m, &run.log, run.first + i, i);
	struct id32 closing = entry_id(m.headers + (run.n - 1) * ENTRY_HEADER_BYTES);
	run.closing = &closing;
	enum err e = run_verify(&run, &key, &ends);
	fuzz_must((e == OK) == m.sound, "a run verifies if and only if nothing of it was spoilt");
	fuzz_must(e != OK || id32_equal(&ends.last, &closing), "its last entry is the one named");
	closing.b[0] ^= 1;
	fuzz_must(run_verify(&run, &key, &ends) != OK, "another closing does not verify it");
	return 0;
}
