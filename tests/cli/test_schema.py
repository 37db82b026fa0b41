"""`envspawner schema` takes what `check` takes, and refuses unknown keys and wrong types."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from envspawner.cli import main
from envspawner.policy import environment, sections
from envspawner.policy.descriptions import DESCRIPTIONS, SECTIONS
from envspawner.policy.document import parse_document
from envspawner.policy.load import load_policy
from envspawner.policy.located import Scalar
from envspawner.policy.problems import PolicyError
from envspawner.policy.schema import policy_schema
from tests.generated.policies import Written, policies

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA: Final = policy_schema()
VALIDATOR: Final = Draft202012Validator(SCHEMA)
BLOCKS: Final = [
    block
    for module in (environment, sections)
    for block in vars(module).values()
    if isinstance(block, type) and issubclass(block, environment.Block) and block is not environment.Block
]


def judged(text: str) -> tuple[bool, list[str]]:
    """Whether the schema takes a file's data, and what `check` says against it."""
    try:
        source, _ = parse_document(text.encode(), "p.yaml")
        load_policy([source])
    except PolicyError as error:
        said = [problem.message for problem in error.problems]
    else:
        said = []
    return VALIDATOR.is_valid(as_editors_see(source.data)), said


def as_editors_see(value: Any) -> Any:
    """A file's data as JSON has it."""
    if isinstance(value, dict):
        return {str(key): as_editors_see(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_editors_see(item) for item in value]
    if isinstance(value, Scalar) and value.tag in ("int", "float", "bool"):
        found = yaml.safe_load(value)
        return found if abs(found) < float("inf") else str(value)  # JSON has no infinity
    return None if value is None else str(value)


@pytest.mark.parametrize("word", ["true", "on", "No"])
def test_a_port_that_yaml_takes_for_true_or_false_is_no_name_of_a_port(word: str) -> None:
    policy = "defaults: {lifecycleHooks: {preStop: {tcpSocket: {port: %s}}}}"
    fits, said = judged(policy % word)
    assert not fits
    assert len(said) == 1
    assert "expected a whole number" in said[0]
    assert judged(policy % f"'{word.lower()}'") == (True, [])


def test_it_is_a_schema_of_the_2020_12_dialect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == SCHEMA
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(printed)


def test_the_example_policy_fits_it() -> None:
    assert judged((DOCS / "policy.yaml").read_text()) == (True, [])
    assert judged((DOCS / "mistakes.yaml").read_text())[0] is False


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_every_key_is_described_with_an_example_that_fits(block: type[BaseModel]) -> None:
    definition = SCHEMA["$defs"].get(block.__name__, {"properties": {}})
    for key, schema in definition["properties"].items():
        assert schema["description"]
        (example,) = schema["examples"]
        block.model_validate({key: example})
        found = VALIDATOR.evolve(schema={"$ref": f"#/$defs/{block.__name__}", "$defs": SCHEMA["$defs"]})
        assert not list(found.iter_errors({key: example}))


def test_every_section_is_described_with_an_example_that_fits() -> None:
    assert list(SCHEMA["properties"]) == list(sections.SECTIONS) == list(SECTIONS)
    for name, (_, example) in SECTIONS.items():
        assert judged(yaml.safe_dump({name: example})) == (True, [])


def test_nothing_is_described_that_is_no_key() -> None:
    keys = {
        f"{base.__name__}.{block.model_fields[name].alias}"
        for block in BLOCKS
        for base in block.__mro__
        for name in vars(base).get("__annotations__", ())
        if name in getattr(block, "model_fields", ())
    }
    assert set(DESCRIPTIONS) <= keys


FINE = {
    "numbers as text": "defaults: {image: {name: a, tag: 1.10}, extraEnv: {A: 1, B: 0002, C: true, D: 2026-11-02}}",
    "nulls": "defaults: {memory: null, extraEnv: {A: null}, image: {tag: null}, initContainers: {a: null}}\nadmins:",
    "amounts": "defaults: {memory: {limit: ' 1.5 G ', guarantee: 50%}, cpu: {limit: 500m}, storage: {capacity: 1e9}}",
    "words for true": "defaults: {allowPrivilegeEscalation: yes}\nprofiles: {a: {default: on}}",
    "one for a list": "defaults: {cmd: x, supplementalGids: 1, image: {pullSecrets: {name: a}}}",
    "file modes": "defaults: {storage: {extraVolumes: [{name: a, secret: {secretName: b, defaultMode: 0644}}]}}",
    "starter files": "defaults: {copyOnce: {from: /a}}\nusers: {a: {copyOnce: [{from: /a}]}, b: {copyOnce: /a}}",
    "ends": "users: {a: {until: 2026-12-20}, b: {until: 2026-12-20T18:00+01:00}, c: {until: '2026-12-20 18:00'}}",
    "bounds": "defaults: {atMost: {memory: 8G, cpu: null, storage: 1Gi, nvidia.com/gpu: 2}}",
    "resources": "defaults: {extraResource: {limits: {nvidia.com/gpu: '1', ephemeral-storage: 1Gi}}}",
    "other traits": "defaults: {kubespawnerOverride: {debug: true, args: [a], pod_security_context: {runAsUser: 1}}}",
    "keys of pods": "defaults: {extraPodConfig: {dnsPolicy: Default, hostAliases: [{ip: 10.0.0.1, hostnames: [a]}]}}",
    "a typed image": "profiles: {a: {options: {b: {other: {images: [a/*]}}, c: {other: {pattern: x, message: y}}}}}",
    "nothing in sections": "version: 1\ndefaults:\ngroups:\nadmins:\nusers: {ada: }\nprofiles: {small: }",
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_what_check_takes_fits(text: str) -> None:
    assert judged(text) == (True, [])


WRONG = {
    "an unknown section": "defautls: {}",
    "an unknown key": "defaults: {memroy: {limit: 1G}}",
    "an unknown key of a block": "defaults: {memory: {limt: 1G}}",
    "an unknown key of Kubernetes": "defaults: {extraTolerations: [{kye: a}]}",
    "an unknown key of an entry": "defaults: {extraContainers: {a: {name: a, image: b, imag: c}}}",
    "an unknown trait": "defaults: {kubespawnerOverride: {working_dirr: /a}}",
    "a trait with a key of its own": "defaults: {kubespawnerOverride: {mem_limit: 1G}}",
    "a field with a key of its own": "defaults: {extraPodConfig: {containers: []}}",
    "an unknown resource": "defaults: {atMost: {memroy: 1G}}",
    "a resource with a key of its own": "defaults: {extraResource: {limits: {memory: 1G}}}",
    "a key of a profile in a rule": "defaults: {displayName: a}",
    "a key of a rule in a profile": "profiles: {a: {until: 2026-12-20}}",
    "text for a mapping": "defaults: {memory: 1G}",
    "a list for a mapping": "groups: [staff]",
    "a mapping for text": "defaults: {defaultUrl: {a: b}}",
    "a list for text": "defaults: {extraEnv: {A: [1]}}",
    "no amount": "defaults: {memory: {limit: 10 Gib}}",
    "true for an amount": "defaults: {cpu: {limit: true}}",
    "an unknown word": "defaults: {storage: {type: dynamc}}",
    "text for true or false": "defaults: {allowPrivilegeEscalation: maybe}",
    "a fraction for a whole number": "defaults: {uid: 1.5}",
    "a number too large": "defaults: {startTimeout: 100000}",
    "no date": "users: {a: {until: tomorrow}}",
    "an empty text": "profiles: {a: {displayName: ''}}",
    "a missing field": "defaults: {storage: {extraVolumeMounts: [{name: a}]}}",
    "an unknown version": "version: 2",
    "names for allow": "profiles: {a: {allow: [staff]}}",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_check_refuses_for_keys_and_types_does_not_fit(text: str) -> None:
    fits, said = judged(text)
    assert said
    assert not fits


# --- generated policies ----------------------------------------------------------------------------------------

GENERATED: Final = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def test_whatever_check_takes_fits() -> None:
    seen: Counter[bool] = Counter()

    @GENERATED
    @given(policies())
    def fits(written: Written) -> None:
        right, said = judged(written.text)
        seen[not said] += 1
        assert right or said, written.text

    fits()
    assert seen[True] >= 15


OF_KEYS_OR_TYPES: Final = re.compile(
    r"unknown (key|resource)|KubeSpawner has no trait|"
    "expected (a mapping|a list|text|true or false|a whole number|a date|a quantity).*, got"
)


def places_in(data: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of every value, at any depth."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield data, key
        if isinstance(value, dict | list):
            yield from places_in(value)


SLIPS: Final = st.sampled_from([{"no such key": 1}, [["x"]], {"x": ["y"]}, "no such word", 7, True, 1.5, []])


def test_whatever_check_refuses_for_its_keys_or_types_does_not_fit() -> None:
    seen: Counter[bool] = Counter()

    @settings(GENERATED, max_examples=120)
    @given(policies(), st.data())
    def refused(written: Written, data: st.DataObject) -> None:
        changed = copy.deepcopy(written.data)
        container, key = data.draw(st.sampled_from(list(places_in(changed)) or [(changed, "defaults")]))
        if isinstance(container[key], dict) and data.draw(st.booleans()):
            container[key]["no such key"] = data.draw(SLIPS)
        else:
            container[key] = data.draw(SLIPS)
        text = yaml.safe_dump(changed, allow_unicode=True)
        fits, said = judged(text)
        wrong = [message for message in said if OF_KEYS_OR_TYPES.match(message)]
        seen[bool(wrong)] += 1
        assert not (fits and wrong), (wrong, text)
        assert fits or said, text

    refused()
    assert seen[True] >= 30
