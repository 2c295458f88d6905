"""The `homeward` command."""

import typer

from homeward.cli.commands import audit, authorise, cameras, models
from homeward.cli.commands.certificates import certificates
from homeward.cli.commands.demo import demo
from homeward.cli.commands.prepare import prepare
from homeward.cli.commands.search import search
from homeward.cli.commands.status import status
from homeward.cli.commands.up import up
from homeward.cli.commands.watch import watch
from homeward.cli.group import HomewardGroup

app = typer.Typer(
    name="homeward",
    cls=HomewardGroup,
    no_args_is_help=True,
    help="CCTV that finds one person, hides everybody else, and proves what it deleted.",
    pretty_exceptions_show_locals=False,
)
app.command()(demo)
app.command()(up)
app.add_typer(cameras.app, name="cameras")
app.add_typer(authorise.app, name="authorise")
app.command()(search)
app.command()(watch)
app.command()(status)
app.add_typer(models.app, name="models")
app.add_typer(audit.app, name="audit")
app.command()(certificates)
app.command()(prepare)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
