from .atlas import (
    Atlas as Atlas,
)
from .atlas import (
    AtlasError as AtlasError,
)
from .atlas import (
    Style as Style,
)
from .atlas import (
    Subject as Subject,
)
from .atlas import (
    atlas_folder as atlas_folder,
)
from .atlas import (
    load_atlas as load_atlas,
)
from .atlas_denoiser import (
    AtlasDenoiser as AtlasDenoiser,
)
from .deepfloyd import (
    upscale as upscale,
)
from .denoiser import (
    Denoiser as Denoiser,
)
from .denoiser import (
    NoiseEstimate as NoiseEstimate,
)
from .denoiser import (
    PromptError as PromptError,
)
from .exact_worlds import (
    GaussianDenoiser as GaussianDenoiser,
)
from .exact_worlds import (
    PointDenoiser as PointDenoiser,
)
from .generate import (
    generate as generate,
)
from .generate import (
    spaced_timesteps as spaced_timesteps,
)
from .loading import (
    load_denoiser as load_denoiser,
)
from .noise_schedule import (
    squared_cosine_alphas_cumprod as squared_cosine_alphas_cumprod,
)
from .prompts import (
    PromptNotice as PromptNotice,
)
