# The verbs of this repository. `make help` lists them; each is one command or one script.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export NODES ?= 3
export CLUSTER

.PHONY: help try demo test fuzz bench bench-files bench-instructions bench-cluster bench-many lint gen images install cluster cluster-down cluster-node-kill cluster-node-start cluster-node-remove env page page-test clean

help: ## lists these verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

try: ## builds tessera and turns a photograph into an edge picture, without a cluster
	@dev/try.sh

demo: ## a large picture through a real cluster, from nothing (IMAGE=path takes your own)
	@dev/demo.sh

test: ## all tests, on a real cluster too
	@dev/test.sh

fuzz: ## runs each fuzzer for SECONDS=60, or those in TARGETS="tiff png"
	@SECONDS_EACH=$(or $(SECONDS),60) dev/fuzz.sh
bench: ## the kernels beside OpenCV, libvips and others; writes docs/benchmarks/engine.md (QUICK=1: a trial)
	@dev/bench-engine.sh

bench-files: ## whole files beside libvips; writes docs/benchmarks/files.md (QUICK=1: a trial)
	@dev/bench-files.sh

bench-instructions: ## instructions of each operation, by callgrind: over 5 % more than before is a failure (ACCEPT=1: the new ones hold)
	@dev/bench-instructions.sh

bench-cluster: ## more slots against speed, overheads, and dask beside it; writes docs/benchmarks/fleet.md (QUICK=1: a trial)
	@dev/bench-cluster.sh

bench-many: ## 200 jobs over 5 namespaces, 10,000 without pixels, and one of 1,000,000 tiles; writes docs/benchmarks/many.md
	@dev/bench-many.sh

lint: ## formatting, clippy and shellcheck, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	shellcheck dev/*.sh dev/cluster/*.sh

gen: ## writes what is generated: crds/ and manifests/
	cargo xtask gen

images: ## builds the images of operator, worker and page, and loads them into the cluster's nodes
	@dev/images.sh

install: images ## installs or upgrades the Helm chart on the cluster, with these images
	@dev/install.sh

cluster: ## a local Kubernetes of NODES=3 nodes and an S3 server (CLUSTER=kind: by kind and Docker; not run here)
	@dev/cluster.sh up

cluster-down: ## ends the cluster and removes all it made; what was built for it stays in the cache
	@dev/cluster.sh down

cluster-node-kill: ## a power cut for one node: NODE=n3
	@dev/cluster.sh kill $(NODE)

cluster-node-start: ## starts a node that was killed, or a new one: NODE=n4
	@dev/cluster.sh start $(NODE)

cluster-node-remove: ## removes a node for good: NODE=n4
	@dev/cluster.sh remove $(NODE)

env: ## for a shell of yours: eval "$(make -s env)" sets KUBECONFIG, PATH and the S3 variables
	@dev/cluster.sh env

page-test: ## tests the page in Chromium, over its stand-in server and on the cluster
	@dev/page-test.sh stand-in
	@dev/page-test.sh cluster

page: ## prints the page's address
	@dev/cluster.sh page

clean: cluster-down ## ends the cluster and removes what cargo built
	cargo clean
