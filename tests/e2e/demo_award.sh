#!/usr/bin/env bash
# demo_award.sh -- the second part of the demo: its story holds, other people's verifiers accept its badge and refuse what was changed in it,
# the second implementation judges its bundle, and it fails where a file is not what it was.
# timeout: 300
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired sox python3 node
demo=$TOP/tools/demo/award.sh out=$TMPDIR/out
export BADGES=$TMPDIR/badges
mkdir "$BADGES"

run_demo() {
	"$demo" >"$out" 2>&1 && return
	tail -n 20 "$out"
	return 1
}
says() { grep -qF -- "$1" "$out"; }
nothing_left() {
	local cmdline
	if ls -d "$TMPDIR"/quire-demo.* 2>/dev/null; then return 1; fi
	for cmdline in /proc/[0-9]*/cmdline; do
		if tr '\0' ' ' <"$cmdline" 2>/dev/null | grep -q "^[^ ]*quired --home $TMPDIR/"; then return 1; fi
	done
}

check "the demo ends with exit status 0" run_demo
check "at least eighty things were checked" test "$(grep -c '^  checked: ' "$out")" -ge 80
for line in "at Lincoln it stands: not yet" "both say: meets" "the district does not see it: nobody has shown it" \
	"the issuer's node countersigns without anybody there" "one level changed, and it is wrong" "now it is wrong: revoked" \
	"on a home that knows nothing but the issuer's id"; do
	check "it checked: $line" says "  checked: $line"
done
check "it leaves no folder and no process behind" nothing_left

# ---- the badge, as others see it
badge=$BADGES/badge root=$(cat "$BADGES/id.issuer")
check "other people's verifiers accept the badge" "$TOP/tests/outside/check_badge" "$badge.json"
check "of 200 changes to what is signed, they refuse each, and so does quire verify" \
	"$TOP/tests/outside/check_mutations" "$badge.json" 200 "${SEED:-22}" --quire "$(command -v quire)"
check "the second implementation finds its bundle good" python3 "$TOP/tests/interop/verify_bundle.py" "$badge.bundle" --root "$root"
second_says() { # exit status, arguments...
	local status=0 expected=$1
	shift
	python3 "$TOP/tests/interop/verify_bundle.py" "$@" || status=$?
	[ $status = "$expected" ]
}
check "and not known, without the root" second_says 7 "$badge.bundle"

# One byte in the middle of the bundle, at ten places: never good, for neither.
bytes=$(wc -c <"$badge.bundle")
for i in 1 2 3 4 5 6 7 8 9 10; do
	cp "$badge.bundle" "$TMPDIR/spoilt.bundle"
	printf 'A' | dd of="$TMPDIR/spoilt.bundle" bs=1 seek=$((bytes * i / 11)) conv=notrunc status=none
	cmp -s "$badge.bundle" "$TMPDIR/spoilt.bundle" && continue
	status=0
	quire verify "$TMPDIR/spoilt.bundle" --root "$root" >"$TMPDIR/said" 2>&1 || status=$?
	case $status in 6 | 7) ;; *) fail "a changed byte at $((bytes * i / 11)): exit status $status" ;; esac
done
ok "with a byte changed the bundle is never good"

# ---- the same, while one byte of each badge that comes out of a node is changed
real=$(command -v quire)
mkdir "$TMPDIR/spoilt"
cat >"$TMPDIR/spoilt/quire" <<END
#!/usr/bin/env bash
"$real" "\$@" || exit
case "\$*" in *"award export"*) printf 'x' | dd of="\${!#}" bs=1 seek=\$((\$(wc -c <"\${!#}") / 2)) conv=notrunc status=none ;; esac
END
chmod +x "$TMPDIR/spoilt/quire"
status=0
unset BADGES
PATH="$TMPDIR/spoilt:$PATH" "$demo" >"$out" 2>&1 || status=$?
check "it fails when a badge is not what it was" test $status = 1
check "and says which" says "FAILED: the bundle is good"
check "it leaves nothing behind then either" nothing_left
