"""The edits that give functions their colour."""
