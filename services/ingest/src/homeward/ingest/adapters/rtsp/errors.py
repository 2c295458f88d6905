"""What goes wrong with a camera, before it has the camera's name."""


class ProtocolError(Exception):
    """The camera broke a protocol or a limit. The text is a short reason that holds nothing the camera sent."""


class RefusedError(Exception):
    """The camera does not give what was asked for. The text is a short reason that holds nothing the camera sent."""


class EndedError(Exception):
    """The camera ended the stream, or began another in its place. The text is a short reason."""
