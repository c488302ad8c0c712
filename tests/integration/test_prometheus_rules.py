"""The real promtool judges what is deployed: configuration, rules, their stories, our metrics."""

import subprocess
from pathlib import Path

from service.metrics import Metrics
from tests.prometheus.server import DEPLOYED
from tests.prometheus.tools import tool


def promtool(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, str]:
    done = subprocess.run([tool("promtool"), *arguments], input=stdin, capture_output=True)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def test_the_configuration_is_valid_and_finds_its_rules() -> None:
    code, said = promtool("check", "config", DEPLOYED / "prometheus.yml")

    assert (code, "2 rule files found" in said) == (0, True), said


def test_every_rule_is_valid_and_none_is_there_twice() -> None:
    code, said = promtool("check", "rules", *sorted((DEPLOYED / "rules").glob("*.yml")))

    assert (code, "duplicate" in said) == (0, False), said


def test_every_alert_fires_in_its_story_and_in_no_other() -> None:
    code, said = promtool("test", "rules", DEPLOYED / "tests" / "alerts.yml")

    assert code == 0, said


def test_a_story_that_is_not_true_is_noticed(tmp_path: Path) -> None:
    stories = (DEPLOYED / "tests" / "alerts.yml").read_text()
    head, *each = stories.replace("../rules", str(DEPLOYED / "rules")).split('  - name: "')
    (drift,) = (story for story in each if story.startswith("ReservationsDrift:"))
    assert "0x4 3x60" in drift  # no unit has drifted, then three have
    wrong = drift.replace("0x4 3x60", "0x60")
    (tmp_path / "alerts.yml").write_text(f'{head}  - name: "{wrong}')

    code, said = promtool("test", "rules", tmp_path / "alerts.yml")

    assert (code, "ReservationsDrift" in said) == (1, True), said


def test_metrics_are_named_as_prometheus_wants_it() -> None:
    code, said = promtool("check", "metrics", stdin=Metrics().render())

    assert (code, said) == (0, "")
