# A cgroup for each node, tessera-<node>, in which the node believes itself at the root of a machine.
# Outside these, cgroup v2 needs its controllers delegated at the root; leave_room puts that back.
# shellcheck shell=bash

CGROUPS=/sys/fs/cgroup

unified() { [ "$(stat -fc %T "$CGROUPS")" = cgroup2fs ]; }

# The v1 hierarchies and where this process is in them: lines "FOLDER PATH", such as "cpu,cpuacct /user".
hierarchies() {
  local controllers path
  while IFS=: read -r _ controllers path; do
    controllers=${controllers#name=}
    if [ -n "$controllers" ] && [ -d "$CGROUPS/$controllers$path" ]; then echo "$controllers ${path%/}"; fi
  done </proc/self/cgroup
}

# join_cgroups NODE PID
join_cgroups() {
  if unified; then join_unified "$@"; else join_hierarchies "$@"; fi
}

join_hierarchies() {
  local folder path cgroup file
  while read -r folder path; do
    cgroup=$CGROUPS/$folder$path/tessera-$1
    mkdir -p "$cgroup"
    for file in cpuset.cpus cpuset.mems; do # a new cpuset is empty, and nothing can join an empty one
      if [ -e "$cgroup/$file" ]; then cat "$cgroup/../$file" >"$cgroup/$file"; fi
    done
    echo "$2" >"$cgroup/cgroup.procs"
  done < <(hierarchies)
}

# cgroup v2: tried on a cgroup of its own, but NOT RUN with a whole cluster so far.
# Node cgroups lie directly under the root, where systemd leaves strangers alone.
join_unified() {
  local cgroup=$CGROUPS/tessera-$1
  [ -e "$STATE/subtree_control" ] || cat "$CGROUPS/cgroup.subtree_control" >"$STATE/subtree_control"
  enable_controllers "$CGROUPS" || make_room
  mkdir -p "$cgroup"
  echo "$2" >"$cgroup/cgroup.procs"
}

# enable_controllers CGROUP: for its children, all that it has. The kernel refuses with processes in it.
enable_controllers() {
  local controller missing=()
  for controller in $(<"$1/cgroup.controllers"); do
    grep -qw "$controller" "$1/cgroup.subtree_control" || missing+=("+$controller")
  done
  ((${#missing[@]} == 0)) || echo "${missing[@]}" 2>/dev/null >"$1/cgroup.subtree_control"
}

# In a container the visible root is not the real one: its processes must stand aside in a child.
make_room() {
  wait_for 10 "the controllers of cgroup v2 ($CGROUPS/cgroup.subtree_control)" move_and_enable "$CGROUPS" tessera-others
}

# delegate_cgroup NODE: the node's first processes make room for its pods, in the same way.
delegate_cgroup() { ! unified || wait_for 10 "the cgroup of $1" move_and_enable "$CGROUPS/tessera-$1" node; }

# move_and_enable CGROUP CHILD
move_and_enable() {
  move_processes "$1" "$1/$2"
  enable_controllers "$1"
}

leave_room() {
  local controller
  [ -e "$STATE/subtree_control" ] || return 0
  for controller in $(<"$CGROUPS/cgroup.subtree_control"); do
    grep -qw "$controller" "$STATE/subtree_control" || echo "-$controller" >"$CGROUPS/cgroup.subtree_control" || true
  done
  [ -d "$CGROUPS/tessera-others" ] || return 0
  move_processes "$CGROUPS/tessera-others" "$CGROUPS"
  rmdir "$CGROUPS/tessera-others"
}

# move_processes FROM TO: a process may end meanwhile, or be the kernel's and stay.
move_processes() {
  local process
  mkdir -p "$2"
  while read -r process; do
    echo "$process" >"$2/cgroup.procs" || true
  done <"$1/cgroup.procs" 2>/dev/null
}

# node_cgroups [NODE]: by name, wherever they are; of all nodes without one.
node_cgroups() { find "$CGROUPS" -type d -name "tessera-${1:-n[0-9]*}" -prune 2>/dev/null; }

# node_processes [NODE]: that live in its cgroups; 0 stands for one that cannot be seen from here.
node_processes() {
  local cgroup
  for cgroup in $(node_cgroups "$@"); do find "$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null || true; done
}

# remove_cgroups [NODE]: kills what is still inside, and removes them once that has ended.
remove_cgroups() { wait_for 60 "the end of the processes in: $(node_cgroups "$@" | xargs)" no_cgroups "$@"; }

no_cgroups() {
  local process cgroup
  for process in $(node_processes "$@"); do
    ((process == 0)) || kill -9 "$process" 2>/dev/null || true
  done
  for cgroup in $(node_cgroups "$@"); do find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
  [ -z "$(node_cgroups "$@")" ]
}
