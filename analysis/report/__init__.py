"""The report of a fit: one self-contained HTML file, from the words of its answer to its record."""
