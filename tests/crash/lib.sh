# lib.sh -- sourced by the tests that kill daemons, behind tests/e2e/lib.sh.

# pair -- two homes that follow each other, connected once and stopped.
pair() {
	for node in ann ben; do
		home $node person
		printf "[peers]\nredial_max = 1\n" >"$TMPDIR/$node/quire.conf"
		start $node
		unlock $node || fail "$node unlocks"
	done
	check "two nodes are connected" join ann ben
	q ben follow add "$(id_of ann)" 2>/dev/null
	q ann follow add "$(id_of ben)" 2>/dev/null
	check "they learn each other's keys" within 20 q ben identity show "$(id_of ann)"
	check "and the other way round" within 20 q ann identity show "$(id_of ben)"
	stop ann
	stop ben
}

spec() { printf '%s:%s:%s:%s' "$TMPDIR/$1" "${node_ports[$1]}" "$(id_of "$1")" "$TMPDIR/$1.pass"; }

# run_killed KILLS SEED [--shim SHIM] -- figures to $TMPDIR/figures, exit status of crash.py.
run_killed() {
	python3 "$TOP/tests/crash/crash.py" "$@" "$(spec ann)" "$(spec ben)" >"$TMPDIR/figures" 2>"$TMPDIR/crash.err"
}

# killed TEXT KILLS SEED [--shim SHIM]
killed() {
	local text=$1 status=0
	shift
	run_killed "$@" || status=$?
	[ -s "$TMPDIR/figures" ] || fail "$text: $(tail -n 3 "$TMPDIR/crash.err")"
	sed 's/^/# /' "$TMPDIR/figures"
	figure() { jq -e "$2" "$TMPDIR/figures" >/dev/null || fail "$text: $1 ($(cat "$TMPDIR/figures"))"; }
	figure "entries are acknowledged" ".acknowledged > $1"
	ok "$text: $(jq .acknowledged "$TMPDIR/figures") entries acknowledged"
	figure "no acknowledged entry is lost" '.lost == 0 and .changed == 0'
	ok "no acknowledged entry is lost"
	figure "both hold the same logs, no fork, no home taken for a restored one" '.wrong == []'
	[ $status = 0 ] || fail "$text (exit status $status)"
	ok "both hold the same logs, one each, no fork"
	check "doctor finds nothing at ann" q ann doctor
	check "doctor finds nothing at ben" q ben doctor
}
