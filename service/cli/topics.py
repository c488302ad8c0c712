"""`reservations topics`: make the topics in Kafka, and see whether they fit together."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.common import kafka_errors, load_settings, refuse, run
from service.cli.listing import AsJson
from service.cli.output import note, say_json, say_table

if TYPE_CHECKING:
    from service.topic_problems import TopicShown

app = typer.Typer(no_args_is_help=True)


@app.command()
def create(
    partitions: Annotated[
        int, typer.Option(min=1, max=10_000, help="Lanes: the same for all topics.")
    ] = 4,
    replication_factor: Annotated[
        int, typer.Option(min=1, max=32, help="Copies of each partition; 3 in production.")
    ] = 1,
) -> None:
    """Make the topics that are missing; those that are there and fit are left as they are.

    Example: reservations topics create --partitions 12 --replication-factor 3
    """
    settings = load_settings()
    from service.topics import TopicsRefused, create_topics

    try:
        with kafka_errors(settings):
            topics = run(
                create_topics(
                    settings, partitions=partitions, replication_factor=replication_factor
                )
            )
    except TopicsRefused as error:
        refuse(*error.problems)
    _say_topics(topics)


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the topics, and on stderr what is wrong with them.

    Example: reservations topics show
    """
    settings = load_settings()
    from service.topic_problems import problems_of
    from service.topics import show_topics

    with kafka_errors(settings):
        topics = run(show_topics(settings))
    if as_json:
        say_json([asdict(topic) for topic in topics])
    else:
        _say_topics(topics)
    for problem in problems_of(topics):
        note(problem)


def _say_topics(topics: "list[TopicShown]") -> None:
    say_table([asdict(topic) for topic in topics], ["role", "name", "partitions", "replicas"])
