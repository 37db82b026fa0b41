"""Figures: EnvSpawner beside KubeSpawner in the same run. `python -m benchmarks` prints them."""
