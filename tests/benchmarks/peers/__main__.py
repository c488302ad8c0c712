"""Measure what people would write instead of the worker, on embedded servers.

python -m tests.benchmarks.peers faststream --events 2000
python -m tests.benchmarks.peers all --events 5000      # each of them, and the worker
"""

import argparse
import asyncio

from service.embedded import EmbeddedServers, embedded_servers
from tests.benchmarks.peers.measure import OURS, measure
from tests.benchmarks.peers.plain_copy import seconds_to_copy
from tests.benchmarks.peers.serve import PEERS
from tests.benchmarks.template import migrated_template

COPY = "plain-copy"


async def _show(
    servers: EmbeddedServers, template: str, name: str, events: int, products: int
) -> None:
    if name == COPY:
        seconds = await seconds_to_copy(servers, template, events, 0)
        print(f"{name:18}{events / seconds:>10,.0f} events/s")
        return
    run = await measure(servers, template, name, events, products=products)
    words = f"does not count: {'; '.join(run.problems)}" if run.problems else "nothing oversold"
    print(f"{name:18}{run.rate:>10,.0f} events/s   {words}", flush=True)


async def _main(arguments: argparse.Namespace) -> None:
    names = [*PEERS, COPY, OURS] if arguments.name == "all" else [arguments.name]
    async with embedded_servers() as servers:
        template = await migrated_template(servers.database_url)
        for name in names:
            await _show(servers, template, name, arguments.events, arguments.products)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=[*PEERS, COPY, OURS, "all"])
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--products", type=int, default=1)
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
