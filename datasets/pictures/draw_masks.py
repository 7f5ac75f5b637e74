"""Draw the masks for inpainting, white where new content goes, as 64x64 PNG beside this file.

python datasets/pictures/draw_masks.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 64
Box = tuple[float, float, float, float]
# Left, top, right and bottom in pixels of the 64x64 picture, and the form within.
MASKS: dict[str, tuple[str, Box]] = {
    "tower": ("rectangle", (21, 0, 43, 31)),  # the roof and the belfry
    "chelsea": ("ellipse", (6, 12, 57, 62)),  # the cat's face
    "envelope": ("rectangle", (5, 14, 59, 52)),  # the envelope with its outline
}


def main() -> None:
    """Draw and save each mask."""
    for name, (form, box) in MASKS.items():
        mask = Image.new("L", (SIDE, SIDE))
        brush = ImageDraw.Draw(mask)
        (brush.ellipse if form == "ellipse" else brush.rectangle)(box, fill=255)
        mask.save(Path(__file__).with_name(f"mask_{name}.png"), optimize=True)


if __name__ == "__main__":
    main()
