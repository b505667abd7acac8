"""Whether the tables of a manifest agree with themselves, with one another, and with the indexes beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rainkit.data.corpus import Corpus
from rainkit.errors import SourceError
from rainkit.manifest import metadata_of
from rainkit.recipe import parse_shard
from rainkit.release.checking import Problem, ShardFindings
from rainkit.release.indexes import wids_name

_SAMPLES = "metadata/samples.parquet"


def check_tables(tables: Mapping[str, pa.Table]) -> Iterator[Problem]:
    """Yield what the tables of a manifest contradict: keys, numbering, strata of shards, backgrounds, leaks.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        `samples`, and `backgrounds` where it could be read.
    """
    samples = tables["samples"].select(["key", "split", "index", "stratum", "shard", "background_id", "group"])
    counts = samples.group_by("key").aggregate([([], "count_all")])
    for key in counts.filter(pc.greater(counts["count_all"], 1))["key"].to_pylist()[:1]:
        yield Problem("manifest", _SAMPLES, key, f"key {key} appears more than once; keys must be unique in the corpus")
    yield from _check_numbering(samples, part="selection" in metadata_of(tables["samples"].schema))
    yield from _check_strata(samples)
    yield from _check_leaks(samples)
    if "backgrounds" in tables:
        known = tables["backgrounds"]["id"].combine_chunks()
        strangers = samples.filter(pc.invert(pc.is_in(samples["background_id"], value_set=known)))
        for row in strangers.slice(0, 1).select(["key", "background_id"]).to_pylist():
            sentence = f"background {row['background_id']} of sample {row['key']} is not in backgrounds.parquet"
            yield Problem("manifest", _SAMPLES, row["key"], sentence)


def _check_numbering(samples: pa.Table, *, part: bool) -> Iterator[Problem]:
    """Yield a problem for the first split whose samples are not numbered 0, 1, 2... each once, in the order of shards.

    Where a shard holds one stratum, the numbers of each stratum ascend, with gaps that the others fill. So do those of
    a part of a corpus, drawn again from its manifest, where nothing fills the gaps.
    """
    shard = samples["shard"].combine_chunks().dictionary_encode()
    stems: dict[str, int] = {}
    run_of = [stems.setdefault(path.rpartition("-")[0], len(stems)) for path in shard.dictionary.to_pylist()]
    runs, indices = np.array(run_of, dtype=np.int64)[shard.indices.to_numpy()], samples["index"].to_numpy()
    for split in samples["split"].unique().to_pylist():
        here = np.flatnonzero(pc.equal(samples["split"], split).to_numpy())
        by_index = here[np.argsort(indices[here], kind="stable")]
        numbers = indices[by_index]
        astray = np.flatnonzero(
            (numbers < 0) | ((numbers >= len(here)) & (not part)) | (np.diff(numbers, prepend=-1) == 0)
        )
        by_run = here[np.argsort(runs[here], kind="stable")]
        fell = np.flatnonzero((np.diff(runs[by_run]) == 0) & (np.diff(indices[by_run]) < 0))
        if len(astray):
            wrong, rule = by_index[astray[0]], f"should count from 0{'' if part else f' to {len(here) - 1}'}, each once"
        elif len(fell):
            wrong, rule = by_run[fell[0] + 1], "should ascend from shard to shard"
        else:
            continue
        row = samples.slice(int(wrong), 1).to_pylist()[0]
        sentence = f"sample {row['key']} has index {row['index']} out of turn; split {split} {rule}"
        yield Problem("manifest", _SAMPLES, row["key"], sentence)
        return


def _check_strata(samples: pa.Table) -> Iterator[Problem]:
    """Yield a problem for the first shard that is named for a stratum, or a split, which a sample in it is not of."""
    for row in samples.group_by(["shard", "split", "stratum"]).aggregate([("key", "min")]).to_pylist():
        named = parse_shard(row["shard"])
        if named is None or (named.split == row["split"] and named.stratum in {None, row["stratum"]}):
            continue
        key = row["key_min"]
        sentence = f"sample {key} is of stratum {row['stratum']} of {row['split']}, and {row['shard']} of another"
        yield Problem("manifest", _SAMPLES, key, sentence)
        return


def _check_leaks(samples: pa.Table) -> Iterator[Problem]:
    for column in ("background_id", "group"):
        pairs = samples.filter(pc.not_equal(samples[column], "")).group_by([column, "split"]).aggregate([])
        per = pairs.group_by(column).aggregate([("split", "list"), ("split", "count")])
        for row in per.filter(pc.greater(per["split_count"], 1)).slice(0, 1).to_pylist():
            splits = " and ".join(sorted(row["split_list"]))
            yield Problem("leak", _SAMPLES, "", f"{column} {row[column]} has samples in {splits}")
            return


def check_index(corpus: Corpus, findings: Mapping[str, ShardFindings]) -> Iterator[Problem]:
    """Yield where a wids index differs from the shards of its split.

    Parameters
    ----------
    corpus : Corpus
        With the indexes at its top.
    findings : mapping of str to ShardFindings
        What was read of each shard, by path.
    """
    for split in corpus.splits:
        name = wids_name(split)
        paths = corpus.samples["shard"].filter(pc.equal(corpus.samples["split"], split)).unique().to_pylist()
        expected = [path for path in paths if findings[path].sha256]
        try:
            shards = json.loads(bytes(corpus.store.read(name)))["shardlist"]
            listed = {shard["url"]: (shard["nsamples"], shard["filesize"], shard["md5sum"]) for shard in shards}
        except SourceError as error:
            yield Problem("missing", name, "", str(error))
            continue
        except (ValueError, KeyError, TypeError) as error:
            yield Problem("index", name, "", f"{name} is no wids index: {type(error).__name__} {error}")
            continue
        for path in expected:
            found = findings[path]
            if path not in listed:
                yield Problem("index", name, "", f"{name} does not list {path}")
                continue
            samples, size, md5 = listed[path]
            if (samples, size) != (found.samples, found.size) or (found.md5 and md5 != found.md5):
                # Without `deep` no md5 was computed, and none is spoken of.
                stated, actual = (f" and md5 {md5}", f" and md5 {found.md5}") if found.md5 else ("", "")
                sentence = f"{name} says that {path} has {samples} samples, {size} bytes{stated}; it has "
                yield Problem("index", name, "", f"{sentence}{found.samples}, {found.size} bytes{actual}")
