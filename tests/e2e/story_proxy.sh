#!/usr/bin/env bash
# story_proxy.sh -- a school whose network lets nobody out but through a proxy: SOCKS 5 and HTTP, names looked up there, wrong words.
# sanitizers: yes
# timeout: 120
. "${TOP:?}/tests/support/nets.sh"
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq ip nsenter unshare

net inside
net middle
net outside
wire inside middle 1
wire middle outside 2
proxy() { # kind, port
	: >"$TMPDIR/$1.ready"
	nsenter --net=/run/netns/middle "${PYTHON:-python3}" "$TOP/tests/support/proxy.py" "$1" "10.1.0.2:$2" "school:a:b@c" "$TMPDIR/$1.asked" \
		district.test=10.2.0.2 >"$TMPDIR/$1.ready" 2>"$TMPDIR/$1.err" &
	node_pids[proxy-$1]=$!
	within 10 grep -q ready "$TMPDIR/$1.ready" || fail "the $1 proxy starts: $(cat "$TMPDIR/$1.err")"
}
proxy socks 1080
proxy http 3128

through() { # PROXY: what the school's settings say of it
	printf '[peers]\nredial_max = 2\nproxy = %s\n' "$1" >"$TMPDIR/school/quire.conf"
}
again() {
	stop school
	through "$1"
	start school
	unlock school
}

home district
node_nets[district]=outside node_hosts[district]=10.2.0.2 node_ports[district]=7411
printf '[peers]\nadvertise = district.test:7411\n' >"$TMPDIR/district/quire.conf"
start district
unlock district
home school
node_nets[school]=inside node_hosts[school]=off
through ""
start school
unlock school
invitation=$(q district peer invite 2>/dev/null)

refused "without the proxy the school reaches nobody" 1 "name cannot be looked up" q school peer join "$invitation"
again "socks5://10.1.0.2:1080"
refused "a proxy that wants a user name and password says so" 1 "needs a user name and password" q school peer join "$invitation"
again "http://10.1.0.2:3128"
refused "over HTTP too" 1 "needs a user name and password" q school peer join "$invitation"
again "socks5://school:wrong@10.1.0.2:1080"
refused "wrong words are refused" 1 "refuses the user name and password" q school peer join "$invitation"
again "http://school:wrong@10.1.0.2:3128"
refused "over HTTP too" 1 "refuses the user name and password" q school peer join "$invitation"
again "socks5://10.1.0.2:9"
refused "a proxy that is not there is told from a peer that is not there" 1 "cannot connect to the proxy" \
	q school peer join "$invitation"
check "until now nobody was asked for the district" bash -c '! grep -h district "$1"/*.asked' _ "$TMPDIR"

again "socks5://school:a%3Ab%40c@10.1.0.2:1080"
check "with the right words the school joins through SOCKS" q school peer join "$invitation"
check "both are connected" within 20 connected school district
check "the proxy was asked for the name, which nobody inside knows" grep -qx "district.test:7411" "$TMPDIR/socks.asked"
q district follow add "$(id_of school)" 2>/dev/null
printf 'from the inside\n' >"$TMPDIR/text"
first=$(act school --json reflection add --text "$TMPDIR/text" --to public | jq -r .ref)
check "what is written inside is outside" within 20 is district "$first" here
through "socks4://10.1.0.2:1080"
refused "a setting that is none is refused" 2 "socks5://" q school config check

again "http://school:a%3Ab%40c@10.1.0.2:3128"
check "with HTTP the two find each other again" within 20 connected school district
check "its proxy was asked for the name" grep -qx "district.test:7411" "$TMPDIR/http.asked"
second=$(act school --json reflection add --text "$TMPDIR/text" --to public | jq -r .ref)
check "and what is written inside is outside" within 20 is district "$second" here
stop proxy-http
check "without its proxy the school is alone" within 20 bash -c '
	! quire --home "$1" --json peer list | jq -e "any(.items[]; .connected)" >/dev/null' _ "$TMPDIR/school"
proxy http 3128
check "and comes back with it" within 30 connected school district

stop school
printf '[peers]\nredial_max = 2\nproxy = http://10.1.0.2:9\nno_proxy = test\n[log]\nlevel = debug\n' >"$TMPDIR/school/quire.conf"
: >"$TMPDIR/school.log"
start school
check "who is to be reached without the proxy is not asked for there" \
	within 20 grep -q "the name cannot be looked up" "$TMPDIR/school.log"
check "nor is the proxy dialled" bash -c '! grep -q "to the proxy" "$1"' _ "$TMPDIR/school.log"
