"""The audit log as a document: its lines, its Merkle tree, its signed checkpoints, and how a copy is verified."""
