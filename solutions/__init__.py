"""The reference functions of every lesson: a small readable library of diffusion."""

from solutions.forward_noising import forward

__all__ = ["forward"]
