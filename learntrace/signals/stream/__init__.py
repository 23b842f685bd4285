"""`GET /v1/signal/academy/stream`: the changes in an academy as server-sent events."""
