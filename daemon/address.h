/* address.h -- "host:port" and "[ipv6]:port" as text, and sockaddrs as text. */
#ifndef QUIRE_DAEMON_ADDRESS_H
#define QUIRE_DAEMON_ADDRESS_H

#include "bytes.h"

#include <sys/socket.h>

#define ADDRESS_TEXT_BYTES 64 /* of a numeric address with its port, and NUL */
#define ADDRESS_HOST_BYTES 256

struct address {
	char host[ADDRESS_HOST_BYTES]; /* without brackets */
	char port[6];
};

/* Splits the text; does not look names up. Port 0 only if port_zero. ERR_INPUT. */
MUST_CHECK enum err address_parse(const char *text, bool port_zero, struct address *out);
/* To a sockaddr, if host is numeric. ERR_INPUT: it is a name. */
MUST_CHECK enum err address_numeric(const struct address *a, struct sockaddr_storage *out);
/* "127.0.0.1:7411", "[::1]:7411". */
void address_text(const struct sockaddr *a, char out[ADDRESS_TEXT_BYTES]);
/* What one source is, for limits per source: an IPv4 address, or the first 64 bits of an IPv6 one (a whole site). */
void address_source(const struct sockaddr *a, uint8_t out[8]);
/* 0.0.0.0 and ::, where one can listen but which nobody can dial. */
bool address_is_any(const struct sockaddr *a);

/* 127.0.0.0/8 and ::1, which nobody else can dial. */
bool address_is_loopback(const struct sockaddr *a);

#endif
