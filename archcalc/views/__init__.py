"""Results -> `Table`s: which columns a command shows, under which headers, with which scope."""
