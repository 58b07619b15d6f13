"""Methods of explanation in words: in short, below a panel, and with every parameter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Words:
    """What a method is called. short: two lines. long: with all parameters, in one sentence."""

    short: Callable[[Settings], str]
    long: Callable[[Settings], str]


def _norm(settings: Settings) -> str:
    return {"l2": "Euclidean", "linf": "maximum", "squared": "squared Euclidean"}.get(
        settings["norm"], str(settings["norm"])
    )


def _over_channels(settings: Settings) -> str:
    return "sum" if settings["norm"] == "sum" else f"{_norm(settings)} norm"


def _policies(settings: Settings) -> str:
    bias = {"ignored": "biases left out", "absorbs": "biases keep their share"}
    pool = {"winner": "largest value", "proportional": "all in proportion"}
    norm = {"passed": "passed on", "expanded": "expanded to first order"}
    return (
        f"{bias[settings['bias']]}, max pooling: {pool[settings['max_pool']]}, local response "
        f"normalisation: {norm[settings['normalisation']]}"
    )


def _epsilon(settings: Settings) -> str:
    unit = " of a layer's root mean square" if settings["relative"] else ""
    return f"epsilon = {settings['epsilon']:g}{unit}"


def _alpha_beta(settings: Settings) -> str:
    return f"alpha = {settings['alpha']:g}, beta = {settings['beta']:g}"


def _deep_taylor(settings: Settings) -> str:
    number = settings["relevance_model"]
    rules = [f"{settings['first']} on pixels"]
    rules += [f"{rule} in {layer}" for layer, rule in settings["layers"].items()]
    said = ", ".join([*rules, "z+ above"])
    return said if number is None else f"{said}, min-max relevance model {number}"


def _box(settings: Settings) -> str:
    return f"values of {settings['lowest']:g} to {settings['highest']:g}"


WORDS = {
    "sensitivity": Words(
        lambda s: f"gradient\n{_norm(s)} norm",
        lambda s: f"sensitivity, {_norm(s)} norm over channels of the gradient",
    ),
    "deconvolution": Words(
        lambda s: f"deconvolution\n{_over_channels(s)}",
        lambda s: (
            f"deconvolution, {_over_channels(s)} over channels, from "
            + ("the class score" if s["start"] == "slope" else "the map or score of the class")
        ),
    ),
    "guided_backprop": Words(
        lambda s: f"guided backpropagation\n{_norm(s)} norm",
        lambda s: f"guided backpropagation, {_norm(s)} norm over channels",
    ),
    "gradient_times_input": Words(
        lambda s: "gradient x input\nsum of channels",
        lambda s: "gradient by the normalised image times it, summed over channels",
    ),
    "integrated_gradients": Words(
        lambda s: f"integrated gradients\n{s['steps']} steps",
        lambda s: (
            f"integrated gradients in {s['steps']} steps from an image of {s['baseline']:g}, "
            "summed over channels"
        ),
    ),
    "lrp_epsilon": Words(
        lambda s: f"layer-wise relevance\n{_epsilon(s)}",
        lambda s: f"layer-wise relevance propagation, {_epsilon(s)}, {_policies(s)}",
    ),
    "lrp_alpha_beta": Words(
        lambda s: f"layer-wise relevance\n{_alpha_beta(s)}",
        lambda s: f"layer-wise relevance propagation, {_alpha_beta(s)}, {_policies(s)}",
    ),
    "deep_taylor": Words(
        lambda s: (
            "deep Taylor\n" + ("training-free" if s["relevance_model"] is None else "min-max model")
        ),
        lambda s: f"deep Taylor decomposition, {_deep_taylor(s)}, {_box(s)}, {_policies(s)}",
    ),
    "taylor": Words(
        lambda s: f"Taylor\nat {s['reached']:.0%} of the score",
        lambda s: (
            f"Taylor decomposition at a near point with {s['reached']:.0%} of the score, {_box(s)},"
            f" found in {s['steps']} steps from "
            + (f"random point {s['start']}" if s["start"] else "the image")
            + (f" and {s['starts'] - 1} next ones" if s["starts"] > 1 else "")
        ),
    ),
    "occlusion": Words(
        lambda s: f"occlusion\nwindows of {s['window']}, value {s['fill']:g}",
        lambda s: (
            f"occlusion by windows of side {s['window']} and value {s['fill']:g}, stride "
            f"{s['stride']}"
        ),
    ),
    "weights": Words(
        lambda s: "weights\nof the log odds",
        lambda s: "weights of the log odds",
    ),
    "pattern": Words(
        lambda s: "pattern\ncovariance x weights",
        lambda s: (
            "pattern, covariance of the training images times the weights, by the variance of "
            "the log odds"
        ),
    ),
    "deviation": Words(
        lambda s: f"deviation{' x weights' if s['weighted'] else ''}\nfrom the training mean",
        lambda s: (
            "deviation from the mean of the training images, "
            + (
                "times the weights"
                if s["weighted"]
                else f"{s['favours']} values for the second class"
            )
        ),
    ),
    "random": Words(
        lambda s: "random numbers\nbaseline",
        lambda s: "uniform random numbers, the baseline",
    ),
    "segmentation": Words(
        lambda s: f"segmentation\n{s['foreground']} pixels",
        lambda s: f"segmentation, 1 on pixels on the {s['foreground']} side of Otsu's threshold",
    ),
}
"""Of all methods but prediction difference analysis, whose words depend on its maps too."""


def with_settings(explanation: str, settings: Settings) -> str:
    """An explanation's name, its method and all parameters, where no map is at hand."""
    if settings["method"] in WORDS:
        return f"{explanation}: {WORDS[settings['method']].long(settings)}"
    return (
        f"{explanation}: prediction difference analysis, {settings['sampler']} sampling, windows "
        f"of side k = {settings['window']}, stride {settings['stride']}"
    )
