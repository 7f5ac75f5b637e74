"""For authors: prove checkers, keep notebooks in step, begin a new lesson."""
