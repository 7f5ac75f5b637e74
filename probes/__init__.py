"""The half of every check that runs beside a student's code.

A probe runs the student's function on given inputs and records an observation: arrays and plain
values. It holds no expected value and compares nothing, because everything in this package may be
read, patched or broken by the code it runs. The judging half lives in `checkers`, in a process
that never runs a student's code.
"""
