# All that is needed is make and Python >= 3.11: each target installs what it uses into .venv first.
#   make PYTHON=/path/to/python3 ...   use this interpreter, not the first of python3.13, 3.12, 3.11, python3 that runs

PYTHON ?=
BIN := .venv/bin
READY := .venv/.ready
# Three times the cores of the smallest machine, because many tests wait for sockets and processes. With `worksteal` the tests of
# a file stay on one worker, and use what its fixtures started, until another worker has nothing left to do.
WORKERS ?= 6

# The artefact of the rotation function: the processor that it is packed for (x86_64 or arm64), whether it holds what logins
# over SSH (SSH=1, the default), WinRM (WINRM=1) and to databases need (MYSQL=1, POSTGRESQL=1, REDIS=1), and the functions
# for Vault (VAULT=1), and a configuration file (CONFIG=lockstep.toml). The runtime is the template's. The recipe that packs
# gets both as LAMBDA_PYTHON and LAMBDA_ARCH.
ARCHITECTURE ?= x86_64
CONFIG ?=
SSH ?= 1
WINRM ?= 0
MYSQL ?= 0
POSTGRESQL ?= 0
REDIS ?= 0
VAULT ?= 0
SETS := SSH:ssh WINRM:winrm MYSQL:mysql POSTGRESQL:postgresql REDIS:redis VAULT:vault
LAMBDA_PINS := requirements/lambda.txt $(strip $(foreach set,$(SETS),\
  $(if $(filter-out 0,$($(firstword $(subst :, ,$(set))))),requirements/lambda-$(lastword $(subst :, ,$(set))).txt)))
LAMBDA_REQUIREMENTS := $(addprefix -r ,$(LAMBDA_PINS))
ARTEFACT_SOURCES := template.yaml samconfig.toml Makefile $(wildcard requirements/lambda*.txt) \
  $(shell find rotation \( -name cli -o -name __pycache__ \) -prune -o \( -name '*.py' -o -type d \) -print)

COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url $(UPGRADE)

# Byte-code is kept even if the shell says otherwise: else each of the many test processes compiles everything again.
export PYTHONDONTWRITEBYTECODE :=

# One recipe at a time, because all of them use .venv.
.NOTPARALLEL:
.PHONY: help demo test test-faults check invoke bench build dist artefact requirements clean
.DEFAULT_GOAL := help

help:
	@echo "make demo                    watch passwords rotate against local servers and a real OpenBao"
	@echo "make test                    run the tests"
	@echo "make test-vault              run the long tests on a real OpenBao (kills, a cluster)"
	@echo "make test-report             look at the page of lockstep fleet report in Chromium, with axe-core (needs npm)"
	@echo "make test-faults             run all other long tests, every pair of faults, and 20,000 random schedules of faults"
	@echo "make check                   lint, types, import contracts, tests with coverage, and the longest modules"
	@echo "make invoke EVENT=events/... send one event to the packed function under the Lambda runtime"
	@echo "make bench                   measure calls, gaps, cold starts, passwords and the Vault plug-in (PARTS=calls)"
	@echo "make build                   pack the rotation function with sam build (ARCHITECTURE=arm64, CONFIG=lockstep.toml)"
	@echo "make dist                    build the wheel with its pinned requirements, and bills of materials, into dist/"
	@echo "make requirements            write requirements/*.txt again (UPGRADE=--upgrade: with the newest versions)"
	@echo "make clean                   remove everything that make made"

demo: $(READY)
	@$(BIN)/lockstep demo

invoke: $(READY) .venv/second/.ready artefact
	@test -n "$(EVENT)" || { echo "Name an event: make invoke EVENT=events/huawei_meeting/createSecret.json" >&2; exit 2; }
	@$(BIN)/lockstep invoke $(EVENT)

# The tests that the second interpreter runs, at the same time as the first minute of the full run.
# Signals are left out: a shell starts what runs beside it with SIGINT ignored.
SECOND := --ignore tests/rotation/core/process tests/rotation/core tests/rotation/drivers/network tests/rotation/drivers/logins \
  tests/rotation/engine/account/test_steps.py

