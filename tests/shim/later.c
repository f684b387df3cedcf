/* later.c -- LD_PRELOAD: a process for which it is $QUIRE_SHIM_LATER seconds later than it is, so that days can pass in a test. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

time_t time(time_t *out)
{
	static time_t (*real)(time_t *);
	if (!real) {
		void *found = dlsym(RTLD_NEXT, "time");
		memcpy(&real, &found, sizeof real);
	}
	const char *later = getenv("QUIRE_SHIM_LATER");
	time_t now = real(NULL) + (later ? (time_t)strtoll(later, NULL, 10) : 0);
	if (out)
		*out = now;
	return now;
}
