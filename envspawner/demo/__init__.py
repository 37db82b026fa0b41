"""A real JupyterHub on this machine, with an embedded Kubernetes API instead of a cluster."""
