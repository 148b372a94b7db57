"""Who is who: data in TOML, and the code that reads it into frozen models."""
