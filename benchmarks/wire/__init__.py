"""What servers send, taken apart fast. Pure: bytes go in, messages come out."""
