"""The `envspawner` command."""
