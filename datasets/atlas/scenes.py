# ruff: noqa: E501 (paths of SVG are not for reading across)
"""Subjects that the recipe composes: several icons together, or icons in a painted landscape.

A scene is a list of layers from back to front. `Icon(name, x, y, size)` stands with the middle of
its foot at (x, y), its larger side `size` long; everything is in a picture of 100 x 100 units.
"""

from dataclasses import dataclass, field

from scenery import (
    Piece,
    block,
    clouds,
    cottage,
    disc,
    fir,
    glitter,
    hills,
    leafy,
    mountain,
    row_of,
    shape,
    sky,
    stars,
    water,
    waterfall,
)


@dataclass(frozen=True)
class Icon:
    """One icon in a scene, by its Unicode name.

    moved: (dx, dy, scale) for a set whose icon has another shape, by the set's name.
    tone: a person's skin tone, 0 (light) to 4 (dark), or None for any.
    """

    name: str
    x: float
    y: float
    size: float
    flip: bool = False
    moved: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    tone: int | None = None


@dataclass(frozen=True)
class Scene:
    """A composed subject.

    backdrop: a kind of `backdrops.py` behind what doesn't cover the whole picture, or None when
    the layers do.
    """

    name: str
    keywords: str
    layers: tuple[Icon | Piece, ...]
    backdrop: str | None = None


def scene(name: str, keywords: str, *layers: Icon | Piece, backdrop: str | None = None) -> Scene:
    """Shorthand for the list below."""
    return Scene(name, keywords, layers, backdrop)


