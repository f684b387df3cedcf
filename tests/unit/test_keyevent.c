/* One key event: every kind there and back, every malformed field refused. SPEC.md sections 3.1 to 3.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

#include "protocol/log/keyevent.h"
#include "protocol/log/mp.h"
#include "protocol/log/secret.h"

static struct id32 filled(uint8_t v)
{
	struct id32 id;
	memset(id.b, v, 32);
	return id;
}

/* ---- there and back */

static struct id32 list_ids[LIMIT_KEYEVENT_KEEPS + 1];

/* Event of a kind with every field set and all lists at `n` elements. */
static struct keyevent sample(enum keyevent_kind kind, size_t after_n, size_t wraps_n, size_t list_n)
{
	struct keyevent ev = {.kind = kind, .after_n = after_n, .wraps_n = wraps_n, .list_n = list_n};
	bool inception = kind == KEYEVENT_INCEPTION;
	ev.identity = filled(inception ? 0 : 0x11);
	ev.generation = filled(inception ? 0 : 0x12);
	ev.slot = kind <= KEYEVENT_GENERATION ? 0 : 4095;
	for (size_t i = 0; i < after_n; i++)
		ev.after[i] = filled((uint8_t)i);
	for (size_t i = 0; i < wraps_n; i++)
		ev.wraps[i].key = filled((uint8_t)(0x20 + i));
	for (size_t i = 0; i <= LIMIT_KEYEVENT_KEEPS; i++)
		be32_put(list_ids[i].b, (uint32_t)i);
	if (inception) {
		ev.identity_kind = IDENTITY_NETWORK;
		ev.root_key = filled(1);
		ev.recovery_key = filled(0x20);
		ev.badge_key = filled(3);
		memset(ev.nonce, 4, sizeof ev.nonce);
	} else if (kind == KEYEVENT_GENERATION) {
		ev.number = 255;
		ev.signing_key = filled(5);
	} else if (kind == KEYEVENT_READING) {
		ev.reading_key = filled(6);
	} else if (kind == KEYEVENT_BADGE) {
		ev.badge_key = filled(7);
	} else if (kind == KEYEVENT_DEVICE) {
		ev.device_sign_key = filled(8);
		ev.device_box_key = filled(9);
	} else if (kind == KEYEVENT_CLOSE) {
		ev.target = filled(10);
		ev.length = 1ull << 32;
		ev.last = filled(11);
	} else if (kind == KEYEVENT_OFFICER || kind == KEYEVENT_END) {
		ev.target = filled(12);
		ev.rights = kind == KEYEVENT_OFFICER ? 31 : 0;
	} else if (kind == KEYEVENT_HOSTING) {
		ev.node_key = filled(13);
		ev.notice_key = filled(14);
		ev.receipt_key = filled(15);
	}
	return ev;
}

static struct keyevent sample_end(size_t marks_n)
{
	struct keyevent ev = sample(KEYEVENT_END, 0, 0, 0);
	ev.marks_n = marks_n;
	for (size_t i = 0; i < marks_n; i++)
		ev.marks[i] = (struct keyset_mark){filled((uint8_t)(0x40 + i)), 1 + i, filled(0x60)};
	return ev;
}

static enum err try_encode(const struct keyevent *ev)
{
	struct buf b = {0};
	enum err e = keyevent_encode(ev, list_ids, &b);
	if (e != OK)
		assert_int_equal(b.n, 0);
	buf_free(&b);
	return e;
}

static void comes_back(struct keyevent ev)
{
	struct buf b = {0}, again = {0};
	struct keyevent back;
	assert_int_equal(keyevent_encode(&ev, list_ids, &b), OK);
	assert_int_equal(keyevent_decode(buf_slice(&b), &back), OK);
	struct id32 ids[LIMIT_KEYEVENT_KEEPS];
	for (size_t i = 0; i < back.list_n; i++) {
		ids[i] = keyevent_list(&back, i);
		assert_memory_equal(ids[i].b, list_ids[i].b, 32);
	}
	assert_int_equal(keyevent_encode(&back, ids, &again), OK);
	assert_true(slice_equal(buf_slice(&b), buf_slice(&again)));
	struct id32 own = keyevent_id(buf_slice(&b));
	assert_memory_equal(back.id.b, own.b, 32);
	if (ev.kind == KEYEVENT_INCEPTION)
		assert_memory_equal(back.identity.b, own.b, 32);
	buf_free(&b);
	buf_free(&again);
}

