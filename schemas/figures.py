"""How an amount is read in Vietnam. Nothing else is imported: the command line needs it before anything is loaded."""


def grouped(amount: int) -> str:
    """1.250.000, or -1.250.000."""
    return f"{amount:,}".replace(",", ".")
