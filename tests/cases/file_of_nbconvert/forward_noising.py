#!/usr/bin/env python
# coding: utf-8
# In[1]:
get_ipython().run_line_magic("matplotlib", "inline")
get_ipython().system("echo hello")
# In[2]:
get_ipython().run_cell_magic("time", "", "import torch\nROOT = 0.5\n")


# In[3]:
def forward(im, t, alphas_cumprod, noise=None):
    if noise is None:
        noise = torch.randn_like(im)
    a = alphas_cumprod[t].to(im.device, im.dtype)
    return a**ROOT * im + (1 - a).sqrt() * noise
