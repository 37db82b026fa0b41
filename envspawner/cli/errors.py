"""How a command ends when it does not end well."""


class Fails(Exception):
    """The policy or the selection is wrong: exit code 1. The message goes to stderr."""


class CannotRun(Exception):
    """The command could not do its work: exit code 2. The message goes to stderr."""
