"""Lesson 18: other right answers, in other styles; each must pass."""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg
import torch
from sklearn.neighbors import NearestNeighbors

from checkers.evaluation.exercises import (
    FRECHET_DISTANCE,
    NEAREST_DISTANCES,
    PRECISION_RECALL,
    SHARE_READ_AS_ASKED,
)

# --- share_read_as_asked --------------------------------------------------------------------------


@SHARE_READ_AS_ASKED.right_answer
@torch.inference_mode()
def read_first_compared_at_the_end(classifier, images, asked, batch_size=1000):
    if images.shape[0] != asked.shape[0]:
        raise ValueError("as many pictures as digits, please")
    logits = torch.cat([classifier(b) for b in torch.clip(images, 0, 1).split(batch_size)])
    read = logits.argmax(1)
    read[logits.isnan().any(1)] = -1
    return (read == asked).float().mean()


@SHARE_READ_AS_ASKED.right_answer
def broken_pictures_taken_out_first(classifier, images, asked, batch_size=1000):
    n = len(images)
    if n != len(asked):
        raise ValueError(f"{n} != {len(asked)}")
    whole = ~images.isnan().flatten(1).any(dim=1)
    images, asked = images[whole], asked[whole]
    hits = 0
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size].clamp(min=0).clamp(max=1)
        with torch.no_grad():
            best = classifier(batch).softmax(1).max(1).indices
        hits += (best == asked[start : start + batch_size]).sum().item()
    return hits / n


class SizeMismatchError(ValueError):
    """A kind of ValueError of one's own."""


@SHARE_READ_AS_ASKED.right_answer
def one_by_one(classifier, images, asked, batch_size=1000):
    if len(images) != len(asked):
        raise SizeMismatchError
    right = 0
    for image, digit in zip(images, asked, strict=True):
        scores = classifier(image[None].clamp(0, 1))[0].tolist()
        if not any(math.isnan(score) for score in scores):
            right += scores.index(max(scores)) == int(digit)
    return right / len(asked)


# --- frechet_distance -----------------------------------------------------------------------------


@FRECHET_DISTANCE.right_answer
def by_eigenvalues_of_the_product(features_a, features_b):
    a, b = features_a.double(), features_b.double()
    cov_a, cov_b = a.T.cov(), b.T.cov()
    roots = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt()
    gap = a.mean(0) - b.mean(0)
    return (gap @ gap + cov_a.trace() + cov_b.trace() - 2 * roots.sum()).item()


@FRECHET_DISTANCE.right_answer
def by_scipy(features_a, features_b):
    """As pytorch-fid does it, with a little added where the product has no full rank."""
    x, y = features_a.double().numpy(), features_b.double().numpy()
    diff = x.mean(axis=0) - y.mean(axis=0)
    s1, s2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(s1 @ s2)
    if not np.isfinite(root).all():
        offset = 1e-6 * np.eye(len(s1))
        root = scipy.linalg.sqrtm((s1 + offset) @ (s2 + offset))
    return float(diff @ diff + np.trace(s1) + np.trace(s2) - 2 * np.trace(root.real))


