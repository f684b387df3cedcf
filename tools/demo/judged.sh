# judged.sh -- sourced by award.sh: what happens to a submission and an award, asked of a node.

not() { ! "$@"; }

# A home whose own identity is known by the node's short name.
founded() { # node, name, kind
	quire --home "$stage/$1" --json init --name "$2" --kind "$3" --passphrase-file "$keys/$1" >"$stage/made" || return
	field id <"$stage/made" >"$stage/id.$1"
	printf '%s\n' "$2" >"$stage/name.$1"
	rm -f "$stage/made"
	printf '[peers]\nredial_max = 2\n' >"$stage/$1/quire.conf"
}

name_of() { cat "$stage/name.$1"; }

as() { # node, person, command...
	local node=$1 person=$2
	shift 2
	quire --home "$stage/$node" --as "$(id_of "$person")" "$@"
}

# Nobody follows whom the node hosts itself.
follows() { # node, person
	at "$1" follow add "$(id_of "$2")" >"$stage/said" 2>&1 || broken "$1 follows $2" "$(cat "$stage/said")"
}

appointed() { # node, person, definition
	at "$1" --json reviewer list --for "$(ref_of "$3")" | grep -qF "$(id_of "$2")"
}

# ---- submissions

# The evidence of one attempt, as content/NAME/evidence.tsv lists it: each piece becomes an entry NAME-ATTEMPT-REQUIREMENT-N.
evidence() { # name, attempt
	local attempt requirement kind depicts file title n
	declare -A seen=()
	while IFS=$'\t' read -r attempt requirement kind depicts file title; do
		[ "$attempt" = "$2" ] && [ "$kind" != reflection ] || continue
		n=$((${seen[$requirement]:-0} + 1))
		seen[$requirement]=$n
		case $file in @recording) file=$files/recording.wav ;; *) file=$content/$1/$file ;; esac
		add "$1-$2-$requirement-$n" lincoln teacher artifact add "$file" --title "$title" --kind "$kind" --depicts "$depicts"
	done <"$content/$1/evidence.tsv"
}

submit() { # short name, name, attempt, more of the command...
	local short=$1 name=$2 wanted=$3 attempt requirement kind rest file title n options=()
	shift 3
	declare -A seen=()
	while IFS=$'\t' read -r attempt requirement kind rest file title; do
		[ "$attempt" = "$wanted" ] || continue
		if [ "$kind" = reflection ]; then
			options+=(--reflection "$requirement=$content/$name/$file")
			continue
		fi
		n=$((${seen[$requirement]:-0} + 1))
		seen[$requirement]=$n
		options+=(--evidence "$requirement=$(ref_of "$name-$wanted-$requirement-$n")")
	done <"$content/$name/evidence.tsv"
	add "$short" lincoln teacher submission create --for "$(ref_of "$name")" "${options[@]}" --attest-all "$@"
}

queued() { as "$1" "$2" --json review queue | grep -qF "$(ref_of "$3")"; } # node, person, submission

of_submission() { as "$1" "$2" --json submission show "$(ref_of "$3")"; } # node, person, submission
submission_is() { [ "$(of_submission "$1" "$2" "$3" | field state)" = "$4" ]; }
awarded() { submission_is "$1" "$2" "$3" awarded; }
award_of() { of_submission "$1" "$2" "$3" | field award; }

# The first line of the feedback stands in what the earner sees.
says_feedback() { # node, person, submission, file
	as "$1" "$2" submission show "$(ref_of "$3")" >"$stage/shown" && grep -qF "$(head -n 1 "$4" | cut -c 1-40)" "$stage/shown"
}

# ---- awards

of_award() { # node, person or "operator", award
	if [ "$2" = operator ]; then
		at "$1" --json award show "$(ref_of "$3")"
	else
		as "$1" "$2" --json award show "$(ref_of "$3")"
	fi
}
award_is() { [ "$(of_award "$1" "$2" "$3" 2>"$stage/said" | field state)" = "$4" ]; }
award_seen() { of_award "$@" >"$stage/shown" 2>&1 && [ "$(field state <"$stage/shown")" != unknown ]; }

same_file() { get "$1" "$2" "$3" "$stage/got.$3" && cmp "$stage/got.$3" "$4"; } # node, person, entry, file

# verified TEXT CODE COMMAND... -- as refused(), with the verdict's first line shown.
verified() {
	local text=$1 code=$2 status=0
	shift 2
	"$@" >"$stage/said" 2>&1 </dev/null || status=$?
	[ $status = "$code" ] || broken "$text" "exit status $status, not $code: $*
$(tail -n 12 "$stage/said")"
	checks=$((checks + 1))
	printf '  checked: %s\n' "$text"
	head -n 1 "$stage/said" | fold -s -w 104 | sed 's/^/    /'
}
