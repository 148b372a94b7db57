"""Payment notifications of banks and gateways: one dialect a file, pure functions over the bytes of the request."""
