"""The edge towards JupyterHub: EnvSpawner itself."""
