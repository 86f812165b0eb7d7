.PHONY: test fast lint reports gpu gpu-dry wheels record-cpu
test:
	python -m pytest -q

fast:
	python -m pytest -q -m "not slow"

lint:
	ruff check . && ruff format --check . && mypy

# All of reports/ again from the specs and reports/records; a test fails where they are stale.
reports:
	python -m archcalc report

# Everything that needs a GPU: installs from wheels/ without network, tests, measures, leaves the record.
gpu:
	python benchmarks/gpu.py

gpu-dry:
	python benchmarks/gpu.py --dry

# On a machine with network: what `make gpu` may lack on one without (for Python 3.12; torch must be there).
wheels:
	python benchmarks/wheels.py wheels

# The shipped CPU record: some five minutes on an idle machine; begins anew. Look at the null tests it prints.
record-cpu:
	rm -f build/cpu.json
	python -m archcalc measure v1 v3 --pair --thorough --output build/cpu.json
	python -m archcalc measure v1 --rows --quick --output build/cpu.json
	python -m archcalc sweep --channels 64 --batch 1,8 --quick --output build/cpu.json
	python -m archcalc sweep 5x5 3x3-3x3 3x3 3x1-1x3 --channels 16,256 --batch 1 --quick --output build/cpu.json
	mkdir -p reports/records && mv build/cpu.json reports/records/cpu.json
