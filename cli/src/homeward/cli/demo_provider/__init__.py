"""The sign-in provider of `homeward up` and `homeward demo`: real OpenID Connect, for people who do not exist."""
