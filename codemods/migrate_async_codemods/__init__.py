"""The codemods that ship with migrate-async: one file each, executed by LibCST."""
