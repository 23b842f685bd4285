"""Evaluation: run the detectors over new activities and store the signals that they find."""
