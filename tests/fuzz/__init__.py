"""Fuzzing of everything that reads user input: it must return a result or raise a SepcostError.

``python -m tests.fuzz`` runs every target of ``targets.TARGETS`` for a few seconds under atheris
(libFuzzer, guided by coverage of the package), each in a child process with limited time and
memory. An input that breaks a target is kept in ``findings/TARGET`` and replayed by
``test_corpus.py`` from then on, together with the seeds of ``seeds.py``. Replaying does not need
atheris.
"""
