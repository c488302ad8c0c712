"""Measure what people would write instead of the worker, on embedded servers.

python -m tests.benchmarks.peers faststream --events 2000
python -m tests.benchmarks.peers all --products 1000    # each of them
"""

import argparse
import asyncio

from tests.benchmarks.peers.measure import measure
from tests.benchmarks.peers.serve import PEERS
from tests.benchmarks.servers import servers_in_use


async def _main(arguments: argparse.Namespace) -> None:
    names = list(PEERS) if arguments.name == "all" else [arguments.name]
    async with servers_in_use() as servers:
        for name in names:
            run = await measure(servers, name, arguments.events, products=arguments.products)
            words = "; ".join(run.problems)
            told = f"does not count: {words}" if words else "nothing oversold"
            print(f"{name:18}{run.rate:>10,.0f} events/s   {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=[*PEERS, "all"])
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--products", type=int, default=1)
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
