"""Ways into the linter other than its command line: editors and other linters."""
