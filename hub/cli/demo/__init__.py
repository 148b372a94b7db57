"""`hub demo`: invented submissions through the whole house, and the proof that none was lost or doubled."""
