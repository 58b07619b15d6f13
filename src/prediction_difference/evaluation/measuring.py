"""From an evaluation in the configuration to its table, for measures that need one job only."""

from pathlib import Path
from typing import Any

from prediction_difference import layout
from prediction_difference.classifiers.device import choose_device
from prediction_difference.evaluation.aggregation import measure_aggregation
from prediction_difference.evaluation.cohort_accuracy import measure_cohort_accuracy
from prediction_difference.evaluation.complexity import measure_complexity
from prediction_difference.evaluation.consistency import measure_consistency
from prediction_difference.evaluation.continuity import measure_continuity
from prediction_difference.evaluation.dominance import measure_dominance
from prediction_difference.evaluation.image_specificity import measure_image_specificity
from prediction_difference.evaluation.location import join_cohorts
from prediction_difference.evaluation.measures.aggregation import Aggregation
from prediction_difference.evaluation.measures.cohort_accuracy import CohortAccuracy
from prediction_difference.evaluation.measures.complexity import HeatmapComplexity
from prediction_difference.evaluation.measures.consistency import Consistency
from prediction_difference.evaluation.measures.continuity import Continuity
from prediction_difference.evaluation.measures.dominance import Dominance
from prediction_difference.evaluation.measures.image_specificity import ImageSpecificity
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.evaluation.measures.strong_features import StrongFeatures
from prediction_difference.evaluation.strong_features import measure_strong_features
from prediction_difference.run import Config


def measure(config: Config, name: str, results: Path) -> Any:
    """The table of an evaluation; see the function of its measure.

    Raises:
        StoreError: an attribution store or the classifier is missing, or they do not fit.
    """
    settings, seed = config.evaluations[name], config.run.seed
    stores = {e: layout.attribution_stores(config, results, e) for e in settings.explanations}
    match settings:
        case HeatmapComplexity():
            return measure_complexity(settings, name, stores, seed)
        case Continuity():
            return measure_continuity(settings, name, config.explanations, seed)
        case ImageSpecificity():
            classifier = layout.classifier_folder(config, results, settings.explanations[0])
            device = choose_device(config.run.device)
            return measure_image_specificity(settings, name, stores, config, classifier, device)
        case StrongFeatures():
            classifier = layout.classifier_folder(config, results, settings.explanations[0])
            device = choose_device(config.run.device)
            return measure_strong_features(settings, name, stores, config, classifier, device)
        case Dominance():
            return measure_dominance(settings, name, stores, seed)
        case Consistency():
            return measure_consistency(settings, name, stores, seed)
        case LocationStudy(cohorts=cohorts):
            return join_cohorts(layout.cohort_tables(results, name, cohorts))
        case Aggregation():
            return measure_aggregation(settings, name, stores, seed)
        case CohortAccuracy():
            return measure_cohort_accuracy(settings, name, config)
        case _:
            raise TypeError(f"{settings.measure} is not measured by one job")
