"""Who somebody is: sign-in, sessions, roles and ranks."""
