"""Lesson 12: other right answers, in other styles; each must pass."""

from __future__ import annotations

import numpy as np
import torch

from checkers.denoiser.exercises import ADD_NOISE, DENOISING_LOSS, TRAIN_EPOCH


@ADD_NOISE.right_answer
def with_alpha(images, strength, eps=None):
    if eps is None:
        eps = torch.empty_like(images).normal_(mean=0.0, std=1.0)
    return torch.add(images, eps, alpha=float(strength))


@ADD_NOISE.right_answer
def with_numpy(x, sigma, noise=None):
    drawn = np.random.standard_normal(x.shape) if noise is None else noise.numpy()
    return (x.numpy() + sigma * drawn).astype(x.numpy().dtype)


@DENOISING_LOSS.right_answer
def by_hand(net, clean, strength):
    z = clean + strength * torch.randn(clean.shape)
    return ((clean - net(z)) ** 2).mean()


@DENOISING_LOSS.right_answer
def with_a_criterion(model, images, sigma):
    criterion = torch.nn.MSELoss()
    noisy = torch.normal(images, torch.full_like(images, sigma))
    return criterion(images, model(noisy))


@DENOISING_LOSS.right_answer
def into_the_answer(model, images, sigma):
    error = model(images + sigma * torch.randn_like(images))
    error -= images
    return (error**2).mean()


@TRAIN_EPOCH.right_answer
def zero_at_the_end(net, batches, opt, strength, criterion=None):
    net.train(True)
    history = []
    for batch in batches:
        pictures = batch[0]
        loss = criterion(net, pictures, strength)
        loss.backward()
        opt.step()
        net.zero_grad(set_to_none=False)
        history.append(float(loss.detach()))
    return history


@TRAIN_EPOCH.right_answer
def with_enumerate(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = torch.zeros(len(loader))
    for i, (images, _labels) in enumerate(loader):
        current = loss(model, images.to(next(model.parameters()).device), sigma)
        optimizer.zero_grad()
        current.backward()
        optimizer.step()
        losses[i] = current.detach()
    return losses


@TRAIN_EPOCH.right_answer
def with_detached_tensors(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad(set_to_none=True)
        value = loss(model, images, sigma=sigma)
        losses.append(value.detach())
        value.backward()
        optimizer.step()
    return losses


@TRAIN_EPOCH.right_answer
def as_an_array(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.detach().numpy())
    return np.array(losses)
