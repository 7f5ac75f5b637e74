from .drawing_pad import (
    DrawingPad as DrawingPad,
)
from .drawing_pad import (
    MaskBrush as MaskBrush,
)
from .figures import (
    show as show,
)
from .figures import (
    slider as slider,
)
from .files import (
    PictureError as PictureError,
)
from .files import (
    course_mask as course_mask,
)
from .files import (
    course_picture as course_picture,
)
from .files import (
    load_picture as load_picture,
)
from .files import (
    tower_picture as tower_picture,
)
from .path_drawing import (
    draw_paths as draw_paths,
)
from .plots import (
    histograms as histograms,
)
from .plots import (
    line_plot as line_plot,
)
from .plots import (
    quality_plot as quality_plot,
)
from .saving import (
    save_gif as save_gif,
)
from .unet_drawing import (
    draw_unet as draw_unet,
)
from .views import (
    Jigsaw as Jigsaw,
)
from .views import (
    Negative as Negative,
)
from .views import (
    Turned as Turned,
)
from .views import (
    Upright as Upright,
)
from .views import (
    UpsideDown as UpsideDown,
)
from .views import (
    View as View,
)
