"""`Document` -> `Spec` -> `Graph`: the language of documents, the networks they hold, and their lowering."""
