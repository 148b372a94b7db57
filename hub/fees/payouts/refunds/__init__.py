"""Refunds (hoàn trả): money that came and goes back to its payer."""
