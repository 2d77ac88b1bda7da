"""Facts of every module, linked into one project."""
