/* address.c -- see address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static bool host_ok(const char *p, size_t n, bool bracketed)
{
	if (n == 0 || n >= ADDRESS_HOST_BYTES)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool letter = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') ||
			(p[i] >= '0' && p[i] <= '9');
		if (!letter && !strchr(bracketed ? ":.%" : ".-_", p[i]))
			return false;
	}
	return true;
}

enum err address_parse(const char *text, bool port_zero, struct address *out)
{
	const char *colon = strrchr(text, ':');
	if (!colon)
		return ERR_INPUT;
	const char *host = text;
	size_t host_n = (size_t)(colon - text);
	bool bracketed = host_n >= 2 && host[0] == '[' && host[host_n - 1] == ']';
	if (bracketed) {
		host++;
		host_n -= 2;
	}
	if (!host_ok(host, host_n, bracketed))
		return ERR_INPUT;

	size_t port_n = strlen(colon + 1);
	uint32_t port = 0;
	if (port_n == 0 || port_n > 5)
		return ERR_INPUT;
	for (size_t i = 1; i <= port_n; i++) {
		if (colon[i] < '0' || colon[i] > '9')
			return ERR_INPUT;
		port = port * 10 + (uint32_t)(colon[i] - '0');
	}
	if (port > 65535 || (port == 0 && !port_zero))
		return ERR_INPUT;
	*out = (struct address){0};
	memcpy(out->host, host, host_n);
	memcpy(out->port, colon + 1, port_n);
	return OK;
}

enum err address_numeric(const struct address *a, struct sockaddr_storage *out)
{
	*out = (struct sockaddr_storage){0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	uint16_t port = htons((uint16_t)strtoul(a->port, NULL, 10));
	if (inet_pton(AF_INET, a->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		return OK;
	}
	if (inet_pton(AF_INET6, a->host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		return OK;
	}
	return ERR_INPUT;
}

void address_text(const struct sockaddr *a, char out[ADDRESS_TEXT_BYTES])
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		snprintf(out, ADDRESS_TEXT_BYTES, "%s:%u", host, (unsigned)ntohs(v4->sin_port));
	} else if (a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
		snprintf(out, ADDRESS_TEXT_BYTES, "[%s]:%u", host, (unsigned)ntohs(v6->sin6_port));
	} else {
		snprintf(out, ADDRESS_TEXT_BYTES, "?");
	}
}

void address_source(const struct sockaddr *a, uint8_t out[8])
{
	memset(out, 0, 8);
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
		out[0] = 4;
		memcpy(out + 4, &v4->sin_addr, 4);
	} else if (a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
			out[0] = 4;
			memcpy(out + 4, v6->sin6_addr.s6_addr + 12, 4);
		} else {
			memcpy(out, v6->sin6_addr.s6_addr, 8);
		}
	}
}

bool address_is_any(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr == htonl(INADDR_ANY);
	if (a->sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
	return false;
}

bool address_is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
	if (a->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
	return false;
}
