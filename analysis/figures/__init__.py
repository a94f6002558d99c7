"""Maps and statistical figures, drawn without pyplot in one look."""
