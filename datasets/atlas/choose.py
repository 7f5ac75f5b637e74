"""Which subjects the atlas shows, what they are called, and the words a prompt may use for them.

The names below are Unicode's emoji names, as `unicode-emoji-json` spells them. Signs, clocks,
flags, keycaps, hands and most of the near-identical smileys are left out: they would fill the
denoiser's pictures with buttons and letters.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

ANIMALS = """monkey face; monkey; gorilla; orangutan; dog face; dog; poodle; wolf; fox; raccoon;
cat face; cat; black cat; lion; tiger face; tiger; horse face; moose; donkey; horse; unicorn;
zebra; deer; bison; cow face; cow; pig face; pig; ram; goat; camel; llama; giraffe; elephant;
mammoth; rhinoceros; hippopotamus; mouse face; rabbit face; rabbit; chipmunk; hedgehog; bat; bear;
polar bear; koala; panda; sloth; otter; kangaroo; paw prints; turkey; chicken; rooster; hatching
chick; baby chick; bird; penguin; dove; eagle; duck; swan; owl; feather; flamingo; peacock;
parrot; goose; frog; crocodile; turtle; lizard; snake; dragon face; dragon; sauropod; T-Rex;
whale; dolphin; seal; fish; tropical fish; shark; octopus; spiral shell; coral; jellyfish; crab;
lobster; shrimp; squid; snail; butterfly; bug; ant; honeybee; lady beetle; spider; scorpion;
bouquet; cherry blossom; lotus; rose; hibiscus; sunflower; blossom; tulip; potted plant; evergreen
tree; deciduous tree; palm tree; cactus; four leaf clover; maple leaf; fallen leaf; nest with
eggs; mushroom"""

FOOD = """grapes; watermelon; tangerine; lemon; banana; pineapple; red apple; green apple; pear;
peach; cherries; strawberry; blueberries; kiwi fruit; tomato; coconut; avocado; eggplant; potato;
carrot; ear of corn; hot pepper; bell pepper; cucumber; leafy green; broccoli; garlic; onion;
peanuts; bread; croissant; baguette bread; pretzel; bagel; pancakes; waffle; cheese wedge; meat on
bone; poultry leg; bacon; hamburger; french fries; pizza; hot dog; sandwich; taco; burrito; egg;
cooking; shallow pan of food; green salad; popcorn; rice ball; steaming bowl; spaghetti; sushi;
fortune cookie; soft ice cream; ice cream; doughnut; cookie; birthday cake; shortcake; cupcake;
pie; chocolate bar; candy; lollipop; honey pot; glass of milk; hot beverage; teapot; bottle with
popping cork; wine glass; cocktail glass; tropical drink; beer mug; bubble tea; fork and knife
with plate; kitchen knife; jar; amphora"""

PLACES = """globe showing Europe-Africa; world map; compass; snow-capped mountain; mountain;
volcano; mount fuji; camping; beach with umbrella; desert; desert island; national park; stadium;
classical building; wood; hut; houses; house; house with garden; office building; hospital; hotel;
school; factory; Japanese castle; castle; Tokyo tower; Statue of Liberty; church; mosque; hindu
temple; shinto shrine; fountain; tent; night with stars; cityscape; sunrise over mountains;
sunrise; cityscape at dusk; sunset; bridge at night; carousel horse; playground slide; ferris
wheel; roller coaster; circus tent; locomotive; railway car; high-speed train; bus; ambulance;
fire engine; police car; taxi; automobile; oncoming automobile; pickup truck; articulated lorry;
tractor; racing car; motorcycle; motor scooter; auto rickshaw; bicycle; kick scooter; skateboard;
roller skate; wheel; vertical traffic light; anchor; ring buoy; sailboat; canoe; speedboat; ship;
airplane; parachute; helicopter; satellite; rocket; flying saucer; bellhop bell; luggage;
hourglass done; watch; alarm clock; mantelpiece clock; full moon; crescent moon; sun; sun with
face; ringed planet; star; shooting star; milky way; cloud; sun behind cloud; cloud with rain;
cloud with snow; cloud with lightning; tornado; rainbow; umbrella; umbrella on ground; snowflake;
snowman; comet; fire; droplet; water wave"""

ACTIVITIES = """jack-o-lantern; Christmas tree; fireworks; balloon; party popper; Japanese dolls;
carp streamer; ribbon; wrapped gift; military medal; trophy; soccer ball; baseball; basketball;
volleyball; american football; rugby football; tennis; bowling; ice hockey; ping pong; boxing
glove; martial arts uniform; flag in hole; ice skate; fishing pole; diving mask; skis; sled;
bullseye; kite; pool 8 ball; crystal ball; magic wand; video game; joystick; game die; puzzle
piece; teddy bear; mirror ball; nesting dolls; chess pawn; performing arts;  artist
palette; thread; yarn"""

OBJECTS = """glasses; sunglasses; necktie; t-shirt; jeans; scarf; gloves; coat; socks; dress;
kimono; folding hand fan; purse; handbag; shopping bags; backpack; man’s shoe; running shoe;
hiking boot; high-heeled shoe; woman’s boot; crown; woman’s hat; top hat; graduation cap; billed
cap; military helmet; rescue worker’s helmet; lipstick; ring; gem stone; megaphone; bell; studio
microphone; microphone; headphone; radio; saxophone; trumpet; accordion; guitar; musical keyboard;
violin; drum; maracas; flute; mobile phone; telephone; laptop; desktop computer; printer;
keyboard; computer mouse; floppy disk; abacus; movie camera; film projector; clapper board;
television; camera; video camera; magnifying glass tilted left; candle; light bulb; flashlight;
red paper lantern; closed book; open book; books; notebook; scroll; newspaper; coin; money bag;
envelope; love letter; package; closed mailbox with raised flag; postbox; pencil; fountain pen;
paintbrush; crayon; memo; briefcase; clipboard; pushpin; paperclip; straight ruler; scissors;
wastebasket; locked; key; old key; hammer; axe; dagger; crossed swords; bomb; boomerang; bow and
arrow; shield; carpentry saw; wrench; screwdriver; gear; balance scale; toolbox; magnet; ladder;
alembic; test tube; dna; microscope; telescope; satellite antenna; syringe; pill; stethoscope;
door; mirror; window; bed; couch and lamp; chair; bathtub; broom; basket; bucket; soap;
toothbrush; fire extinguisher; shopping cart; coffin; headstone; moai"""

PEOPLE = """flexed biceps; foot; ear; brain; anatomical heart; bone; eye; baby; child; boy; girl;
person; man; man beard; woman beard; man red hair; man curly hair; man white hair; man bald;
woman; woman red hair; woman curly hair; woman white hair; woman blond hair; man blond hair; older
person; old man; old woman; health worker; woman teacher; man farmer; woman farmer; man cook;
woman cook; man mechanic; man office worker; woman scientist; man technologist; woman singer; man
artist; woman artist; man pilot; man astronaut; man firefighter; woman police officer; man
detective; man guard; ninja; construction worker; prince; princess; man wearing turban; woman with
headscarf; man in tuxedo; woman with veil; Santa Claus; woman superhero; man mage; woman fairy;
man vampire; mermaid; man zombie; man walking; woman walking; man running; woman dancing; man
dancing; person climbing; person fencing; horse racing; skier; snowboarder; man golfing; person
surfing; person rowing boat; person swimming; woman lifting weights; man biking; person in lotus
position; thumbs up; raised fist; waving hand; handshake"""

FACES = """grinning face; smiling face with sunglasses; smiling face with heart-eyes; winking
face; thinking face; sleeping face; crying face; angry face; cowboy hat face; clown face; skull;
ogre; ghost; alien; robot; red heart"""

RENAMED = {
    "hatching chick": "chick in an egg",
    "high-speed train": "express train",
    "high-heeled shoe": "heeled shoe",
    "man beard": "man with a beard",
    "woman beard": "woman with a beard",
    "man red hair": "man with red hair",
    "man curly hair": "man with curly hair",
    "man white hair": "man with white hair",
    "man bald": "bald man",
    "woman red hair": "woman with red hair",
    "woman curly hair": "woman with curly hair",
    "woman white hair": "woman with white hair",
    "woman blond hair": "woman with blond hair",
    "man blond hair": "man with blond hair",
    "globe showing Europe-Africa": "globe",
    "Tokyo tower": "steel tower",
    "magnifying glass tilted left": "magnifying glass",
    "hourglass done": "hourglass",
    "t-shirt": "t shirt",
    "T-Rex": "tyrannosaurus",
    "horse racing": "horse race rider",
    "man’s shoe": "shoe",
    "woman’s boot": "boot",
    "woman’s hat": "straw hat",
    "rescue worker’s helmet": "rescue helmet",
    "fork and knife with plate": "plate with fork and knife",
    "hot beverage": "hot drink",
    "man cook": "man cooking",
    "woman cook": "woman cooking",
    "eye": "human eye",
    "wood": "firewood",
    "locked": "padlock",
    "tennis": "tennis ball",
    "billed cap": "baseball cap",
    "cooking": "fried egg in a pan",
    "flag in hole": "golf hole",
    "oncoming automobile": "car from the front",
    "automobile": "car",
    "performing arts": "theatre masks",
}
"""Readable names for subjects whose Unicode name isn't what a student would type."""

