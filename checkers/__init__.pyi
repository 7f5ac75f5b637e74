from .engine.check_cells import (
    check as check,
    hint as hint,
    when_ready as when_ready,
)