_SNOWY_PEAKS = (
    mountain(22, 22, 80, 42, 0.45),
    mountain(78, 26, 80, 40, 0.45),
    mountain(50, 8, 82, 48, 0.5),
)
_TABLE = shape(
    '<rect width="100" height="100" fill="{wall}"/><rect width="100" height="64" fill="{wood_dark}" opacity="0.35"/>'
    '<rect y="64" width="100" height="36" fill="{wood}"/><rect y="64" width="100" height="3" fill="{wood_dark}"/>'
    '<path d="M0 78H100M0 90H100" stroke="{wood_dark}" stroke-width="1"/>'
)
_CAFE = shape(
    '<rect width="100" height="100" fill="{brick}"/>'
    '<path d="M0 14H100M0 28H100M0 42H100M0 56H100M15 0V14M45 0V14M75 0V14M30 14V28M60 14V28M90 14V28M15 28V42M45 28V42M75 28V42M30 42V56M60 42V56M90 42V56" stroke="{wood_dark}" stroke-width="1.4"/>'
    '<rect x="6" y="8" width="24" height="30" fill="{board}" stroke="{wood}" stroke-width="2"/>'
    '<path d="M11 16H25M11 22H22M11 28H24" stroke="{snow}" stroke-width="1.6"/>'
    '<path d="M82 0V14" stroke="{rock_dark}" stroke-width="1.5"/><path d="M74 20Q82 8 90 20Z" fill="{rock_dark}"/>'
    '<circle cx="82" cy="21" r="4" fill="{lit}"/>'
)
_COUNTER = shape(
    '<rect y="84" width="100" height="16" fill="{wood}"/><rect y="84" width="100" height="3" fill="{wood_dark}"/>'
)
_DARK_WOOD = row_of(
    fir,
    [(8, 74, 46), (24, 72, 38), (40, 70, 30), (60, 70, 32), (76, 72, 40), (93, 74, 48)],
    shade="grass_dark",
)
_TOWER = shape(
    '<rect x="39" y="34" width="22" height="52" fill="{stone}"/><rect x="52" y="34" width="9" height="52" fill="#000" opacity="0.2"/>'
    '<path d="M35 34V22H40V27H45V22H50V27H52V22H57V27H60V22H65V34Z" fill="{stone}"/>'
    '<path d="M35 34H65" stroke="{rock_dark}" stroke-width="1.6"/>'
    '<rect x="47" y="42" width="6" height="10" rx="3" fill="{rock_dark}"/><rect x="47" y="58" width="6" height="9" rx="3" fill="{rock_dark}"/>'
    '<path d="M46 86V78Q50 72 54 78V86Z" fill="{wood_dark}"/>'
)
_LIGHTHOUSE = shape(
    '<path d="M43 80L46 30H58L61 80Z" fill="{snow}"/><path d="M45.3 42H58.8L59.5 54H44.6ZM43.8 66H60.2L61 80H43Z" fill="{cloth}"/>'
    '<path d="M53 30H58L61 80H53Z" fill="#000" opacity="0.12"/><rect x="44" y="27" width="16" height="3" fill="{rock_dark}"/>'
    '<rect x="47" y="18" width="10" height="9" fill="{lit}"/><path d="M45 18L52 10L59 18Z" fill="{cloth}"/>'
)
_ROCKS = shape(
    '<path d="M20 88Q28 74 42 79Q52 74 66 79Q78 76 86 88L92 101H12Z" fill="{rock}"/><path d="M54 78Q78 76 86 88L92 101H60Z" fill="{rock_dark}"/>'
)
_CLIFFS = shape(
    '<path d="M0 30L14 22L30 26L38 38L44 56L40 70L46 101H0Z" fill="{sand_dark}"/>'
    '<path d="M30 26L38 38L44 56L40 70L46 101H30L26 60Z" fill="{rock}"/>'
    '<path d="M0 30L14 22L30 26L34 34L20 36L8 42L0 40Z" fill="{leaf_light}"/><path d="M0 60L10 58L16 66L8 74L0 72Z" fill="{leaf}"/>'
)
_GORGE = shape(
    '<path d="M0 14L20 10L36 18L40 40L36 62L42 101H0Z" fill="{rock}"/><path d="M36 18L40 40L36 62L42 101H28L24 50Z" fill="{rock_dark}"/>'
    '<path d="M100 12L82 9L64 18L60 42L65 62L58 101H100Z" fill="{rock}"/><path d="M64 18L60 42L65 62L58 101H70L75 48Z" fill="{rock_dark}"/>'
    '<path d="M0 14L20 10L36 18L34 24L18 20L0 24ZM100 12L82 9L64 18L67 24L84 18L100 22Z" fill="{leaf_light}"/>'
)
_BALLOON = shape(
    '<path d="M50 12C30 12 22 28 26 42C29 52 40 60 44 68H56C60 60 71 52 74 42C78 28 70 12 50 12Z" fill="{cloth}"/>'
    '<path d="M50 12C42 12 38 28 40 42C42 54 47 60 48 68H52C53 60 58 54 60 42C62 28 58 12 50 12Z" fill="{wall_c}"/>'
    '<path d="M66 18C76 28 74 42 70 48C64 56 59 62 56 68H53C58 58 66 46 66 18Z" fill="#000" opacity="0.16"/>'
    '<path d="M45 68L46 76M55 68L54 76" stroke="{rock_dark}" stroke-width="1"/><rect x="44" y="76" width="12" height="9" rx="1.5" fill="{wood}"/>'
)
_BRIDGE = shape(
    '<path d="M0 56H100V64H94Q92 48 80 48H78Q66 48 64 64H58Q56 48 44 48Q32 48 30 64V76H24V64Q22 50 8 50L0 52Z" fill="none"/>'
    '<path fill-rule="evenodd" d="M0 50H100V82H92V76Q92 60 79 60Q66 60 66 76V82H58V76Q58 60 46 60Q33 60 33 76V82H25V76Q25 60 12 60Q2 60 0 66Z" fill="{stone}"/>'
    '<path d="M0 50H100V54H0Z" fill="{rock}"/>'
)
_ROAD = shape(
    '<path d="M44 62H56L92 101H8Z" fill="{road}"/><path d="M50 64V70M50 75V83M50 90V101" stroke="{snow}" stroke-width="2"/>'
)
_RAILS = shape(
    '<path d="M0 84H100V90H0Z" fill="{rock_dark}"/><path d="M0 85H100" stroke="{stone}" stroke-width="1.4"/>'
)
_PATH_HOME = shape('<path d="M46 78Q56 86 44 101H66Q66 86 54 78Z" fill="{sand}"/>')
_FLOWERS = shape(
    "".join(
        f'<circle cx="{(k * 37) % 100}" cy="{66 + (k * 53) % 34}" r="{1.2 + ((k * 53) % 34) / 14:.1f}" fill="{{{c}}}"/>'
        for k, c in enumerate(["cloth", "wall_c", "snow", "wall_d", "flame"] * 8)
    )
)
_RAIN = shape(
    '<path d="'
    + "".join(f"M{(k * 29) % 104} {(k * 47) % 96}l-3 8" for k in range(34))
    + '" stroke="{snow}" stroke-width="0.9" opacity="0.7" fill="none"/>'
)
_SNOWFALL = shape(
    "".join(
        f'<circle cx="{(k * 61) % 100}" cy="{(k * 37) % 98}" r="{0.7 + k % 3 * 0.4}" fill="{{snow}}"/>'
        for k in range(30)
    )
)
_VOLCANO = shape(
    '<path d="M8 90L40 34H60L92 90Z" fill="{rock}"/><path d="M54 34H60L92 90H58Z" fill="{rock_dark}"/>'
    '<path d="M40 34H60L57 40L62 54L55 48L51 66L47 46L41 52L44 40Z" fill="{lava}"/>'
    '<path d="M44 34Q40 20 34 14Q46 18 48 26Q48 12 52 4Q55 14 53 26Q58 16 68 12Q60 20 57 34Z" fill="{flame}"/>'
)
_COLOURED_HOUSES = (
    cottage(7, 58, 13, "wall_d", floors=2), cottage(20, 52, 12, "wall_c", floors=2), cottage(31, 60, 12, "wall", floors=2),
    cottage(11, 78, 14, "wall_c", floors=2), cottage(26, 82, 14, "wall_b", floors=2), cottage(39, 84, 11, "wall_d", floors=2),
)  # fmt: skip
_SKYLINE = (
    (2, 13, 42),
    (14, 12, 58),
    (25, 15, 36),
    (39, 12, 68),
    (50, 16, 48),
    (65, 12, 60),
    (76, 13, 40),
    (88, 12, 54),
)


