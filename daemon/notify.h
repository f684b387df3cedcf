/* notify.h -- tells systemd how far the daemon is: sd_notify(3) by hand, one datagram to $NOTIFY_SOCKET. */
#ifndef QUIRE_DAEMON_NOTIFY_H
#define QUIRE_DAEMON_NOTIFY_H

/* Sends e.g. "READY=1" or "STOPPING=1". Does nothing without $NOTIFY_SOCKET; a socket that does not answer is no error of ours. */
void notify_send(const char *state);

#endif
