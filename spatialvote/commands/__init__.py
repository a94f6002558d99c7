"""One file for each command of ``spatialvote``: `add` says its arguments, `command` runs it."""
