"""The code a lesson is given, in three wings: `denoisers`, `training` and `pictures`."""
