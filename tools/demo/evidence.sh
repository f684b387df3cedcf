# evidence.sh -- sourced by both parts: makes the files that a teacher brings. Needs sox, cjpeg and awk; nothing is a copy
# of somebody's work, and nothing is empty space.

make_plan() { # file
	cat >"$1" <<'TEXT'
Plan of a lesson: waiting after a question

I asked 31 questions in the last recorded lesson, and after 26 of them I waited less than one second.
This week I count to three before I take an answer, and again before I say anything about it.
What I want to see: longer answers, and at least five pupils who have not spoken this month.
TEXT
}

make_observation() { # file
	cat >"$1" <<'TEXT'
For you alone: the boy at the window spoke for the first time since autumn. Please watch with me
whether he does so again on Thursday, and let us not mention it in front of the class.
TEXT
}

# A blackboard with chalk lines in evening light, 640 x 480, with the grain of a camera.
make_photo() { # file
	awk 'BEGIN {
		srand(7)
		print "P3\n640 480\n255"
		for (y = 0; y < 480; y++) {
			line = ""
			for (x = 0; x < 640; x++) {
				g = rand() * 14
				if (x < 30 || x > 609 || y < 30 || y > 449) { r = 118; v = 78; b = 42 }
				else {
					light = 30 * x / 640
					r = 28 + light; v = 62 + light; b = 44 + light
					wave = 240 + 90 * sin(x / 47)
					if ((y - wave) ^ 2 < 9 || (y - 240) ^ 2 < 3 || (x - 90) ^ 2 < 3) { r = v = b = 205 + 2 * g }
				}
				line = line int(r + g) " " int(v + g) " " int(b + g) " "
			}
			print line
		}
	}' | cjpeg -quality 88 >"$1"
}

# One page; the table at its end counts bytes, so each part's place is taken down as it is written.
make_pdf() { # file
	local page places=() i at
	page='BT /F1 22 Tf 72 760 Td (Observation sheet: waiting after a question) Tj ET
BT /F1 13 Tf 72 720 Td 20 TL (Questions asked: 24.   Waits of three seconds: 19.) Tj T*
(Pupils who answered: 17, of whom 6 had not spoken this month.) Tj T*
(Next: the same, while pupils ask each other.) Tj ET
72 640 m 520 640 l S'
	local parts=(
		'<< /Type /Catalog /Pages 2 0 R >>'
		'<< /Type /Pages /Kids [3 0 R] /Count 1 >>'
		'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>'
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'
		"<< /Length ${#page} >>
stream
$page
endstream"
	)
	printf '%%PDF-1.4\n' >"$1"
	for i in "${!parts[@]}"; do
		places+=("$(wc -c <"$1")")
		printf '%d 0 obj\n%s\nendobj\n' $((i + 1)) "${parts[i]}" >>"$1"
	done
	at=$(wc -c <"$1")
	{
		printf 'xref\n0 6\n0000000000 65535 f \n'
		printf '%010d 00000 n \n' "${places[@]}"
		printf 'trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n' "$at"
	} >>"$1"
}

# Four minutes of a music lesson, 24 bit, 48 kHz, two channels: plucked strings over the sound of a room. 66 MiB.
make_recording() { # file
	local dir note notes=()
	dir=$(dirname "$1")
	for note in C3 E3 G3 C4 A3 F3 D3 G3; do
		sox -R -n -r 48000 -b 24 -c 2 "$dir/note-$note.wav" synth 1.5 pluck $note vol 0.5
		notes+=("$dir/note-$note.wav")
	done
	sox "${notes[@]}" "$dir/phrase.wav" repeat 19
	sox -R -n -r 48000 -b 24 -c 2 "$dir/room.wav" synth 240 pinknoise vol 0.03
	sox -R -m "$dir/phrase.wav" "$dir/room.wav" -b 24 "$1" trim 0 240
	rm -f "${notes[@]}" "$dir/phrase.wav" "$dir/room.wav"
}
