"""The families of concepts that a configuration chooses from, in the order in which data flows."""

from prediction_difference.registry import Family

_PACKAGE = "prediction_difference"
SOURCES = Family("source", f"{_PACKAGE}.data.sources", f"{_PACKAGE}.data.source:Source")
PRIORS = Family("kind", f"{_PACKAGE}.priors.kinds", f"{_PACKAGE}.priors.kind:Prior")
SAMPLERS = Family(
    "sampler", f"{_PACKAGE}.priors.samplers", f"{_PACKAGE}.priors.sampling:Sampling", is_short=True
)
CLASSIFIERS = Family(
    "kind", f"{_PACKAGE}.classifiers.kinds", f"{_PACKAGE}.classifiers.kind:Classifier"
)
METHODS = Family(
    "method", f"{_PACKAGE}.attribution.methods", f"{_PACKAGE}.attribution.method:Method"
)
MEASURES = Family(
    "measure", f"{_PACKAGE}.evaluation.measures", f"{_PACKAGE}.evaluation.measure:Measure"
)
CLAIMS = Family("claim", f"{_PACKAGE}.evaluation.claims", f"{_PACKAGE}.evaluation.claim:Claim")
FIGURES = Family("kind", f"{_PACKAGE}.figures.kinds", f"{_PACKAGE}.figures.kind:Figure")
