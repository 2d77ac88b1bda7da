"""What functions write and commit, and what must be read anew afterwards."""
