# lib.sh -- sourced by the tests with real daemons: one line for each thing that was checked.
# A story that has failed does not go on: what follows would only fail for the same reason.
set -euo pipefail

# What was shown to hold.
ok() { printf 'ok - %s\n' "$1"; }

# What does not hold; ends the script.
fail() {
	printf 'not ok - %s\n' "$1"
	exit 1
}

# check TEXT COMMAND... -- the command's exit status decides; what it says is shown if it fails.
check() {
	local text=$1 status=0
	shift
	"$@" >"$TMPDIR/check.out" 2>&1 || status=$?
	if [ $status = 0 ]; then
		ok "$text"
	else
		tail -n 20 "$TMPDIR/check.out" | sed 's/^/# /'
		fail "$text (exit status $status: $*)"
	fi
}

# need COMMAND... -- without these the script cannot run; that is a failure, never a silent skip.
need() {
	local c
	for c in "$@"; do
		command -v "$c" >/dev/null || fail "$c is not on this machine"
	done
}

# ---- nodes: homes in $TMPDIR, all on loopback, ended with the script

# A node may live in a network of tests/support/nets.sh (node_nets) and listen elsewhere, or not at all (node_hosts).
declare -A node_pids node_ports node_nets node_hosts
trap 'for node in "${!node_pids[@]}"; do kill -KILL "${node_pids[$node]}" 2>/dev/null || true; done' EXIT

# within SECONDS COMMAND... -- asks until it holds, at most so long.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# home NODE [KIND] -- a home with one identity; its passphrase is in NODE.pass, its id in NODE.id, its code in NODE.code.
home() {
	printf 'passphrase of %s\n' "$1" >"$TMPDIR/$1.pass"
	quire --home "$TMPDIR/$1" --json init --name "$1" --kind "${2:-school}" --passphrase-file "$TMPDIR/$1.pass" \
		>"$TMPDIR/$1.init" || fail "a home for $1"
	jq -r .id <"$TMPDIR/$1.init" >"$TMPDIR/$1.id"
	jq -r .recovery_code <"$TMPDIR/$1.init" >"$TMPDIR/$1.code"
	printf '[peers]\nredial_max = 2\n' >"$TMPDIR/$1/quire.conf"
}

# start NODE -- a node that ran before comes back at the same address.
start() {
	local ready=$TMPDIR/$1.ready listen=${node_hosts[$1]:-127.0.0.1} net=${node_nets[$1]:-}
	[ "$listen" = off ] || listen=$listen:${node_ports[$1]:-0}
	: >"$ready"
	${net:+nsenter "--net=/run/netns/$net"} quired --home "$TMPDIR/$1" --listen "$listen" --http off >"$ready" 2>>"$TMPDIR/$1.log" </dev/null &
	node_pids[$1]=$!
	within 30 grep -q '^quired: ready' "$ready" || fail "$1 starts: $(tail -n 5 "$TMPDIR/$1.log")"
	node_ports[$1]=$(sed -n 's/.* listen=[^ ]*:\([0-9]*\) .*/\1/p' "$ready")
}

# stop NODE [SIGNAL]
stop() {
	kill "-${2:-TERM}" "${node_pids[$1]}"
	wait "${node_pids[$1]}" 2>/dev/null || true
	unset "node_pids[$1]"
}

# q NODE COMMAND... -- quire at a node; act NODE COMMAND...: as its identity.
q() { quire --home "$TMPDIR/$1" "${@:2}"; }
act() { quire --home "$TMPDIR/$1" --as "$(id_of "$1")" "${@:2}"; }
id_of() { cat "$TMPDIR/$1.id"; }
unlock() { q "$1" identity unlock "$(id_of "$1")" --passphrase-file "$TMPDIR/$1.pass" >/dev/null 2>&1; }

# join A B -- B joins with an invitation of A; both are connected.
join() {
	q "$2" peer join "$(q "$1" peer invite 2>/dev/null)" >/dev/null 2>&1 && within 20 connected "$1" "$2" &&
		within 20 connected "$2" "$1"
}
connected() { q "$1" --json peer list | jq -e --arg name "$2" 'any(.items[]; .name == $name and .connected)' >/dev/null; }

# state NODE REF [AS] -- of an entry as it is seen there; nothing where it is not.
state() { q "$1" ${3:+--as "$3"} --json entry show "$2" 2>/dev/null | jq -r '.state // empty'; }
is() { [ "$(state "$1" "$2" "${4:-}")" = "$3" ]; } # node, ref, state, as

# refused TEXT CODE PATTERN COMMAND... -- ends with this exit status, and says something that fits.
refused() {
	local text=$1 code=$2 pattern=$3 status=0
	shift 3
	"$@" >"$TMPDIR/said" 2>&1 </dev/null || status=$?
	[ $status = "$code" ] || fail "$text (exit status $status, not $code: $(tail -n 3 "$TMPDIR/said"))"
	grep -qiE -- "$pattern" "$TMPDIR/said" || fail "$text (it says: $(tail -n 3 "$TMPDIR/said"))"
	ok "$text"
}

# Of people, in a story that has `declare -A ids home_of`:
# person NODE NAME -- somebody of his own there, signed in.
person() {
	printf 'passphrase of %s\n' "$2" >"$TMPDIR/$2.pass"
	ids[$2]=$(q "$1" --json identity create --name "$2" --passphrase-file "$TMPDIR/$2.pass" 2>/dev/null | jq -r .id)
	home_of[$2]=$1
	q "$1" identity unlock "${ids[$2]}" --passphrase-file "$TMPDIR/$2.pass" >/dev/null 2>&1 || fail "$2 signs in"
}
as() { quire --home "$TMPDIR/${home_of[$1]}" --as "${ids[$1]}" "${@:2}"; } # person, command...
