"""Turnout of cells: entitled and voting persons by origin, age, sex, area and election."""
