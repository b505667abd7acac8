"""The header of a card: what the Hub and Hugging Face datasets read of a corpus, its configs, splits and columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rainkit.recipe import Recipe, parse_shard, shard_stem
from rainkit.release.licences import hub_license, license_slug
from rainkit.release.summary import ShardFile, Summary

_SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
    10**10: "1B<n<10B",
}


def size_category(samples: int) -> str:
    """Return the Hub's word for a number of samples."""
    return next((word for limit, word in _SIZES.items() if samples < limit), "10B<n<100B")


def hub_splits(splits: Sequence[str]) -> dict[str, str]:
    """Return split -> its name on the Hub, where a name has letters, digits and underscores only."""
    names: dict[str, str] = {}
    for split in splits:
        name = re.sub(r"\W", "_", split, flags=re.ASCII)
        while name in names.values():
            name += "_"
        names[split] = name
    return names


def make_header(recipe: Recipe, summary: Summary) -> dict[str, Any]:
    """Return the header of a card as plain values; no two parts of it are one object, so that YAML repeats them."""
    license_ = hub_license(recipe.license)
    header: dict[str, Any] = {"license": license_}
    if license_ == "other":
        header["license_name"] = license_slug(recipe.license)
    header |= {
        "pretty_name": f"{recipe.name} {recipe.version}",
        "task_categories": ["image-to-image"],
        "size_categories": [size_category(summary.total)],
        "tags": ["deraining", "image-restoration", "synthetic", "rain", "rainkit", "webdataset"],
    }
    return header | (_configs(recipe, summary) if summary.pictures else _table_configs(summary))


def _configs(recipe: Recipe, summary: Summary) -> dict[str, Any]:
    """Return what the Hub may load by name: everything, and each stratum where shards hold one.

    All are configs of shards: `datasets` reads every config of a folder as the first one, so tables cannot be one more.
    """
    names = hub_splits(list(summary.samples))
    infos, configs = [], []
    for name, files in _list_configs(recipe, summary).items():
        splits = [
            # The size is that of the shards; readers want one beside the number of samples, which they check.
            {
                "name": names[split],
                "num_bytes": sum(shard.size for shard in shards),
                "num_examples": sum(shard.samples for shard in shards),
            }
            for split, (_, shards) in files.items()
        ]
        infos.append({"config_name": name, "features": hub_features(summary), "splits": splits})
        data = [{"split": names[split], "path": path} for split, (path, _) in files.items()]
        configs.append({"config_name": name, "data_files": data})
    # Of a single config the name is left out, as the Hub itself writes it.
    info = infos if len(infos) > 1 else {key: infos[0][key] for key in ("features", "splits")}
    return {"configs": configs, "dataset_info": info}


def _list_configs(recipe: Recipe, summary: Summary) -> dict[str, dict[str, tuple[str, list[ShardFile]]]]:
    """Return config -> split -> the glob of its shards, and those shards."""
    configs: dict[str, dict[str, tuple[str, list[ShardFile]]]] = {"default": {}}
    for shard in summary.shards:
        configs["default"].setdefault(shard.split, (f"data/{shard.split}/*.tar", []))[1].append(shard)
    if recipe.shards.by == "split":
        return configs
    strata: dict[int, dict[str, tuple[str, list[ShardFile]]]] = {}
    for shard in summary.shards:
        named = parse_shard(shard.path)
        if named is not None and named.stratum is not None:
            pattern = f"data/{shard.split}/{shard_stem(recipe, shard.split, named.stratum)}-*.tar"
            strata.setdefault(named.stratum, {}).setdefault(shard.split, (pattern, []))[1].append(shard)
    return configs | {f"stratum-{stratum}": strata[stratum] for stratum in sorted(strata)}


def _table_configs(summary: Summary) -> dict[str, Any]:
    """Return what the Hub may load of a release without pictures: its tables, the manifest first."""
    tables = {"manifest": "samples", "backgrounds": "backgrounds"} | ({"refused": "refused"} if summary.refused else {})
    configs = [
        {"config_name": name, "data_files": [{"split": "table", "path": f"metadata/{table}.parquet"}]}
        for name, table in tables.items()
    ]
    return {"configs": [{**configs[0], "default": True}, *configs[1:]]}


def hub_features(summary: Summary) -> list[dict[str, Any]]:
    """Return the columns that Hugging Face datasets should make of a sample, declared so that it guesses no type."""
    features: list[dict[str, Any]] = []
    for extension in summary.members:
        if extension.endswith(".png"):
            features.append({"name": extension, "dtype": "image"})
        elif extension == "json":
            features.append({"name": extension, **_feature(summary.example)})
        else:
            kind = "uint16" if extension == "depth.npy" else "int32"
            features.append({"name": extension, "list": {"list": kind}})
    return [*features, {"name": "__key__", "dtype": "string"}, {"name": "__url__", "dtype": "string"}]


def _feature(value: Any) -> dict[str, Any]:
    """Return the feature of a value of the JSON member, whose type is the same in every sample."""
    if isinstance(value, Mapping):
        return {"struct": [{"name": name, **_feature(item)} for name, item in value.items()]}
    if isinstance(value, list):
        inner = _feature(value[0])
        return {"list": inner["dtype"] if inner.keys() == {"dtype"} else inner}
    kinds = {bool: "bool", int: "int64", float: "float64", str: "string"}
    return {"dtype": kinds[type(value)]}
