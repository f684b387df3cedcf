# lib.sh -- sourced by the scripts of this folder: where the verifiers are, and how they are asked.
outside=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

give_up() {
	printf 'not ok - %s\n' "$1"
	exit 1
}

# A temporary folder that goes with the script.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/quire-outside.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

command -v node >/dev/null || give_up "there is no node here: run tools/bootstrap test"
cmp -s "$outside/package-lock.json" "$outside/node_modules/.installed-lock" ||
	give_up "the verifiers are not installed, or not those of package-lock.json: run tools/bootstrap test"
python=''
for p in "${PYTHON:-python3}" python3 /usr/bin/python3; do
	if "$p" -c 'import cryptography, pyld' 2>/dev/null; then
		python=$p
		break
	fi
done
[ -n "$python" ] || give_up "there is no python3 with both cryptography and pyld here: run tools/bootstrap test"
export PYTHONDONTWRITEBYTECODE=1

# The programs close the network themselves; where the system lets us, they also run where there is none.
alone=() how='closed by the programs themselves; this system gives no network namespace'
for u in "unshare --net" "unshare --map-root-user --net"; do
	# shellcheck disable=SC2086 # words
	if $u true 2>/dev/null; then
		read -ra alone <<<"$u"
		how="closed by the programs themselves, in a network namespace of their own"
		break
	fi
done

contexts=$scratch/contexts.json
run_node() { ${alone[@]+"${alone[@]}"} node "$outside/verify.mjs" "$@"; }
run_python() { ${alone[@]+"${alone[@]}"} "$python" "$@"; }
run_node --contexts "$contexts" || give_up "the verifiers for Node do not start"

# verdicts FOLDER FILE... -- what all verifiers say, to FOLDER/node.jsonl and FOLDER/pyld.jsonl.
verdicts() {
	local folder=$1 pid rc=0
	shift
	run_python "$outside/verify_pyld.py" "$contexts" "$@" >"$folder/pyld.jsonl" &
	pid=$!
	run_node "$@" >"$folder/node.jsonl" || rc=$?
	wait $pid || rc=$?
	return $rc
}

judge() { "$python" "$outside/judge.py" "$@"; }
