"""Counts, audits and records -> pages of findings, figures and tables; each page a function of its inputs.

`page` (what a page is, and its text), `kinds` and `layers` stand alone; `evidence` (records -> trials) <-
`words` (trials -> sentences) <- `sheets` <- the topics `architectures`, `audited` <- `single` <- `versus` <-
`factorization` <- `build`.
Nothing reads a clock or a device. Import from the modules.
"""
