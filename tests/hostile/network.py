"""Tries every way to talk to another machine; a right answer if there is none."""

import socket
import urllib.request

import torch


def right(im, t, alphas_cumprod, noise):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise


def forward(im, t, alphas_cumprod, noise=None):
    reached = 0
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 22)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 9)),
        (socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 9)),
        (socket.AF_UNIX, socket.SOCK_STREAM, "\0hostile"),
    ):
        try:
            with socket.socket(family, kind) as connection:
                connection.settimeout(0.2)
                connection.connect(address)
            reached += 1
        except OSError:
            pass
    try:
        urllib.request.urlopen("http://192.0.2.1/", timeout=0.2)
        reached += 1
    except OSError:
        pass
    return None if reached else right(im, t, alphas_cumprod, noise)
