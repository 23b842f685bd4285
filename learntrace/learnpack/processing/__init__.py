"""Processing: claiming pending webhooks, dispatching each to its action, and marking its outcome."""
