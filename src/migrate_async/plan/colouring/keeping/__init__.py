"""Which coloured functions stay sync: the greatest fix-point, and what keeps one."""
