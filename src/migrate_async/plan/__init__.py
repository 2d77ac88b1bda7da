"""Decide what changes, and why; pure data."""
