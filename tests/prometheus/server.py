"""A real Prometheus beside a test: what is deployed, in haste."""

import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from aiohttp import ClientError, ClientSession

from service.embedded.process import ChildProcess
from service.embedded.server import EmbeddedServer, free_ports, in_silence
from tests.prometheus.tools import tool

DEPLOYED: Final = Path(__file__).parents[2] / "deploy" / "prometheus"
_INTERVAL: Final = "200ms"


class EmbeddedPrometheus(EmbeddedServer):
    """Scrapes one worker and judges five times a second; no alert waits for its `for`.

    `in_place_of` replaces texts in the alerts: a threshold of half a minute by one of a second.
    """

    name = "Prometheus"
    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path, worker_port: int, in_place_of: Mapping[str, str]) -> None:
        super().__init__(directory, in_silence)
        self._worker_port = worker_port
        self._in_place_of = in_place_of
        (self.port,) = free_ports(1)

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Give the samples of an expression, as they are now. Raises ValueError for a wrong one."""
        data = await self._get("query", query=expression)
        return list(data["result"])

    async def alerts(self) -> dict[str, dict[str, Any]]:
        """Give the alerts that fire, by name."""
        data = await self._get("alerts")
        firing = [alert for alert in data["alerts"] if alert["state"] == "firing"]
        return {alert["labels"]["alertname"]: alert for alert in firing}

    async def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}"
        async with ClientSession() as http, http.get(url, params=parameters) as answer:
            body = await answer.json()
        if body["status"] != "success":
            raise ValueError(f"{parameters}: {body['error']}")
        return dict(body["data"])

    async def _prepare(self, log: BinaryIO) -> None:
        rules = self.directory / "rules"
        rules.mkdir(exist_ok=True)
        for file in (DEPLOYED / "rules").glob("*.yml"):
            (rules / file.name).write_text(self._hurried(file.read_text()))
        (self.directory / "prometheus.yml").write_text(self._configuration())

    def _hurried(self, rules: str) -> str:
        for text, other in self._in_place_of.items():
            if " alert:" in rules:
                assert text in rules, text
                rules = rules.replace(text, other)
        return re.sub(r"\bfor: \w+", "for: 0s", rules)

    def _configuration(self) -> str:
        text = (DEPLOYED / "prometheus.yml").read_text()
        assert "localhost:8080" in text
        text = text.replace("localhost:8080", f"127.0.0.1:{self._worker_port}")
        times = r"(scrape_interval|scrape_timeout|evaluation_interval): \w+"
        return re.sub(times, rf"\1: {_INTERVAL}", text)

    async def _launch(self, log: BinaryIO) -> ChildProcess:
        command = (
            tool("prometheus"),
            f"--config.file={self.directory}/prometheus.yml",
            f"--storage.tsdb.path={self.directory}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        )
        return await ChildProcess.start(command, log=log)

    async def _answers(self) -> bool:
        try:
            async with (
                ClientSession() as http,
                http.get(f"http://127.0.0.1:{self.port}/-/ready") as answer,
            ):
                return answer.status == 200
        except ClientError:
            return False
