"""Run by every kernel that `make lessons` starts: a name that is missing says which cells to run.

IPython runs the file that PYTHONSTARTUP names. Without it the same begins with the first cell that
imports `checkers`; after a restart that may be one too late.
"""

import contextlib

with contextlib.suppress(ImportError):  # a kernel of another environment has no course
    from checkers.engine.name_errors import explain_name_errors

    explain_name_errors()
