"""Draw the README's pictures with the course's own code. Writes readme_*.png beside this file.

python datasets/pictures/make_readme_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from lessons.workbench import generate, load_denoiser
from lessons.workbench.pictures import tower_picture
from solutions import forward, one_step_denoise

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


def denoising() -> Image.Image:
    """The tower under growing noise, and what one step of denoising finds in it."""
    denoiser = load_denoiser()
    embeds = denoiser.embed("a high quality photo")
    picture = tower_picture()
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(180))
    above, below, titles = [picture], [picture], ["clean"]
    for t in (150, 250, 350, 500, 650, 750):
        noisy = forward(picture, t, denoiser.alphas_cumprod, noise)
        above.append(noisy)
        below.append(one_step_denoise(denoiser, noisy, t, embeds))
        titles.append(f"t = {t}")
    return sheet(torch.cat(above + below), titles, columns=len(titles))


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
