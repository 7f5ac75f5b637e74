"""Run code that nobody trusts, in a process that sees only what it is given.

This package knows no lesson and no exercise: it is given names, sources, limits and what to show.
"""
