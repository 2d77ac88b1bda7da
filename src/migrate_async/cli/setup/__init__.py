"""`migrate-async init`: the files with which a project begins."""
