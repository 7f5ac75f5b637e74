"""DeepFloyd IF in miniature: the real classes with a few thousand random parameters, on disk."""

import shutil
from pathlib import Path

import torch
from diffusers import DDPMScheduler, IFPipeline, IFSuperResolutionPipeline, UNet2DConditionModel
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

WIDTH = 32
_UNET = {
    "layers_per_block": 1,
    "block_out_channels": [4, 4, 8, 16],  # attention only at 8x8: at 32x32 it is slow
    "cross_attention_dim": WIDTH,
    "encoder_hid_dim": WIDTH,
    "attention_head_dim": 8,
    "down_block_types": ["ResnetDownsampleBlock2D"] * 3 + ["SimpleCrossAttnDownBlock2D"],
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": ["SimpleCrossAttnUpBlock2D"] + ["ResnetUpsampleBlock2D"] * 3,
    "out_channels": 6,
    "resnet_time_scale_shift": "scale_shift",
    "time_embedding_type": "positional",
    "norm_num_groups": 4,
}


def scheduler(**changes: object) -> DDPMScheduler:
    """The first stage's scheduler; nothing is clamped unless asked for."""
    options = {
        "num_train_timesteps": 1000,
        "beta_schedule": "squaredcos_cap_v2",
        "variance_type": "learned_range",
        "prediction_type": "epsilon",
        "thresholding": False,
        "clip_sample": False,
    }
    return DDPMScheduler(**{**options, **changes})


def _text_encoder() -> T5EncoderModel:
    config = T5Config(
        vocab_size=64, d_model=WIDTH, d_kv=8, d_ff=37, num_layers=2, num_heads=4, dropout_rate=0.0
    )
    return T5EncoderModel(config).eval()


def _tokenizer() -> PreTrainedTokenizerFast:
    """Letters as tokens, with T5's special tokens and its end of sentence."""
    letters = "▁abcdefghijklmnopqrstuvwxyz0123456789,.-"
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)] + [(c, -3.0) for c in letters]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=77,
    )


def _stage_1(**scheduler_changes: object) -> IFPipeline:
    """A random first stage; the same one every time."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(sample_size=64, in_channels=3, **_UNET)
    return IFPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_text_encoder(),
        unet=unet,
        scheduler=scheduler(**scheduler_changes),
        safety_checker=None,
        feature_extractor=None,
        watermarker=None,
        requires_safety_checker=False,
    )


def save_stage_1(folder: Path, **scheduler_changes: object) -> Path:
    """Save a random first stage; the same one every time."""
    _stage_1(**scheduler_changes).save_pretrained(folder)
    return folder


def save_half(folder: Path, *, shards: bool, safe: bool) -> Path:
    """The same first stage in half precision alone, under that precision's names."""
    options = {"variant": "fp16", "safe_serialization": safe}
    pipeline = _stage_1().to(dtype=torch.float16)
    pipeline.save_pretrained(folder, **options)
    if shards:
        for part in ("unet", "text_encoder"):
            shutil.rmtree(folder / part)
            getattr(pipeline, part).save_pretrained(folder / part, max_shard_size="20KB", **options)
    return folder


def save_stage_2(folder: Path, **options: object) -> Path:
    """Save a random second stage, which takes noise and the enlarged picture: 6 channels."""
    torch.manual_seed(1)
    unet = UNet2DConditionModel(
        sample_size=256, in_channels=6, class_embed_type="timestep", **_UNET
    )
    IFSuperResolutionPipeline(
        tokenizer=_tokenizer(),
        text_encoder=_text_encoder(),
        unet=unet,
        scheduler=scheduler(),
        image_noising_scheduler=scheduler(variance_type="fixed_small"),
        safety_checker=None,
        feature_extractor=None,
        watermarker=None,
        requires_safety_checker=False,
    ).save_pretrained(folder, **options)
    return folder
