# Everything for people: `make` lists it. The work is done by infra/local/portal.py, which says what it does; only
# simulate needs none of its tools.
PORTAL := python3 infra/local/portal.py
# Another local cloud of this clone than the one of `make up`: make up INSTANCE=<name>
INSTANCE ?=
OPTIONS := $(if $(INSTANCE),--instance $(INSTANCE))
# For up and run: e-mails a second, and in 24 hours, in place of what the local SES grants: make up SES_RATE=500
SES_RATE ?=
SES_QUOTA ?=
PACE := $(if $(SES_RATE),--ses-rate "$(SES_RATE)") $(if $(SES_QUOTA),--ses-quota "$(SES_QUOTA)")
# Folder of customers (divisions.json, accounts.ndjson).
DATA ?=
# For simulate, which reads them from its environment: one seed, or how many, or for how long; the first seed; every
# event of it.
export SEED SEEDS MINUTES FROM VERBOSE

.DEFAULT_GOAL := help
.PHONY: help up down logs run sample import invoke test simulate bench validate lint-page audit

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## build, start the local cloud, deploy to it; again: deploy what changed
	@$(PORTAL) up $(OPTIONS) $(PACE)

down: ## end the local cloud
	@$(PORTAL) down $(OPTIONS)

logs: ## write what the functions of the running local cloud logged into .local/functions.log
	@$(PORTAL) logs $(OPTIONS)

run: ## up, sample customers, and the main job as a demonstration; stays up until Ctrl-C
	@$(PORTAL) run $(OPTIONS) $(PACE)

sample: ## write the sample customers into DATA (default .local/sample)
	@$(PORTAL) sample $(OPTIONS) $(if $(DATA),"$(DATA)",.local/sample)

import: ## import the customers in DATA into the local cloud (or API_URL, as PORTAL_CLIENT_ID or with PORTAL_TOKEN)
	@$(if $(DATA),,echo 'Name the folder: make import DATA=<folder>' >&2; exit 2)
	@$(PORTAL) import $(OPTIONS) $(if $(API_URL),--api-url "$(API_URL)") "$(DATA)"

invoke: ## run one function on an event in SAM's container: FUNCTION=LoadFunction EVENT=events/load-counts.json (needs Docker)
	@$(if $(and $(FUNCTION),$(EVENT)),,echo 'Name both: make invoke FUNCTION=LoadFunction EVENT=events/load-counts.json' >&2; exit 2)
	@$(PORTAL) invoke $(OPTIONS) $(FUNCTION) "$(EVENT)" $(if $(ARGS),--args="$(ARGS)")

test: ## all tests, from nothing, against a local cloud of their own
	@$(PORTAL) test

simulate: ## the whole system on seeds, with everything that can go wrong: SEEDS=<n>, MINUTES=<n>, or SEED=<n> for one (VERBOSE=1 for its events)
	@cargo run --release --locked --quiet --package tests --bin simulate

bench: ## measure import, Load and send (DATA, DIVISION; default the sample) on a local cloud of its own
	@$(PORTAL) bench $(if $(DIVISION),--division "$(DIVISION)") $(if $(DATA),"$(DATA)")

validate: ## check the templates
	@$(PORTAL) validate

lint-page: ## check the page's scripts (tsc, ESLint)
	@$(PORTAL) lint-page

audit: ## look whether anything is known against the crates and Python packages (needs the net)
	@$(PORTAL) audit
