"""The one table of ops: shape rule, parameters, multiply-adds, traffic and properties of each. No torch."""