test: $(READY) .venv/second/.ready .venv/openssh/.ready .venv/mariadb/.ready .venv/ntlm/.ready .venv/.compiled artefact
	@second=.venv/second/bin/python; [ -x $$second ] || second=true; \
	( said=$$($$second -m pytest -q -p no:xdist -m "not slow and not long" -p no:cacheprovider $(SECOND) 2>&1); ended=$$?; \
	  echo "$$said"; exit $$ended ) & beside=$$!; \
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal; ended=$$?; \
	wait $$beside || ended=1; exit $$ended

# One process compiles what the tests import, once: else each worker of the first run would compile all of it.
.venv/.compiled: $(READY)
	@echo "Compiling what the tests import"; $(BIN)/python -m pytest -qq --collect-only >/dev/null 2>&1; touch $@

# OpenSSH's server with PAM, from Debian's packages and without root, for the tests marked `openssh`. A machine that cannot
# have it names what did not run.
.venv/openssh/.ready: .ci/debian-packages | $(READY)
	@.ci/debian-packages --namespace .venv/openssh "a real OpenSSH" \
	openssh-server openssh-sftp-server libpam-modules libnss-wrapper libuid-wrapper
	@touch $@

# The page of `lockstep fleet report` in a headless Chromium, with axe-core from npm; screenshots are in .venv/report/shots.
.PHONY: test-report
test-report: $(READY)
	@command -v npm >/dev/null || { echo "Not checked: the page of lockstep fleet report; npm is not here" >&2; exit 2; }
	@mkdir -p .venv/report && cp .ci/report/package.json .ci/report/package-lock.json .venv/report
	@npm ci --silent --ignore-scripts --prefix .venv/report
	@$(BIN)/python .ci/report/check.py .venv/report/node_modules/axe-core/axe.min.js .venv/report/shots

# Takes minutes on a real OpenBao: random kills, a cluster that loses its leader.
.PHONY: test-vault
test-vault: $(READY)
	@$(BIN)/python -m pytest -q -m long tests/vault_plugin

test-faults: $(READY) artefact
	@$(BIN)/python -m pytest -q -n $(WORKERS) -m long --ignore tests/vault_plugin
	@$(BIN)/python -m rotation_testkit.fault_lab.matrix --pairs --compare docs/faults.md
	@$(BIN)/python -m rotation_testkit.fault_lab.matrix --around-pairs --compare docs/faults.md
	@$(BIN)/lockstep simulate-faults --seed 1 --runs 20000

