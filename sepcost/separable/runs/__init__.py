"""Running a network: its activations, its gradients, and how far its outputs move."""
