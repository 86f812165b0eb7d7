"""`Table` -> text: Markdown, HTML, LaTeX, CSV and JSON, one file a format."""
