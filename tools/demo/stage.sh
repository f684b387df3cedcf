# stage.sh -- sourced by both parts: nodes that start and stop, waits with a deadline, and what a check is.
declare -A pids ports
checks=0 steps=0 started=$SECONDS

say() { printf '%s\n' "$*"; }
tell() { printf '%s\n' "$*" | fold -s -w 110 | sed 's/^/  /'; }
step() {
	steps=$((steps + 1))
	printf '\n%d. %s\n' $steps "$1"
}

begin() {
	local c
	for c in quire quired sox cjpeg awk cmp; do
		command -v $c >/dev/null || { say "demo: $c is not here. Run it as: make demo" >&2; exit 2; }
	done
	stage=$(mktemp -d "${TMPDIR:-/tmp}/quire-demo.XXXXXX")
	files=$stage/files keys=$stage/keys
	trap leave EXIT
	trap 'exit 130' INT TERM
	mkdir -m 700 "$files" "$keys"
	unset QUIRE_HOME
	local free_kb
	free_kb=$(df -Pk "$stage" | awk 'NR == 2 { print $4 }')
	[ "$free_kb" -gt 1000000 ] || { say "demo: 1 GB of room is needed in ${TMPDIR:-/tmp}; TMPDIR chooses another place." >&2; exit 1; }
}

# The end, however it comes: no process stays behind, and no folder, unless KEEP=1 asked for them.
leave() {
	local node
	set +e
	if [ "${KEEP:-0}" = 1 ]; then
		still_running
		return
	fi
	for node in "${!pids[@]}"; do stop "$node"; done
	rm -rf "$stage"
}

# ---- nodes

at() { # node, command of quire...
	local node=$1
	shift
	quire --home "$stage/$node" "$@"
}

# A node that ran before comes back at the same address.
start() { # node
	local node=$1 log=$stage/$1.log ready=$stage/$1.ready
	: >"$ready"
	quired --home "$stage/$node" --listen "127.0.0.1:${ports[$node]:-0}" --http 127.0.0.1:0 >"$ready" 2>>"$log" </dev/null &
	pids[$node]=$!
	within 20 grep -q '^quired: ready' "$ready" || broken "the node in $stage/$node did not start" "$(tail -n 5 "$log")"
	ports[$node]=$(sed -n 's/.* listen=[^ ]*:\([0-9]*\) .*/\1/p' "$ready")
	tell "$(sed 's/^quired: ready/running:/' "$ready")"
}

# In good order; what does not end within ten seconds is killed.
stop() { # node
	local pid=${pids[$1]:-}
	[ -n "$pid" ] || return 0
	kill -TERM "$pid" 2>/dev/null || true
	within 10 gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	unset "pids[$1]"
}

kill_hard() { # node
	kill -KILL "${pids[$1]}"
	wait "${pids[$1]}" 2>/dev/null || true
	unset "pids[$1]"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# ---- checks

# within SECONDS COMMAND... -- asks until it holds, at most so long.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

broken() { # what was expected, what was seen
	printf '  FAILED: %s\n' "$1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/    | /'
	exit 1
}

# checked TEXT COMMAND... -- its exit status decides.
checked() {
	local text=$1
	shift
	"$@" >"$stage/said" 2>&1 || broken "$text" "exit status $?: $*
$(tail -n 5 "$stage/said")"
	checks=$((checks + 1))
	printf '  checked: %s\n' "$text"
}

# refused TEXT CODE COMMAND... -- it must end with this exit status; what it says is shown.
refused() {
	local text=$1 code=$2 status=0
	shift 2
	"$@" >"$stage/said" 2>&1 || status=$?
	[ $status = "$code" ] || broken "$text" "exit status $status, not $code: $*
$(tail -n 5 "$stage/said")"
	checks=$((checks + 1))
	printf '  checked: %s\n' "$text"
	sed -n 's/^quire: /    it says: /p' "$stage/said" | fold -s -w 110
}

# ---- people and entries

field() { sed -n "s/^ *\"$1\": \"\\(.*\\)\",\\{0,1\\}\$/\\1/p" | head -n 1; }

new_passphrase() { # name
	(umask 077 && head -c 18 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$keys/$1" && echo >>"$keys/$1")
}

# The recovery code is what a person would write on paper.
person() { # node, short name, name
	new_passphrase "$2"
	checked "\"$3\" has an identity" make_person "$@"
}

make_person() {
	quire --home "$stage/$1" --json identity create --name "$3" --passphrase-file "$keys/$2" >"$stage/person" || return
	field id <"$stage/person" >"$stage/id.$2"
	(umask 077 && field recovery_code <"$stage/person" >"$keys/$2.paper")
	rm -f "$stage/person"
	[ -s "$stage/id.$2" ] && [ -s "$keys/$2.paper" ]
}

id_of() { cat "$stage/id.$1"; }
ref_of() { cat "$stage/ref.$1"; }

unlock() { at "$1" identity unlock "$(id_of "$2")" --passphrase-file "$keys/$2"; }

keep() { # file, command...: its output
	local file=$stage/$1
	shift
	"$@" >"$file" 2>"$stage/said" || broken "$*" "$(cat "$stage/said")"
}

add() { # short name, node, person, command of quire...
	local name=$1 node=$2 person=$3
	shift 3
	quire --home "$stage/$node" --as "$(id_of "$person")" "$@" >"$stage/ref.$name" 2>"$stage/said" ||
		broken "adding $name" "$(cat "$stage/said")"
	tell "added: $name, $(sed 's/^\(.\{8\}\)[^:]*/\1/' "$stage/ref.$name")"
}

show() { # node, person or "operator", entry
	if [ "$2" = operator ]; then
		at "$1" --json entry show "$(ref_of "$3")"
	else
		at "$1" --as "$(id_of "$2")" --json entry show "$(ref_of "$3")"
	fi
}

state() { show "$1" "$2" "$3" >"$stage/shown" 2>&1 && field state <"$stage/shown"; }

# The entry has come with its body, be it open or sealed.
holds() { # node, entry
	case $(state "$1" operator "$2") in here | locked) ;; *) return 1 ;; esac
}

