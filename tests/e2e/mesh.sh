#!/usr/bin/env bash
# mesh.sh -- eight daemons in networks of their own, on lines that are slow, stall and break: see tests/mesh. `make mesh` runs thirty.
# alone: yes
# timeout: 600
exec "${TOP:?}/tests/mesh/run" 8 "${MESH_SEED:-1}"
