"""The inbox of notebook events: parsing a batch, deciding whose each event is, and writing the rows."""