MORE_KEYWORDS = {
    "rocket": "rocket ship; spaceship; space; launch",
    "dog": "puppy; pet; hound",
    "dog face": "puppy; pet; hound",
    "cat": "kitten; kitty; pet",
    "cat face": "kitten; kitty; pet",
    "old man": "elderly man; grandfather; old; portrait",
    "old woman": "elderly woman; grandmother; old; portrait",
    "man": "guy; male; portrait; human face",
    "woman": "lady; female; portrait; human face",
    "man beard": "hipster; bearded man; beard; portrait",
    "cowboy hat face": "hat; cowboy",
    "man detective": "man wearing a hat; hat; spy",
    "man guard": "hat; bearskin",
    "top hat": "hat; gentleman; magician",
    "woman’s hat": "hat; sun hat",
    "billed cap": "hat; cap",
    "red heart": "heart; love; valentine",
    "camping": "campfire; tent; bonfire; outdoors; forest",
    "fire": "campfire; flame; bonfire",
    "snow-capped mountain": "mountains; snowy mountain; snow; alps; peak",
    "mountain": "mountains; peak; hills",
    "mount fuji": "mountains; snowy mountain; japan; peak",
    "hot beverage": "coffee; barista; cafe; espresso; cup; mug; tea",
    "teapot": "tea; kettle",
    "water wave": "wave; waterfalls; sea; ocean; surf",
    "houses": "village; houses; town; street",
    "hut": "village; cabin; house; cottage",
    "house": "home; cottage; building",
    "house with garden": "home; cottage; village; tree",
    "evergreen tree": "tree; forest; pine; fir; spruce",
    "deciduous tree": "tree; forest; oak; nature",
    "palm tree": "tree; palm; tropical",
    "beach with umbrella": "amalfi coast; coast; beach; sea; holiday; umbrella",
    "desert island": "island; coast; beach; palm; sea",
    "sunset": "sun; evening; dusk; sea; horizon",
    "sunrise": "sun; morning; dawn; sea; horizon",
    "sunrise over mountains": "sun; morning; dawn; mountains",
    "Tokyo tower": "tower; eiffel tower; antenna",
    "castle": "tower; towers; fortress; fairy tale",
    "Japanese castle": "tower; pagoda; fortress; japan",
    "church": "tower; steeple; chapel",
    "skull": "skeleton; bones; death; vanitas",
    "pencil": "writing; crayon; pen",
    "sailboat": "boat; sailing boat; sail; sea; yacht",
    "automobile": "car; vehicle; drive; red car",
    "oncoming automobile": "car; vehicle; drive",
    "fountain": "waterfalls; water; park",
    "national park": "mountains; forest; nature; landscape; lake",
    "cloud with snow": "snowy; snow; winter",
    "snowflake": "snowy; snow; winter; ice",
    "snowman": "snowy; snow; winter",
    "man artist": "painter; hipster; beret; hat; painting",
    "woman artist": "painter; beret; hat; painting",
    "man cook": "chef; cook; barista; hat; kitchen",
    "woman cook": "chef; cook; barista; hat; kitchen",
}
"""Words of the course's prompts that the emoji keywords lack; they are put first."""

