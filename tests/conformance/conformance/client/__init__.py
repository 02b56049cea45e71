"""Scripts for clients: a program drives the client under test, and the mock plays the server."""
