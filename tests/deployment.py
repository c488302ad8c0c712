"""What is in deploy/, read as the tools that it is for read it."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

HOME: Final = Path(__file__).parents[1]
DEPLOY: Final = HOME / "deploy"
Document = dict[str, Any]


def load(path: Path) -> Any:
    """Read the one document of a YAML file."""
    return yaml.safe_load(path.read_text())


def resources(directory: Path) -> list[Document]:
    """Give what a kustomization is made of, its ConfigMaps included."""
    kustomization = load(directory / "kustomization.yaml")
    found = [
        document
        for name in kustomization["resources"]
        for document in yaml.safe_load_all((directory / name).read_text())
    ]
    for generated in kustomization["configMapGenerator"]:
        pairs = (literal.partition("=") for literal in generated["literals"])
        data = {name: value for name, _, value in pairs}
        metadata = {"name": generated["name"]}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    return found


def one(documents: list[Document], kind: str) -> Document:
    """Give the only document of a kind."""
    [found] = [document for document in documents if document["kind"] == kind]
    return found


def pod_of(workload: Document) -> Document:
    """Give the pod of a Deployment or a Job."""
    pod: Document = workload["spec"]["template"]["spec"]
    return pod


@dataclass(frozen=True)
class Stage:
    """One stage of a Dockerfile: what it starts from, and (instruction, argument) in order."""

    image: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def arguments(self, instruction: str) -> list[str]:
        return [argument for name, argument in self.steps if name == instruction]


def stages(dockerfile: Path) -> list[Stage]:
    """Read a Dockerfile: comments go, continued lines are joined."""
    found: list[Stage] = []
    for line in _logical_lines(dockerfile.read_text()):
        instruction, _, argument = line.partition(" ")
        if instruction == "FROM":
            found.append(Stage(argument.split()[0]))
        else:
            found[-1].steps.append((instruction, argument.strip()))
    return found


def copied(stage: Stage) -> Iterator[tuple[str, str]]:
    """Give what comes from the tree, and where to."""
    for argument in stage.arguments("COPY"):
        *sources, target = shlex.split(argument)
        if not sources[0].startswith("--from"):
            yield from ((source, target) for source in sources)


def _logical_lines(text: str) -> Iterator[str]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            yield line.strip()
