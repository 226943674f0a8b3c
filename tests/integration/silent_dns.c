/* A resolver whose nameservers are dead, for LD_PRELOAD: names that end in
 * .silent are answered after a minute, all others as ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	const char *end = name ? strrchr(name, '.') : NULL;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (end && !strcmp(end, ".silent") &&
	    !(hints && hints->ai_flags & AI_NUMERICHOST)) {
		sleep(60);
		return EAI_AGAIN;
	}
	return real(name, service, hints, out);
}
