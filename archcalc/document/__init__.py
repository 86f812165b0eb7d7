"""A file of Markdown -> `Document`: front matter, tables, `arch` blocks and footnotes with their places."""
