/* credential_int.h -- what the parts of credential share. */
#ifndef QUIRE_AWARD_CREDENTIAL_INT_H
#define QUIRE_AWARD_CREDENTIAL_INT_H

#include "protocol/award/credential.h"

/* The same day and time so many months later, or the last day of that month. */
void credential_add_months(uint64_t seconds, unsigned months, char out[CREDENTIAL_TIME_BYTES]);

#endif
