"""Reading a corpus back."""

from rainkit.data.corpus import Corpus, open_corpus

__all__ = ["Corpus", "open_corpus"]
