# exported
!echo install einops
import torch

def report(loss):
    print('loss %.3f'
          % loss)

def forward(im, t, alphas_cumprod, noise=None):
    if noise is None:
        noise = torch.randn_like(im)
    a = alphas_cumprod[t].to(im.device, im.dtype)
    return a.sqrt() * im + (1 - a).sqrt() * noise
