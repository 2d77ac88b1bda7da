# Two commands do everything: `make demo` shows the tool at work, `make test` proves it.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
VENV20 := .venv-sqlalchemy20
STAMP20 := $(VENV20)/.installed
BIN := $(VENV)/bin

.PHONY: demo docs site test pytest test-sqlalchemy20 test-matrix lint type format coverage bench bench-shim lock clean install

# The tests start hundreds of interpreters; each would compile all the code again.
unexport PYTHONDONTWRITEBYTECODE

# Versions: the newest that fit, or with LOCK=requirements/dev.txt those that are written down.
LOCKED := $(if $(LOCK),--constraint $(LOCK))
WANTED := --group test --group lint --group docs $(LOCKED) --editable ".[tools]"

install: $(STAMP)

# uv takes a fraction of pip's time, which steps in where only its own settings lead to an index.
$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode $(WANTED) || \
		$(BIN)/python -m pip install --quiet $(WANTED)
	touch $(STAMP)

# The second environment, for the tests that execute SQLAlchemy: the newest SQLAlchemy 2.0.x before
# everything else of the first. What takes longest, whole applications before and after, is run on
# both lines by `nox` alone.
EXECUTING := $(addprefix tests/,codemods knowledge recorder runtime) -m "not any_sqlalchemy"
WANTED20 := --no-deps "sqlalchemy<2.1"
PURELIB := python -c "import sysconfig; print(sysconfig.get_path('purelib'))"
$(STAMP20): $(STAMP)
	rm -rf $(VENV20)
	$(BIN)/python -m venv --without-pip $(VENV20)
	$(BIN)/uv pip install --quiet --python $(VENV20)/bin/python --compile-bytecode $(WANTED20) || \
		$(BIN)/python -m pip install --quiet --target "$$($(VENV20)/bin/$(PURELIB))" $(WANTED20)
	echo "import site; site.addsitedir('$$($(BIN)/$(PURELIB))')" > "$$($(VENV20)/bin/$(PURELIB))/first.pth"
	touch $(STAMP20)

demo: $(STAMP)
	$(BIN)/migrate-async demo

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: $(STAMP)
	$(BIN)/mypy

test: $(STAMP)
	$(MAKE) --jobs 2 lint type site $(STAMP20)
	$(MAKE) pytest
	$(MAKE) --jobs 2 test-sqlalchemy20 test-matrix LINES="$(CHANGED)"

# Four workers for two cores: a part of the tests waits for servers and for other interpreters.
pytest: $(STAMP)
	$(BIN)/python -m pytest -n 4 --dist worksteal

# The versions of requirements/dev.txt anew, for every Python that is supported.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet --group release
	(head -1 requirements/dev.txt; $(BIN)/uv pip compile pyproject.toml --all-extras --group test \
		--group lint --group docs --universal --python-version 3.10 --upgrade --quiet --no-header \
		--no-annotate --no-emit-index-url) > requirements/dev.tmp
	mv requirements/dev.tmp requirements/dev.txt

coverage: $(STAMP)
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term

test-sqlalchemy20: $(STAMP20)
	$(VENV20)/bin/python -m pytest -n 2 --dist worksteal -q $(EXECUTING)

# The runtime's behaviour on one release of each line of FastAPI since 0.100, or of those in LINES:
# `make test` takes the lines in which something changed for dependencies, and both ends.
CHANGED := 0.100 0.106 0.118 0.162 newest
LINES :=
test-matrix: $(STAMP)
	$(BIN)/python tests/matrix/run.py $(LINES)

# The pages and the schemas that are made of code; tests say when they are not current.
docs: $(STAMP)
	$(BIN)/python -m migrate_async.report.pages

# The documentation site, in site/; a broken link is an error. Needs no network.
site: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# The sync shim against the legacy thread pool; needs MIGRATE_ASYNC_TEST_POSTGRESQL.
bench-shim: $(STAMP)
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks.shim

clean:
	rm -rf $(VENV) $(VENV20) .venv-matrix .mypy_cache .ruff_cache .pytest_cache .coverage* htmlcov dist site
