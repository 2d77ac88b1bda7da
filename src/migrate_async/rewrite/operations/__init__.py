"""What edits do to LibCST nodes: one module per kind of edit, pure functions."""
