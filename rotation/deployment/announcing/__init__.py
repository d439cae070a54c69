"""Where a deployment announces what happened to its secrets: to an event bus, a webhook, or as JSON lines."""
