"""Frozen values that the parts hand on."""
