# shellcheck shell=bash
# Sourced by the scripts beside it: folders, names and address ranges of one cluster, and how progress is shown.

cluster_home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lib.sh
source "$cluster_home/../lib.sh"

# Prints a line of progress with the seconds since the script began. On stderr: stdout carries results.
step() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }

# Hashes the files named on stdin, paths included, to the 12 hex digits that name a folder of the cache.
hash_files() { LC_ALL=C sort | xargs -r -d '\n' sha256sum | sha256sum | cut -c1-12; }

# Everything that decides what the cluster's programs are. Prints 12 hex digits.
programs_hash() {
  (cd "$cluster_home" && find . -type f \( -name 'go.*' -o -name '*.go' -o -name '*.c' -o -name build \) | hash_files)
}

programs_dir=$cache/cluster/$(programs_hash)
bin=$programs_dir/bin
programs_built() { [ -e "$programs_dir/complete" ]; }

# Sets the names, addresses and folders of cluster number $1 (0 to 15). No two clusters share any of them.
choose_cluster() {
  number=${1:-${CLUSTER_NUMBER:-0}}
  [[ $number =~ ^(0|[1-9]|1[0-5])$ ]] || die "a cluster's number is 0 to 15, not '$number'"
  name=chatbot-$number                        # network namespace, links, cgroup, kubeconfig context
  dir=/var/lib/chatbot-cluster/$number        # all of its state
  link_cidr=10.200.$number.0/24
  host_ip=10.200.$number.1 node_ip=10.200.$number.2
  pod_cidr=10.$((224 + number)).0.0/16 node_pod_cidr=10.$((224 + number)).0.0/24
  service_cidr=10.$((96 + number)).0.0/16 service_ip=10.$((96 + number)).0.1 dns_ip=10.$((96 + number)).0.10
  kubeconfig=$dir/pki/admin.conf
  socket=$dir/containerd.sock
}

# Prints the cluster's folder in every cgroup hierarchy of this machine: one on cgroup v2, one per controller on v1, both on a mixture.
cgroup_dirs() { awk -v n="/$name" '$3 ~ /^cgroup2?$/ { print $2 n }' /proc/mounts; }

# Prints the folder in the hierarchy that shares out the processor; nothing where there is none.
processor_dir() {
  local folder
  while read -r folder; do
    if [ -e "$(dirname "$folder")/cpu.shares" ] || grep -qsw cpu "$(dirname "$folder")/cgroup.controllers"; then echo "$folder"; return; fi
  done < <(cgroup_dirs)
}

api_ready() {
  [ -e "$kubeconfig" ] && curl -sf -o /dev/null -m 2 --cacert "$dir/pki/ca.crt" --cert "$dir/pki/admin.crt" --key "$dir/pki/admin.key" \
    "https://$node_ip:6443/readyz"
}
