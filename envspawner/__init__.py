"""A JupyterHub spawner for Kubernetes that decides by policy what each user gets."""
