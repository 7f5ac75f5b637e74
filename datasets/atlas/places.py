"""Where each single subject is shown: the kind of backdrop it stands in front of."""

import numpy as np
from choose import Subject

_USUAL = {
    "Animals & Nature": ["meadow", "meadow", "studio", "land"],
    "Food & Drink": ["table", "table", "studio"],
    "Travel & Places": ["land"],
    "Activities": ["studio", "studio", "room"],
    "Objects": ["studio", "studio", "table", "room"],
    "People & Body": ["portrait", "portrait", "studio", "room", "meadow"],
    "Smileys & Emotion": ["studio", "portrait"],
}

_UNUSUAL = {
    "sky": """dove; eagle; airplane; parachute; helicopter; cloud; sun behind cloud; cloud with
rain; cloud with snow; tornado; cloud with lightning; rainbow; snowflake; balloon; kite; feather;
butterfly; honeybee; sun; sun with face; ferris wheel; roller coaster; person climbing; parrot;
carp streamer; woman superhero; woman fairy""",
    "night": """bat; owl; full moon; crescent moon; ringed planet; star; shooting star; milky way;
comet; flying saucer; satellite; fireworks; night with stars; bridge at night; jack-o-lantern;
ghost; man vampire; man zombie; man astronaut; crystal ball; candle; alien; telescope; mirror
ball; red paper lantern; party popper; fire""",
    "underwater": """fish; tropical fish; shark; octopus; coral; jellyfish; squid; dolphin;
mermaid; turtle; diving mask; seal; lobster; person swimming""",
    "sea": """whale; sailboat; canoe; speedboat; ship; anchor; ring buoy; swan; duck; person
surfing; person rowing boat; water wave; crab; shrimp; spiral shell; beach with umbrella; desert
island; flamingo; fishing pole; Statue of Liberty""",
    "road": """bus; ambulance; fire engine; police car; taxi; automobile; oncoming automobile;
pickup truck; articulated lorry; racing car; motorcycle; motor scooter; auto rickshaw; bicycle;
kick scooter; skateboard; roller skate; vertical traffic light; man biking; man running; wheel;
shopping cart; man walking; woman walking; woman police officer""",
    "snow": """polar bear; penguin; snowman; skier; snowboarder; sled; skis; ice skate; ice
hockey; Santa Claus; Christmas tree; snow-capped mountain; mount fuji; wolf; moose; mammoth;
evergreen tree""",
    "desert": """camel; cactus; scorpion; desert; palm tree; lizard; snake; llama; giraffe; moai;
mosque; hindu temple; sauropod; T-Rex; crocodile; amphora; man wearing turban""",
    "meadow": """soccer ball; baseball; american football; rugby football; tennis; flag in hole;
man golfing; horse racing; house with garden; tent; tractor; man farmer; woman farmer; basket;
umbrella; teddy bear; volleyball""",
    "studio": """compass; world map; globe showing Europe-Africa; bellhop bell; luggage; watch;
hourglass done; carousel horse; red heart; skull; umbrella on ground; droplet; paw prints;
bouquet; rose; tulip""",
    "table": """alarm clock; mantelpiece clock; potted plant; nest with eggs; teddy bear;
mushroom; pencil; crayon; books; chess pawn; game die; yarn""",
}

_KIND_OF = {
    " ".join(name.split()): kind for kind, text in _UNUSUAL.items() for name in text.split(";")
}


FRAMED = {
    "national park",
    "night with stars",
    "cityscape",
    "sunrise over mountains",
    "sunrise",
    "cityscape at dusk",
    "sunset",
    "bridge at night",
    "shooting star",
    "milky way",
    "fireworks",
}
"""Icons that are square pictures in every set: they are enlarged until they fill the tile."""


def backdrop_kind(subject: Subject, rng: np.random.Generator) -> str | None:
    """A kind of `backdrops.py` that suits a single subject; None if it fills its tile itself."""
    if subject.unicode_name in FRAMED:
        return None
    fixed = _KIND_OF.get(subject.unicode_name)
    usual = _USUAL[subject.group]
    return fixed or usual[rng.integers(len(usual))]
