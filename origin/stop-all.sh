#!/usr/bin/env bash
# Stops what start-all.sh started: the agent drains first, so that no stream is lost, then the tunnel and the engines.
# Twice is the same as once.
#
#   origin/stop-all.sh [/etc/penstock/node.env] [--now]     --now cuts what is in flight
set -euo pipefail

env_file=/etc/penstock/node.env
is_now=
for word in "$@"; do
  if [[ $word == --now ]]; then is_now=yes; else env_file=$word; fi
done
[[ -r $env_file ]] || { printf 'stop-all: cannot read %s; give the path of your env file\n' "$env_file" >&2; exit 1; }
# shellcheck disable=SC1090
source "$env_file"
RUN_DIR=${RUN_DIR:-/tmp/penstock-run}

stop() { # name seconds
  local pid_file=$RUN_DIR/$1.pid pid
  [[ -f $pid_file ]] || { printf '%s does not run\n' "$1" >&2; return; }
  pid=$(cat "$pid_file")
  kill -TERM "$pid" 2>/dev/null || true
  if [[ $1 == agent && -n $is_now ]]; then sleep 0.2; kill -TERM "$pid" 2>/dev/null || true; fi
  for ((i = 0; i < $2 * 10; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  if kill -0 "$pid" 2>/dev/null; then
    printf '%s did not stop in %s s and is killed\n' "$1" "$2" >&2
    kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$pid_file"
  printf '%s stopped\n' "$1" >&2
}

stop agent 180
stop cloudflared 30
for name in ${ENGINES:-}; do stop "engine-$name" 60; done
