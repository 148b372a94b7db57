"""Chargebacks (tra soát, đòi hoàn): noticed, answered with evidence, won, or lost by a debit (V03)."""
