#!/usr/bin/env bash
# To be sourced: run_ranks N PROGRAM [ARGUMENT...] starts a program on N ranks of this machine, under Open MPI or MPICH.
# Open MPI refuses more ranks than cores and the root user unless it is told; MPICH needs neither.
run_ranks() {
  local n=$1
  shift
  local launcher=${EMBER_MPIRUN:-mpirun}
  if "$launcher" --version 2>/dev/null | grep -q 'Open MPI'; then
    local flags=(--oversubscribe)
    [ "$(id -u)" -eq 0 ] && flags+=(--allow-run-as-root)
    "$launcher" "${flags[@]}" -n "$n" "$@"
  else
    "$launcher" -n "$n" "$@"
  fi
}