static void every_kind_comes_back_as_it_was_written(void **state)
{
	(void)state;
	comes_back(sample(KEYEVENT_INCEPTION, 0, 1, 0));
	comes_back(sample(KEYEVENT_INCEPTION, 0, 33, 0));
	comes_back(sample(KEYEVENT_GENERATION, 32, 33, 1024));
	comes_back(sample(KEYEVENT_GENERATION, 0, 1, 0));
	comes_back(sample(KEYEVENT_READING, 3, 33, 0));
	comes_back(sample(KEYEVENT_BADGE, 32, 33, 0));
	comes_back(sample(KEYEVENT_DEVICE, 32, 8, 16));
	comes_back(sample(KEYEVENT_DEVICE, 0, 0, 0));
	comes_back(sample(KEYEVENT_CLOSE, 1, 0, 0));
	comes_back(sample(KEYEVENT_OFFICER, 2, 0, 0));
	comes_back(sample(KEYEVENT_HOSTING, 0, 0, 0));
	comes_back(sample(KEYEVENT_END, 32, 0, 0));
	comes_back(sample_end(1));
	comes_back(sample(KEYEVENT_ADOPT, 32, 0, 64));
	comes_back(sample(KEYEVENT_ADOPT, 0, 0, 1));
}

static void a_closing_with_no_entries_has_no_last_id(void **state)
{
	(void)state;
	struct keyevent ev = sample(KEYEVENT_CLOSE, 0, 0, 0);
	ev.rank = 1;
	ev.length = 0;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev.last = filled(0);
	comes_back(ev);
	ev.length = 1;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
}

static void an_end_has_up_to_16_marks_and_each_says_how_far_a_log_reached(void **state)
{
	(void)state;
	struct keyevent ev = sample_end(LIMIT_END_MARKS), back;
	struct buf b = {0};
	ev.marks[15].length = 1ull << 32;
	ev.after_n = LIMIT_KEYEVENT_AFTER;
	for (size_t i = 0; i < LIMIT_KEYEVENT_AFTER; i++)
		ev.after[i] = filled((uint8_t)i);
	comes_back(ev);
	assert_int_equal(keyevent_encode(&ev, NULL, &b), OK);
	assert_int_equal(keyevent_decode(buf_slice(&b), &back), OK);
	assert_int_equal(back.marks_n, LIMIT_END_MARKS);
	assert_memory_equal(back.marks, ev.marks, sizeof ev.marks);
	buf_free(&b);
	ev.marks_n = LIMIT_END_MARKS + 1;
	assert_int_equal(try_encode(&ev), ERR_LIMIT);
	ev = sample_end(2);
	ev.marks[1].length = 0;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev.marks[1].length = (1ull << 32) + 1;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev.marks[1].length = 1;
	assert_int_equal(try_encode(&ev), OK);
	ev.marks[1].log = ev.marks[0].log;
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
	ev.marks[0].log = filled(0x77);
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
}

static void one_more_than_a_limit_is_refused(void **state)
{
	(void)state;
	struct keyevent ev = sample(KEYEVENT_GENERATION, 0, 1, LIMIT_KEYEVENT_KEEPS + 1);
	assert_int_equal(try_encode(&ev), ERR_LIMIT);
	ev = sample(KEYEVENT_GENERATION, 0, 1, 0);
	ev.number = 256;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev.number = 0;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_ADOPT, 0, 0, 65);
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_ADOPT, 0, 0, 0);
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_DEVICE, 0, 9, 0);
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_DEVICE, 0, 0, 17);
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_CLOSE, 0, 0, 0);
	ev.length = (1ull << 32) + 1;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_CLOSE, 0, 0, 0);
	ev.rank = 2;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_OFFICER, 0, 0, 0);
	ev.rights = 0;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev.rights = 32;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_END, 0, 0, 0);
	ev.slot = 4096;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_END, 32, 0, 0);
	ev.after_n = 33;
	assert_int_equal(try_encode(&ev), ERR_LIMIT);
	ev = sample(KEYEVENT_READING, 0, 0, 0);
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_INCEPTION, 0, 1, 0);
	ev.identity_kind = 5;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
}

