.PHONY: test fast lint
test:
	python -m pytest -q

fast:
	python -m pytest -q -m "not slow"

lint:
	ruff check . && ruff format --check . && mypy
