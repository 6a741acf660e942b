#!/usr/bin/env bash
# Starts what this node runs: engines, agent, tunnel; waits until the node is ready. Twice is the same as once.
#
#   origin/start-all.sh /etc/penstock/node.env
#
# The env file (mode 0600) sets:
#   AGENT_CONFIG   the agent's JSON config (origin/config.ts)
#   ENGINES        names, e.g. "chat text2sql"; for each NAME: ENGINE_<NAME>_COMMAND and ENGINE_<NAME>_HEALTH (a URL)
#   TUNNEL_CONFIG  cloudflared's config, or empty for none
#   RUN_DIR        pids and logs; default /tmp/penstock-run     GPU=none   skips the GPU checks
#   READY_S        how long engines may take to load; default 900
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
die() { say "start-all: $*"; exit 1; }

env_file=${1:-/etc/penstock/node.env}
[[ -r $env_file ]] || die "cannot read $env_file; give the path of your env file"
mode=$(stat -c %a "$env_file")
[[ $mode == *00 ]] || die "$env_file has mode $mode and holds secrets; run chmod 600 $env_file"
# shellcheck disable=SC1090
source "$env_file"
: "${AGENT_CONFIG:?AGENT_CONFIG is not set in $env_file}"
RUN_DIR=${RUN_DIR:-/tmp/penstock-run}
READY_S=${READY_S:-900}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p -m 700 "$RUN_DIR"

is_running() { [[ -f $RUN_DIR/$1.pid ]] && kill -0 "$(cat "$RUN_DIR/$1.pid")" 2>/dev/null; }

# All of it is on this machine: a proxy of the environment has no say.
ask() { curl --noproxy '*' -sS -m 2 -o /dev/null "$@" 2>/dev/null; }

# Whoever listens there while ours does not run would be taken for ours, which dies of an address in use behind it.
check_port() { # name url
  is_running "$1" && return
  [[ -z $(ask -w '%{remote_ip}' "$2") ]] ||
    die "$1 cannot start: its port is taken by another process, which listens at $2; stop it or change the port"
}

start() { # name command
  if is_running "$1"; then say "$1 runs already (pid $(cat "$RUN_DIR/$1.pid"))"; return; fi
  setsid bash -c "exec $2" >>"$RUN_DIR/$1.log" 2>&1 < /dev/null &
  echo $! > "$RUN_DIR/$1.pid"
  say "$1 started (pid $!), log $RUN_DIR/$1.log"
}

wait_for() { # name url seconds
  local is_ready
  for ((i = 0; i < $3 * 2; i++)); do
    is_ready=; ask -f "$2" && is_ready=yes
    # Looked at after the answer: what answered may be another process, and ours dead.
    is_running "$1" || die "$1 has stopped; the end of $RUN_DIR/$1.log: $(tail -n 3 "$RUN_DIR/$1.log")"
    [[ -z $is_ready ]] || { say "$1 is ready"; return; }
    sleep 0.5
  done
  die "$1 was not ready after $3 s; see $RUN_DIR/$1.log"
}

preflight() {
  local mode free_mb
  [[ -r $AGENT_CONFIG ]] || die "cannot read $AGENT_CONFIG"
  mode=$(stat -c %a "$AGENT_CONFIG")
  [[ $mode == *00 ]] || die "$AGENT_CONFIG has mode $mode and holds secrets; run chmod 600 $AGENT_CONFIG"
  free_mb=$(df -Pm "$RUN_DIR" | awk 'NR==2 {print $4}')
  (( free_mb >= 500 )) || die "only $free_mb MB free for $RUN_DIR; the usage log needs room"
  if [[ ${GPU:-} != none && -n ${ENGINES:-} ]]; then
    command -v nvidia-smi >/dev/null ||
      die "no nvidia-smi, so no GPU to serve from. Set GPU=none in $env_file to run engines without one"
    nvidia-smi --query-gpu=name,memory.total,memory.free,driver_version --format=csv,noheader >&2 ||
      die "nvidia-smi is there and fails: the driver is not loaded, or does not match it"
  fi
  if [[ -n ${TUNNEL_CONFIG:-} ]]; then
    command -v cloudflared >/dev/null || die "TUNNEL_CONFIG is set, and cloudflared is not installed"
    cloudflared tunnel --config "$TUNNEL_CONFIG" ingress validate >&2 ||
      die "$TUNNEL_CONFIG is not a valid tunnel config"
  fi
}

node_bin=$here/../node_modules/.bin/node
[[ -x $node_bin ]] || node_bin=node
print_address='
  const config = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  console.log(config.host ?? "127.0.0.1", config.port ?? 8700);
'
read -r host port < <("$node_bin" -e "$print_address" "$AGENT_CONFIG") || die "$AGENT_CONFIG is not JSON"

preflight
for name in ${ENGINES:-}; do
  command_var=ENGINE_${name^^}_COMMAND health_var=ENGINE_${name^^}_HEALTH
  [[ -n ${!command_var:-} ]] || die "$command_var is not set in $env_file"
  [[ -z ${!health_var:-} ]] || check_port "engine-$name" "${!health_var}"
done
check_port agent "http://$host:$port/readyz"
for name in ${ENGINES:-}; do
  command_var=ENGINE_${name^^}_COMMAND
  start "engine-$name" "${!command_var}"
done
start agent "'$node_bin' '$here/agent.ts' --config '$AGENT_CONFIG'"
for name in ${ENGINES:-}; do
  health_var=ENGINE_${name^^}_HEALTH
  [[ -z ${!health_var:-} ]] || wait_for "engine-$name" "${!health_var}" "$READY_S"
done
wait_for agent "http://$host:$port/readyz" "$READY_S"
[[ -z ${TUNNEL_CONFIG:-} ]] || start cloudflared "cloudflared tunnel --config '$TUNNEL_CONFIG' run"
say "node is ready at http://$host:$port"
