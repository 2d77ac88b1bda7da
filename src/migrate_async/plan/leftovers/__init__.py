"""What earlier runs left for code that stays sync: who uses it, and how it goes."""
