#!/usr/bin/env bash
# portfolio.sh -- two schools share a portfolio, on this machine, told step by step. The first part of `make demo`.
# It calls quire, quired, kill and the usual small programs; sox and cjpeg make the recording and the photograph.
# Each line "checked:" stands for a command that ended with exit status 0; the first that does not ends the demo.
# KEEP=1 leaves the nodes running and says where they are.
# shellcheck disable=SC2154 # stage, files and keys are set by stage.sh
set -euo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)
. "$here/evidence.sh"
. "$here/stage.sh"

begin
say "Two schools, one portfolio"
say "=========================="
tell "A teacher at Lincoln School collects evidence of what she does in class, and shows it to a colleague at" \
	"Riverside School. No server stands between them: each school runs a node of its own, and the two nodes" \
	"keep signed copies for each other. Everything happens on this computer, in $stage."

# ---------------------------------------------------------------------------------------------------------------------
step "Two schools start their nodes"
tell "Each node has a folder of its own, and each school an identity with a recovery code that belongs on paper."
for school in lincoln riverside; do new_passphrase $school; done
checked "a home for Lincoln School" quire --home "$stage/lincoln" init --name "Lincoln School" --kind school \
	--passphrase-file "$keys/lincoln"
checked "a home for Riverside School" quire --home "$stage/riverside" init --name "Riverside School" --kind school \
	--passphrase-file "$keys/riverside"
# The line is slow and a node that was away is looked for every two seconds: settings that anybody may choose.
printf '[peers]\nrate = 12000000\nredial_max = 2\n' >"$stage/riverside/quire.conf"
printf '[peers]\nredial_max = 2\n' >"$stage/lincoln/quire.conf"
start lincoln
start riverside
checked "Lincoln's node answers" at lincoln node status
checked "Riverside's node answers" at riverside node status

# ---------------------------------------------------------------------------------------------------------------------
step "People: a teacher, a colleague, and one more"
tell "They are people of their own, with their own keys and passphrases. The school's node keeps their portfolios," \
	"but neither the school nor whoever looks after the computer can read what is private."
person lincoln teacher "Teacher at Lincoln"
person riverside colleague "Colleague at Riverside"
person riverside other "Another teacher at Riverside"
checked "the teacher has signed in at Lincoln" unlock lincoln teacher
checked "the colleague has signed in at Riverside" unlock riverside colleague
checked "the other teacher has signed in at Riverside" unlock riverside other
refused "a wrong passphrase opens nothing" 5 at lincoln identity unlock "$(id_of teacher)" --passphrase-file "$keys/colleague"

# ---------------------------------------------------------------------------------------------------------------------
step "Lincoln invites, Riverside joins"
checked "Lincoln School has signed in, so that it can admit a node" \
	at lincoln identity unlock "Lincoln School" --passphrase-file "$keys/lincoln"
keep invitation at lincoln peer invite --note "Riverside"
tell "The invitation is one long word that may be sent or printed: $(cut -c 1-24 "$stage/invitation")…"
checked "Riverside joins with it" at riverside peer join - <"$stage/invitation"
checked "the two nodes are connected" within 20 connected riverside "Lincoln School"
checked "Riverside follows the teacher" at riverside follow add "$(id_of teacher)"
checked "Lincoln follows the colleague" at lincoln follow add "$(id_of colleague)"
checked "the colleague's name is known at Lincoln" within 20 knows lincoln colleague "Colleague at Riverside"

# ---------------------------------------------------------------------------------------------------------------------
step "The teacher puts evidence into her portfolio"
tell "A plan of a lesson, a photograph of the blackboard, an observation sheet as PDF, four minutes of recording" \
	"(made here, with tools of the system), and what she learned."
make_plan "$files/plan.txt"
make_photo "$files/blackboard.jpg"
make_pdf "$files/observation.pdf"
make_recording "$files/lesson.wav"
ls -l "$files" | awk 'NR > 1 { printf "    %10d bytes  %s\n", $5, $9 }'
checked "the recording is longer than 64 MiB" test "$(wc -c <"$files/lesson.wav")" -ge $((64 * 1024 * 1024))
add plan lincoln teacher artifact add "$files/plan.txt" --title "Waiting after a question" --kind lesson-plan \
	--depicts nobody --to public
add photo lincoln teacher artifact add "$files/blackboard.jpg" --title "The blackboard after the lesson" --kind photo \
	--depicts nobody --to public
add sheet lincoln teacher artifact add "$files/observation.pdf" --title "Observation sheet" --kind observation \
	--depicts nobody --to public
printf 'Counting to three felt endless. Then a pupil who never speaks gave the best answer of the day.\n' >"$files/thoughts"
add reflection lincoln teacher reflection add --on "$(ref_of plan)" --text "$files/thoughts" --to public
printf 'For myself: on Friday I was tired and did not wait at all.\n' >"$files/diary"
add diary lincoln teacher reflection add --text "$files/diary"
for entry in plan photo sheet reflection; do
	checked "Riverside has the $entry" within 20 holds riverside $entry
done
checked "the plan at Riverside is byte for byte the teacher's" same riverside colleague plan plan.txt
checked "so is the photograph" same riverside colleague photo blackboard.jpg
checked "so is the PDF" same riverside colleague sheet observation.pdf
checked "Riverside keeps a copy of the teacher's diary" within 20 holds riverside diary
checked "nobody at Riverside can read it, not even the colleague" locked riverside colleague diary

