"""Several settings of one configuration: what they share, and what each has of its own."""

from collections.abc import Mapping
from typing import Any

from prediction_difference.errors import Problem, choose

SETTINGS, SETTING = "settings", "setting"


def with_setting(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """A configuration with one of its `settings` laid over it, and what is wrong with them.

    `setting` names the one that is taken, else the first is. Its keys take the place of those of
    the same path; mappings are merged, everything else is replaced.
    """
    shared = {key: value for key, value in raw.items() if key not in (SETTINGS, SETTING)}
    settings, chosen = raw.get(SETTINGS), raw.get(SETTING)
    if settings is None:
        return shared, [] if chosen is None else [_without_settings(chosen)]
    if not isinstance(settings, Mapping) or not settings:
        return shared, [Problem(SETTINGS, "holds none", "write name: sections below it")]
    name = next(iter(settings)) if chosen is None else chosen
    if name not in settings:
        what = f"there is no setting {str(name)!r}"
        return shared, [Problem(SETTING, what, choose(str(name), map(str, settings)))]
    own = settings[name] or {}
    if not isinstance(own, Mapping):
        return shared, [Problem(f"{SETTINGS}.{name}", "not a mapping", "write sections below it")]
    return _merged(shared, own), []


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in over.items():
        old = base.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _merged(old, value)
        both[key] = value
    return both


def _without_settings(chosen: Any) -> Problem:
    return Problem(
        SETTING, f"{chosen!r} is asked for, but the file has no settings", "remove setting"
    )
