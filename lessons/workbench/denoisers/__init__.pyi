from .atlas import (
    Atlas as Atlas,
    AtlasError as AtlasError,
    Style as Style,
    Subject as Subject,
    atlas_folder as atlas_folder,
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
    NoiseEstimate as NoiseEstimate,
    PromptError as PromptError,
)
from .exact_worlds import (
    GaussianDenoiser as GaussianDenoiser,
    PointDenoiser as PointDenoiser,
)
from .generate import (
    generate as generate,
    spaced_timesteps as spaced_timesteps,
)
from .loading import (
    load_denoiser as load_denoiser,
)
from .noise_schedule import (
    squared_cosine_alphas_cumprod as squared_cosine_alphas_cumprod,
)
from .patch_prior import (
    load_patch_prior as load_patch_prior,
)
from .prompts import (
    PromptNotice as PromptNotice,
)
