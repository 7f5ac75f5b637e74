"""The reference functions of every lesson: a small readable library of diffusion."""

import lazy_loader

# What `__init__.pyi` lists; a lesson's file is imported when something in it is asked for.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
