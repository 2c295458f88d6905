"""Records cameras: cuts clips without transcoding, keeps them safe until they are stored, announces them."""
