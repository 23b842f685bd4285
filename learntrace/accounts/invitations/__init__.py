"""Invitations: a link with which somebody becomes a member of an academy."""
