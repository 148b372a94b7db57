"""How it is said: translators between our words and those of each counterparty. They know no room and keep no state."""
