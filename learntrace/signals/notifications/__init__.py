"""Notifications of signals for teachers: their rules, the queue, and the channels by which they go out."""