STYLE_WORDS = {
    "photo": "photo photos photograph photographs photographic photography photorealistic snapshot",
    "oil_painting": "oil painting paintings painted painterly paint canvas impressionist",
    "lithograph": "lithograph lithographs lithography print engraving etching woodcut hatching",
    "drawing": "drawing drawings drawn sketch sketches sketched illustration cartoon doodle",
}
"""The words of a prompt that choose a style."""

_LEFT_OUT_WORDS = {"staffmode", "emoji", "uc6", "kawaii", "owo", "lol", "wtf", "staff"}
# "a photo of a dog" must not mean the camera, nor "a high quality picture" a paintbrush
_TAKEN_WORDS = {
    *" ".join(STYLE_WORDS.values()).split(),
    *("picture", "pictures", "image", "images", "quality", "high"),
}
_MOST_KEYWORDS = 14


@dataclass(frozen=True)
class Subject:
    """One row of subjects.json, and the emoji it comes from.

    name: what the subject is called, lower-case words with spaces.
    keywords: lower-case words or phrases that a prompt may use for it.
    group: Unicode's group ("Food & Drink"), or "Scenes" for what the recipe composes.
    unicode_name: the name in `unicode-emoji-json`, or None for a scene.
    """

    name: str
    keywords: tuple[str, ...]
    group: str
    unicode_name: str | None = None


