"""Grade a whole class: find submissions, grade what changed, write gradebook and feedback."""
