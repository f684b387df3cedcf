#!/usr/bin/env bash
# story_devices.sh -- one person, two machines; a home that was copied; the paper code.
# sanitizers: yes
# timeout: 150
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq

home school
home laptop person
home phone person
for node in school laptop phone; do
	start $node
	unlock $node || fail "$node unlocks"
done
check "the laptop joins the school" join school laptop
check "the phone too" join school phone
ana=$(id_of laptop)
for node in school phone; do q $node follow add "$ana" 2>/dev/null; done
echo "On the laptop." >"$TMPDIR/text"
first=$(act laptop reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
secret=$(act laptop reflection add --text "$TMPDIR/text" 2>/dev/null)
check "the phone has what the laptop wrote" within 20 is phone "$first" here

# ---- a second device
echo "a passphrase for the phone" >"$TMPDIR/phone2.pass"
request=$(q phone identity device-request "$ana" --passphrase-file "$TMPDIR/phone2.pass" 2>/dev/null)
other=x
[ "${request:70:1}" != x ] || other=y # it must be another letter
refused "an altered request is refused" 2 "altered|request" act laptop identity device-add "${request:0:70}$other${request:71}"
check "the laptop lets the phone write" act laptop identity device-add "$request"
phone_unlocks() { q phone identity unlock "$ana" --passphrase-file "$TMPDIR/phone2.pass"; }
check "the phone unlocks with its own passphrase" within 20 phone_unlocks
phone_writes() { second=$(q phone --as "$ana" reflection add --text "$TMPDIR/text" --to public 2>/dev/null); }
check "and writes" within 20 phone_writes
check "in a log of its own" test "${second%:*}" != "${first%:*}"
check "the laptop has it" within 20 is laptop "$second" here
check "so has the school" within 20 is school "$second" here
check "the phone reads what was private on the laptop" within 20 is phone "$secret" here "$ana"
devices() { [ "$(q "$1" --json identity devices "$ana" | jq '.items | length')" = "$2" ]; }
check "everybody sees two devices" devices school 2
check "a lost device is closed" act laptop --yes identity device-close "${second%:*}"
closed() { q "$1" --json identity devices "$ana" | jq -e --arg log "${second%:*}" 'any(.items[]; .log == $log and .closed)'; }
check "the school knows" within 20 closed school
check "what it wrote before stays" is school "$second" here

# ---- a home that was copied while it was not running
act school reflection add --text "$TMPDIR/text" --to public >/dev/null 2>&1
stop laptop
cp -a "$TMPDIR/laptop" "$TMPDIR/copy"
cp "$TMPDIR/laptop.id" "$TMPDIR/copy.id"
cp "$TMPDIR/laptop.pass" "$TMPDIR/copy.pass"
start laptop
unlock laptop
before=$(act laptop reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
check "the one that stayed goes on in its log" test "${before%:*}" = "${first%:*}"
stop laptop
start copy
restored() { q "$1" --json node status | jq -e .restored >/dev/null; }
check "the copy says that it was restored or copied" restored copy
doctor_says() { # what it finds makes its exit status
	q "$1" doctor >"$TMPDIR/doctor" 2>&1 || true
	grep -qi "$2" "$TMPDIR/doctor"
}
check "doctor says so too" doctor_says copy "restored or copied"
unlock copy
within 20 connected copy school || fail "the copy is connected"
after=$(act copy reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
check "the copy writes in a new log" test "${after%:*}" != "${first%:*}"
check "the school has what the copy wrote" within 20 is school "$after" here
stop copy
start laptop
unlock laptop
check "the original, started again, has it too" within 30 is laptop "$after" here
check "and the school has what the original wrote before it was stopped" within 20 is school "$before" here
again=$(act laptop reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
check "what it writes arrives" within 20 is school "$again" here
forks() { q "$1" --json identity devices "$ana" | jq '[.items[] | select(.forked)] | length'; }
check "no log is forked" test "$(forks school)" = 0
check "doctor finds nothing wrong at the school" q school doctor

# ---- both at once: two nodes with one key
start copy
check "two that run with one key: the original's doctor says so" within 30 doctor_says laptop "second node"
check "and the copy's" within 30 doctor_says copy "second node"
check "and that of the peer that met both" within 30 doctor_says school "second node"
stop copy

# ---- only the paper is left
stop laptop
stop phone
quire --home "$TMPDIR/new" --json init --recover --name new >/dev/null 2>&1 || fail "an empty home"
printf '[peers]\nredial_max = 2\n' >"$TMPDIR/new/quire.conf"
start new
check "an empty home joins" join school new
echo "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA" >"$TMPDIR/wrong.code"
refused "a wrong code is refused, with what to look for" 2 "misread" \
	q new identity recover --code-file "$TMPDIR/wrong.code" --passphrase-file "$TMPDIR/phone2.pass"
recover() { q new identity recover --code-file "$TMPDIR/laptop.code" --passphrase-file "$TMPDIR/phone2.pass"; }
check "the paper code brings the identity" within 20 recover
check "the new passphrase opens it" q new identity unlock "$ana" --passphrase-file "$TMPDIR/phone2.pass"
check "all is there, also what was private" within 20 is new "$secret" here "$ana"
check "what the phone wrote too" within 20 is new "$second" here
final=$(q new --as "$ana" reflection add --text "$TMPDIR/text" --to public 2>/dev/null)
check "what is written now reaches the school" within 20 is school "$final" here