static void events_by_the_signing_key_hold_4096_bytes_and_by_the_root_key_65536(void **state)
{
	(void)state;
	struct keyevent ev = sample(KEYEVENT_READING, 3, 33, 0);
	struct buf b = {0};
	while (ev.after_n < LIMIT_KEYEVENT_AFTER && keyevent_encode(&ev, list_ids, &b) == OK) {
		assert_true(b.n <= LIMIT_KEYEVENT_BYTES);
		ev.after[ev.after_n] = filled((uint8_t)ev.after_n);
		ev.after_n++;
		b.n = 0;
	}
	assert_true(ev.after_n > 3 && ev.after_n <= 7);
	assert_int_equal(try_encode(&ev), ERR_LIMIT);
	ev.kind = KEYEVENT_BADGE;
	assert_int_equal(try_encode(&ev), OK);
	static uint8_t large[LIMIT_KEYEVENT_ROOT_BYTES + 1];
	struct keyevent back;
	assert_int_equal(keyevent_decode(slice_of(large, sizeof large), &back), ERR_LIMIT);
	buf_free(&b);
}

static void slots_and_after_stay_empty_where_none_are_spent(void **state)
{
	(void)state;
	struct keyevent ev = sample(KEYEVENT_INCEPTION, 0, 1, 0);
	ev.slot = 1;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_INCEPTION, 1, 1, 0);
	assert_int_equal(try_encode(&ev), ERR_RANGE);
	ev = sample(KEYEVENT_GENERATION, 1, 1, 0);
	ev.slot = 1;
	assert_int_equal(try_encode(&ev), ERR_RANGE);
}

static void lists_that_do_not_ascend_strictly_are_refused(void **state)
{
	(void)state;
	struct keyevent ev = sample(KEYEVENT_END, 2, 0, 0);
	ev.after[1] = ev.after[0];
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
	ev.after[0] = filled(9);
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
	ev = sample(KEYEVENT_BADGE, 0, 2, 0);
	ev.wraps[1].key = ev.wraps[0].key;
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
	ev.wraps[0].key = filled(0xff);
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
	ev = sample(KEYEVENT_ADOPT, 0, 0, 2);
	list_ids[1] = list_ids[0];
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
	ev = sample(KEYEVENT_GENERATION, 0, 1, 2);
	list_ids[0] = filled(9);
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
	ev = sample(KEYEVENT_DEVICE, 0, 0, 2);
	list_ids[0] = list_ids[1];
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
}

static void the_inception_wraps_its_badge_to_its_recovery_key(void **state)
{
	(void)state;
	struct keyevent ev = sample(KEYEVENT_INCEPTION, 0, 2, 0);
	ev.recovery_key = filled(0x19);
	assert_int_equal(try_encode(&ev), ERR_FORMAT);
}

/* ---- bytes that no encoder writes */

