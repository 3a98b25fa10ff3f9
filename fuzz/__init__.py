"""Fuzzing of whatever reads what others wrote: a result or a SepcostError, and nothing else.

``python -m fuzz`` runs every target of ``targets.TARGETS`` for a few seconds under atheris
(libFuzzer with coverage of the package), each in a child with its time and memory limited. What
breaks a target is kept in ``fuzz/findings/TARGET`` and replayed by ``tests/fuzz`` ever after, with
the seeds of ``fuzz/seeds.py``; both need no atheris.
"""
