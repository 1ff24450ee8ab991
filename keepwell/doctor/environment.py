"""The settings themselves."""

from __future__ import annotations

from collections.abc import Sequence

from keepwell.doctor.findings import Note, ok, warning
from keepwell.doctor.scene import Scene
from keepwell.settings import unknown_variables


def variables(scene: Scene) -> Sequence[Note]:
    """No KEEPWELL_* variable that nobody reads: a misspelt one is not obeyed."""
    unknown = unknown_variables(also_known=scene.also_known)
    if not unknown:
        return [ok("every KEEPWELL_ variable is a setting")]
    return [warning(line, "Correct its name, or unset it.") for line in unknown]
