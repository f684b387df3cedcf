/* http_gate.h -- what a request must be before anything looks at what it asks: framed in one way only, for us by name, and not sent by
 * somebody else's page. libmicrohttpd 0.9.75 by itself answers two Host headers, Transfer-Encoding with Content-Length,
 * and NUL in the path. (A NUL in the value of a header cuts it short for libmicrohttpd and for us alike; it cannot be seen here.) */
#ifndef QUIRE_HTTP_GATE_H
#define QUIRE_HTTP_GATE_H

#include "bytes.h"

#include <microhttpd.h>

#define HTTP_HOSTS_MAX 32
#define HTTP_HOST_BYTES 272

/* The names under which the page may be asked for, with their ports as a browser writes them. */
struct http_hosts {
	size_t n;
	char names[HTTP_HOSTS_MAX][HTTP_HOST_BYTES];
};

/* 127.0.0.1, [::1] and localhost with the port, and each name of `more` (separated by spaces) as it stands, or with the port if it has none.
 * ERR_LIMIT: too many; ERR_INPUT: a name is too long or is no host. */
MUST_CHECK enum err http_hosts_init(struct http_hosts *hosts, uint16_t port, const char *more);

struct http_framing {
	bool body; /* one follows */
	bool chunked;
	uint64_t length; /* unless chunked */
};

/* NULL: pass. Otherwise what is wrong, for people (static), and the HTTP status.
 *   hosts    NULL: the Unix socket, where any one Host will do and no Origin is ours
 *   framing  filled on success */
const char *http_gate(struct MHD_Connection *connection, const char *method, const char *version,
	const struct http_hosts *hosts, struct http_framing *framing, unsigned *status);

/* Is it application/json, with no parameter but charset=utf-8? */
bool http_gate_json(const char *content_type);

#endif
