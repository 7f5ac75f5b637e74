"""Lesson 12: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from checkers.denoiser.exercises import ADD_NOISE, DENOISING_LOSS, TRAIN_EPOCH


@ADD_NOISE.mistake(
    "one number is drawn for each picture and added to all its pixels. Every pixel "
    "needs a number of its own: torch.randn_like(x)."
)
def one_number_for_a_picture(x, sigma, noise=None):
    noise = torch.randn(len(x), 1, 1, 1, dtype=x.dtype) if noise is None else noise
    return x + sigma * noise


@ADD_NOISE.mistake(
    "you multiplied the noise by sigma squared. sigma is a standard deviation: it "
    "multiplies the noise as it is."
)
def variance(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return x + sigma**2 * noise


@ADD_NOISE.mistake(
    "you took the square root of sigma. sigma is a standard deviation, not a "
    "variance: it multiplies the noise as it is."
)
def square_root(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return x + sigma**0.5 * noise


@ADD_NOISE.mistake(
    "you scaled the picture by sqrt(1 - sigma^2), as in lesson 01. Here the picture "
    "stays as it is, and noise is added on top."
)
def as_in_part_a(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return (1 - sigma**2) ** 0.5 * x + sigma * noise


@ADD_NOISE.mistake(
    "you mixed picture and noise, (1 - sigma) x + sigma noise. Here the picture "
    "stays as it is, and noise is added on top."
)
def mixed(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return (1 - sigma) * x + sigma * noise


@ADD_NOISE.mistake(
    "you clamped the result to [0, 1]. Then the noise is no longer normal, and its "
    "strength no longer sigma."
)
def clamped(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return (x + sigma * noise).clamp(0, 1)


@ADD_NOISE.mistake(
    "you drew the noise with torch.rand, which is uniform between 0 and 1. The "
    "noise is normal: torch.randn_like."
)
def uniform(x, sigma, noise=None):
    noise = torch.rand_like(x) if noise is None else noise
    return x + sigma * noise


@ADD_NOISE.mistake(
    "you always draw new noise, also when `noise` is given. Draw only if it is None."
)
def given_noise_ignored(x, sigma, noise=None):
    return x + sigma * torch.randn_like(x)


@ADD_NOISE.mistake(
    "one noise picture is drawn for the whole batch. torch.randn_like(x) draws one "
    "for each picture."
)
def one_noise_for_all(x, sigma, noise=None):
    noise = torch.randn_like(x[:1]) if noise is None else noise
    return x + sigma * noise


@ADD_NOISE.mistake("sigma is not used: the noise always has strength 1.")
def sigma_ignored(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return x + noise


@DENOISING_LOSS.mistake(
    "the model is put into evaluation mode. It is being trained here: leave its mode as it is."
)
def in_evaluation_mode(model, images, sigma):
    model.eval()
    return F.mse_loss(model(images + sigma * torch.randn_like(images)), images)


@DENOISING_LOSS.mistake(
    "the noise is written into `images`, which the next epoch then finds noisy. "
    "Make a new tensor of it: add_noise(images, sigma)."
)
def changing_the_images(model, images, sigma):
    clean = images.clone()
    images += sigma * torch.randn_like(images)
    return F.mse_loss(model(images), clean)


@DENOISING_LOSS.mistake(
    "one noise is drawn for all channels of a picture. Every number needs its own; "
    "`add_noise` draws them."
)
def one_noise_for_all_channels(model, images, sigma):
    return F.mse_loss(model(images + sigma * torch.randn_like(images[:, :1])), images)


@DENOISING_LOSS.mistake(
    "the noise always has 1 channel and 28x28 pixels. Draw it in the shape of the "
    "pictures: torch.randn_like(images)."
)
def noise_for_mnist_only(model, images, sigma):
    noise = torch.randn(len(images), 1, 28, 28)
    return F.mse_loss(model(images + sigma * noise), images)


@DENOISING_LOSS.mistake(
    "there is one loss for each picture. Take the mean over the pictures, too, so "
    "that one number comes out."
)
def one_loss_for_each_picture(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return ((model(z) - images) ** 2).mean(dim=(1, 2, 3))


@DENOISING_LOSS.mistake(
    "there is one loss for each pixel. `reduction='none'` leaves it so; without it, "
    "`F.mse_loss` takes the mean."
)
def one_loss_for_each_pixel(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.mse_loss(model(z), images, reduction="none")


@DENOISING_LOSS.mistake(
    "one number is drawn for each picture and added to all its pixels. Every pixel "
    "needs a number of its own; `add_noise` draws them."
)
def shown_one_number_for_a_picture(model, images, sigma):
    return F.mse_loss(model(images + sigma * torch.randn(len(images), 1, 1, 1)), images)


@DENOISING_LOSS.mistake(
    "the model is asked for the noise. This denoiser gives the picture: compare its "
    "answer with `images`. (Lesson 13 turns to the noise.)"
)
def noise_as_target(model, images, sigma):
    noise = torch.randn_like(images)
    return F.mse_loss(model(images + sigma * noise), noise)


@DENOISING_LOSS.mistake(
    "the model's answer is compared with the noisy pictures. Then giving back its "
    "input would be perfect; compare with the clean ones."
)
def noisy_as_target(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.mse_loss(model(z), z)


@DENOISING_LOSS.mistake("the model gets the clean pictures. Give it the noisy ones: model(z).")
def clean_as_input(model, images, sigma):
    return F.mse_loss(model(images), images)


@DENOISING_LOSS.mistake(
    "you took the sum over all pixels. Take the mean, so that the loss doesn't "
    "depend on the number of pictures."
)
def summed(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return ((model(z) - images) ** 2).sum()


@DENOISING_LOSS.mistake(
    "you took the mean absolute difference (L1). The loss here is the mean of the "
    "squared difference (L2)."
)
def absolute(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.l1_loss(model(z), images)


@DENOISING_LOSS.mistake(
    "there is a square root around the mean. The loss is the mean of the squares itself."
)
def rooted(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.mse_loss(model(z), images).sqrt()


@DENOISING_LOSS.mistake(
    "the loss is returned as a plain number, or computed without gradients. Return "
    "the tensor: train_epoch needs its gradient."
)
def without_gradient(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.mse_loss(model(z), images).item()


@DENOISING_LOSS.mistake(
    "sigma is not passed on: the model sees noise of strength 1 whatever sigma is."
)
def strength_ignored(model, images, sigma):
    return F.mse_loss(model(images + torch.randn_like(images)), images)


@DENOISING_LOSS.mistake(
    "the noise starts from a fixed seed in every call, so that it is always the "
    "same. Set the seed once, at the top of the lesson."
)
def seeded(model, images, sigma):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return F.mse_loss(model(images + sigma * noise), images)


@TRAIN_EPOCH.mistake(
    "the parameters are moved by hand. Leave that to the optimizer, which may do "
    "more than gradient descent: optimizer.step()."
)
def step_by_hand(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        model.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= optimizer.param_groups[0]["lr"] * parameter.grad
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "optimizer.step() stands after the loop. It belongs inside: one step for every batch."
)
def one_step_at_the_end(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        losses.append(value.item())
    optimizer.step()
    return losses


@TRAIN_EPOCH.mistake(
    "the loss is computed again after the step, for the list. Keep the value from "
    "before: the loss should be computed once for every batch."
)
def computed_again(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        loss(model, images, sigma).backward()
        optimizer.step()
        losses.append(loss(model, images, sigma).item())
    return losses


@TRAIN_EPOCH.mistake(
    "the list keeps the losses as tensors, with all that their gradients need. "
    "Append value.item(): a plain number, which can be drawn and takes no memory."
)
def keeping_tensors(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        losses.append(loss(model, images, sigma))
        losses[-1].backward()
        optimizer.step()
    return losses


@TRAIN_EPOCH.mistake(
    "gradients pile up: `backward` adds to what is there already. Call "
    "optimizer.zero_grad() once for every batch."
)
def gradients_pile_up(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "zero_grad is called once before the loop. It belongs inside: once for every batch."
)
def zeroed_once(model, loader, optimizer, sigma, loss=None):
    model.train()
    total = 0
    losses = []
    optimizer.zero_grad()
    for images, _ in loader:
        value = loss(model, images, sigma)
        total = total + value
        losses.append(value.item())
    total.backward()
    optimizer.step()
    return losses


@TRAIN_EPOCH.mistake(
    "optimizer.step() is missing, or the gradient is forgotten before it: the "
    "parameters don't move. The order is zero_grad, backward, step."
)
def never_moves(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        value = loss(model, images, sigma)
        value.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "the step is taken before the gradient is computed. The order is zero_grad, backward, step."
)
def step_too_early(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        value = loss(model, images, sigma)
        optimizer.step()
        optimizer.zero_grad()
        value.backward()
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "only the first batch is used: `return` stands inside the loop. Move it to the left."
)
def first_batch_only(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
        return losses


@TRAIN_EPOCH.mistake(
    "model.train() is missing: a model that was evaluated before stays in evaluation mode."
)
def evaluation_mode(model, loader, optimizer, sigma, loss=None):
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "you return the mean over the epoch. Return the list: the lesson draws a curve of it."
)
def only_the_mean(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return sum(losses) / len(losses)


@TRAIN_EPOCH.mistake(
    "sigma is fixed to 0.5 inside the loop. Use the `sigma` that train_epoch is given."
)
def fixed_strength(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, 0.5)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses
