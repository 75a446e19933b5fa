# Every recipe is one call of run.py, so a machine without make misses nothing. Arguments: make test ARGS="-k walls"
PYTHON ?= python3
ARGS ?=
COMMANDS = run test test-all check manage bench pictures services

.PHONY: help $(COMMANDS)
.DEFAULT_GOAL := help

help:
	@$(PYTHON) run.py help

$(COMMANDS):
	@$(PYTHON) run.py $@ $(ARGS)
