"""The command line: parses, calls, prints; the only place that prints."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import Any

import click

from rainkit import __version__
from rainkit.errors import RainkitError

COMMANDS: dict[str, str] = {
    "init": "Write a recipe that builds as it is.",
    "schema": "Print the JSON Schema of a recipe.",
    "show": "List components and presets with their fields, units and defaults.",
    "score": "Measure the complexity of any pictures.",
    "leaks": "Find pictures that two sets share.",
    "plan": "Say what a recipe would build, before a pixel is drawn.",
    "preview": "Draw a contact sheet of a recipe's or preset's rain.",
    "build": "Build the corpus of a recipe.",
    "view": "Show the page of a corpus, or of samples that you choose.",
    "verify": "Check a corpus against its checksums and manifest.",
    "export": "Write a corpus as folders of pictures.",
    "diff": "Compare two corpora or manifests.",
    "extend": "Add samples to a corpus without changing the ones it has.",
    "rebuild": "Draw a corpus again from its manifest.",
    "release": "Prepare a corpus or its manifest for others.",
    "train": "Train a small network on a corpus.",
    "evaluate": "Judge a network on a corpus or on pairs.",
    "validate": "Judge whether a corpus may be released.",
    "study": "Train and compare over a grid of corpora.",
}
"""Every command, in the order of the work, with the line that `rainkit --help` prints for it."""

EXTRAS: dict[str, str] = {
    "albumentations": "albumentations",
    "matplotlib": "report",
    "ray": "ray",
    "s3fs": "s3",
    "safetensors": "train",
    "tensorboard": "tensorboard",
    "torch": "train",
}
"""Optional module to the extra of the distribution that brings it."""


class _Group(click.Group):
    """A group that imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"rainkit.cli.{cmd_name}").command
        # Docstrings are raw, so that linters read them; click wants the mark of a verbatim paragraph as a character.
        command.help = (command.help or "").replace("\\b", "\b")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], list(COMMANDS), n=1)
            if close:
                raise click.UsageError(f"No such command '{args[0]}'. Did you mean '{close[0]}'?", ctx) from error
            raise


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rainkit")
def group() -> None:
    """Compile a recipe into a deraining corpus.

    Example: rainkit init my-rain && rainkit build my-rain/recipe.yaml -o corpora
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 usage or recipe, 130 interrupted."""
    try:
        status = group.main(args=arguments, prog_name="rainkit", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except RainkitError as error:
        click.echo(f"rainkit: {error}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("rainkit: interrupted", err=True)
        sys.exit(130)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        click.echo(f"rainkit: this needs {error.name}: pip install 'rainkit[{extra}]'", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (`rainkit show | head`); leave nothing for the interpreter to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EPERM, errno.EDQUOT}:
            raise
        place = f" ({os.fsdecode(error.filename)})" if error.filename else ""
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        advice = "free the space or choose another folder" if full else "give yourself the right or name another place"
        click.echo(f"rainkit: {error.strerror}{place}; {advice}, and run again", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
