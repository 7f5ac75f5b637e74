from .captions import (
    caption as caption,
    held_out as held_out,
    load_captioned_pictures as load_captioned_pictures,
    make_vocabulary as make_vocabulary,
    read_as as read_as,
)
from .digit_classifier import (
    load_digit_classifier as load_digit_classifier,
    share_read_as as share_read_as,
)
from .digit_quality import (
    digit_features as digit_features,
)
from .epochs import (
    train_epochs as train_epochs,
)
from .flow_path import (
    flow_path as flow_path,
)
from .loop import (
    History as History,
    TrainingPlan as TrainingPlan,
    train as train,
)
from .loss_curve import (
    loss_plot as loss_plot,
)
from .mnist import (
    load_digits as load_digits,
)
from .profiles import (
    choose_profile as choose_profile,
)
from .text_block import (
    TextBlock as TextBlock,
)