/* Each element of the event replaced by another object, dropped, or doubled. */
static size_t elements_of(struct slice bytes, struct slice *out)
{
	struct mp_in in = mp_open(bytes);
	size_t n;
	assert_int_equal(mp_get_array(&in, 0, 20, &n), OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(mp_skip(&in, &out[i]), OK);
	return n;
}

static enum err decode_elements(const struct slice *el, size_t n)
{
	struct buf b = {0};
	struct mp_out o = mp_out_init(&b);
	struct keyevent ev;
	mp_put_array(&o, n);
	for (size_t i = 0; i < n; i++)
		mp_put_raw(&o, el[i]);
	assert_int_equal(o.err, OK);
	enum err e = keyevent_decode(buf_slice(&b), &ev);
	buf_free(&b);
	return e;
}

static void every_element_is_of_its_type_and_there(void **state)
{
	(void)state;
	static const uint8_t nil[] = {0xc0}, text[] = {0xa1, 'x'}, negative[] = {0xff}, map[] = {0x80},
			     empty_bin[] = {0xc4, 0}, true_[] = {0xc3}, zeros[] = {0x91, 0x90};
	static const uint8_t short_bin[33] = {0xc4, 31};
	static const uint8_t long_bin[35] = {0xc4, 33};
	const struct slice bad[] = {slice_of(nil, 1), slice_of(text, 2), slice_of(negative, 1),
		slice_of(map, 1), slice_of(true_, 1), slice_of(zeros, 2), slice_of(short_bin, 33),
		slice_of(long_bin, 35), slice_of(empty_bin, 2)};
	for (int kind = KEYEVENT_INCEPTION; kind <= KEYEVENT_ADOPT; kind++) {
		bool wraps = kind <= KEYEVENT_BADGE || kind == KEYEVENT_DEVICE;
		bool list = kind == KEYEVENT_GENERATION || kind == KEYEVENT_DEVICE || kind == KEYEVENT_ADOPT;
		struct keyevent ev = sample(
			(enum keyevent_kind)kind, kind ? 2 : 0, wraps ? 2 : 0, list ? 2 : 0);
		struct buf b = {0};
		assert_int_equal(keyevent_encode(&ev, list_ids, &b), OK);
		struct slice el[21];
		size_t n = elements_of(buf_slice(&b), el);
		assert_int_equal(decode_elements(el, n), OK);
		assert_int_not_equal(decode_elements(el, n - 1), OK);
		el[n] = slice_of(nil, 1);
		assert_int_not_equal(decode_elements(el, n + 1), OK);
		for (size_t i = 0; i < n; i++) {
			struct slice kept = el[i];
			for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
				if (slice_equal(kept, bad[k]))
					continue;
				el[i] = bad[k];
				assert_int_not_equal(decode_elements(el, n), OK);
			}
			el[i] = kept;
		}
		buf_free(&b);
	}
}

/* The marks of an end, told as bytes. */
static enum err decode_marks(const char *hex)
{
	struct keyevent ev = sample_end(0);
	struct buf b = {0};
	struct slice el[21];
	uint8_t marks[4096];
	size_t n;
	assert_int_equal(keyevent_encode(&ev, NULL, &b), OK);
	assert_int_equal(elements_of(buf_slice(&b), el), 8);
	assert_int_equal(sodium_hex2bin(marks, sizeof marks, hex, strlen(hex), NULL, &n, NULL), 0);
	el[7] = slice_of(marks, n);
	enum err e = decode_elements(el, 8);
	buf_free(&b);
	return e;
}

#define ID_1 "c4200101010101010101010101010101010101010101010101010101010101010101"
#define ID_2 "c4200202020202020202020202020202020202020202020202020202020202020202"

