"""Turn events into activities, and activities into the telemetry document that LearnPack would send."""
