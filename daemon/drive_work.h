/* drive_work.h -- does one work request of the engine: the hashing, then the blob files. Any thread. */
#ifndef QUIRE_DAEMON_DRIVE_WORK_H
#define QUIRE_DAEMON_DRIVE_WORK_H

#include "protocol/peer/engine.h"

/* Sets w->err and the results. */
void drive_work(const char *home, struct engine_work *w);

#endif
