"""How Faust gets in at Kafka: aiokafka's options in Faust's words."""

from collections.abc import Mapping
from typing import Any

from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT


def credentials(access: Mapping[str, Any]) -> CredentialsT | None:
    """Give Faust's credentials for `security_protocol`, `sasl_...` and `ssl_context`."""
    context = access.get("ssl_context")
    if "sasl_mechanism" not in access:
        return SSLCredentials(context) if context else None
    if provider := access.get("sasl_oauth_token_provider"):
        return OAuthCredentials(oauth_cb=provider, ssl_context=context)
    return SASLCredentials(
        username=access["sasl_plain_username"],
        password=access["sasl_plain_password"],
        mechanism=access["sasl_mechanism"],
        ssl_context=context,
    )
