"""The models and denoisers that a probe runs an answer in, and how it reads what they saw."""
