"""Whether the installation is well: health checks and Prometheus figures."""
