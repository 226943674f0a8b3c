#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "helper.h"

/* Base64 with the letters of URLs and without its padding. */
static void
add_base64(struct buf *b, const void *bytes, size_t n)
{
	char text[1024];
	int len;

	len = EVP_EncodeBlock((unsigned char *)text, bytes, (int)n);
	while (len > 0 && text[len - 1] == '=')
		len--;
	for (int i = 0; i < len; i++) {
		if (text[i] == '+')
			text[i] = '-';
		if (text[i] == '/')
			text[i] = '_';
	}
	buf_add(b, text, (size_t)len);
}

void
token_answer(const struct question *q, struct answer *a)
{
	static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	char secret[512] = "", claims[512];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	time_t now = time(NULL);
	FILE *f = fopen(q->argv[0], "re");

	if (!f || !fgets(secret, sizeof(secret), f)) {
		buf_puts(&a->err, "no secret\n");
		a->status = 1;
	}
	if (f)
		fclose(f);
	secret[strcspn(secret, "\n")] = '\0';
	snprintf(claims, sizeof(claims),
	    "{\"sub\":\"%s\",\"aud\":\"authenticated\",\"role\":"
	    "\"authenticated\",\"iat\":%lld,\"exp\":%lld}",
	    q->argv[1], (long long)now,
	    (long long)now + strtoll(q->argv[2], NULL, 10));
	add_base64(&a->out, head, strlen(head));
	buf_puts(&a->out, ".");
	add_base64(&a->out, claims, strlen(claims));
	HMAC(EVP_sha256(), secret, (int)strlen(secret),
	    (const unsigned char *)a->out.ptr, a->out.len, mac, &mac_len);
	buf_puts(&a->out, ".");
	add_base64(&a->out, mac, mac_len);
	buf_puts(&a->out, "\n");
}
