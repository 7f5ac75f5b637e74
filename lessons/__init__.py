"""The lesson notebooks, and `lessons.workbench`: the code a lesson is given."""
