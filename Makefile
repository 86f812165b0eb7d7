.PHONY: test fast lint reports gpu gpu-plan gpu-dry wheels record-cpu
test:
	python -m pytest -q -m "slow or not slow"

fast:
	python -m pytest -q

lint:
	ruff check . && ruff format --check . && mypy

# All of reports/ again from the specs and reports/records; a test fails where they are stale.
reports:
	python -m archcalc report

# Everything that needs a GPU, in steps, the important first: as many as fit into MINUTES; the same command goes
# on from there. Needs no network: wheels/ brings what is missing. RESULTS may be several folders, each of which
# then holds the records. `make gpu-plan` prints the steps and what each should take, and needs no GPU.
RESULTS = build/gpu
MINUTES = 9
gpu:
	python benchmarks/gpu.py --results $(RESULTS) --minutes $(MINUTES)

gpu-plan:
	python benchmarks/gpu.py --results $(RESULTS) --plan

gpu-dry:
	python benchmarks/gpu.py --dry

# On a machine with network: what `make gpu` may lack on one without (for Python 3.12; torch must be there).
wheels:
	python benchmarks/wheels.py wheels

# The shipped CPU record: 17 minutes on an idle machine with 2 cores; begins anew. Look at the null tests it prints.
MEASURE = python -m archcalc
RECORD = --device cpu --output build/cpu.json
record-cpu:
	mkdir -p build reports/records && rm -f build/cpu.json
	$(MEASURE) measure v1 v3 --pair --thorough $(RECORD)
	$(MEASURE) sweep --channels 64 --batch 1 --thorough $(RECORD)
	$(MEASURE) sweep --channels 16,64,256 --batch 1,8 --quick $(RECORD)
	$(MEASURE) measure v1 v3 --rows $(RECORD)
	$(MEASURE) measure vgg-16 resnet-50 densenet-121 mobilenet-v2 inception-v2 bn-inception --quick $(RECORD)
	mv build/cpu.json reports/records/cpu.json
