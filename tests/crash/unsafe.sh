#!/usr/bin/env bash
# unsafe.sh -- the test of crash.sh must be able to fail: a daemon that does not sync its store is killed in the same way, and loses entries.
. "${TOP:?}/tests/e2e/lib.sh"
need quire jq python3 make
. "$TOP/tests/crash/lib.sh"

unsafe=$TMPDIR/unsafe
check "a daemon that does not sync is built" make -s -C "$TOP" V=dev B="$unsafe" CPPFLAGS='-DQUIRE_STORE_SYNC=\"OFF\"' "$unsafe/quired"
pair
export PATH=$unsafe:$PATH
[ "$(command -v quired)" = "$unsafe/quired" ] || fail "that daemon is the one that runs"
if run_killed 20 3 --shim "$BUILD/shim/losewrites.so"; then
	fail "killed 20 times, it loses nothing: the test would not notice ($(cat "$TMPDIR/figures"))"
fi
[ -s "$TMPDIR/figures" ] || fail "the test runs to its end: $(tail -n 3 "$TMPDIR/crash.err")"
sed 's/^/# /' "$TMPDIR/figures"
jq -e '.acknowledged > 0 and (.lost > 0 or .changed > 0 or .wrong != [])' "$TMPDIR/figures" >/dev/null ||
	fail "it fails because of what is lost"
ok "killed 20 times, it is found out: $(jq -c '[.lost, .wrong]' "$TMPDIR/figures")"
