"""What code reads of ORM objects, which queries made them, and how the reads get loaded."""
