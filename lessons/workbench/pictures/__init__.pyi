from .drawing_pad import (
    DrawingPad as DrawingPad,
    MaskBrush as MaskBrush,
)
from .figures import (
    show as show,
)
from .files import (
    PictureError as PictureError,
    course_mask as course_mask,
    course_picture as course_picture,
    load_picture as load_picture,
    tower_picture as tower_picture,
)
from .path_drawing import (
    draw_paths as draw_paths,
)
from .plots import (
    histograms as histograms,
    line_plot as line_plot,
    quality_plot as quality_plot,
)
from .saving import (
    save_gif as save_gif,
    save_png as save_png,
)
from .sliders import (
    slider as slider,
)
from .unet_drawing import (
    draw_unet as draw_unet,
)
from .views import (
    Jigsaw as Jigsaw,
    Mirrored as Mirrored,
    Negative as Negative,
    Turned as Turned,
    Upright as Upright,
    UpsideDown as UpsideDown,
    View as View,
)
