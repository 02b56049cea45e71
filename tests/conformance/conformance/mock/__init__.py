"""A server that isn't one: it plays the server's side of a script for a client, and notes what the client breaks.

It keeps rooms and logs in memory, answers as PROTOCOL.md says, and does something else where a script says so.
"""
