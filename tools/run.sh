#!/usr/bin/env bash
# run.sh -- start one's own node; the first time, make its home. For `make run`.
set -euo pipefail
home=${QUIRE_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/quire}

if [ ! -e "$home/keys/node" ]; then
	if [ ! -t 0 ]; then
		echo "run: there is no node in $home yet, and no terminal to ask on. Make it: quire --home $home init --name NAME" >&2
		exit 2
	fi
	echo "There is no node in $home yet: it is made now."
	name=
	while [ -z "$name" ]; do
		read -r -p "Name, as other people know you: " name
	done
	kind=
	while [[ ! $kind =~ ^(person|school|issuer|district)$ ]]; do
		read -r -p "Kind (person, school, issuer or district) [person]: " kind
		kind=${kind:-person}
	done
	quire --home "$home" init --name "$name" --kind "$kind"
	echo
	read -r -p "Is the recovery code on paper? Press Enter to start the node. " _
fi

quire --home "$home" config check
cat <<END
The node runs until you press Ctrl-C. Meanwhile, in another terminal:
  $(command -v quire) --home "$home" identity unlock
  $(command -v quire) --home "$home" node status
  $(command -v quire) --help
END
exec quired --home "$home"
