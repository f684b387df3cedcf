/* credential_int.h -- what the parts of credential share. */
#ifndef QUIRE_AWARD_CREDENTIAL_INT_H
#define QUIRE_AWARD_CREDENTIAL_INT_H

#include "protocol/award/credential.h"

/* The same day and time so many months later, or the last day of that month. */
void credential_add_months(uint64_t seconds, unsigned months, char out[CREDENTIAL_TIME_BYTES]);

/* Any date and time of RFC 3339 from 1970 on, with a fraction or without, in seconds since 1970. ERR_FORMAT. */
MUST_CHECK enum err credential_time_read(const char *text, uint64_t *seconds);

#endif
