# lib.sh -- sourced by the tests with real daemons: one line for each thing that was checked.
# A story that has failed does not go on: what follows would only fail for the same reason.
set -euo pipefail

# What was shown to hold.
ok() { printf 'ok - %s\n' "$1"; }

# What does not hold; ends the script.
fail() {
	printf 'not ok - %s\n' "$1"
	exit 1
}

# check TEXT COMMAND... -- the command's exit status decides.
check() {
	local text=$1
	shift
	if "$@"; then ok "$text"; else fail "$text (status $?: $*)"; fi
}

# need COMMAND... -- without these the script cannot run; that is a failure, never a silent skip.
need() {
	local c
	for c in "$@"; do
		command -v "$c" >/dev/null || fail "$c is not on this machine"
	done
}
