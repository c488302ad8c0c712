"""Break a whole installation on purpose, fault after fault, and see that nothing is lost or twice.

A real Kafka, a real Postgres and three workers behind proxies, in a directory of their own; a crowd
of shoppers who pay, leave, come twice or never come back; faults drawn from the seed.

    make chaos                  # 200 faults of a new seed: about half an hour
    make chaos SEED=7 FAULTS=20
"""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import RATE, run


def main() -> int:
    arguments = _parser().parse_args()
    seed = random.SystemRandom().randrange(2**31) if arguments.seed is None else arguments.seed
    directory = Path(tempfile.mkdtemp(prefix="reservations-chaos-"))
    logging.disable(logging.CRITICAL)  # aiokafka's complaints about servers that we have killed
    is_well = False
    try:
        is_well = asyncio.run(run(seed, arguments.faults, directory, arguments.rate)).end()
    finally:
        if is_well:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            again = f"make chaos SEED={seed} FAULTS={arguments.faults}"
            print(f"kept in {directory}; the same faults again: {again}", flush=True)
    return 0 if is_well else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, help="draws the faults; a new one without it")
    parser.add_argument("--faults", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--rate", type=float, default=RATE, help=f"shoppers a second ({RATE:g})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
