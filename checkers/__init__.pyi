from .engine.check_cells import (
    check as check,
)
from .engine.check_cells import (
    hint as hint,
)
from .engine.check_cells import (
    when_ready as when_ready,
)
