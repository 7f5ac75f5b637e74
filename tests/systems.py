"""What tests need that not every system has, each with the reason that a skipped test gives."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes in Linux's /proc"
)
needs_named_pipes = pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="Windows has no named pipes among its files"
)
needs_signals = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="Windows has no signals to kill or interrupt with"
)
needs_bash = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="runs a script for Linux"
)
needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="tries walls that only Linux has: namespaces, Landlock, seccomp"
)