# What is checked by cfn-lint and checkov. A check that is suppressed says why, in the resource's metadata.
TEMPLATES := template.yaml $(wildcard examples/*/*.yaml)
TEMPLATES := $(filter-out examples/vault/kubernetes-cronjob.yaml examples/consumers/kubernetes.yaml,$(TEMPLATES))

# checkov pins libraries that ours have newer, so that it stands in an environment of its own.
.venv/checkov/.ready: requirements/checkov.txt | $(READY)
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv/checkov
	@$(BIN)/uv pip install -q --python .venv/checkov/bin/python --require-hashes -r requirements/checkov.txt \
	|| $(BIN)/python -m pip --python .venv/checkov/bin/python install -q --require-hashes -r requirements/checkov.txt
	@touch $@

check: $(READY) .venv/second/.ready .venv/checkov/.ready .venv/openssh/.ready .venv/mariadb/.ready .venv/ntlm/.ready artefact
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint $(TEMPLATES)
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-central-1 $(BIN)/sam validate --lint
	.venv/checkov/bin/checkov --framework cloudformation --compact --quiet --skip-download $(TEMPLATES:%=-f %)
	$(BIN)/python -m pytest -q -n $(WORKERS) --cov --cov-report=term
	@$(BIN)/python tests/house/module_sizes.py

bench: $(READY) .venv/second/.ready artefact
	@$(BIN)/python -m bench --json .aws-sam/bench.jsonl $(PARTS)

build: $(READY)
	@[ -z "$(LAMBDA_PYTHON)$(LAMBDA_ARCH)" ] || { echo "Say ARCHITECTURE=arm64; the runtime is that of template.yaml" >&2; exit 2; }
	@case "$(ARCHITECTURE)" in x86_64|arm64) ;; *) echo "ARCHITECTURE is x86_64 or arm64" >&2; exit 2;; esac
	$(if $(CONFIG),@$(BIN)/lockstep config check --file "$(CONFIG)")
	@SAM_CLI_TELEMETRY=0 LAMBDA_PYTHON=$$(sed -n '/Runtime: python/{s/^ *Runtime: python//p;q;}' template.yaml) \
	  LAMBDA_ARCH=$(ARCHITECTURE:arm64=aarch64) SSH=$(SSH) WINRM=$(WINRM) \
	  MYSQL=$(MYSQL) POSTGRESQL=$(POSTGRESQL) REDIS=$(REDIS) VAULT=$(VAULT) CONFIG="$(abspath $(CONFIG))" \
	  $(BIN)/sam build
	@$(BIN)/python .ci/pin_architecture.py .aws-sam/build/template.yaml $(ARCHITECTURE)

# The same sources give the same bytes: files in the wheel carry this moment.
dist: export SOURCE_DATE_EPOCH ?= 1580601600
dist: build
	@rm -rf dist && mkdir dist && cp requirements/install.txt dist/requirements.txt
	$(BIN)/hatchling build -t wheel -d dist
	@$(BIN)/python .ci/sbom.py wheel dist/*.whl requirements/install.txt >dist/lockstep.cdx.json
	@$(BIN)/python .ci/sbom.py function .aws-sam/build/RotationFunction $(LAMBDA_PINS) >dist/function.cdx.json

# The artefact for the emulator: the same build for this machine's processor and, without a python3.13, for the
# interpreter of .venv. It must not change .venv, because tests call this target while they use it. The stamp is as old
# as the start of the build, so that a source that changes during the build is packed next time.
artefact: .aws-sam/local/.interpreter

.aws-sam/local/.interpreter: $(ARTEFACT_SOURCES)
	@mkdir -p .aws-sam; python=.venv/second/bin/python; \
	"$$python" -c "import sys; sys.exit(sys.version_info[:2] != (3, 13))" 2>/dev/null || python=$(BIN)/python; \
	minor=$$("$$python" -c "import sys; print('%d.%d' % sys.version_info[:2])"); \
	echo "$$python" > .aws-sam/started; \
	echo "Packing the rotation function to run under the Lambda runtime emulator with python$$minor"; \
	SAM_CLI_TELEMETRY=0 LAMBDA_PYTHON=$$minor LAMBDA_ARCH=$$(uname -m) SSH=1 WINRM=1 MYSQL=1 POSTGRESQL=1 \
	  $(BIN)/sam build --build-dir .aws-sam/local >.aws-sam/build.log 2>&1 || { cat .aws-sam/build.log >&2; exit 1; }; \
	mv .aws-sam/started $@

# What installs along but no rotation imports. Of Powertools only the logger and the metrics are used. paramiko takes
# invoke for `Match exec` in ssh_config files; requests takes charset_normalizer to guess the encoding of a text, and warns
# without it, which the rotation function alone keeps quiet.
UNUSED := invoke invoke-*.dist-info $(if $(filter-out 0,$(VAULT)),,charset_normalizer charset_normalizer-*.dist-info) \
  aws_lambda_powertools/event_handler \
  $(addprefix aws_lambda_powertools/utilities/,auth_alpha batch circuit_breaker data_classes data_masking feature_flags \
    idempotency kafka parameters parser streaming validation)

# Called by sam build. Neither the kit nor the command line is packed. Byte-code is, for the runtime's minor version:
# /var/task is read-only, and every cold start would compile everything again. Unchecked hashes keep it reproducible.
.PHONY: build-RotationFunction
build-RotationFunction:
	@[ -n "$(LAMBDA_PYTHON)" ] && [ -n "$(LAMBDA_ARCH)" ] || { echo "Pack it by make build, which says for which processor" >&2; exit 2; }
	$(BIN)/uv pip install -q --target "$(ARTIFACTS_DIR)" --link-mode copy --require-hashes $(LAMBDA_REQUIREMENTS) \
	  --only-binary :all: --python-version $(LAMBDA_PYTHON) --python-platform $(LAMBDA_ARCH)-manylinux_2_34 \
	|| $(BIN)/python -m pip install -q --target "$(ARTIFACTS_DIR)" --require-hashes $(LAMBDA_REQUIREMENTS) \
	  --only-binary :all: --python-version $(LAMBDA_PYTHON) \
	  $(foreach glibc,2_34 2_28 2_17,--platform manylinux_$(glibc)_$(LAMBDA_ARCH)) --platform manylinux2014_$(LAMBDA_ARCH)
	rm -rf "$(ARTIFACTS_DIR)/bin" "$(ARTIFACTS_DIR)/.lock" $(UNUSED:%="$(ARTIFACTS_DIR)"/%)
	cp -R rotation $(if $(filter-out 0,$(VAULT)),vault_plugin) "$(ARTIFACTS_DIR)"
	$(if $(CONFIG),cp "$(CONFIG)" "$(ARTIFACTS_DIR)/lockstep.toml")
	rm -rf "$(ARTIFACTS_DIR)/rotation/cli" $(foreach part,cli database goplugin provision,"$(ARTIFACTS_DIR)/vault_plugin/$(part)")
	find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -rf {} +
	@if python=$$(.ci/find-python $(LAMBDA_PYTHON)); then \
	  "$$python" -m compileall -q --invalidation-mode unchecked-hash -s "$(ARTIFACTS_DIR)" -p /var/task "$(ARTIFACTS_DIR)"; \
	else echo "No python$(LAMBDA_PYTHON) here: the artefact carries no byte-code, cold starts will be slower."; fi

# The fleet's function takes AWS's client from the runtime, and needs nothing else.
.PHONY: build-FleetFunction
build-FleetFunction:
	cp -R rotation "$(ARTIFACTS_DIR)"
	rm -rf "$(ARTIFACTS_DIR)/rotation/cli" "$(ARTIFACTS_DIR)/rotation/drivers"
	find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -rf {} +

# What the tests need: requirements/dev.txt, and of each product the vendor's own SDK.
PINS := requirements/bootstrap.txt requirements/dev.txt $(wildcard requirements/sdks/*.txt)
$(READY): $(PINS) pyproject.toml
	@python="$(PYTHON)"; [ -n "$$python" ] || python=$$(.ci/find-python) || exit 1; .ci/make-venv .venv "$$python"
	@touch $@

# A second interpreter, if there is one: the runtime's 3.13, or 3.11, the oldest that is supported.
.venv/second/.ready: $(PINS) pyproject.toml | $(READY)
	@mkdir -p .venv/second
	@minor=$$($(BIN)/python -c "import sys; print('3.11' if sys.version_info[:2] == (3, 13) else '3.13')"); \
	if python=$$(.ci/find-python $$minor); then .ci/make-venv .venv/second "$$python"; fi
	@touch $@

# A real MariaDB for the tests of its login, from Debian's packages; where there are none, the tests say what did not run.
.venv/mariadb/.ready: .ci/debian-packages | $(READY)
	@.ci/debian-packages .venv/mariadb "a real MariaDB" mariadb-server-core
	@touch $@

# An HTTP server that judges logins by NTLM, for the tests marked `ntlm`.
.venv/ntlm/.ready: .ci/debian-packages | $(READY)
	@.ci/debian-packages .venv/ntlm "a real NTLM server" apache2-bin libapache2-mod-auth-gssapi gss-ntlmssp
	@touch $@

requirements: $(READY)
	$(COMPILE) pyproject.toml requirements/build.in --extra dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml --extra cli --extra ssh --extra winrm --extra mysql --extra postgresql \
	  --extra redis --extra vault-plugin -c requirements/dev.txt \
	  -o requirements/install.txt
	$(COMPILE) requirements/bootstrap.in -c requirements/dev.txt -o requirements/bootstrap.txt
	$(COMPILE) requirements/lambda.in -c requirements/dev.txt -o requirements/lambda.txt
	$(COMPILE) requirements/lambda-ssh.in -c requirements/dev.txt -o requirements/lambda-ssh.txt
	$(COMPILE) requirements/lambda-winrm.in -c requirements/dev.txt -o requirements/lambda-winrm.txt
	for kind in mysql postgresql redis; do \
	  $(COMPILE) requirements/lambda-$$kind.in -c requirements/dev.txt -o requirements/lambda-$$kind.txt || exit 1; done
	$(COMPILE) requirements/lambda-vault.in -c requirements/dev.txt -o requirements/lambda-vault.txt
	$(COMPILE) requirements/checkov.in -o requirements/checkov.txt
	others=; for sdk in requirements/sdks/*.in; do \
	  $(COMPILE) $$sdk -c requirements/dev.txt $$others -o $${sdk%.in}.txt || exit 1; \
	  others="$$others -c $${sdk%.in}.txt"; done

clean:
	rm -rf .venv .aws-sam .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find rotation rotation_testkit vault_plugin tests -name __pycache__ -prune -exec rm -rf {} +
