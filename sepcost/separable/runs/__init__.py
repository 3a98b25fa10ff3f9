"""Run a network for its activations, its gradients and the change of its outputs."""
