"""Rules that read the linked project and report what leaks, blocks or will not survive."""
