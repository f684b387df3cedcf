#!/usr/bin/env bash
# demo.sh -- what Quire is for, on this machine, told step by step. For `make demo`. Two parts: a portfolio that two schools
# share, and a micro-credential from its definition to a badge. KEEP=1 leaves the second part's nodes running.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
KEEP=0 "$here/portfolio.sh"
printf '\n\n'
"$here/award.sh"
