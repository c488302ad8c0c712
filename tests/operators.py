"""What the operators of KEDA and Prometheus accept, as far as the manifests use it.

Sources: KEDA 2.20, "ScaledObject specification", "Authentication" and "Apache Kafka" (scaler);
Prometheus Operator, API reference, "ServiceMonitorSpec" and "Endpoint".
"""

from typing import Any, Final

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXTS: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_DURATION: Final[Schema] = {"type": "string", "pattern": r"^([0-9]+(ms|[smhdwy]))+$"}


def _closed(*required: str, **fields: Schema) -> Schema:
    """Refuse fields that are not listed, as `kubectl apply` does."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": fields,
        "required": list(required),
    }


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def _kind(api_version: str, spec: Schema) -> Schema:
    version, metadata = {"const": api_version}, {"type": "object", "required": ["name"]}
    fields = {"apiVersion": version, "kind": _TEXT, "metadata": metadata, "spec": spec}
    return _closed(*fields, **fields)


_POLICY: Final = _closed(
    *("type", "value", "periodSeconds"),
    type={"enum": ["Pods", "Percent"]},
    value=_WHOLE,
    periodSeconds=_WHOLE,
)
_DIRECTION: Final = _closed(
    stabilizationWindowSeconds=_WHOLE,
    selectPolicy={"enum": ["Max", "Min", "Disabled"]},
    policies=_list(_POLICY),
)
_KAFKA: Final = _closed(
    *("bootstrapServers", "consumerGroup", "topic"),
    bootstrapServers=_TEXT,
    consumerGroup=_TEXT,
    topic=_TEXT,
    lagThreshold={"type": "string", "pattern": "^[1-9][0-9]*$"},
    offsetResetPolicy={"enum": ["latest", "earliest"]},
    sasl={"enum": ["none", "plaintext", "scram_sha256", "scram_sha512", "oauthbearer", "gssapi"]},
    tls={"enum": ["enable", "disable"]},
)
_TRIGGER: Final = _closed(
    *("type", "metadata"),
    type={"const": "kafka"},
    authenticationRef=_closed("name", name=_TEXT),
    metadata=_KAFKA,
)
_SCALED_OBJECT: Final = _closed(
    *("scaleTargetRef", "triggers"),
    scaleTargetRef=_closed("name", name=_TEXT),
    minReplicaCount=_WHOLE,
    maxReplicaCount=_WHOLE,
    pollingInterval=_WHOLE,
    cooldownPeriod=_WHOLE,
    advanced=_closed(
        horizontalPodAutoscalerConfig=_closed(
            behavior=_closed(scaleUp=_DIRECTION, scaleDown=_DIRECTION)
        )
    ),
    triggers=_list(_TRIGGER),
)
_SECRET: Final = _closed("parameter", "name", "key", parameter=_TEXT, name=_TEXT, key=_TEXT)
_ENDPOINT: Final = _closed(
    "port", port=_TEXT, path=_TEXT, interval=_DURATION, scrapeTimeout=_DURATION
)
_SERVICE_MONITOR: Final = _closed(
    *("selector", "endpoints"),
    jobLabel=_TEXT,
    selector=_closed(matchLabels=_TEXTS),
    endpoints=_list(_ENDPOINT),
)

ACCEPTED: Final[dict[str, Schema]] = {
    "ScaledObject": _kind("keda.sh/v1alpha1", _SCALED_OBJECT),
    "TriggerAuthentication": _kind(
        "keda.sh/v1alpha1", _closed("secretTargetRef", secretTargetRef=_list(_SECRET))
    ),
    "ServiceMonitor": _kind("monitoring.coreos.com/v1", _SERVICE_MONITOR),
}
