"""Stage 0: the configuration, its model and its checks."""

from prediction_difference.attribution.image_choice import batches, slots
from prediction_difference.config.loading import (
    inspect_config,
    parse_config,
    read_config,
    read_yaml,
)
from prediction_difference.config.plan import is_clinical, windows_of_prior
from prediction_difference.run import Config
from prediction_difference.settings import variables_in

__all__ = [
    "Config",
    "batches",
    "inspect_config",
    "is_clinical",
    "parse_config",
    "read_config",
    "read_yaml",
    "shards",
    "shown_slots",
    "slots",
    "variables_in",
    "windows_of_prior",
]
