# The control plane, DNS and the S3 server: plain processes of this machine.
# They listen on loopback and on the bridge only.
# shellcheck shell=bash

CONTROL="etcd kube-apiserver kube-controller-manager kube-scheduler coredns versitygw"
ETCD=http://127.0.0.1:23790 # not etcd's usual port, which may be in use
DNS_READY_PORT=10530
S3_PORT=7070
S3_BUCKETS="images results"
# Keys of this local server only.
export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=tessera AWS_SECRET_ACCESS_KEY=tessera-development

kubectl() { "$BIN/kubectl" --kubeconfig "$STATE/kubeconfig" "$@"; }

control_alive() {
  local name
  for name in $CONTROL; do alive "$name" || return 1; done
}

start_control_plane() {
  start_etcd
  start_api_server
  start_s3 "$HOST_ADDRESS"
  wait_for 60 "the API server (see $STATE/log/kube-apiserver.log)" api_server_ready
  start_controllers
  start_dns
  wait_for 60 "the default service account" kubectl get serviceaccount default
}

api_server_ready() {
  if ! alive kube-apiserver || ! alive etcd; then return "$NEVER"; fi
  kubectl get --raw /readyz
}

# Without fsync: the cluster does not outlive the machine anyway.
start_etcd() {
  start etcd "$CACHE/debian/usr/bin/etcd" --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "$ETCD" --advertise-client-urls "$ETCD" \
    --listen-peer-urls http://127.0.0.1:23800 --initial-advertise-peer-urls http://127.0.0.1:23800 \
    --initial-cluster default=http://127.0.0.1:23800
}

start_api_server() {
  start kube-apiserver "$BIN/kube-apiserver" --etcd-servers "$ETCD" \
    --bind-address "$HOST_ADDRESS" --advertise-address "$HOST_ADDRESS" --secure-port 6443 \
    --service-cluster-ip-range "$SERVICES" --kubelet-preferred-address-types InternalIP \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged \
    --client-ca-file "$PKI/ca.crt" --tls-cert-file "$PKI/kube-apiserver.crt" --tls-private-key-file "$PKI/kube-apiserver.key" \
    --kubelet-client-certificate "$PKI/kubelet-client.crt" --kubelet-client-key "$PKI/kubelet-client.key" \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$PKI/service-accounts.pub" --service-account-signing-key-file "$PKI/service-accounts.key" \
    "${AGGREGATION[@]}"
}

# Aggregated APIs are reached at their pods, since no kube-proxy runs beside the API server.
AGGREGATION=(--enable-aggregator-routing
  --requestheader-client-ca-file "$PKI/front-proxy-ca.crt" --requestheader-allowed-names front-proxy-client
  --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group
  --requestheader-extra-headers-prefix X-Remote-Extra-
  --proxy-client-cert-file "$PKI/front-proxy-client.crt" --proxy-client-key-file "$PKI/front-proxy-client.key")

# Quicker than a production cluster to see a lost node (16 s) and to scale (5 s), so that tests can.
start_controllers() {
  local name
  for name in kube-controller-manager kube-scheduler; do
    local extra=()
    if [ "$name" = kube-controller-manager ]; then
      extra=(--use-service-account-credentials --root-ca-file "$PKI/ca.crt"
        --service-account-private-key-file "$PKI/service-accounts.key"
        --cluster-signing-cert-file "$PKI/ca.crt" --cluster-signing-key-file "$PKI/ca.key"
        --service-cluster-ip-range "$SERVICES" --flex-volume-plugin-dir "$STATE/plugins" --node-monitor-period 2s --node-monitor-grace-period 16s
        --horizontal-pod-autoscaler-sync-period 5s)
    fi
    start "$name" "$BIN/$name" --bind-address 127.0.0.1 --leader-elect=false --kube-api-qps 200 --kube-api-burst 400 \
      --kubeconfig "$PKI/$name.kubeconfig" --authentication-kubeconfig "$PKI/$name.kubeconfig" \
      --authorization-kubeconfig "$PKI/$name.kubeconfig" "${extra[@]}"
  done
}

# Names outside the cluster do not exist for its pods: nothing here talks to the world.
start_dns() {
  cat >"$STATE/Corefile" <<COREFILE
cluster.local:1053 ${SERVICES%%.*}.in-addr.arpa:1053 {
    bind $HOST_ADDRESS
    errors
    kubernetes {
        kubeconfig $PKI/coredns.kubeconfig
    }
    ready 127.0.0.1:$DNS_READY_PORT
}
.:1053 {
    bind $HOST_ADDRESS
    template ANY ANY {
        rcode NXDOMAIN
    }
}
COREFILE
  sed -e "s/DNS_ADDRESS/$DNS_ADDRESS/" -e "s/HOST_ADDRESS/$HOST_ADDRESS/" "$DEV/cluster/dns.yaml" | kubectl apply -f - >/dev/null
  start coredns "$BIN/coredns" -conf "$STATE/Corefile"
  wait_for 30 "DNS (see $STATE/log/coredns.log)" dns_ready
}

dns_ready() {
  alive coredns || return "$NEVER"
  curl -fsS "http://127.0.0.1:$DNS_READY_PORT/ready"
}

# start_s3 ADDRESS: buckets are folders.
start_s3() {
  local bucket
  mkdir -p "$STATE/s3/versions"
  for bucket in $S3_BUCKETS; do mkdir -p "$STATE/s3/data/$bucket"; done
  start versitygw env ROOT_ACCESS_KEY="$AWS_ACCESS_KEY_ID" ROOT_SECRET_KEY="$AWS_SECRET_ACCESS_KEY" \
    "$BIN/versitygw" --quiet --region "$AWS_REGION" --port "$1:$S3_PORT" --health /health \
    posix --versioning-dir "$STATE/s3/versions" "$STATE/s3/data"
  wait_for 10 "the S3 server (see $STATE/log/versitygw.log)" curl -fsS "http://$1:$S3_PORT/health"
  echo "http://$1:$S3_PORT" >"$STATE/s3/endpoint"
}
