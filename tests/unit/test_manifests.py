"""The Kubernetes manifests: what the API servers accept, and whether they fit together."""

from pathlib import Path
from typing import Final

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from service.cli import app
from service.secret_files import is_secret
from service.settings import PREFIX, Settings
from service.worker_process import KILL_SECONDS
from tests.deployment import DEPLOY, Document, load, one, pod_of, resources
from tests.operators import ACCEPTED

WORKERS: Final = resources(DEPLOY / "kubernetes")
SETUP: Final = resources(DEPLOY / "kubernetes" / "setup")
ALL: Final = [*WORKERS, *SETUP]
PODS: Final = [document for document in ALL if document["kind"] in ("Deployment", "Job")]
VERSIONS: Final = ("1.34", "1.37")


def name_of(document: Document) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


def assert_accepted(document: Document) -> None:
    if document["kind"] in ACCEPTED:
        Draft202012Validator(ACCEPTED[document["kind"]]).validate(document)
        return
    for version in VERSIONS:
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_the_api_accepts_it(document: Document) -> None:
    assert_accepted(document)


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_what_is_misspelt_is_refused(document: Document) -> None:
    misspelt = document | {"spec": document.get("spec", {}) | {"replica": 3}}

    with pytest.raises(Exception, match="replica"):
        assert_accepted(misspelt)


def test_every_kind_that_was_promised_is_there() -> None:
    kinds = {document["kind"] for document in ALL}

    assert kinds == {
        *("Deployment", "Job", "PodDisruptionBudget", "NetworkPolicy", "Service"),
        *("ServiceMonitor", "ScaledObject", "TriggerAuthentication", "ServiceAccount", "ConfigMap"),
    }


@pytest.mark.parametrize("directory", ["kubernetes", "kubernetes/setup"])
def test_a_kustomization_names_every_file_beside_it(directory: str) -> None:
    files = {path.name for path in (DEPLOY / directory).glob("*.yaml")}

    assert {*load(DEPLOY / directory / "kustomization.yaml")["resources"]} == files - {
        "kustomization.yaml"
    }


@pytest.mark.parametrize("workload", PODS, ids=name_of)
def test_a_pod_may_do_nothing_that_it_need_not(workload: Document) -> None:
    pod = pod_of(workload)
    [container] = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("workload", PODS, ids=name_of)
def test_secrets_are_referred_to_and_mounted(workload: Document) -> None:
    pod = pod_of(workload)
    [container] = pod["containers"]
    volumes = {each["name"]: each for each in pod["volumes"]}
    mounted = {each["mountPath"]: volumes[each["name"]] for each in container["volumeMounts"]}

    for name, value in settings_of(workload).items():
        if name.endswith("_FILE"):
            assert "secret" in mounted[str(Path(value).parent)], name
    assert not any(document["kind"] == "Secret" for document in ALL)


@pytest.mark.parametrize("workload", PODS, ids=name_of)
def test_settings_exist_and_hold(workload: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = Settings.model_fields
    for variable, value in settings_of(workload).items():
        name = variable.removeprefix(PREFIX).lower()
        if name in fields:
            assert not is_secret(fields[name]), variable
            monkeypatch.setenv(variable, value)
        else:
            assert is_secret(fields[name.removesuffix("_file")]), variable

    assert Settings().consumer_group == "reservations"


def settings_of(workload: Document) -> dict[str, str]:
    """Give a container's variables; of those that come from elsewhere, something."""
    [container] = pod_of(workload)["containers"]
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        [config] = [
            document["data"]
            for document in ALL
            if document["kind"] == "ConfigMap"
            and document["metadata"]["name"] == source["configMapRef"]["name"]
        ]
        found |= config
    return found | {each["name"]: each.get("value", "x") for each in container["env"]}


@pytest.mark.parametrize("workload", PODS, ids=name_of)
def test_commands_exist(workload: Document) -> None:
    [container] = pod_of(workload)["containers"]

    finished = CliRunner().invoke(app, [*container["args"], "--help"])

    assert finished.exit_code == 0, finished.output


def test_a_worker_is_killed_after_its_own_time_to_stop() -> None:
    pod = pod_of(one(WORKERS, "Deployment"))
    before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    own = float(one(WORKERS, "ConfigMap")["data"][f"{PREFIX}STOP_TIMEOUT"])

    assert own == Settings.model_fields["stop_timeout"].default
    assert pod["terminationGracePeriodSeconds"] >= before + own + KILL_SECONDS


def test_selectors_find_the_workers_and_ports_have_names() -> None:
    template = one(WORKERS, "Deployment")["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    [port] = template["spec"]["containers"][0]["ports"]
    service, monitor = one(WORKERS, "Service"), one(WORKERS, "ServiceMonitor")["spec"]

    for kind in ("Deployment", "PodDisruptionBudget"):
        assert one(WORKERS, kind)["spec"]["selector"]["matchLabels"].items() <= labels
    assert service["spec"]["selector"].items() <= labels
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    assert service["spec"]["ports"][0]["targetPort"] == port["name"] == "http"
    assert port["containerPort"] == Settings.model_fields["http_port"].default


def test_all_pods_are_behind_the_network_policy_which_lets_them_reach_their_servers() -> None:
    policy = one(WORKERS, "NetworkPolicy")["spec"]
    out = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    kafka = one(WORKERS, "ConfigMap")["data"][f"{PREFIX}KAFKA_BOOTSTRAP_SERVERS"]

    for workload in PODS:
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert out == {53, int(kafka.rpartition(":")[2]), 5432}


def test_it_scales_by_the_lag_of_every_topic_that_has_shoppers_and_not_beyond_the_lanes() -> None:
    scaled, config = one(WORKERS, "ScaledObject")["spec"], one(WORKERS, "ConfigMap")["data"]
    [topics] = [pod_of(job)["containers"][0]["args"] for job in SETUP if "topics" in name_of(job)]
    metadata = [trigger["metadata"] for trigger in scaled["triggers"]]
    read = {name for role, name in Settings().input_topics.items() if role != "expiry-ticks"}

    assert {each["topic"] for each in metadata} == read
    for each in metadata:
        assert each["bootstrapServers"] == config[f"{PREFIX}KAFKA_BOOTSTRAP_SERVERS"]
        assert each["consumerGroup"] == Settings().consumer_group
        mechanism = config[f"{PREFIX}KAFKA_SASL_MECHANISM"]
        assert each["sasl"] == mechanism.lower().replace("sha-", "sha").replace("-", "_")
    assert scaled["maxReplicaCount"] <= int(topics[topics.index("--partitions") + 1])
    assert scaled["scaleTargetRef"]["name"] == one(WORKERS, "Deployment")["metadata"]["name"]
    assert "replicas" not in one(WORKERS, "Deployment")["spec"]
