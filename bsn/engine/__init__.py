"""One training loop for everybody: loop, checkpoint, resume, schedule, optimisers, weight averaging, journal.

The engine knows a :class:`~bsn.engine.task.Task` (modules and optimisers, updates of one step, validation, state), never
images. Blind-spot training, distillation, restoration and architecture search are tasks of the same engine.
"""

from bsn.engine.allocator import keep_freed_memory
from bsn.engine.checkpoint import load_checkpoint, save_checkpoint
from bsn.engine.config import LoopConfig
from bsn.engine.devices import is_first_process
from bsn.engine.errors import Interrupted, RunError, TrainingDiverged
from bsn.engine.loop import FitResult, fit
from bsn.engine.optimizers import OptimizerName, OptimizerSettings, make_optimizer
from bsn.engine.recipes import Recipe, RecipeBook
from bsn.engine.run_folder import RunFolder
from bsn.engine.run_settings import RunSettings, named_images, plain
from bsn.engine.side_effects import generators_restored, process_restored
from bsn.engine.task import Part, Task, Update
from bsn.engine.watching import Progress, Watch

__all__ = [
    "FitResult",
    "Interrupted",
    "LoopConfig",
    "OptimizerName",
    "OptimizerSettings",
    "Part",
    "Progress",
    "Recipe",
    "RecipeBook",
    "RunError",
    "RunFolder",
    "RunSettings",
    "Task",
    "TrainingDiverged",
    "Update",
    "Watch",
    "fit",
    "generators_restored",
    "is_first_process",
    "keep_freed_memory",
    "load_checkpoint",
    "make_optimizer",
    "named_images",
    "plain",
    "process_restored",
    "save_checkpoint",
]