# ---------------------------------------------------------------------------------------------------------------------
step "One note is for one colleague only"
make_observation "$files/note.txt"
add note lincoln teacher artifact add "$files/note.txt" --title "About one pupil" --kind observation \
	--depicts focus --to "$(id_of colleague)"
checked "the sealed note has come to Riverside" within 20 holds riverside note
checked "the colleague opens it" same riverside colleague note note.txt
checked "for the other teacher at Riverside it is locked" locked riverside other note
refused "the other teacher does not get the file either" 5 get riverside other note "$stage/got.other"
checked "for who looks after the computer at Riverside it is locked" locked riverside operator note
checked "not a word of it lies open in Riverside's folder" nowhere "$stage/riverside" "boy at the window"
checked "nor in Lincoln's" nowhere "$stage/lincoln" "boy at the window"

# ---------------------------------------------------------------------------------------------------------------------
step "Power fails at Riverside in the middle of the recording"
add lesson lincoln teacher artifact add "$files/lesson.wav" --title "Four minutes of music" --kind audio \
	--depicts nobody --to public
checked "Riverside has begun to fetch the recording" within 30 share_is_over riverside lesson 30
before=$(share riverside lesson)
kill_hard riverside
tell "The process at Riverside was killed (SIGKILL) when $before % of the recording had arrived."
start riverside
after=$(share riverside lesson)
tell "Started again: $after % are here."
checked "nothing that had arrived was lost ($before % before, $after % after)" test "$after" -ge "$before"
checked "and it was the middle: less than 100 %" test "$after" -lt 100
at riverside node status --json >"$stage/status" && words
checked "the colleague signs in again" unlock riverside colleague
checked "the rest arrives" within 60 complete riverside lesson
checked "the recording is byte for byte the teacher's" same riverside colleague lesson lesson.wav
checked "it plays from beginning to end" sox "$stage/got.lesson" -n stat

# ---------------------------------------------------------------------------------------------------------------------
step "The line between the schools is cut, and both go on working"
stop riverside
printf 'Written at Lincoln while the line was down: I asked fewer questions, and better ones.\n' >"$files/apart-lincoln"
add apart-lincoln lincoln teacher reflection add --text "$files/apart-lincoln" --to public
stop lincoln
start riverside
checked "the colleague signs in again at Riverside" unlock riverside colleague
printf 'Written at Riverside while the line was down: I tried your three seconds. It works here too.\n' >"$files/apart-riverside"
add apart-riverside riverside colleague reflection add --on "$(ref_of lesson)" --text "$files/apart-riverside" --to public
checked "Lincoln's entry is not at Riverside yet" absent riverside apart-lincoln
start lincoln
checked "the two nodes find each other again" within 30 connected riverside "Lincoln School"
checked "Riverside has what was written at Lincoln" within 20 holds riverside apart-lincoln
checked "Lincoln has what was written at Riverside" within 20 holds lincoln apart-riverside
checked "Lincoln's own entry is still there" holds lincoln apart-lincoln
checked "so is Riverside's" holds riverside apart-riverside

# ---------------------------------------------------------------------------------------------------------------------
step "The passphrase is forgotten, and Lincoln's computer is gone"
stop lincoln
tell "What is left: the recovery code on paper, and the copy at Riverside. A new computer starts from nothing."
new_passphrase new
checked "an empty home on a new computer" quire --home "$stage/laptop" init --recover --name "New laptop"
printf '[peers]\nredial_max = 2\n' >"$stage/laptop/quire.conf"
start laptop
keep invitation at riverside peer invite --note "New laptop"
checked "it joins with an invitation from Riverside" at laptop peer join - <"$stage/invitation"
checked "the paper code brings the teacher back, with a new passphrase" \
	within 30 at laptop identity recover --code-file "$keys/teacher.paper" --passphrase-file "$keys/new"
refused "the forgotten passphrase is of no use here" 5 at laptop identity unlock "$(id_of teacher)" --passphrase-file "$keys/teacher"
checked "the new passphrase opens it" at laptop identity unlock "$(id_of teacher)" --passphrase-file "$keys/new"
for entry in plan photo sheet reflection diary note lesson apart-lincoln; do
	checked "$entry is back" within 30 holds laptop $entry
done
checked "the private diary can be read again" readable laptop teacher diary "on Friday I was tired"
checked "the note to the colleague is whole" within 30 same laptop teacher note note.txt
checked "the recording is whole" within 60 same laptop teacher lesson lesson.wav
printf 'First entry on the new computer.\n' >"$files/again"
add again laptop teacher reflection add --text "$files/again" --to public
checked "what is written on the new computer reaches Riverside" within 20 holds riverside again

# ---------------------------------------------------------------------------------------------------------------------
step "Everything is looked over"
start lincoln
checked "both schools are connected" within 30 connected riverside "Lincoln School"
checked "Riverside has introduced the new computer to Lincoln, whose network it is" within 30 introduced lincoln "New laptop"
checked "Lincoln School signs in" at lincoln identity unlock "Lincoln School" --passphrase-file "$keys/lincoln"
checked "and admits it" at lincoln peer admit "$(key_of laptop)"
checked "now the new computer and Lincoln are connected" within 30 connected laptop "Lincoln School"
checked "doctor finds nothing wrong at Lincoln" sound lincoln
checked "doctor finds nothing wrong at Riverside" sound riverside
checked "doctor finds nothing wrong on the new computer" sound laptop
for node in lincoln riverside laptop; do
	at $node node status --json >"$stage/status" && words
done

summary "Evidence and reflections went from one school to the other without a server, survived a kill in the middle" \
	"of a file and a cut line, stayed closed to everybody they were not meant for, and came back from paper."
