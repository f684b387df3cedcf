#!/usr/bin/env bash
# story_chain.sh -- the district invites Lincoln, Lincoln invites Riverside, Riverside invites Dale: who reaches whom, who decides, and what each is told.
# sanitizers: yes
# timeout: 180
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq sqlite3

for node in district lincoln riverside dale late; do
	home $node
	start $node
	unlock $node || fail "$node unlocks"
done
status() { q "$1" --json node status | jq -e "$2" >/dev/null; }
said() { q "$1" "${@:3}" >"$TMPDIR/said" 2>&1 && grep -qiE -- "$2" "$TMPDIR/said"; }
key() { q "$1" --json node status | jq -r .node; }
waits() { q district --json peer list | jq -e --arg name "$1" --arg by "$2" \
	'any(.items[]; .name == $name and .origin == "waiting" and .introduced_by.name == $by)' >/dev/null; }
listed() { q "$1" --json peer list | jq -e --arg name "$2" 'any(.items[]; .name == $name)' >/dev/null; }

check "the district invites Lincoln" join district lincoln
check "Lincoln is told that the owner has admitted it" within 20 said lincoln "its owner has admitted this node" node status
check "the district's own invitation needs no more words" eval '! said district "does not own the network" peer invite'
check "Lincoln's says what it is worth" said lincoln "reaches this node only, until the network.s owner admits it.*introduced to the owner by itself" peer invite

check "Lincoln invites Riverside" join lincoln riverside
check "Riverside is told that it is a member by one invitation only" said riverside "by one invitation only, that of lincoln.*until the network.s owner admits it" node status
check "so says its JSON" status riverside '.admitted == false'
check "the district hears of it by itself" within 20 waits riverside lincoln
check "status says in words who waits, and what to type" said district "1 node waits to be admitted.*riverside.*introduced by lincoln.*quire peer admit $(key riverside | cut -c1-8), or quire peer refuse" node status
check "so does the list of peers" said district "quire peer admit" peer list
check "and the doctor" eval 'q district doctor >"$TMPDIR/said" 2>&1 || true; grep -q "waits to be admitted" "$TMPDIR/said"'
check "until then nobody but Lincoln knows Riverside" eval '! connected district riverside'
refused "Lincoln cannot admit it" 5 "owned on another node" q lincoln peer admit "$(key riverside)"
refused "who was not introduced cannot be admitted" 4 "nobody introduced" q district peer admit "$(printf '%064d' 7)"

q district identity lock "$(id_of district)" >/dev/null 2>&1
refused "nor without the owner's keys" 5 "owner is not signed in: quire identity unlock" q district peer admit "$(key riverside)"
unlock district
check "the owner admits it, by the first digits of its key" said district "Admitted" peer admit "$(key riverside | cut -c1-8)"
check "it waits no more" eval '! waits riverside lincoln'
check "the list says who introduced it" within 20 eval 'q district --json peer list | jq -e "any(.items[]; .name == \"riverside\" and .origin == \"admitted\" and .introduced_by.name == \"lincoln\")" >/dev/null'
check "Riverside and the district are connected" within 30 connected riverside district
check "and Riverside is told" within 20 said riverside "its owner has admitted this node" node status
refused "a second time is no use" 1 "admitted already" q district peer admit "$(key riverside)"

check "Riverside invites Dale" join riverside dale
check "which waits in turn" within 20 waits dale riverside
check "the owner refuses it" said district "Refused" peer refuse "$(key dale)"
stop riverside
start riverside
check "Riverside is back" within 30 connected riverside district
check "and Dale, introduced again, waits no more" eval '! waits dale riverside'
refused "who does not wait cannot be refused" 4 "does not wait" q district peer refuse "$(key dale)"
check "who was refused can be admitted after all" q district peer admit "$(key dale)"
check "the whole chain is one network" within 30 eval 'connected dale district && listed dale lincoln && listed lincoln dale'

printf '[peers]\nredial_max = 2\n[network]\nintroductions = admit\n' >"$TMPDIR/district/quire.conf"
stop district
start district
check "Dale invites one more" join dale late
check "the district, not signed in, keeps it and says what it waits for" within 30 said district "as soon as the network.s owner signs in" node status
unlock district
check "signed in, it admits by itself" within 30 connected late district
check "and the log of the daemon shows it" grep -q "event=admitted .*late" "$TMPDIR/district.log"

node=$(key riverside)
check "who is taken out is out" eval 'q district --yes peer remove "$node" && within 20 eval "! connected district riverside"'
check "everywhere" within 20 eval '! connected lincoln riverside'
check "and can be admitted anew" q district peer admit "$node"
check "then it comes back" within 40 connected district riverside

# A member who introduces without end is let in 64 times at most; made up beside the daemon, as if Late had done it in many connections.
stop district
sqlite3 "$TMPDIR/district/quire.db" "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)
	INSERT INTO introduction SELECT randomblob(32), 'flood', x'$(key late)', 5, 0 FROM n"
start district
unlock district
count() { q district --json peer list | jq --arg o "$1" '[.items[] | select(.name == "flood" and .origin == $o)] | length'; }
check "of many introduced by one, 64 are admitted without a question" within 20 eval '[ "$(count admitted)" = 64 ]'
check "and the others wait, as is said" eval '[ "$(count waiting)" = 16 ] && said district "16 nodes wait to be admitted.*and others" node status'
