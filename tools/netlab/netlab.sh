#!/usr/bin/env bash
# Several hosts on one machine: network namespaces, each with an address, a name and a network of its own choosing
# between them. Programs run there unmodified. Needs root, iproute2 and /dev/net/tun.
#
#   netlab.sh up N [PROFILE]     hosts 1..N (lab1 … labN, 10.99.0.1 …) over a network as of `covey --link PROFILE`
#   netlab.sh exec I COMMAND…    runs a command on host I
#   netlab.sh mpirun N ARGS…     mpirun on host 1, one rank on each of the hosts 1..N
#   netlab.sh sent I             bytes that host I has sent, IP headers included
#   netlab.sh down               takes it all away
#
# NETLAB_WIRE: the program netlab-wire (default: the release build's). NETLAB_STATE: where what runs is noted.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
wire=${NETLAB_WIRE:-$here/../../build/release/tools/netlab/netlab-wire}
state=${NETLAB_STATE:-/tmp/covey-netlab}
export NETLAB_WIRE=$wire NETLAB_STATE=$state

fail() { echo "netlab: $*" >&2; exit 1; }
space() { echo "covey-lab$1"; }
hosts() { cat "$state/hosts_count" 2>/dev/null || echo 0; }

bring_up() {
  local count=$1 profile=${2:-1gbe}
  [ "$(id -u)" = 0 ] || fail "needs root"
  [ -x "$wire" ] || fail "$wire is missing: build the target netlab-wire"
  [ ! -e "$state" ] || fail "a lab is up already ($state): netlab.sh down"
  mkdir -p "$state"
  echo "$count" > "$state/hosts_count"
  echo "127.0.0.1 localhost" > "$state/etc_hosts"
  local spaces=()
  for i in $(seq "$count"); do
    local s; s=$(space "$i")
    ip netns add "$s"
    ip -n "$s" link set lo up
    ip netns exec "$s" ip tuntap add dev tun0 mode tun vnet_hdr
    ip -n "$s" addr add "10.99.0.$i/24" dev tun0
    ip -n "$s" link set tun0 up txqueuelen 1000
    # Pacing of newer congestion controls distorts small messages; and a pause between tokens is no congestion.
    ip netns exec "$s" sysctl -qw net.ipv4.tcp_congestion_control=reno net.ipv4.tcp_slow_start_after_idle=0 \
      net.ipv6.conf.all.disable_ipv6=1 || true
    echo "10.99.0.$i lab$i" >> "$state/etc_hosts"
    spaces+=("$s")
  done
  "$wire" "${profile}" "${spaces[@]}" > "$state/wire.log" 2>&1 < /dev/null &
  echo $! > "$state/wire.pid"
  for _ in $(seq 100); do
    grep -q '^up$' "$state/wire.log" && return
    kill -0 "$(cat "$state/wire.pid")" 2>/dev/null || fail "$(cat "$state/wire.log")"
    sleep 0.05
  done
  fail "the wire does not come up: $(cat "$state/wire.log")"
}

on_host() { # host, command…
  local i=$1; shift
  # Its own host name, and names for all hosts.
  exec ip netns exec "$(space "$i")" unshare --uts --mount \
    bash -c 'hostname "$0" && mount --bind "$1" /etc/hosts && shift && exec "$@"' "lab$i" "$state/etc_hosts" "$@"
}

on_all() { # hosts, arguments of mpirun
  local list="" n=$1; shift
  for i in $(seq "$n"); do list+="${list:+,}lab$i:1"; done
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  on_host 1 mpirun -np "$n" --host "$list" --map-by node --bind-to none \
    --mca plm rsh --mca plm_rsh_agent "$here/netlab.sh rsh" --mca plm_rsh_no_tree_spawn 1 \
    --mca btl_tcp_if_include 10.99.0.0/24 --mca oob_tcp_if_include 10.99.0.0/24 "$@"
}

by_name() { # what mpirun calls instead of ssh: options, host, command
  while [[ $1 == -* ]]; do shift; done
  local host=$1; shift
  on_host "${host#lab}" sh -c "$*"
}

take_down() {
  if [ -f "$state/wire.pid" ]; then kill "$(cat "$state/wire.pid")" 2>/dev/null || true; fi
  for i in $(seq "$(hosts)"); do ip netns del "$(space "$i")" 2>/dev/null || true; done
  rm -rf "$state"
}

case ${1:-} in
  up) bring_up "${2:?how many hosts?}" "${3:-}" ;;
  exec) shift; on_host "$@" ;;
  mpirun) shift; on_all "$@" ;;
  rsh) shift; by_name "$@" ;;
  sent) ip netns exec "$(space "${2:?which host?}")" cat /sys/class/net/tun0/statistics/tx_bytes ;;
  down) take_down ;;
  *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
