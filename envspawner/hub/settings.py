"""The settings that are a policy: its file, and its sections as traits."""

from __future__ import annotations

from traitlets import Dict, Float, HasTraits, Unicode


class PolicySettings(HasTraits):
    """What `c.EnvSpawner` holds of a policy. A policy is all of these together."""

    policy_file = Unicode(
        "",
        config=True,
        help="""
        Path of a YAML file with a policy.

        Its sections are `defaults`, `groups`, `admins`, `users` and `profiles`, as in the traits of the same
        names; an entry may stand in the file or in a trait, not in both. Check it with `envspawner check FILE`
        before you hand it to the hub: a wrong policy stops the hub at its start. A changed file is read again,
        see `policy_reload_seconds`.
        """,
    )
    policy_reload_seconds = Float(
        5.0,
        min=0,
        config=True,
        help="""
        How often the hub looks whether `policy_file` has changed, in seconds; 0 is never.

        A changed file counts for the starts that begin after it was read. One that cannot be used is reported in the
        log and in the hub's metrics, and the last good policy stays in force.
        """,
    )
    defaults = Dict(
        config=True,
        help="""
        What everybody gets, in the words of the `singleuser` block of the Zero to JupyterHub chart, e.g.::

            c.EnvSpawner.defaults = {
                "image": {"name": "quay.io/jupyter/scipy-notebook", "tag": "2026-11-02"},
                "memory": {"guarantee": "1G", "limit": "2G"},
                "storage": {"capacity": "10Gi"},
            }

        With `atMost` and `atLeast` it also bounds what stronger layers may give.
        """,
    )
    groups = Dict(
        config=True,
        help="""
        Rules by JupyterHub group; `*` in a name stands for any characters, and `{match}` for what it stood for.

        Of several groups of a user, the largest memory, CPU, capacity and extended resource holds; of everything
        else, what the group written later says.
        """,
    )
    admins = Dict(
        config=True,
        help="""
        A rule for servers whose owner is a hub admin. Stronger than groups, weaker than `users`.
        """,
    )
    users = Dict(
        config=True,
        help="""
        Rules by user name. Stronger than everything but what the user picks, and than bounds.
        """,
    )
    profiles = Dict(
        config=True,
        help="""
        What users pick from when they start a server, by a short name; in the order in which they are shown.

        `allow` says for whom a profile or a choice is: whoever it does not admit is neither shown it nor given
        it when asking for it by the REST API. Replaces `c.KubeSpawner.profile_list`; both together are an error.
        """,
    )
