"""From files to a competition: formats, roles, columns, tokens."""
