/* beacons_net.c -- the group's sockets: on which interfaces is heard and sent; see beacons_int.h. */
#include "beacons_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

/* SPEC 19.4: "239.255.74.11 and ff02::7411" */
#define GROUP_4 "239.255.74.11"
#define GROUP_6 "ff02::7411"

static struct in_addr group_4(void)
{
	struct in_addr a;
	if (inet_pton(AF_INET, GROUP_4, &a) != 1)
		abort();
	return a;
}

static struct in6_addr group_6(void)
{
	struct in6_addr a;
	if (inet_pton(AF_INET6, GROUP_6, &a) != 1)
		abort();
	return a;
}

static int set(int fd, int level, int name, const void *value, size_t n)
{
	return setsockopt(fd, level, name, value, (socklen_t)n);
}

/* Bound to the group itself: what is sent to this machine alone does not come. */
static int bind_4(int fd, uint16_t port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = group_4(), .sin_port = htons(port)};
	const int no = 0;
	if (set(fd, IPPROTO_IP, IP_MULTICAST_ALL, &no, sizeof no) != 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&at, sizeof at);
}

/* A link-local group cannot be bound to without its link: so the datagram says whom it was sent to. */
static int bind_6(int fd, uint16_t port)
{
	const struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const int yes = 1, one = 1;
	if (set(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0 ||
		set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof yes) != 0 ||
		set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &one, sizeof one) != 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&at, sizeof at);
}

enum err lan_open(struct lan *l, int family, uint16_t port)
{
	const int yes = 1;
	l->family = family;
	l->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return errno == EAFNOSUPPORT ? OK : ERR_IO;
	/* Several nodes of one machine hear the same group. */
	int status = set(l->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (status == 0)
		status = family == AF_INET ? bind_4(l->fd, port) : bind_6(l->fd, port);
	if (status == 0)
		return OK;
	enum err e = errno == EADDRINUSE ? ERR_BUSY : ERR_IO;
	lan_close(l);
	return e;
}

void lan_close(struct lan *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* ---- interfaces */

typedef void (*interface_fn)(struct lan *l, unsigned index, const struct sockaddr *address, void *ctx);

/* Each that has an address of the family and can send to groups, once. */
static void each_interface(struct lan *l, interface_fn fn, void *ctx)
{
	const unsigned wanted = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
	struct ifaddrs *all = NULL;
	unsigned seen[BEACONS_INTERFACES_MAX];
	size_t seen_n = 0;
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != l->family ||
			(i->ifa_flags & wanted) != wanted || (i->ifa_flags & IFF_LOOPBACK))
			continue;
		unsigned index = if_nametoindex(i->ifa_name);
		bool again = index == 0;
		for (size_t k = 0; k < seen_n; k++)
			again |= seen[k] == index;
		/* One with several addresses comes several times; who is bound to an address looks at each. */
		if ((again && !l->bound) || (!again && seen_n == BEACONS_INTERFACES_MAX))
			continue;
		if (!again)
			seen[seen_n++] = index;
		fn(l, index, i->ifa_addr, ctx);
	}
	freeifaddrs(all);
}

static bool hears_on(const struct lan *l, unsigned index)
{
	for (size_t i = 0; i < l->interfaces_n; i++)
		if (l->interfaces[i] == index)
			return true;
	return false;
}

static void membership(const struct lan *l, unsigned index, bool joins)
{
	const struct ip_mreqn four = {.imr_multiaddr = group_4(), .imr_ifindex = (int)index};
	const struct ipv6_mreq six = {.ipv6mr_multiaddr = group_6(), .ipv6mr_interface = index};
	/* What cannot be joined is not heard: nothing else hangs on it. */
	if (l->family == AF_INET)
		(void)set(l->fd, IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &four,
			sizeof four);
	else
		(void)set(l->fd, IPPROTO_IPV6, joins ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &six, sizeof six);
}

static void join_one(struct lan *l, unsigned index, const struct sockaddr *address, void *ctx)
{
	struct lan *now = (struct lan *)ctx;
	(void)address;
	if (hears_on(now, index) || now->interfaces_n == BEACONS_INTERFACES_MAX)
		return;
	now->interfaces[now->interfaces_n++] = index;
	if (hears_on(l, index))
		return;
	membership(l, index,
		false); /* of one that was gone and is back: the kernel knows it no more, the socket does */
	membership(l, index, true);
}

void lan_join(struct lan *l)
{
	struct lan now = {0};
	if (l->fd < 0)
		return;
	each_interface(l, join_one, &now);
	memcpy(l->interfaces, now.interfaces, sizeof l->interfaces);
	l->interfaces_n = now.interfaces_n;
}

/* ---- out */

struct outgoing {
	uint16_t port;
	const uint8_t *bytes;
};

static bool same_address(const struct sockaddr *a, const struct sockaddr_storage *b)
{
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
			((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
		       &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
}

static void send_one(struct lan *l, unsigned index, const struct sockaddr *address, void *ctx)
{
	const struct outgoing *o = (const struct outgoing *)ctx;
	if (l->bound && !same_address(address, &l->at))
		return;
	const struct sockaddr_in four = {
		.sin_family = AF_INET, .sin_addr = group_4(), .sin_port = htons(o->port)};
	const struct sockaddr_in6 six = {.sin6_family = AF_INET6,
		.sin6_addr = group_6(),
		.sin6_port = htons(o->port),
		.sin6_scope_id = index};
	const struct ip_mreqn by = {.imr_ifindex = (int)index};
	/* A beacon that cannot be sent is lost like one that nobody hears: the next comes. */
	if (l->family == AF_INET) {
		(void)set(l->fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by);
		(void)sendto(l->fd, o->bytes, BEACON_BYTES, 0, (const struct sockaddr *)&four, sizeof four);
	} else {
		(void)sendto(l->fd, o->bytes, BEACON_BYTES, 0, (const struct sockaddr *)&six, sizeof six);
	}
}

void lan_send(struct lan *l, uint16_t port, const uint8_t beacon[BEACON_BYTES])
{
	struct outgoing o = {.port = port, .bytes = beacon};
	if (l->fd >= 0 && l->sends)
		each_interface(l, send_one, &o);
}

/* ---- in */

static bool sent_to_group(struct msghdr *m)
{
	const struct in6_addr group = group_6();
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct in6_pktinfo info;
		if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof info);
		return memcmp(&info.ipi6_addr, &group, sizeof group) == 0;
	}
	return false;
}

bool lan_receive(struct lan *l, uint8_t bytes[BEACON_BYTES + 1], size_t *n, struct sockaddr_storage *from)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct iovec into = {.iov_base = bytes, .iov_len = BEACON_BYTES + 1};
	struct msghdr m = {.msg_name = from,
		.msg_namelen = sizeof *from,
		.msg_iov = &into,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control};
	ssize_t got = recvmsg(l->fd, &m, 0);
	if (got < 0)
		return false;
	*n = l->family == AF_INET || sent_to_group(&m) ? (size_t)got : 0; /* 0: like what is no beacon */
	return true;
}
