from .class_conditioned_flow import (
    class_flow_loss as class_flow_loss,
    class_flow_sample as class_flow_sample,
)
from .class_conditioning import (
    ClassConditionalUNet as ClassConditionalUNet,
    class_ddpm_loss as class_ddpm_loss,
    class_ddpm_sample as class_ddpm_sample,
    drop_classes as drop_classes,
)
from .classical_denoising import (
    best_blur as best_blur,
    blur_denoise as blur_denoise,
    psnr as psnr,
)
from .classifier_free_guidance import (
    guide as guide,
    iterative_denoise_cfg as iterative_denoise_cfg,
)
from .ddim import (
    ddim_invert as ddim_invert,
    ddim_sample as ddim_sample,
    ddim_step as ddim_step,
    heun_step as heun_step,
)
from .denoiser import (
    add_noise as add_noise,
    denoising_loss as denoising_loss,
    train_epoch as train_epoch,
)
from .evaluation import (
    frechet_distance as frechet_distance,
    nearest_distances as nearest_distances,
    precision_recall as precision_recall,
    share_read_as_asked as share_read_as_asked,
)
from .few_steps import (
    make_pairs as make_pairs,
    one_step_sample as one_step_sample,
    reflow_loss as reflow_loss,
    straightness as straightness,
)
from .flow_matching import (
    flow_loss as flow_loss,
    flow_sample as flow_sample,
    interpolate as interpolate,
)
from .forward_noising import (
    forward as forward,
)
from .hybrid_images import (
    hybrid_noise as hybrid_noise,
    make_hybrids as make_hybrids,
)
from .image_to_image import (
    edit as edit,
)
from .inpainting import (
    inpaint as inpaint,
)
from .iterative_denoising import (
    iterative_denoise as iterative_denoise,
    posterior_mean as posterior_mean,
    strided_timesteps as strided_timesteps,
)
from .meet_the_denoiser import (
    sample_grid as sample_grid,
)
from .one_step_denoising import (
    one_step_denoise as one_step_denoise,
    predict_original as predict_original,
)
from .sampling import (
    sample as sample,
)
from .time_conditioning import (
    ScaledTimeUNet as ScaledTimeUNet,
    TimeConditionalUNet as TimeConditionalUNet,
    ddpm_loss as ddpm_loss,
    ddpm_sample as ddpm_sample,
    ddpm_schedule as ddpm_schedule,
)
from .unet import (
    Conv as Conv,
    ConvBlock as ConvBlock,
    DownBlock as DownBlock,
    DownConv as DownConv,
    FCBlock as FCBlock,
    Flatten as Flatten,
    UnconditionalUNet as UnconditionalUNet,
    Unflatten as Unflatten,
    UpBlock as UpBlock,
    UpConv as UpConv,
)
from .visual_anagrams import (
    anagram_noise as anagram_noise,
    make_flip_illusion as make_flip_illusion,
)
from .your_own_words import (
    OwnDenoiser as OwnDenoiser,
    PromptEncoder as PromptEncoder,
    TextConditionalUNet as TextConditionalUNet,
    text_ddpm_loss as text_ddpm_loss,
    tokenize as tokenize,
)