@FRECHET_DISTANCE.right_answer
def by_singular_values_divided_by_n(features_a, features_b):
    """Of the centred features themselves: the roots are the singular values of A B^T."""
    mean_a, mean_b = features_a.double().mean(0), features_b.double().mean(0)
    a = (features_a.double() - mean_a) / math.sqrt(len(features_a))
    b = (features_b.double() - mean_b) / math.sqrt(len(features_b))
    corner_a, corner_b = (torch.linalg.qr(x, mode="r").R for x in (a, b))
    shared = torch.linalg.svdvals(corner_a @ corner_b.T).sum()
    return ((mean_a - mean_b) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * shared


# --- precision_recall -----------------------------------------------------------------------------


@PRECISION_RECALL.right_answer
def by_sorting(real, generated, k=3):
    def radii(points):
        gaps = (points[:, None] - points[None]).square().sum(-1).sqrt()
        return gaps.sort(dim=1)[0][:, k]

    between = (generated[:, None] - real[None]).square().sum(-1).sqrt()
    precision = (between <= radii(real)[None]).any(1).double().mean()
    recall = (between <= radii(generated)[:, None]).any(0).double().mean()
    return precision, recall


@PRECISION_RECALL.right_answer
def by_scikit_learn(real, generated, k=3):
    real, generated = real.double().numpy(), generated.double().numpy()

    def share(points, centres):
        radius = NearestNeighbors(n_neighbors=k).fit(centres).kneighbors()[0][:, -1]
        gaps = np.linalg.norm(points[:, None] - centres[None], axis=2)
        return float((gaps < radius).any(axis=1).mean())

    return [share(generated, real), share(real, generated)]


@PRECISION_RECALL.right_answer
def with_the_diagonal_out(phi_r, phi_g, k=3):
    shares = []
    for centres, points in ((phi_r, phi_g), (phi_g, phi_r)):
        own = torch.cdist(centres, centres).fill_diagonal_(float("inf"))
        radius = own.topk(k, dim=1, largest=False).values.amax(dim=1)
        held = 0
        for point in points:
            held += bool(((centres - point).norm(dim=1) <= radius).any())
        shares.append(held / len(points))
    return tuple(shares)


# --- nearest_distances ----------------------------------------------------------------------------


@NEAREST_DISTANCES.right_answer
def by_min(images, training, batch_size=100):
    found = [
        torch.cdist(batch.flatten(1), training.flatten(1)).min(dim=1)
        for batch in images.split(batch_size)
    ]
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


@NEAREST_DISTANCES.right_answer
def by_the_expanded_square(images, training, batch_size=100):
    """|a - b|^2 = |a|^2 - 2 a b + |b|^2, which rounding may bring below 0."""
    b = training.reshape(len(training), -1)
    distances, places = [], []
    for start in range(0, len(images), batch_size):
        a = images[start : start + batch_size].reshape(-1, b.shape[1])
        squares = (a * a).sum(1, keepdim=True) - 2 * a @ b.T + (b * b).sum(1)
        least, place = squares.min(1)
        distances.append(least.clamp(min=0).sqrt())
        places.append(place)
    return torch.cat(distances), torch.cat(places)


@NEAREST_DISTANCES.right_answer
def in_a_loop(images, training, batch_size=100):
    distances = torch.empty(len(images), dtype=images.dtype)
    which = torch.empty(len(images), dtype=torch.long)
    for i, image in enumerate(images):
        off = ((training - image) ** 2).flatten(1).sum(dim=1)
        which[i] = off.argmin()
        distances[i] = off.min().sqrt()
    return distances, which


@NEAREST_DISTANCES.right_answer
def training_in_batches(images, training, batch_size=100):
    """The other way round: a part of the training set at once, and the best so far kept."""
    flat = images.flatten(1)
    best = flat.new_full((len(flat),), float("inf"))
    which = torch.zeros(len(flat), dtype=torch.int64)
    for start in range(0, len(training), batch_size):
        off, place = torch.cdist(flat, training[start : start + batch_size].flatten(1)).min(dim=1)
        nearer = off < best
        best = torch.where(nearer, off, best)
        which = torch.where(nearer, place + start, which)
    return best, which


@NEAREST_DISTANCES.right_answer
def in_double_precision(images, training, batch_size=100):
    a, b = images.flatten(1).double(), training.flatten(1).double()
    found = [torch.cdist(batch, b).min(dim=1) for batch in a.split(batch_size)]
    distances, which = (torch.cat(part) for part in zip(*found, strict=True))
    return distances, which


@NEAREST_DISTANCES.right_answer
def with_lists_and_numpy(images, training, batch_size=100):
    rows = training.flatten(1).numpy()
    distances, places = [], []
    for image in images.flatten(1).numpy():
        off = [float(np.linalg.norm(image - row)) for row in rows]
        distances.append(min(off))
        places.append(off.index(min(off)))
    return torch.tensor(distances), torch.tensor(places)


@NEAREST_DISTANCES.right_answer
def one_tensor_for_each_pair(images, training, batch_size=100):
    """Lists of tensors with one number each, of no more pairs than a batch has."""
    found = []
    for batch in images.split(batch_size):
        rows = [torch.stack([(one - other).norm() for other in training]) for one in batch]
        found += [row.min(dim=0) for row in rows]
    distances, which = zip(*found, strict=True)
    return torch.stack(distances), torch.stack(which)


@NEAREST_DISTANCES.right_answer
def best_so_far(images, training, batch_size=100):
    distances, which = [], []
    for image in images:
        pairs = ((((image - other) ** 2).sum().sqrt(), k) for k, other in enumerate(training))
        distance, place = min(pairs)
        distances.append(distance)
        which.append(place)
    return torch.stack(distances), torch.tensor(which)


@NEAREST_DISTANCES.right_answer
def by_vmap(images, training, batch_size=100):
    def nearest(image):
        return tuple((training - image).flatten(1).norm(dim=1).min(dim=0))

    return torch.func.vmap(nearest, chunk_size=batch_size)(images)
