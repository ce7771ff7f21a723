# Processes that outlive the command which started them, and are known again later: each is recorded
# with its start time and the machine's boot, so that nothing but what was started here is ever killed.
# shellcheck shell=bash

# identity PID: "PID START BOOT" of a living process; nothing if it is gone or a zombie.
identity() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }"
  [ "${fields[0]}" != Z ] || return 1
  echo "$1 ${fields[19]} $(</proc/sys/kernel/random/boot_id)"
}

# alive NAME
alive() {
  local record
  record=$(cat "$STATE/run/$1" 2>/dev/null) || return 1
  [ "$(identity "${record%% *}")" = "$record" ]
}

process_id() { cut -d ' ' -f 1 "$STATE/run/$1"; }

# detached COMMAND...: the caller becomes the command, in a session and process group of its own
# and with none of the caller's open files (a pipe held open would keep its reader waiting).
detached() {
  local file
  for file in /proc/"$BASHPID"/fd/*; do
    file=${file##*/}
    ((file < 3)) || eval "exec $file>&-"
  done
  exec setsid "$@"
}

# start NAME COMMAND...: its output goes to a log of its name.
start() {
  local name=$1
  shift
  mkdir -p "$STATE/run" "$STATE/log"
  detached "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null &
  identity $! >"$STATE/run/$name" || fail "$name did not start; see $STATE/log/$name.log"
}

# stop NAME...: kill -9 of the whole process group, and waits until its leader is gone.
stop() {
  local name
  for name; do
    if alive "$name"; then kill -9 -- "-$(process_id "$name")" 2>/dev/null || true; fi
  done
  for name; do
    wait_for 10 "the end of $name" not_alive "$name"
    rm -f "$STATE/run/$name"
  done
}

not_alive() { ! alive "$1"; }
