#!/usr/bin/env bash
# crash_unsafe.sh -- that crash.sh notices a store that does not sync.
# timeout: 180
exec "${TOP:?}/tests/crash/unsafe.sh"