locked() { [ "$(state "$@")" = locked ]; }

readable() { # node, person, entry, words
	show "$1" "$2" "$3" >"$stage/shown" 2>&1 && grep -qF "$4" "$stage/shown"
}

absent() { ! holds "$@"; } # node, entry

# ---- files

get() { # node, person, entry, file
	local root
	root=$(show "$1" "$2" "$3" | field root) && [ -n "$root" ] || return 1
	rm -f "$4" "$4.part"
	at "$1" --as "$(id_of "$2")" blob get "$root" -o "$4"
}

# Fetched out of the node, and compared byte by byte with what the teacher brought.
same() { # node, person, entry, file: it may come a moment after its entry
	within 20 complete "$1" "$3" && get "$1" "$2" "$3" "$stage/got.$3" && cmp "$stage/got.$3" "$files/$4"
}

nowhere() { ! grep -rqF -- "$2" "$1"; } # folder, words

number() { sed -n "s/^ *\"$1\": \\([0-9]*\\),\\{0,1\\}\$/\\1/p" | head -n 1; }

# How much of an entry's file is here, in per cent.
share() { # node, entry
	local held total
	show "$1" operator "$2" >"$stage/shown" 2>&1 || return 1
	held=$(number held <"$stage/shown") total=$(number total <"$stage/shown")
	[ -n "$held" ] && [ "${total:-0}" -gt 0 ] || return 1
	echo $((held * 100 / total))
}

share_is_over() { # node, entry, per cent
	local now
	now=$(share "$1" "$2") && [ "$now" -ge "$3" ]
}

complete() { share_is_over "$1" "$2" 100; }

# ---- peers

key_of() { at "$1" --json node status | sed -n 's/^ *"node": "\([0-9a-f]*\)".*/\1/p' | head -n 1; }

introduced() { # node, name of who waits to be admitted
	at "$1" --json peer list | awk -v name="\"name\": \"$2\"" '
		/^ *[{]/ { it = waits = 0 }
		index($0, name) { it = 1 }
		/"origin": "waiting"/ { waits = 1 }
		it && waits { found = 1 }
		END { exit !found }'
}

connected() { # node, name of the other
	at "$1" --json peer list | awk -v name="\"name\": \"$2\"" '
		/^ *[{]/ { it = on = 0 }
		index($0, name) { it = 1 }
		/"connected": true/ { on = 1 }
		it && on { found = 1 }
		END { exit !found }'
}

knows() { # node, person, name
	at "$1" --json identity show "$(id_of "$2")" | grep -qF "\"name\": \"$3\""
}

# Neither an error nor a warning.
sound() { at "$1" doctor >"$stage/doctor" 2>&1 && grep -qx "Nothing is wrong." "$stage/doctor" || { cat "$stage/doctor"; return 1; }; }

words() { sed -n 's/^ *"words": "\(.*\)",\{0,1\}$/    \1/p' "$stage/status"; }

# ---- the end

summary() { # what it comes to
	printf '\n%s\n' "In $((SECONDS - started)) seconds, $checks things were checked in $steps steps, and all of them hold."
	tell "$@"
}

still_running() {
	local node
	printf '\nThe nodes keep running:\n'
	for node in "${!pids[@]}"; do
		printf '  %-10s peers on 127.0.0.1:%s, process %s\n             quire --home %s node status\n' "$node" \
			"${ports[$node]}" "${pids[$node]}" "$stage/$node"
	done
	printf 'Stop them with: kill %s\nand remove what they kept with: rm -rf %s\n' "${pids[*]}" "$stage"
}
