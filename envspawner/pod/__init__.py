"""What Kubernetes needs: a ResolvedEnvironment becomes values of KubeSpawner traits."""
