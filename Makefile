# Two commands matter: "make run" shows Keepgreen at work on a bundled example,
# "make test" passes every test. Both set up what they need.

GO       ?= go
PYTHON   ?= python3
CACHE    := .keepgreen/tools
E2E_ENV  := $(CACHE)/e2e-venv
EXAMPLE  := examples/kv-hygiene
GOLANGCI     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK  := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: run test unit e2e e2e-heavy calibrate lint vulncheck shape corpus bench fuzz docs clean

keepgreen: go.mod go.sum main.go $(shell find internal -name '*.go' -not -name '*_test.go' -o -name '*.tmpl' -o -name '*.css' -o -name '*.js' -path 'internal/*')
	$(GO) build -trimpath -o $@ .

## run: Keepgreen on the bundled example. Its verdict there is no; that is its job.
run: keepgreen
	@scripts/need python3 git
	@scripts/venv $(EXAMPLE)/.venv $(EXAMPLE)/requirements-dev.txt
	@./keepgreen run $(EXAMPLE) --report $(EXAMPLE)/keepgreen-report.html; status=$$?; \
	if [ $$status -gt 1 ]; then echo "keepgreen could not do its job (exit status $$status)"; exit $$status; fi; \
	echo "The HTML report: $(EXAMPLE)/keepgreen-report.html"

## test: every test, from formatting to the end-to-end ones.
test: lint unit e2e

## unit: unit tests, the command line's specification, the seeds of the fuzz targets.
unit:
	@scripts/need git
	$(GO) test ./...

## e2e: against the real pytest, coverage, ruff, black, mypy, git and Chromium.
e2e: keepgreen
	@scripts/need python3 git chromium shellcheck gcc prometheus prometheus-pushgateway
	@scripts/venv $(E2E_ENV) e2e/requirements.txt
	KEEPGREEN_E2E_PYTHON=$(CURDIR)/$(E2E_ENV)/bin/python $(GO) test -tags e2e -count=1 -timeout 15m ./e2e/
	cd e2e/actionlint && $(GO) test -count=1 ./...

## e2e-heavy: what is slow to build, install or replay; every such test is named TestHeavy….
e2e-heavy: keepgreen
	@scripts/need python3 git
	@scripts/venv $(E2E_ENV) e2e/requirements.txt
	KEEPGREEN_E2E_PYTHON=$(CURDIR)/$(E2E_ENV)/bin/python $(GO) test -tags 'e2e heavy' -count=1 -timeout 90m -run '^TestHeavy' -v ./e2e/

## calibrate: label hundreds of breakages by the real tools, and fit confidence to them again.
calibrate:
	@scripts/need python3 git
	@scripts/venv $(E2E_ENV) e2e/requirements.txt
	KEEPGREEN_CALIBRATE=$(CURDIR)/internal/triage/testdata/calibration/seeded.tsv KEEPGREEN_E2E_PYTHON=$(CURDIR)/$(E2E_ENV)/bin/python \
	$(GO) test -tags 'e2e heavy' -count=1 -timeout 60m -run TestHeavyCalibration -v ./e2e/
	$(GO) test -count=1 -run 'TestCalibrationLogs|TestConfidenceIsTheFit' ./internal/triage/ -update

## lint: everything in .golangci.yml, gofumpt and staticcheck among it, and tidy modules.
lint:
	$(GO) run $(GOLANGCI) run --build-tags 'e2e heavy' ./...
	$(GO) mod tidy -diff

## vulncheck: known vulnerabilities in what we depend on, where the database can be had.
vulncheck:
	@$(GO) run $(GOVULNCHECK) ./... || { status=$$?; [ $$status -eq 3 ] && exit 3; echo "govulncheck gave no answer (exit status $$status): its database cannot be reached from here"; }

## shape: what grows, beside the codebases we measure ourselves against.
shape:
	@$(GO) test -run TestShape -v -count=1 . | sed -n 's/^ *shape_test.go:[0-9]*: //p'

## corpus: how many files of public collections are read right, by folder, and each that is not.
corpus:
	@$(GO) test -count=1 -v ./internal/... 2>&1 | sed -n -e 's/^ *[a-z_]*_test.go:[0-9]*: corpus: //p' -e '/^--- FAIL/p' -e '/^FAIL/p'

## bench: throughput and memory of readers, clustering and verdicts.
bench:
	$(GO) test -run '^$$' -bench . -benchtime 1x ./internal/...

## fuzz: every fuzz target for FUZZTIME executions each. Not for a time: at its end
## Go before 1.27 may report "context deadline exceeded" for no input (go.dev/issue/75804).
FUZZTIME ?= 50000x
fuzz:
	@for pkg in $$($(GO) list ./internal/...); do for target in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do \
		echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; done; done

## docs: write the generated tables again.
docs:
	$(GO) test -run TestDocs -count=1 . -update

clean:
	rm -rf keepgreen .keepgreen/tools $(EXAMPLE)/.venv
