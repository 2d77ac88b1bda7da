"""Execute a plan with LibCST."""
