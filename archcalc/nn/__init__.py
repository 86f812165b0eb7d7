"""`Graph` -> torch network: layers, initialisation, what fvcore and torch count, verification."""
