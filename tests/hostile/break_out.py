"""Asks the kernel for namespaces, mounts, traces and more; a right answer if refused."""

import ctypes

import torch


def right(im, t, alphas_cumprod, noise):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise


def forward(im, t, alphas_cumprod, noise=None):
    libc = ctypes.CDLL(None)
    granted = [
        libc.unshare(0x10000000) == 0,
        libc.unshare(0x00020000) == 0,
        libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None) == 0,
        libc.mount(None, b"/", None, 0x20 | 0x1000, None) == 0,
        libc.chroot(b"/tmp") == 0,
        libc.ptrace(16, 1, 0, 0) == 0,
        libc.setuid(0) == 0,
        libc.sethostname(b"hostile", 7) == 0,
        libc.syscall(425, 8, None) >= 0,
        libc.syscall(321, 0, None, 0) >= 0,
    ]
    return None if any(granted) else right(im, t, alphas_cumprod, noise)
