.DEFAULT_GOAL := help
.PHONY: help build test exhaustive quick lint fuzz bench demo

FUZZTIME ?= 20s

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## Build the binary
	go build .

test: ## Run all tests, including those against a real Prometheus
	go -C test run ./cmd/alltests

exhaustive: ## Run all tests, including the second tier (as root, on Debian)
	go -C test run ./cmd/alltests -exhaustive all

quick: ## Run the tests of the product only
	go test ./...

lint: ## Check formatting, tidiness and lint, which vets
	test -z "$$(gofmt -l . | tee /dev/stderr)"
	GOOS=windows go vet ./...
	go mod tidy -diff
	go -C test mod tidy -diff
	go -C test/programs/alertmanager mod tidy -diff
	go -C test/helm mod tidy -diff
	go -C test/programs/nfpm mod tidy -diff
	go -C test run ./cmd/lint

fuzz: ## Fuzz every parser for a short while (FUZZTIME=20s)
	go -C test run ./cmd/fuzz -fuzztime $(FUZZTIME)

bench: ## Run the benchmarks, each next to its baseline
	go test -run '^$$' -bench . ./...
	go -C test test -run '^$$' -bench . -benchtime 1x -timeout 30m ./...

demo: ## Serve the simulated account
	go run . demo
