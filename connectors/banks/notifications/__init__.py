"""What banks and gateways tell us of money: one dialect a file, pure functions over the bytes that came."""
