"""What an admin writes: YAML or traits become a frozen Policy, or problems with their places."""
