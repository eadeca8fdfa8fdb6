# Throng's tasks; `make help` lists them. Needs Go, and npm for the embedded engine; no C compiler but for `make race`.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GO      ?= go
PKG     ?= ./...
FUZZTIME ?= 10s
CRASH_KILLS ?= 50
SOAK ?= 1h
CHAOS ?= 10m
# The readership that `make demo` replays: a table of a real site where it is at hand, else a built-in model.
READERSHIP ?= $(wildcard ../shared/data/readership/archives-30-days.csv)

# Pinned, and built by Go from its module proxy, so that everyone runs the same checks.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.8.0

export CGO_ENABLED = 0

.PHONY: help build charts engine demo test race lint vuln bench bench-pages compare scale soak fuzz crash audit proof kafka chaos cluster-demo replicas peers notices package clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/throng
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/throng ./cmd/throng

charts: ## take the chart library, as its lock file names it, into dashboards/static
	sh scripts/charts.sh

engine: ## fetch the embedded ClickHouse into your cache folder (570 MB, once)
	sh scripts/engine.sh

demo: build engine ## replay a busy day and serve its dashboards
	bin/throng demo $(if $(READERSHIP),--readership $(READERSHIP))

test: engine ## vet and test everything; about five minutes
	$(GO) vet $(PKG)
	$(GO) test -timeout 9m $(PKG)

race: export CGO_ENABLED = 1
race: engine ## test with the race detector; needs a C compiler
	@command -v gcc >/dev/null || command -v clang >/dev/null || { echo 'race: the race detector needs a C compiler (gcc or clang), and there is none' >&2; exit 1; }
	$(GO) test -race -short -timeout 25m $(PKG)

lint: ## run golangci-lint and staticcheck (the first run builds them: some minutes)
	$(GO) run $(GOLANGCI_LINT) run $(PKG)
	$(GO) run $(STATICCHECK) $(PKG)

vuln: ## look for known vulnerabilities; asks the database at vuln.go.dev
	$(GO) run $(GOVULNCHECK) $(PKG)

bench: engine ## run the benchmarks of the way from line to block; BENCH, PKG, COUNT choose, BASE=REVISION compares
	bash scripts/bench.sh

bench-pages: ## 200 requests a second to the dashboards, over two years of 100,000-cell months
	$(GO) test -run '^$$' -bench PagesUnderLoad -benchtime 6000x -timeout 9m ./dashboards

compare: build engine ## time throng, ClickHouse's SQL and GoAccess on one log
	bash scripts/compare.sh

scale: build engine ## send 50 million lines in which nothing repeats; fails over 1.2 GiB
	sh scripts/scale.sh

soak: build engine ## an hour at 80 % of the measured maximum, then overload at 150 %; SOAK=5m is what CI does
	bash scripts/soak.sh $(SOAK)

fuzz: ## fuzz each target for FUZZTIME
	sh scripts/fuzz.sh $(FUZZTIME)

crash: engine ## kill processes at random under load, CRASH_KILLS times
	@$(GO) test -list 'Crash|Kill' ./... | grep -q '^Test' || { echo 'crash: there is no crash test' >&2; exit 1; }
	THRONG_CRASH_KILLS=$(CRASH_KILLS) $(GO) test -count=1 -timeout 40m -run 'Crash|Kill' -v ./...

audit: ## attack 90 simulated days, the mechanism with 100,000 samples a side, and the way to the noise
	THRONG_ATTACK_DAYS=90 THRONG_AUDIT_SAMPLES=100000 $(GO) test -count=1 -timeout 12m -run 'NothingUnderK|Audit|GreyBox|NoiseIsMade' ./aggregate ./aggregate/attack

proof: engine ## let twelve simulated days pass and search every byte of every store at each hour; about three minutes
	THRONG_TEST_PROOF=hourly $(GO) test -count=1 -timeout 7m -v -run 'TestProof$$|TestTracesAreFound|TestLimits' ./cmd/throng

kafka: engine ## run the tests of brokers, topics and the stages on a real Apache Kafka; needs Java 17 and mvn
	sh scripts/kafka.sh install
	THRONG_TEST_KAFKA=1 $(GO) test -p 1 -count=1 -timeout 12m -v ./internal/broker ./internal/broker/kafkatest # one after the other: a broker takes seconds to take its ports
	THRONG_TEST_KAFKA=1 THRONG_TEST_PROOF=hourly $(GO) test -count=1 -timeout 15m -v -run 'TestProof$$|TestKafka' ./cmd/throng

chaos: engine ## break the stages, a real Kafka and the lines between them at random for CHAOS (10m), then compare with the truth
	sh scripts/kafka.sh install
	THRONG_TEST_CHAOS=$(CHAOS) THRONG_TEST_KAFKA=1 $(GO) test -count=1 -timeout 40m -v -run 'TestChaos$$' ./cmd/throng

cluster-demo: build engine ## run nginx, ship ×2, Kafka ×3, load ×2, engine, close and dashboards as processes of their own
	bash scripts/cluster.sh

replicas: ## run what a replicated schema has to do on two servers; needs Debian's clickhouse-server, zookeeper and Java
	THRONG_TEST_CLICKHOUSE=1 $(GO) test -count=1 -timeout 5m -v -run 'TestReplicas$$' ./internal/clickhouse

peers: ## run the test suites of other log readers and anonymizers; fetches them with pip, npm and cargo
	bash .ci/peers

notices: ## write THIRD_PARTY_NOTICES.md from the licences in the module cache
	sh scripts/notices.sh >THIRD_PARTY_NOTICES.md

package: build ## write bin/throng_VERSION_amd64.deb; needs dpkg-deb
	sh scripts/package.sh $(VERSION)

clean: ## remove what the tasks made in this folder
	rm -rf bin
