"""Words as vectors: an embedding of each, beside what a recurrence makes of its characters."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from elman.errors import ElmanError
from elman.layers.recurrent import Recurrent


class WordEmbedding(nn.Module):
    """A vector for each word of a batch, from its place in a vocabulary and from its spelling.

        e = [E[word]; forward recurrence over its characters; reverse recurrence over them]

    so that a word that the vocabulary lacks is known by its spelling (Ling et al. 2015, Lample et al. 2016). While
    training, a share of the distinct words is taken for unknown, which trains the embedding of the unknown word and
    leaves these words to their spelling.

    Args:
        words: words of the vocabulary; number 0 is the unknown one, beside them.
        size: features of the embedding of a word.
        characters: different characters, 0 for none of them to be looked at; number 0 is padding and 1 the unknown one.
        character_size: features of a character's embedding, and units of each direction over them.
        cell: the recurrence over characters.
        drop: the share of distinct words that training takes for unknown.

    Attributes:
        output_size: features of a word.

    Example:
        >>> layer = WordEmbedding(10, 8, characters=5, character_size=4)
        >>> places, words, spelt = torch.tensor([[0, 1, 0]]), torch.tensor([3, 0]), torch.tensor([[2, 3], [4, 0]])
        >>> layer(places, words, spelt).shape
        torch.Size([1, 3, 16])
    """

    def __init__(
        self,
        words: int,
        size: int,
        *,
        characters: int = 0,
        character_size: int = 32,
        cell: str = "lstm",
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(words + 1, size)
        nn.init.uniform_(self.words.weight, -((3 / size) ** 0.5), (3 / size) ** 0.5)  # of variance 1 / size
        self.drop = drop
        self.characters = self.spelling = None
        self.output_size = size
        if characters:
            self.characters = nn.Embedding(characters + 2, character_size, padding_idx=0)
            self.spelling = Recurrent(cell, character_size, character_size, bidirectional=True)
            self.output_size += self.spelling.output_size

    def forward(self, places: Tensor, words: Tensor, characters: Tensor) -> Tensor:
        """The words at their places.

        Args:
            places: ``[B, T]``, which of the ``U`` distinct words stands there.
            words: ``[U]``, their numbers in the vocabulary.
            characters: ``[U, C]``, the numbers of their characters, 0 behind the end.

        Returns:
            ``[B, T, output_size]``.
        """
        if self.training and self.drop:
            words = words.masked_fill(torch.rand(words.shape, device=words.device) < self.drop, 0)
        vectors = self.words(words)
        if self.characters is not None and self.spelling is not None:
            lengths = (characters > 0).sum(1)
            _, state = self.spelling(self.characters(characters), lengths=lengths)
            last = state if isinstance(state, Tensor) else state[0]
            vectors = torch.cat([vectors, last[0], last[1]], -1)
        return vectors[places]

    def start_from(self, vectors: Mapping[int, np.ndarray]) -> None:
        """Set the embeddings of some words, by their numbers, to vectors from elsewhere, brought to the usual size."""
        size = self.words.embedding_dim
        wrong = next((len(vector) for vector in vectors.values() if len(vector) != size), None)
        if wrong is not None:
            raise ElmanError(
                f"the vectors have {wrong} numbers and the embedding {size}; choose an embedding of {wrong}"
            )
        rows = torch.from_numpy(np.stack(list(vectors.values())))
        scale = (rows.shape[1] * rows.var()).sqrt().clamp(min=1e-6)
        with torch.no_grad():
            self.words.weight[list(vectors)] = (rows / scale).to(self.words.weight)
