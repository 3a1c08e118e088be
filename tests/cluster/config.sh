# shellcheck shell=bash
# Sourced by `up`: writes the certificates and the configuration of one cluster into its folder.

certificate() { # file, subject, alternative names
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -CA "$dir/pki/ca.crt" -CAkey "$dir/pki/ca.key" \
    -keyout "$dir/pki/$1.key" -out "$dir/pki/$1.crt" -subj "$2" -config <(printf '[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]
basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=%s\n' "$3") 2>/dev/null
}

# Writes the certificate for user $1 and a kubeconfig with it.
user() { # file, subject, alternative names
  certificate "$1" "$2" "${3:-DNS:$1}"
  cat >"$dir/pki/$1.conf" <<T
apiVersion: v1
kind: Config
clusters: [{name: $name, cluster: {server: "https://$node_ip:6443", certificate-authority-data: $(base64 -w0 "$dir/pki/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$dir/pki/$1.crt"), client-key-data: $(base64 -w0 "$dir/pki/$1.key")}}]
contexts: [{name: $name, context: {cluster: $name, user: $1}}]
current-context: $name
T
}

make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj "/CN=$name" \
    -keyout "$dir/pki/ca.key" -out "$dir/pki/ca.crt" 2>/dev/null
  certificate apiserver /CN=kube-apiserver \
    "IP:127.0.0.1,IP:$service_ip,IP:$node_ip,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  certificate front-proxy /CN=front-proxy DNS:front-proxy
  certificate metrics-server /CN=metrics-server DNS:metrics-server.kube-system.svc
  user admin /O=system:masters/CN=admin
  user controller-manager /CN=system:kube-controller-manager
  user scheduler /CN=system:kube-scheduler
  user proxy /CN=system:kube-proxy
  user kubelet /O=system:nodes/CN=system:node:node0 "DNS:node0,IP:$node_ip"
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$dir/pki/sa.key" 2>/dev/null
  openssl pkey -in "$dir/pki/sa.key" -pubout -out "$dir/pki/sa.pub"
}

# restrict_oom_score_adj: root without CAP_SYS_RESOURCE cannot lower a score, and every pod would fail to start.
write_containerd_config() {
  cat >"$dir/cni/10-bridge.conflist" <<T
{"cniVersion":"1.0.0","name":"pods","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"hairpinMode":true,
  "ipam":{"type":"host-local","dataDir":"$dir/cni/ipam","ranges":[[{"subnet":"$node_pod_cidr"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
T
  cat >"$dir/config/containerd.toml" <<T
version = 3
root = "$dir/containerd/root"
state = "$dir/containerd/state"
[grpc]
  address = "$socket"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "localhost/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "$dir/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
T
}

# failCgroupV1: hosts with cgroup v1 are refused by default. imageGCHighThresholdPercent: 100 turns collection off, for no registry
# could bring an image back.
write_kubelet_config() {
  cat >"$dir/config/kubelet.yaml" <<T
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {x509: {clientCAFile: $dir/pki/ca.crt}, webhook: {enabled: true}, anonymous: {enabled: false}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /$name
failCgroupV1: false
failSwapOn: false
clusterDNS: [$dns_ip]
clusterDomain: cluster.local
resolvConf: ""
containerRuntimeEndpoint: unix://$socket
podLogsDir: $dir/pod-logs   # kubelets of clusters side by side would clear away each other's logs
tlsCertFile: $dir/pki/kubelet.crt
tlsPrivateKeyFile: $dir/pki/kubelet.key
enforceNodeAllocatable: []
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: "1%", imagefs.available: "1%"}
T
}

write_addons() {
  mkdir -p "$dir/config/addons"
  local file
  for file in dns.yaml storage.yaml metrics.yaml; do
    sed -e "s|@NODE_IP@|$node_ip|g; s|@DNS_IP@|$dns_ip|g; s|@CA@|$(base64 -w0 "$dir/pki/ca.crt")|g" "$cluster_home/addons/$file" >"$dir/config/addons/$file"
  done
  mv "$dir/config/addons/metrics.yaml" "$dir/config/metrics.yaml"
  cp "$cluster_home/addons/helper-pod.yaml" "$dir/config/"
  printf '{"nodePathMap":[{"node":"DEFAULT_PATH_FOR_NON_LISTED_NODES","paths":["%s/storage"]}]}\n' "$dir" >"$dir/config/storage.json"
}
