# nets.sh -- sourced before lib.sh by stories that need several networks: each is a network namespace, on wires made here.
# The script runs again in namespaces of its own, as root or as a user who may be root in them, and all of it goes with it.
PATH=$PATH:/usr/sbin:/sbin # where ip is
if [ -z "${QUIRE_NETS:-}" ]; then
	for u in "unshare" "unshare --map-root-user"; do
		# shellcheck disable=SC2086 # words
		if $u --net --mount true 2>/dev/null; then
			QUIRE_NETS=1 exec $u --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
		fi
	done
	echo "not ok - this system gives no network namespaces, which this test needs: run it as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)"
	exit 1
fi
mount -t tmpfs tmpfs /run && mkdir -p /run/netns || {
	echo "not ok - no folder for the names of network namespaces"
	exit 1
}
ip link set lo up

# net NAME -- a network of one machine: itself.
net() {
	ip netns add "$1"
	in_net "$1" ip link set lo up
}

in_net() { nsenter "--net=/run/netns/$1" "${@:2}"; }

# wire A B N -- A has 10.N.0.1 and fd00:N::1 on it, B the same with 2. Nobody passes anything on.
wire() {
	ip link add "w$3a" type veth peer name "w$3b"
	ip link set "w$3a" netns "$1"
	ip link set "w$3b" netns "$2"
	wire_end "$1" "w$3a" "$3" 1
	wire_end "$2" "w$3b" "$3" 2
}

wire_end() { # net, interface, number, host
	in_net "$1" ip addr add "10.$3.0.$4/24" dev "$2"
	in_net "$1" ip addr add "fd00:$3::$4/64" dev "$2" nodad
	in_net "$1" ip link set "$2" up
}

# switch NET N A B C... -- A, B, C... on one local network, made in NET: 10.N.0.1 and fd00:N::1, .2, .3 ...
switch() {
	local between=$1 n=$2 i
	shift 2
	in_net "$between" ip link add lan type bridge
	in_net "$between" ip link set lan up
	for ((i = 1; i <= $#; i++)); do
		ip link add "s$n-$i" type veth peer name lan0
		ip link set "s$n-$i" netns "$between"
		in_net "$between" ip link set "s$n-$i" master lan up
		ip link set lan0 netns "${!i}"
		wire_end "${!i}" lan0 "$n" "$i"
	done
}
