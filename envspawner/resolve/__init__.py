"""What a user gets, and why: (Policy, SpawnRequest) becomes a ResolvedEnvironment or a Refusal."""
