# Keys, certificates and kubeconfigs of the cluster. They live in $STATE and end with it.
# shellcheck shell=bash

PKI=$STATE/pki

# signed NAME SUBJECT OPTION...: a new key and a certificate for it.
signed() {
  local name=$1 subject=$2
  shift 2
  openssl req -x509 -config <(printf '[req]\ndistinguished_name=empty\n[empty]\n') \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "$subject" "$@" \
    -keyout "$PKI/$name.key" -out "$PKI/$name.crt" 2>>"$STATE/log/openssl.log"
}

# authority NAME
authority() {
  signed "$1" "/CN=$1" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

# certificate NAME AUTHORITY SUBJECT [EXTENSION]
certificate() {
  signed "$1" "$3" -CA "$PKI/$2.crt" -CAkey "$PKI/$2.key" -addext basicConstraints=critical,CA:FALSE \
    -addext extendedKeyUsage=clientAuth,serverAuth ${4:+-addext "$4"}
}

# kubeconfig NAME: with the certificate of that name inside, so that the file can be carried elsewhere.
kubeconfig() {
  cat >"$PKI/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters:
- name: tessera-dev
  cluster:
    server: https://$HOST_ADDRESS:6443
    certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$PKI/$1.crt")
    client-key-data: $(base64 -w0 "$PKI/$1.key")
contexts:
- name: tessera-dev
  context: {cluster: tessera-dev, user: $1}
current-context: tessera-dev
YAML
}

# user NAME SUBJECT [EXTENSION]
user() {
  certificate "$1" ca "$2" "${3:-}"
  kubeconfig "$1"
}

make_certificates() {
  mkdir -p "$PKI" "$STATE/log"
  chmod 700 "$PKI"
  authority ca
  authority front-proxy-ca
  certificate kube-apiserver ca /CN=kube-apiserver "subjectAltName=$(api_server_names)"
  certificate kubelet-client ca /O=system:masters/CN=kube-apiserver-kubelet-client
  certificate front-proxy-client front-proxy-ca /CN=front-proxy-client
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$PKI/service-accounts.key"
  openssl pkey -in "$PKI/service-accounts.key" -pubout -out "$PKI/service-accounts.pub"
  user admin /O=system:masters/CN=admin
  user kube-controller-manager /CN=system:kube-controller-manager
  user kube-scheduler /CN=system:kube-scheduler
  user kube-proxy /CN=system:kube-proxy
  user coredns /CN=system:coredns
  install -m 600 "$PKI/admin.kubeconfig" "$STATE/kubeconfig"
}

api_server_names() {
  local name names=IP:127.0.0.1,IP:$HOST_ADDRESS,IP:${SERVICES%.0/*}.1
  for name in localhost kubernetes{,.default{,.svc{,.cluster.local}}}; do names+=,DNS:$name; done
  echo "$names"
}
