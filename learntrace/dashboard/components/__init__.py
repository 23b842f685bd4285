"""Parts of pages: tables, filters, labels, timelines, lines of signals and webhooks."""