static void marks_of_another_form_are_refused(void **state)
{
	(void)state;
	assert_int_equal(decode_marks("90"), OK);
	assert_int_equal(decode_marks("9193" ID_1 "01" ID_2), OK);
	assert_int_equal(decode_marks("9293" ID_1 "01" ID_1 "93" ID_2 "01" ID_1), OK);
	assert_int_equal(decode_marks("9293" ID_2 "01" ID_1 "93" ID_1 "01" ID_1), ERR_FORMAT);
	assert_int_equal(decode_marks("9193" ID_1 "00" ID_2), ERR_RANGE);
	assert_int_equal(decode_marks("9193" ID_1 "cf0000000100000000" ID_2), OK);
	assert_int_equal(decode_marks("9193" ID_1 "cf0000000100000001" ID_2), ERR_RANGE);
	const struct {
		const char *hex;
	} bad[] = {{"9193" ID_1 "cc01" ID_2}, {"9193" ID_1 "ff" ID_2}, {"9193" ID_1 ID_2 ID_2},
		{"9192" ID_1 "01"}, {"9194" ID_1 "01" ID_2 "01"}, {"9193" ID_1 "01c0"}, {"9193c4010101" ID_2},
		{"91" ID_1}, {"9180"}, {"80"}, {"c0"}, {"c400"}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_not_equal(decode_marks(bad[i].hex), OK);
	char many[8192] = "dc0011"; /* 17 of them */
	for (int i = 0; i < 17; i++)
		snprintf(many + strlen(many), 256, "93c420%064x01" ID_2, (unsigned)i);
	assert_int_equal(decode_marks(many), ERR_RANGE);
}

static void every_cut_and_every_addition_is_refused(void **state)
{
	(void)state;
	struct keyevent ev = sample(KEYEVENT_DEVICE, 2, 2, 2), back;
	struct buf b = {0};
	assert_int_equal(keyevent_encode(&ev, list_ids, &b), OK);
	for (size_t n = 0; n < b.n; n++) {
		uint8_t *cut = malloc(n ? n : 1); /* its own memory, so that a read behind it is seen */
		assert_non_null(cut);
		memcpy(cut, b.p, n);
		assert_int_not_equal(keyevent_decode(slice_of(cut, n), &back), OK);
		free(cut);
	}
	assert_int_equal(buf_put(&b, "", 1), OK);
	assert_int_equal(keyevent_decode(buf_slice(&b), &back), ERR_FORMAT);
	buf_free(&b);
}

static void other_versions_and_kinds_are_refused(void **state)
{
	(void)state;
	struct keyevent ev = sample(KEYEVENT_END, 0, 0, 0), back;
	struct buf b = {0};
	assert_int_equal(keyevent_encode(&ev, list_ids, &b), OK);
	b.p[1] = 2;
	assert_int_equal(keyevent_decode(buf_slice(&b), &back), ERR_VERSION);
	b.p[1] = 1;
	b.p[2] = 10;
	assert_int_equal(keyevent_decode(buf_slice(&b), &back), ERR_RANGE);
	buf_free(&b);
}

/* ---- signatures */

struct pair {
	struct id32 key;
	uint8_t secret[64];
};

static struct pair pair_of(uint8_t v)
{
	struct pair p;
	struct id32 seed = filled(v);
	secret_sign_pair(seed.b, &p.key, p.secret);
	return p;
}

static void a_signature_is_checked_with_its_signer(void **state)
{
	(void)state;
	struct pair signer = pair_of(1), other = pair_of(2);
	struct keyevent ev = sample(KEYEVENT_END, 0, 0, 0), back;
	struct buf b = {0};
	uint8_t sig[129] = {0};
	assert_int_equal(keyevent_encode(&ev, list_ids, &b), OK);
	assert_int_equal(keyevent_decode(buf_slice(&b), &back), OK);
	keyevent_sign(buf_slice(&b), signer.secret, sig);
	back.signatures = slice_of(sig, 64);
	assert_int_equal(keyevent_verify(&back, &signer.key), OK);
	assert_int_equal(keyevent_verify(&back, &other.key), ERR_SIGNATURE);
	for (size_t n = 0; n < sizeof sig; n++)
		if (n != 64) {
			back.signatures = slice_of(sig, n);
			assert_int_equal(keyevent_verify(&back, &signer.key), ERR_FORMAT);
		}
	back.signatures = slice_of(sig, 64);
	for (size_t i = 0; i < 64; i++) {
		sig[i] ^= 4;
		assert_int_equal(keyevent_verify(&back, &signer.key), ERR_SIGNATURE);
		sig[i] ^= 4;
	}
	buf_free(&b);
}

static void a_device_consents_to_its_identity_keys_and_nodes(void **state)
{
	(void)state;
	struct pair signer = pair_of(1), device = pair_of(2);
	struct keyevent ev = sample(KEYEVENT_DEVICE, 0, 0, 2), back;
	struct buf b = {0};
	uint8_t sig[128];
	ev.device_sign_key = device.key;
	assert_int_equal(keyevent_encode(&ev, list_ids, &b), OK);
	assert_int_equal(keyevent_decode(buf_slice(&b), &back), OK);
	back.signatures = slice_of(sig, sizeof sig);
	keyevent_sign(buf_slice(&b), signer.secret, sig);
	const struct id32 wrong = filled(0x55),
			  *right[] = {&ev.identity, &ev.device_sign_key, &ev.device_box_key};
	keyevent_device_consent(right[0], right[1], right[2], list_ids, 2, device.secret, sig + 64);
	assert_int_equal(keyevent_verify(&back, &signer.key), OK);
	keyevent_device_consent(right[0], right[1], right[2], list_ids, 1, device.secret, sig + 64);
	assert_int_equal(keyevent_verify(&back, &signer.key), ERR_SIGNATURE);
	keyevent_device_consent(right[0], right[1], right[2], list_ids, 2, signer.secret, sig + 64);
	assert_int_equal(keyevent_verify(&back, &signer.key), ERR_SIGNATURE);
	for (size_t i = 0; i < 3; i++) {
		const struct id32 *was = right[i];
		right[i] = &wrong;
		keyevent_device_consent(right[0], right[1], right[2], list_ids, 2, device.secret, sig + 64);
		assert_int_equal(keyevent_verify(&back, &signer.key), ERR_SIGNATURE);
		right[i] = was;
	}
	back.signatures = slice_of(sig, 64);
	assert_int_equal(keyevent_verify(&back, &signer.key), ERR_FORMAT);
	buf_free(&b);
}

static void a_node_consents_to_host(void **state)
{
	(void)state;
	struct pair signer = pair_of(1), receipt = pair_of(2);
	struct keyevent ev = sample(KEYEVENT_HOSTING, 0, 0, 0), back;
	struct buf b = {0};
	uint8_t sig[128];
	ev.receipt_key = receipt.key;
	assert_int_equal(keyevent_encode(&ev, list_ids, &b), OK);
	assert_int_equal(keyevent_decode(buf_slice(&b), &back), OK);
	back.signatures = slice_of(sig, sizeof sig);
	keyevent_sign(buf_slice(&b), signer.secret, sig);
	keyevent_hosting_consent(&ev.identity, &ev.node_key, &ev.notice_key, receipt.secret, sig + 64);
	assert_int_equal(keyevent_verify(&back, &signer.key), OK);
	keyevent_hosting_consent(&ev.identity, &ev.notice_key, &ev.node_key, receipt.secret, sig + 64);
	assert_int_equal(keyevent_verify(&back, &signer.key), ERR_SIGNATURE);
	buf_free(&b);
}

static void the_root_key_signs_what_only_it_may(void **state)
{
	(void)state;
	static const bool root[] = {true, true, false, true, false, false, false, false, false, false};
	for (int kind = KEYEVENT_INCEPTION; kind <= KEYEVENT_ADOPT; kind++) {
		struct keyevent ev = {.kind = (enum keyevent_kind)kind};
		assert_int_equal(keyevent_root_signed(&ev), root[kind]);
		ev.rank = 1;
		assert_int_equal(keyevent_root_signed(&ev), root[kind] || kind == KEYEVENT_CLOSE);
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_as_it_was_written),
		cmocka_unit_test(a_closing_with_no_entries_has_no_last_id),
		cmocka_unit_test(an_end_has_up_to_16_marks_and_each_says_how_far_a_log_reached),
		cmocka_unit_test(one_more_than_a_limit_is_refused),
		cmocka_unit_test(events_by_the_signing_key_hold_4096_bytes_and_by_the_root_key_65536),
		cmocka_unit_test(slots_and_after_stay_empty_where_none_are_spent),
		cmocka_unit_test(lists_that_do_not_ascend_strictly_are_refused),
		cmocka_unit_test(the_inception_wraps_its_badge_to_its_recovery_key),
		cmocka_unit_test(every_element_is_of_its_type_and_there),
		cmocka_unit_test(marks_of_another_form_are_refused),
		cmocka_unit_test(every_cut_and_every_addition_is_refused),
		cmocka_unit_test(other_versions_and_kinds_are_refused),
		cmocka_unit_test(a_signature_is_checked_with_its_signer),
		cmocka_unit_test(a_device_consents_to_its_identity_keys_and_nodes),
		cmocka_unit_test(a_node_consents_to_host),
		cmocka_unit_test(the_root_key_signs_what_only_it_may),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
