"""Stage 2: distributions over patches, and samplers that draw window contents from them."""
