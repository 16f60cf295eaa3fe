"""Reports: the daily brief and the post-incident review, each one self-contained page of HTML.

Read only: a report reads the store, and writes files below the folder it is given. The same store, plan and `as_of`
give the same bytes. A page loads nothing: one inline style, inlined SVG, no script.
"""
