"""An academy's settings, and one's own notification rules."""
