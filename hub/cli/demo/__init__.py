"""`hub demo`: invented submissions through the whole hub, and the proof that none was lost or doubled."""
