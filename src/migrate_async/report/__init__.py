"""Turn values into text; decides nothing."""
