#!/usr/bin/env bash
# demo_portfolio.sh -- the first part of the demo: its story holds, its end leaves nothing behind, and it fails where a file is not what it was.
# timeout: 240
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired sox cjpeg
demo=$TOP/tools/demo/portfolio.sh out=$TMPDIR/out

run_demo() {
	"$demo" >"$out" 2>&1 && return
	tail -n 20 "$out"
	return 1
}
says() { grep -qF -- "$1" "$out"; }
middle() {
	local share
	share=$(sed -n 's/.*SIGKILL. when \([0-9]*\) % .*/\1/p' "$out")
	[ "$share" -gt 0 ] && [ "$share" -lt 100 ]
}
nothing_left() {
	local cmdline
	if ls -d "$TMPDIR"/quire-demo.* 2>/dev/null; then return 1; fi
	for cmdline in /proc/[0-9]*/cmdline; do
		if tr '\0' ' ' <"$cmdline" 2>/dev/null | grep -q "^[^ ]*quired --home $TMPDIR/"; then return 1; fi
	done
}

check "the demo ends with exit status 0" run_demo
check "at least sixty things were checked" test "$(grep -c '^  checked: ' "$out")" -ge 60
check "the share before the kill was neither nothing nor all" middle
for line in "nothing that had arrived was lost" "the recording is byte for byte the teacher's" "the colleague opens it" \
	"for the other teacher at Riverside it is locked" "Lincoln has what was written at Riverside" \
	"the private diary can be read again" "doctor finds nothing wrong at Riverside"; do
	check "it checked: $line" says "  checked: $line"
done
check "it leaves no folder and no process behind" nothing_left

# The same, while one byte of each file that comes out of a node is changed.
real=$(command -v quire)
mkdir "$TMPDIR/spoilt"
cat >"$TMPDIR/spoilt/quire" <<END
#!/usr/bin/env bash
"$real" "\$@" || exit
case "\$*" in *"blob get"*) printf '\\001' | dd of="\${!#}" bs=1 seek=100 conv=notrunc status=none ;; esac
END
chmod +x "$TMPDIR/spoilt/quire"
status=0
PATH="$TMPDIR/spoilt:$PATH" "$demo" >"$out" 2>&1 || status=$?
check "it fails when a file is not what it was" test $status = 1
check "and says which" says "FAILED: the plan at Riverside is byte for byte the teacher's"
check "it leaves nothing behind then either" nothing_left
