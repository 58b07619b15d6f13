"""Backward passes over a followed network: gradients, deconvolution, and relevance by layers."""
