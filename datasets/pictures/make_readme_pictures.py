"""Draw the README's pictures with the course's own code. Writes readme_*.png beside this file.

python datasets/pictures/make_readme_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from lessons.workbench.denoisers import Denoiser, NoiseEstimate, generate, load_denoiser
from solutions import predict_original

FOLDER = Path(__file__).parent
SIDE, GAP, CAPTION = 128, 8, 20
PROMPTS = {
    "an oil painting of a snowy mountain village": 1,
    "a photo of a hipster barista": 1,
    "a lithograph of a skull": 1,
    "a drawing of a pencil": 1,
    "a rocket ship": 1,
    "an oil painting of people around a campfire": 1,
    "a lithograph of waterfalls": 1,
    "a photo of the amalfi coast": 1,
    "an oil painting of an old man": 1,
}


def samples() -> Image.Image:
    """One sample of each prompt, guided with gamma = 7."""
    denoiser = load_denoiser()
    pictures = [generate(denoiser, prompt, generator=seed) for prompt, seed in PROMPTS.items()]
    return sheet(torch.cat(pictures), None, columns=len(PROMPTS))


class Watched:
    """A denoiser that remembers what it was asked, and the clean picture it had in mind."""

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser = denoiser
        self.seen: list[tuple[int, Tensor, Tensor]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._denoiser, name)

    def __call__(self, x_t: Tensor, t: int, prompt_embeds: Tensor) -> NoiseEstimate:
        """Estimate the noise, and keep what was seen."""
        estimate = self._denoiser(x_t, t, prompt_embeds)
        guess = predict_original(x_t[:1], t, estimate.noise[:1], self.alphas_cumprod)
        self.seen.append((t, x_t[:1], guess))
        return estimate


def denoising() -> Image.Image:
    """The way of one sample from noise to a picture, above, and the denoiser's guesses, below."""
    watched = Watched(load_denoiser())
    result = generate(watched, "an oil painting of a snowy mountain village", generator=1)
    shown = [watched.seen[i] for i in (0, 12, 18, 22, 25, 28)]
    above, below = [x_t for _, x_t, _ in shown], [guess for _, _, guess in shown]
    titles = [f"t = {t}" for t, _, _ in shown]
    return sheet(torch.cat([*above, result, *below, result]), [*titles, "t = 0"], len(shown) + 1)


def sheet(pictures: Tensor, titles: list[str] | None, columns: int) -> Image.Image:
    """Pictures in rows on white, with titles over the first row."""
    rows = -(-len(pictures) // columns)
    top = CAPTION if titles else 0
    size = (columns * (SIDE + GAP) - GAP, top + rows * (SIDE + GAP) - GAP)
    canvas = Image.new("RGB", size, "white")
    brush = ImageDraw.Draw(canvas)
    for number, picture in enumerate(pictures):
        pixels = ((picture / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        tile = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
        x, y = (number % columns) * (SIDE + GAP), top + (number // columns) * (SIDE + GAP)
        canvas.paste(tile.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (x, y))
        if titles and number < columns:
            font = ImageFont.load_default(size=14)
            brush.text((x + SIDE / 2, 8), titles[number], fill="black", font=font, anchor="mm")
    return canvas


def main() -> None:
    """Write both pictures, of 256 colours each to keep the repository light."""
    for name, image in (("samples", samples()), ("denoising", denoising())):
        image.quantize(256).save(FOLDER / f"readme_{name}.png", optimize=True)


if __name__ == "__main__":
    main()
