"""What the linter found, one module for each format; computes nothing."""
