"""What every page, picture and table is made of: one style, safe text, blocks and sections."""
