/* Tokens made with OpenSSL's HMAC, independently of the module and of libcjose,
 * so that both sides cannot be wrong in the same way. */
#ifndef TOKEN_TEST_H
#define TOKEN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <cmocka.h>

static inline size_t
base64url(const void *bytes, size_t n, char *out)
{
	int len = EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);

	while (len > 0 && out[len - 1] == '=')
		len--;
	for (int i = 0; i < len; i++) {
		if (out[i] == '+')
			out[i] = '-';
		if (out[i] == '/')
			out[i] = '_';
	}
	out[len] = '\0';
	return (size_t)len;
}

/* header.claims.HMAC-SHA256 under secret. The next call overwrites it. */
static inline const char *
make_hs256(const char *header, const char *claims, const char *secret)
{
	static char text[65536];
	unsigned char mac[32];
	unsigned int mac_len = sizeof(mac);
	size_t len;

	len = base64url(header, strlen(header), text);
	text[len++] = '.';
	len += base64url(claims, strlen(claims), text + len);
	assert_non_null(HMAC(EVP_sha256(), secret, (int)strlen(secret),
	    (const unsigned char *)text, len, mac, &mac_len));
	text[len++] = '.';
	(void)base64url(mac, mac_len, text + len);
	return text;
}

#endif
