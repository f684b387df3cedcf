/* http.h -- the two doors of the API: a loopback TCP address for the page, and the Unix socket HOME/quire.sock for the command.
 * Two libmicrohttpd daemons on the node's loop; what is behind the doors stands in api.h.
 *
 * Life: http_start(); http_stop(), whose callback says that both doors are closed; then node_stop(), after which every handler
 * has had its callbacks and replied (into the void); then http_free(). */
#ifndef QUIRE_HTTP_H
#define QUIRE_HTTP_H

#include "bytes.h"

#define HTTP_HEADER_BYTES_MAX 32768
#define HTTP_URI_BYTES_MAX 8192
#define HTTP_JSON_BYTES_MAX 1048576
#define HTTP_CHUNK_BYTES_MAX 262144 /* of an upload, at a time */
#define HTTP_DRAIN_BYTES_MAX \
	1073741824 /* read and dropped of an upload that was answered early, so that the answer arrives */
#define HTTP_TCP_CONNECTIONS_MAX 1024
#define HTTP_TCP_CONNECTIONS_PER_IP_MAX 768 /* behind a reverse proxy everybody has the same address */
#define HTTP_SOCKET_CONNECTIONS_MAX 128
#define HTTP_HEADER_MS 15000
#define HTTP_BODY_MS 10000 /* for each HTTP_BODY_PROGRESS_BYTES */
#define HTTP_BODY_PROGRESS_BYTES 1024
#define HTTP_IDLE_S 120 /* a client that takes none of its answer */

struct http;
struct node;
struct sessions;
struct api_route;

/* What tests change; zeros: the values above. */
struct http_options {
	const struct api_route *routes;
	size_t routes_n;
	unsigned header_ms, body_ms;
};

/* Opens both doors with the routes of api.def. why: one line for people on error.
 * ERR_INPUT: the address is not usable, or not of the loopback, or the home's path is too long for a socket; ERR_EXISTS: the address is taken;
 * ERR_IO, ERR_MEMORY. After an error the loop has handles to close: run it, as node_stop() does. */
MUST_CHECK enum err http_start(struct node *n, char why[256], struct http **out);
/* The same with routes of one's own. */
MUST_CHECK enum err http_open(struct node *n, const struct http_options *o, char why[256], struct http **out);

/* As bound: "127.0.0.1:7412", or "off". Borrowed. */
const char *http_address(const struct http *h);
struct sessions *http_sessions(struct http *h);

/* Closes both doors, cuts every connection, wipes every session. `stopped` comes later from the loop. Uploads end with ERR_CLOSED; replies
 * of handlers that are still at work are dropped. */
void http_stop(struct http *h, void (*stopped)(void *ctx), void *ctx);
/* After http_stop() and after node_stop(): no event and no late reply can come any more. NULL is fine. */
void http_free(struct http *h);

#endif
