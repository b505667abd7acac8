"""Live rain: a corpus that is drawn while it is read, bit for bit as it would lie on disk, and that does not end.

It stands above both the release, which knows where backgrounds lie, and the plan, which says what comes after the last
row of a manifest; `rainkit.data.torch` trains on it as on any corpus that can be read.
"""

from rainkit.live.corpus import CACHE_BYTES, LiveCorpus
from rainkit.live.opening import open_live

__all__ = ["CACHE_BYTES", "LiveCorpus", "open_live"]
