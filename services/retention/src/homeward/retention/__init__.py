"""Deletes what is too old, and wipes what an authorisation left behind."""
