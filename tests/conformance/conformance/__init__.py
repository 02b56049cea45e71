"""Conformance kit of Parlour's protocol: plays scripts against a server, over any carrier.

Written from PROTOCOL.md and the .proto files alone; shares no code with the server.
"""
