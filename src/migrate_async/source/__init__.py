"""Files in, bytes out."""
