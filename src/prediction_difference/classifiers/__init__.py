"""Stage 3: classifiers, trained in the pipeline or brought along, with their cards."""
