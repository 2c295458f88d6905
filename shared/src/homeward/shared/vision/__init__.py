"""Pictures: decoding, alignment of faces, and what BlazeFace answers."""