def _skyline(lit: bool) -> Piece:
    walls = ("iron", "rock", "sea_dark", "brick")
    return lambda p: "".join(
        block(x, 88, w, h, walls[k % 4], lit)(p) for k, (x, w, h) in enumerate(_SKYLINE)
    )


_LOWER_HAT = {"noto": (0.0, 2.5, 1.08)}
_OTHER_STRAW_HAT = {"noto": (1.0, 7.0, 0.82), "twemoji": (0.0, 1.0, 1.0)}


def _wearing(
    head: str,
    hat: str,
    box: tuple[float, float, float],
    tone: int | None = None,
    moved: dict[str, tuple[float, float, float]] | None = None,
) -> tuple[Icon, Icon]:
    """A head with a hat on it; box: (x, foot, size) of the hat."""
    return Icon(head, 50, 97, 68, tone=tone), Icon(hat, *box, moved=moved or _LOWER_HAT)


SCENES: list[Scene] = [
    scene(
        "rocket ship",
        "rocket; spaceship; spacecraft; space; stars; launch; shuttle",
        sky("night"),
        stars(40, 4, 98),
        disc(82, 84, 15, "wall_b"),
        Icon("rocket", 50, 93, 84),
    ),
    scene(
        "rocket launch",
        "rocket ship; rocket; spaceship; launch; take off; smoke",
        sky(),
        clouds((20, 30, 34), (84, 22, 30)),
        hills(88, 1, "grass"),
        Icon("rocket", 52, 78, 66),
        clouds((22, 90, 60), (76, 92, 62), (48, 86, 44)),
    ),
    scene(
        "snowy mountain village",
        "snowy; mountain; village; mountains; snow; winter; alps; houses; alpine",
        sky(),
        *_SNOWY_PEAKS,
        hills(72, 3, "snow"),
        row_of(fir, [(6, 84, 24), (95, 84, 26), (72, 76, 16)], snowy=True),
        cottage(26, 84, 20, "wood", "snow_shade", True),
        cottage(58, 82, 18, "wall_b", "snow", True),
        cottage(80, 92, 22, "wood", "snow_shade", True),
        hills(93, 2, "snow", 1, 2),
    ),
    scene(
        "snowy village at night",
        "snowy; village; mountain; snow; winter; night; houses; christmas",
        sky("night"),
        stars(24, 2, 40),
        mountain(30, 22, 80, 44, 0.6, "far"),
        mountain(76, 28, 80, 40, 0.6, "far"),
        hills(70, 2, "snow_shade"),
        cottage(22, 82, 20, "wood", "snow", True),
        cottage(48, 78, 17, "wall_b", "snow", True),
        cottage(76, 86, 23, "wood", "snow", True),
        row_of(fir, [(5, 88, 26), (60, 90, 20), (95, 90, 30)], snowy=True),
        _SNOWFALL,
    ),
    scene(
        "village",
        "houses; country; countryside; hills; cottages; town",
        sky(),
        clouds((24, 18, 30), (76, 24, 26)),
        hills(56, 5, "hill", 1.2),
        hills(66, 4, "meadow", 1, 2),
        cottage(20, 74, 18, "wall"),
        cottage(42, 70, 15, "wall_b"),
        cottage(80, 76, 20, "wall_c"),
        leafy(61, 76, 26),
        _PATH_HOME,
        leafy(4, 84, 26),
        cottage(32, 90, 22, "wall_d"),
        leafy(94, 94, 26),
    ),
    scene(
        "mountains",
        "mountain; peaks; alps; landscape; range; rocky; hills",
        sky(),
        clouds((22, 16, 30), (86, 12, 24)),
        mountain(14, 34, 90, 36, 0.3, "far", "rock"),
        mountain(88, 30, 90, 40, 0.3, "far", "rock"),
        mountain(50, 14, 92, 48, 0.34),
        hills(80, 3, "grass", 1),
        row_of(fir, [(8, 94, 22), (20, 98, 18), (84, 96, 20), (94, 92, 24)]),
    ),
    scene(
        "snowy mountains",
        "mountains; mountain; snow; snowy; winter; alps; peaks; glacier",
        sky(),
        mountain(20, 20, 92, 46, 0.7),
        mountain(84, 24, 92, 42, 0.7),
        mountain(54, 10, 96, 40, 0.75),
        hills(84, 3, "snow", 1),
        row_of(fir, [(10, 96, 20), (22, 98, 16), (88, 98, 22)], snowy=True),
    ),
    scene(
        "waterfalls",
        "waterfall; falls; cascade; cliffs; river; water; gorge",
        sky(),
        hills(18, 2, "leaf_light"),
        shape('<rect x="30" y="20" width="40" height="64" fill="{rock_dark}"/>'),
        waterfall(50, 20, 80, 26),
        _GORGE,
        water(80, ("water", "sea"), 8),
        shape('<ellipse cx="50" cy="81" rx="22" ry="5" fill="{foam}" opacity="0.9"/>'),
        row_of(fir, [(8, 16, 18), (20, 14, 15), (88, 14, 18)]),
    ),
    scene(
        "waterfall in the forest",
        "waterfalls; waterfall; falls; forest; jungle; river; water",
        sky(),
        row_of(leafy, [(10, 40, 40), (32, 34, 34), (70, 34, 36), (92, 40, 42)]),
        shape(
            '<path d="M0 38H100V101H0Z" fill="{rock}"/><path d="M0 38H36V56H64V38H100V46H0Z" fill="{leaf}"/>'
        ),
        waterfall(50, 38, 62, 20),
        shape('<path d="M24 62H76V70H24Z" fill="{rock_dark}"/>'),
        waterfall(38, 64, 86, 16),
        waterfall(62, 64, 86, 16),
        water(86, ("water", "sea"), 6),
        leafy(6, 96, 40),
        leafy(95, 96, 44),
    ),
    scene(
        "wide waterfalls",
        "waterfalls; waterfall; falls; niagara; mist; river",
        sky(),
        clouds((70, 12, 30)),
        hills(30, 1, "leaf"),
        waterfall(12, 34, 80, 22),
        waterfall(34, 32, 84, 24),
        waterfall(58, 32, 84, 24),
        waterfall(82, 34, 80, 26),
        water(80, ("water", "sea_dark"), 8),
        shape('<path d="M20 34L25 30L28 78L22 80ZM70 34L74 32L72 80L68 80Z" fill="{rock_dark}"/>'),
        clouds((30, 86, 40), (72, 88, 44)),
    ),
    scene(
        "ocean wave",
        "wave; sea; surf; water; storm; tsunami; ocean; waves",
        sky(),
        clouds((74, 18, 34)),
        water(62),
        Icon("water wave", 50, 92, 86),
    ),
    scene(
        "amalfi coast",
        "amalfi; coast; italy; sea; cliffs; houses; village; mediterranean; beach; positano",
        sky(),
        hills(34, 2, "far", 1),
        water(40, glints=14),
        _CLIFFS,
        *_COLOURED_HOUSES,
        shape('<path d="M30 101Q44 86 60 90Q76 92 82 101Z" fill="{sand}"/>'),
        Icon("sailboat", 76, 62, 16),
        Icon("umbrella on ground", 62, 97, 16),
    ),
    scene(
        "amalfi beach",
        "amalfi coast; amalfi; coast; beach; umbrella; italy; sea; summer",
        sky(),
        water(38),
        shape(
            '<path d="M62 101L58 60L66 30L80 18L100 14V101Z" fill="{sand_dark}"/><path d="M66 30L80 18L100 14V30L80 34Z" fill="{leaf_light}"/>'
        ),
        cottage(74, 54, 13, "wall_c", floors=2),
        cottage(88, 48, 14, "wall_d", floors=2),
        cottage(84, 70, 14, "wall", floors=2),
        cottage(95, 78, 13, "wall_b", floors=2),
        shape('<path d="M0 84Q30 74 62 82L101 90V101H0Z" fill="{sand}"/>'),
        Icon("beach with umbrella", 30, 95, 46),
    ),
    scene(
        "harbour village",
        "harbour; harbor; coast; village; boats; sea; fishing; seaside; town",
        sky(),
        hills(46, 4, "hill", 1),
        cottage(12, 64, 18, "wall_c", floors=2),
        cottage(32, 64, 17, "wall_d", floors=2),
        cottage(52, 64, 18, "wall", floors=2),
        cottage(72, 64, 17, "wall_b", floors=2),
        cottage(90, 64, 17, "wall_c", floors=2),
        water(66),
        Icon("sailboat", 30, 88, 32),
        Icon("canoe", 72, 92, 34),
    ),
    scene(
        "sailing boat on the sea",
        "sailing; boat; sailboat; sea; ocean; yacht; ship; sail",
        sky(),
        clouds((20, 22, 32), (82, 14, 26)),
        water(62),
        Icon("sailboat", 50, 88, 74),
    ),
    scene(
        "sunset over the sea",
        "sunset; sea; ocean; evening; sun; dusk; horizon; beach",
        sky("dusk"),
        disc(50, 54, 14),
        water(58, ("dusk_middle", "dusk_high"), 12),
        glitter(50, 58, 13),
    ),
    scene(
        "sunset in the mountains",
        "sunset; mountains; evening; dusk; sun; landscape",
        sky("dusk"),
        disc(60, 46, 11),
        mountain(18, 30, 92, 40, 0, "dusk_high", "night_low"),
        mountain(86, 34, 92, 36, 0, "dusk_high", "night_low"),
        hills(72, 5, "night_low", 1.3),
        hills(86, 3, "night_high", 1, 2),
        row_of(fir, [(10, 94, 26), (22, 96, 20), (90, 96, 28)], shade="night_high"),
    ),
    scene(
        "camel in the desert",
        "camel; desert; sand; dunes; sunset; egypt; hot",
        sky("dusk"),
        disc(78, 26, 9),
        hills(62, 5, "sand_dark", 1.2),
        hills(74, 4, "sand", 1, 2),
        Icon("camel", 48, 92, 66),
    ),
    scene(
        "forest",
        "trees; woods; wood; firs; pines; nature; green",
        sky(),
        row_of(
            fir,
            [(4, 78, 56), (22, 76, 62), (40, 74, 52), (60, 75, 60), (80, 76, 56), (97, 78, 60)],
            shade="grass_dark",
        ),
        hills(76, 2, "grass"),
        row_of(fir, [(12, 96, 62), (50, 98, 66), (90, 97, 60)]),
        _FLOWERS,
    ),
    scene(
        "path in the forest",
        "forest; woods; trees; path; walk; green; nature",
        shape('<rect width="100" height="100" fill="{meadow}"/>'),
        row_of(leafy, [(16, 70, 62), (86, 72, 64), (36, 62, 44), (66, 62, 46)]),
        hills(66, 2, "grass"),
        shape('<path d="M46 64H54L78 101H22Z" fill="{sand}"/>'),
        leafy(4, 98, 84),
        leafy(98, 98, 86),
    ),
    scene(
        "autumn forest",
        "forest; autumn; fall; trees; leaves; orange; woods",
        sky(),
        row_of(
            leafy,
            [(14, 80, 58), (40, 76, 52), (64, 78, 58), (90, 80, 56)],
            shade="autumn",
            dark="autumn_dark",
        ),
        hills(78, 2, "autumn"),
        row_of(leafy, [(26, 98, 54), (78, 98, 58)], shade="wall_c", dark="autumn"),
        Icon("maple leaf", 52, 98, 18),
    ),
    scene(
        "winter forest",
        "forest; winter; snow; snowy; trees; cold; firs",
        sky("storm"),
        row_of(
            fir, [(6, 78, 56), (26, 76, 60), (48, 74, 50), (70, 76, 58), (94, 78, 60)], snowy=True
        ),
        hills(76, 3, "snow"),
        row_of(fir, [(16, 98, 56), (84, 98, 60)], snowy=True),
        _SNOWFALL,
    ),
    scene(
        "tower",
        "stone tower; castle; blue sky; turret; medieval; keep",
        sky(),
        clouds((18, 26, 30), (84, 18, 30)),
        hills(78, 3, "hill", 1),
        _TOWER,
        hills(88, 2, "grass", 1, 2),
    ),
    scene(
        "lighthouse",
        "tower; sea; coast; beacon; rocks; ocean",
        sky(),
        clouds((22, 20, 32), (84, 30, 26)),
        water(64),
        _ROCKS,
        _LIGHTHOUSE,
    ),
    scene(
        "lighthouse at night",
        "lighthouse; tower; night; sea; beacon; light",
        sky("night"),
        stars(22, 7, 50),
        shape('<path d="M52 22L0 4V36ZM52 22L100 6V38Z" fill="{lit}" opacity="0.45"/>'),
        water(66, ("night_low", "night_high")),
        _ROCKS,
        _LIGHTHOUSE,
    ),
    scene(
        "castle on a hill",
        "castle; tower; fortress; fairy tale; medieval; hill",
        sky(),
        clouds((16, 24, 28), (86, 20, 26)),
        mountain(86, 44, 90, 34, 0.3, "far", "rock"),
        hills(80, 6, "hill", 0.5, 3.4),
        Icon("castle", 50, 80, 62),
        row_of(leafy, [(10, 92, 26), (92, 94, 28)]),
        hills(90, 3, "grass", 1),
    ),
    scene(
        "people around a campfire",
        "campfire; camp fire; people; bonfire; night; friends; fire; camping",
        sky("night"),
        stars(26, 5, 42),
        _DARK_WOOD,
        hills(70, 2, "grass_dark"),
        disc(50, 74, 17, "flame"),
        Icon("man", 15, 88, 27),
        Icon("woman", 85, 88, 27),
        Icon("boy", 31, 79, 19),
        Icon("girl", 69, 79, 19),
        Icon("wood", 50, 94, 22),
        Icon("fire", 50, 89, 34),
    ),
    scene(
        "friends at a bonfire",
        "campfire; people around a campfire; bonfire; people; fire; night; beach",
        sky("dusk"),
        stars(10, 6, 26),
        water(56, ("dusk_middle", "dusk_high"), 8),
        hills(68, 2, "sand_dark"),
        Icon("woman curly hair", 18, 86, 28),
        Icon("man beard", 82, 86, 28),
        Icon("person", 36, 78, 18),
        Icon("wood", 54, 93, 22),
        Icon("fire", 54, 88, 38),
    ),
    scene(
        "camping at night",
        "campfire; camping; tent; night; stars; forest; outdoors",
        sky("night"),
        stars(34, 8, 56),
        _DARK_WOOD,
        hills(72, 2, "grass_dark"),
        Icon("tent", 34, 90, 46),
        Icon("wood", 78, 95, 18),
        Icon("fire", 78, 91, 26),
    ),
    scene(
        "hipster barista",
        "hipster; barista; coffee; beard; cafe; man; bearded; coffee shop",
        _CAFE,
        Icon("man beard", 44, 86, 72, tone=2),
        Icon("hot beverage", 80, 93, 30),
        _COUNTER,
        Icon("hot beverage", 80, 93, 30),
    ),
    scene(
        "barista",
        "coffee; hipster; cafe; coffee shop; waiter; woman; espresso",
        _CAFE,
        Icon("woman", 56, 86, 72, tone=2),
        _COUNTER,
        Icon("hot beverage", 22, 93, 32),
    ),
    scene(
        "hipster with glasses",
        "hipster; barista; glasses; beard; man; bearded man",
        Icon("man beard", 50, 96, 88, tone=2),
        Icon("sunglasses", 50, 57, 54, moved={"noto": (0, -1, 1), "twemoji": (0, -3, 1)}),
        backdrop="portrait",
    ),
    scene(
        "cup of coffee",
        "coffee; barista; cafe; espresso; cappuccino; breakfast; mug",
        _TABLE,
        Icon("hot beverage", 50, 88, 66),
    ),
    scene(
        "man wearing a hat",
        "man; hat; top hat; gentleman; portrait; wearing",
        *_wearing("man", "top hat", (50, 47, 45), 2),
        backdrop="portrait",
    ),
    scene(
        "man wearing a straw hat",
        "man wearing a hat; man; hat; straw; summer; wearing",
        *_wearing("man", "woman’s hat", (50, 48, 72), 1, _OTHER_STRAW_HAT),
        backdrop="meadow",
    ),
    scene(
        "man wearing a cap",
        "man wearing a hat; man; hat; cap; baseball; wearing",
        *_wearing("man", "billed cap", (46, 51, 58), 3),
        backdrop="studio",
    ),
    scene(
        "old man wearing a hat",
        "man wearing a hat; old man; hat; elderly; gentleman; portrait; wearing",
        *_wearing("old man", "top hat", (50, 46, 45), 0),
        backdrop="portrait",
    ),
    scene(
        "bearded man wearing a hat",
        "man wearing a hat; hipster; beard; hat; portrait; wearing",
        *_wearing("man beard", "top hat", (50, 47, 45), 2),
        backdrop="room",
    ),
    scene(
        "woman wearing a hat",
        "woman; hat; lady; portrait; straw; wearing",
        *_wearing("woman", "woman’s hat", (50, 47, 74), 1, _OTHER_STRAW_HAT),
        backdrop="portrait",
    ),
    scene(
        "dog wearing a hat",
        "dog; hat; top hat; puppy; wearing",
        *_wearing("dog face", "top hat", (50, 44, 40)),
        backdrop="studio",
    ),
    scene(
        "cat wearing a hat",
        "cat; hat; top hat; kitten; wearing",
        *_wearing("cat face", "top hat", (50, 46, 40)),
        backdrop="studio",
    ),
    scene(
        "skull wearing a hat",
        "skull; hat; top hat; skeleton; day of the dead; wearing",
        *_wearing("skull", "top hat", (50, 44, 46)),
        backdrop="night",
    ),
    scene(
        "skull and candle",
        "skull; candle; vanitas; still life; death; bones",
        shape(
            '<rect width="100" height="100" fill="{board}"/><rect y="72" width="100" height="28" fill="{wood_dark}"/>'
        ),
        disc(80, 30, 14, "flame"),
        Icon("skull", 40, 90, 62),
        Icon("candle", 80, 90, 56),
    ),
    scene(
        "dog in the park",
        "dog; puppy; park; grass; tree; pet; walk",
        sky(),
        hills(58, 3, "hill", 1),
        leafy(16, 74, 56),
        hills(68, 2, "meadow"),
        Icon("dog", 56, 92, 58),
    ),
    scene(
        "cat by the window",
        "cat; kitten; window; home; pet; curtain",
        shape(
            '<rect width="100" height="100" fill="{wall_b}"/><rect x="12" y="6" width="76" height="66" fill="{sky_low}"/><path d="M12 50Q40 34 60 48T88 44V72H12Z" fill="{meadow}"/><path d="M12 6H88V72H12ZM50 6V72M12 36H88" stroke="{snow}" stroke-width="4" fill="none"/><rect y="74" width="100" height="8" fill="{snow}"/><rect y="82" width="100" height="18" fill="{wood}"/>'
        ),
        Icon("cat", 50, 80, 52),
    ),
    scene(
        "farm",
        "tractor; cow; field; barn; country; farmer; agriculture",
        sky(),
        hills(54, 4, "hill", 1),
        cottage(24, 68, 28, "cloth", "rock_dark"),
        hills(66, 2, "meadow", 1, 2),
        Icon("tractor", 68, 84, 42),
        Icon("cow", 28, 94, 34),
    ),
    scene(
        "mountain lake",
        "lake; mountains; water; reflection; landscape; nature",
        sky(),
        mountain(24, 20, 62, 40, 0.45),
        mountain(74, 16, 62, 44, 0.45),
        hills(59, 1, "leaf", 2),
        water(62, ("water", "sea"), 12),
        shape('<path d="M4 64L24 92L44 64ZM50 64L74 98L98 64Z" fill="{rock}" opacity="0.35"/>'),
        row_of(fir, [(6, 66, 24), (95, 66, 28)]),
    ),
    scene(
        "palm island",
        "island; palm tree; tropical; sea; beach; holiday",
        sky(),
        clouds((20, 20, 30), (84, 28, 24)),
        water(56, ("sea_light", "sea")),
        shape('<ellipse cx="50" cy="82" rx="40" ry="12" fill="{sand}"/>'),
        Icon("palm tree", 50, 84, 70),
    ),
    scene(
        "beach",
        "coast; sea; sand; sun; umbrella; summer; holiday; ocean",
        sky(),
        disc(80, 18, 8),
        water(44),
        hills(68, 3, "sand", 0.7),
        Icon("umbrella on ground", 30, 88, 46),
        Icon("volleyball", 74, 92, 16),
    ),
    scene(
        "city skyline",
        "city; skyscrapers; buildings; town; downtown; urban",
        sky(),
        clouds((30, 14, 34)),
        _skyline(False),
        shape('<rect y="88" width="100" height="12" fill="{road}"/>'),
    ),
    scene(
        "city at night",
        "city; night; skyscrapers; lights; buildings; urban; skyline",
        sky("night"),
        stars(16, 3, 30),
        disc(84, 16, 8, "moon"),
        _skyline(True),
        shape('<rect y="88" width="100" height="12" fill="{night_high}"/>'),
    ),
    scene(
        "stone bridge",
        "bridge; river; arch; landscape; old",
        sky(),
        hills(46, 5, "hill", 1),
        leafy(10, 56, 30),
        leafy(88, 54, 28),
        water(70, ("water", "sea"), 10),
        _BRIDGE,
        shape('<path d="M0 92Q12 82 24 101H0ZM100 90Q86 84 74 101H100Z" fill="{grass}"/>'),
    ),
    scene(
        "car on a mountain road",
        "car; road; mountains; drive; journey; trip",
        sky(),
        mountain(22, 20, 68, 40, 0.4),
        mountain(78, 16, 68, 42, 0.4),
        hills(63, 2, "grass", 1),
        _ROAD,
        Icon("oncoming automobile", 50, 92, 44),
    ),
    scene(
        "train in the mountains",
        "train; locomotive; railway; mountains; steam; journey",
        sky(),
        mountain(20, 18, 80, 40, 0.45),
        mountain(76, 12, 80, 46, 0.45),
        hills(74, 3, "meadow", 1),
        _RAILS,
        Icon("locomotive", 46, 87, 58),
    ),
    scene(
        "hot air balloon",
        "balloon; sky; flying; basket; air",
        sky(),
        clouds((14, 60, 30), (88, 44, 28)),
        hills(88, 3, "hill", 1),
        _BALLOON,
    ),
    scene(
        "coral reef",
        "underwater; fish; coral; sea; ocean; diving; reef",
        shape(
            '<linearGradient id="deep" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{sea_light}"/><stop offset="1" stop-color="{sea_dark}"/></linearGradient><rect width="100" height="100" fill="url(#deep)"/>'
        ),
        hills(86, 2, "sand"),
        Icon("coral", 20, 94, 40),
        Icon("coral", 84, 96, 30),
        Icon("tropical fish", 58, 56, 44),
        Icon("fish", 24, 36, 26),
        Icon("octopus", 62, 94, 28),
    ),
    scene(
        "moonlit sea",
        "moon; sea; night; ocean; moonlight; stars",
        sky("night"),
        stars(24, 9, 50),
        disc(52, 26, 13, "moon"),
        water(56, ("night_low", "night_high"), 10),
        glitter(52, 56, 12, "moon"),
    ),
    scene(
        "flower meadow",
        "flowers; meadow; field; spring; grass; garden",
        sky(),
        clouds((24, 18, 30), (80, 24, 26)),
        hills(54, 3, "hill", 1),
        hills(62, 2, "grass", 1, 2),
        _FLOWERS,
        Icon("tulip", 24, 98, 34),
        Icon("sunflower", 52, 97, 40),
        Icon("hibiscus", 82, 98, 30),
    ),
    scene(
        "still life with fruit",
        "fruit; still life; apple; grapes; bowl; table; pear",
        _TABLE,
        Icon("pear", 24, 84, 42),
        Icon("grapes", 72, 86, 50),
        Icon("red apple", 48, 92, 40),
        Icon("lemon", 84, 96, 22),
    ),
    scene(
        "still life with flowers",
        "flowers; vase; bouquet; still life; table; roses",
        _TABLE,
        Icon("amphora", 50, 94, 46),
        Icon("bouquet", 50, 64, 58),
    ),
    scene(
        "breakfast",
        "croissant; coffee; table; morning; cafe; orange juice",
        _TABLE,
        Icon("croissant", 30, 92, 46),
        Icon("hot beverage", 74, 90, 44),
        Icon("tangerine", 50, 74, 20),
    ),
    scene(
        "snowman in the snow",
        "snowman; snow; winter; snowy; cold",
        sky("storm"),
        row_of(fir, [(10, 74, 40), (90, 74, 44), (74, 70, 28)], snowy=True),
        hills(72, 2, "snow"),
        Icon("snowman", 48, 94, 68),
    ),
    scene(
        "storm at sea",
        "storm; ship; waves; sea; ocean; lightning; rain",
        sky("storm"),
        clouds((26, 16, 60), (78, 14, 60), shade="storm_high"),
        shape('<path d="M70 18L60 40H68L62 58L80 34H71L78 18Z" fill="{lit}"/>'),
        water(62, ("sea", "sea_dark"), 8),
        Icon("sailboat", 38, 84, 50),
        hills(84, 5, "sea_dark", 2),
        _RAIN,
    ),
    scene(
        "rainy street",
        "rain; umbrella; street; city; wet; people",
        sky("storm"),
        _skyline(True),
        shape('<rect y="86" width="100" height="14" fill="{road}"/>'),
        Icon("woman walking", 50, 94, 48),
        Icon("umbrella", 50, 60, 50),
        _RAIN,
    ),
    scene(
        "erupting volcano",
        "volcano; eruption; lava; mountain; fire; smoke",
        sky("dusk"),
        clouds((36, 12, 40), (70, 10, 44), shade="storm_high"),
        _VOLCANO,
        hills(88, 2, "rock_dark"),
    ),
    scene(
        "penguins on the ice",
        "penguin; penguins; ice; antarctica; snow; cold",
        sky(),
        mountain(76, 30, 64, 36, 0.9),
        water(60),
        hills(76, 3, "snow", 1),
        Icon("penguin", 34, 92, 56),
        Icon("penguin", 74, 94, 42, flip=True),
    ),
    scene(
        "astronaut in space",
        "astronaut; space; stars; planet; moon; suit",
        sky("night"),
        stars(40, 12, 98),
        Icon("ringed planet", 76, 40, 40),
        Icon("man astronaut", 40, 98, 66),
    ),
    scene(
        "horse in a field",
        "horse; field; meadow; grass; country",
        sky(),
        clouds((24, 20, 32)),
        hills(56, 4, "hill", 1),
        hills(68, 2, "grass", 1, 2),
        Icon("horse", 50, 92, 66),
    ),
    scene(
        "old couple",
        "old man; old woman; couple; grandparents; people; elderly",
        Icon("old man", 29, 92, 54, tone=1),
        Icon("old woman", 72, 94, 54, tone=1),
        backdrop="portrait",
    ),
    scene(
        "family",
        "people; man; woman; child; parents; portrait",
        Icon("man", 28, 90, 52),
        Icon("woman", 72, 91, 50),
        Icon("child", 50, 97, 36),
        backdrop="meadow",
    ),
    scene(
        "cabin in the woods",
        "cabin; hut; forest; house; woods; cottage",
        sky("dusk"),
        _DARK_WOOD,
        hills(74, 2, "grass_dark"),
        cottage(50, 88, 42, "wood", "wood_dark", True),
        row_of(fir, [(8, 96, 50), (94, 97, 54)]),
    ),
    scene(
        "windmill",
        "mill; tower; holland; field; wind; netherlands",
        sky(),
        clouds((20, 22, 30), (86, 16, 26)),
        hills(78, 2, "meadow", 1),
        shape(
            '<path d="M36 88L43 44H57L64 88Z" fill="{wall}"/><path d="M52 44H57L64 88H54Z" fill="#000" opacity="0.14"/><path d="M41 44L50 32L59 44Z" fill="{roof}"/><path d="M46 88V76H54V88Z" fill="{wood_dark}"/><g stroke="{wood_dark}" stroke-width="2"><path d="M50 42L22 14M50 42L78 70M50 42L78 14M50 42L22 70"/></g><g fill="{snow}" stroke="{wood_dark}" stroke-width="0.8"><path d="M47 39L22 14L28 9L52 35ZM53 45L78 70L72 75L48 49ZM53 39L78 14L83 20L57 44ZM47 45L22 70L17 64L43 40Z"/></g>'
        ),
        _FLOWERS,
    ),
]
