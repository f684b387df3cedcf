#!/usr/bin/env bash
# story_hostile.sh -- real daemons and hostile peers: floods, scans, replays; whom a node calls; invitations that are no longer good. docs/threats.md.
# alone: yes
# timeout: 240
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq "${PYTHON:?}"

# ---- whom a node calls: nobody but peers, whatever entries and files say

home school
home pupil person
export QUIRE_SHIM_CONNECTS=$TMPDIR/connects
start pupil
unlock pupil
LD_PRELOAD=$BUILD/shim/connects.so start school
unset QUIRE_SHIM_CONNECTS
unlock school
check "two nodes are connected" join pupil school
printf 'See http://127.0.0.9:80/ and https://example.org/a.png <img src="http://127.0.0.9/x"> quire:abc\n' >"$TMPDIR/links"
printf '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.9/y"/></svg>' >"$TMPDIR/picture.svg"
ref=$(act pupil reflection add --text "$TMPDIR/links" --to public 2>/dev/null)
file=$(act pupil artifact add "$TMPDIR/picture.svg" --title "http://127.0.0.9/" --kind document --depicts nobody --to public 2>/dev/null)
q school follow add "$(id_of pupil)" >/dev/null
check "what names addresses is read" within 20 is school "$ref" here
check "and shown" q school entry show "$ref"
check "with its file" within 20 is school "$file" here
# 2: IPv4, 10: IPv6; what is neither is a socket of this machine.
check "the node has called its peer" grep -q "^2 127.0.0.1 ${node_ports[pupil]}$" "$TMPDIR/connects"
check "and nobody else" bash -c '! grep -v "^2 127.0.0.1 $1$" "$2" | grep -E "^(2|10) "' _ "${node_ports[pupil]}" "$TMPDIR/connects"

# ---- names that would steer a terminal

evil=$(printf 'Ana\033]0;owned\a\r\n\342\200\256nab\033[2J')
printf '%s\n' "$evil" >"$TMPDIR/evil"
title=$(act pupil artifact add "$TMPDIR/links" --title "$evil" --kind document --depicts nobody --to public 2>/dev/null) || title=
if [ -n "$title" ]; then
	check "a title with controls arrives" within 20 is school "$title" here
	check "and is shown without them" bash -c '
		quire --home "$1" entry list >"$3" 2>&1; quire --home "$1" entry show "$2" >>"$3" 2>&1
		test -s "$3" && ! LC_ALL=C grep -qE "$(printf "\033|\a|\r|\342\200\256")" "$3"' _ "$TMPDIR/school" "$title" "$TMPDIR/shown"
else
	ok "a title with controls is not even written"
fi
check "no log of a node holds a control" bash -c '! LC_ALL=C grep -qE "$(printf "\033|\a|\r")" "$@"' _ "$TMPDIR/school.log" "$TMPDIR/pupil.log"
stop school
stop pupil

# ---- floods, scans, replays

"$PYTHON" "$TOP/tests/interop/hostile.py"
