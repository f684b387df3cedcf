/* null_aead.h -- libsodium's two AEADs of Quire without a cipher, in the place of the real ones: the tag is sixteen zeros, the ciphertext the
 * plaintext. So a fuzzer reaches what lies behind them. Included by one target each, which is then the definition that the program uses. */
#ifndef QUIRE_TESTS_NULL_AEAD_H
#define QUIRE_TESTS_NULL_AEAD_H

#include <sodium.h>
#include <string.h>

#define NULL_AEAD(name) \
	int name##_encrypt(unsigned char *c, unsigned long long *c_n, const unsigned char *m, \
		unsigned long long m_n, const unsigned char *ad, unsigned long long ad_n, \
		const unsigned char *nsec, const unsigned char *npub, const unsigned char *k) \
	{ \
		(void)ad, (void)ad_n, (void)nsec, (void)npub, (void)k; \
		if (m_n) \
			memmove(c, m, (size_t)m_n); \
		memset(c + m_n, 0, 16); \
		if (c_n) \
			*c_n = m_n + 16; \
		return 0; \
	} \
	int name##_decrypt(unsigned char *m, unsigned long long *m_n, unsigned char *nsec, \
		const unsigned char *c, unsigned long long c_n, const unsigned char *ad, \
		unsigned long long ad_n, const unsigned char *npub, const unsigned char *k) \
	{ \
		(void)ad, (void)ad_n, (void)nsec, (void)npub, (void)k; \
		if (c_n < 16 || !sodium_is_zero(c + c_n - 16, 16)) \
			return -1; \
		if (c_n > 16) \
			memmove(m, c, (size_t)c_n - 16); \
		if (m_n) \
			*m_n = c_n - 16; \
		return 0; \
	}

#endif
