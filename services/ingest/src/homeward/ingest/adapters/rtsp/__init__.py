"""Cameras over RTSP 1.0 (RFC 2326) by a client of our own.

FFmpeg's tells neither which packets were lost nor what the camera's clock says, and wakes for every packet.
"""
