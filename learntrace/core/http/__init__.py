"""HTTP requests and responses: error responses, pagination, filters, middleware, language."""
