#!/usr/bin/env bash
# crash.sh -- two daemons append and sync while one or the other is killed, 200 times; then 200 times more with what was not synced lost.
# timeout: 420
. "${TOP:?}/tests/e2e/lib.sh"
need quire quired jq python3
. "$TOP/tests/crash/lib.sh"

kills=${QUIRE_KILLS:-200}
pair
killed "$kills SIGKILLs" "$kills" 1
killed "$kills SIGKILLs with unsynced writes lost" "$kills" 2 --shim "$BUILD/shim/losewrites.so"
