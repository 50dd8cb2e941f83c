"""What a user types: each command parses its options and calls the rooms below."""