def readable(unicode_name: str) -> str:
    """A name as a student would type it: renamed where listed, lower-case, without hyphens."""
    name = RENAMED.get(unicode_name, unicode_name).lower().replace("’", "")
    return re.sub(r"[^a-z0-9]+", " ", name).strip()


def clean_keywords(words: list[str], name: str) -> tuple[str, ...]:
    """Lower-case, plain letters, no repeats, neither the name nor a style; in the order given."""
    kept: list[str] = []
    for word in words:
        word = re.sub(r"[^a-z0-9]+", " ", word.lower()).strip()
        if _TAKEN_WORDS & set(word.split()):
            continue
        if len(word) > 1 and word != name and word not in _LEFT_OUT_WORDS and word not in kept:
            kept.append(word)
    return tuple(kept[:_MOST_KEYWORDS])


def chosen_names() -> list[str]:
    """Unicode names of every subject that is drawn from a single icon, in the atlas's order."""
    lists = (ANIMALS, FOOD, PLACES, ACTIVITIES, OBJECTS, PEOPLE, FACES)
    return [" ".join(name.split()) for text in lists for name in text.split(";")]


def unicode_emoji(packages: Path) -> dict[str, tuple[str, str, bool]]:
    """Emoji by Unicode name: (characters, group, whether it comes in skin tones)."""
    by_emoji = json.loads((packages / "unicode-emoji-json/data-by-emoji.json").read_text("utf-8"))
    return {
        entry["name"]: (emoji, entry["group"], entry["skin_tone_support"])
        for emoji, entry in by_emoji.items()
    }


def choose(packages: Path) -> list[Subject]:
    """The subjects made of one icon each.

    packages: the `node_modules` folder with `unicode-emoji-json` and `emojilib`.
    Raises KeyError naming an emoji that the packages don't have.
    """
    words = json.loads((packages / "emojilib/dist/emoji-en-US.json").read_text("utf-8"))
    known = unicode_emoji(packages)
    subjects = []
    for unicode_name in chosen_names():
        emoji, group, _ = known[unicode_name]
        name = readable(unicode_name)
        extra = MORE_KEYWORDS.get(unicode_name, "").split(";")
        keywords = clean_keywords([*extra, *words.get(emoji, [])], name)
        subjects.append(Subject(name, keywords, group, unicode_name))
    return subjects
