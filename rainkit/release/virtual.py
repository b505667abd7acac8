"""A release without pictures: recipe, manifest, card and checksums, from which `rebuild` draws the corpus again."""

from __future__ import annotations

import shutil
from pathlib import Path

from rainkit.errors import BuildError, IntegrityError
from rainkit.files import write_bytes, write_error
from rainkit.recipe import parse_recipe
from rainkit.release.checksums import format_checksums, read_checksums, write_checksums
from rainkit.release.croissant import TABLES
from rainkit.release.describe import write_descriptions
from rainkit.release.original import SHARD_DIGESTS


def release_manifest(corpus: Path, parent: Path) -> Path:
    """Write the release of a corpus's manifest and return its folder, NAME-VERSION in `parent`.

    Checksums of the shards go with it, in the form of `sha256sum -c`, so that a rebuilt corpus can be compared.

    Parameters
    ----------
    corpus : Path
        A finished corpus.
    parent : Path
        Output folder.

    Raises
    ------
    IntegrityError
        If the corpus is not finished or cannot be read.
    BuildError
        If the folder exists, or cannot be written.
    """
    listed = read_checksums(corpus)
    target = parent / corpus.resolve().name
    if target.exists():
        raise BuildError(f"{target} exists; choose another output folder, or remove it")
    partial = parent / f".{target.name}.part"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        (partial / "metadata").mkdir(parents=True)
        for name in ("recipe.yaml", *TABLES):
            shutil.copyfile(corpus / name, partial / name)
        shards = {path: digest for path, digest in listed.items() if path.startswith("data/")}
        if (corpus / SHARD_DIGESTS).is_file():
            shutil.copyfile(corpus / SHARD_DIGESTS, partial / SHARD_DIGESTS)
        else:
            write_bytes(partial / SHARD_DIGESTS, format_checksums(shards).encode())
        recipe = parse_recipe((partial / "recipe.yaml").read_text(encoding="utf-8"), str(corpus / "recipe.yaml"))
        write_checksums(partial, write_descriptions(partial, recipe))
        partial.replace(target)
    except FileNotFoundError as error:
        raise IntegrityError(f"{corpus} lacks {Path(error.filename).name}; `rainkit verify` says what else") from error
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target
