"""Starts processes that mean to live on when it has ended."""

import os
import subprocess
import time

import torch


def right(im, t, alphas_cumprod, noise):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise


def forward(im, t, alphas_cumprod, noise=None):
    subprocess.Popen(["sleep", "98765.4321"])
    subprocess.Popen("nohup setsid sleep 98765.4321 &", shell=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(98765.4321)
        os._exit(0)
    return right(im, t, alphas_cumprod, noise)
