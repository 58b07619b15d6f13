"""Stage 0: the configuration, its model and its checks."""

from prediction_difference.config.loading import parse_config, read_config
from prediction_difference.config.model import Config
from prediction_difference.config.plan import batches, slots, windows_of_prior

__all__ = ["Config", "batches", "parse_config", "read_config", "slots", "windows_of_prior"]
