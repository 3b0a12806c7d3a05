"""Molecules as SMILES (Weininger 1988), judged by RDKit where it is installed."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

SAMPLE = 200  # strings by which it is told whether they are molecules
READ = 0.95  # of them are read, if they are


def has_rdkit() -> bool:
    """Whether RDKit is installed."""
    return find_spec("rdkit") is not None


def canonical(texts: Sequence[str]) -> list[str | None]:
    """The canonical SMILES of each string, the same however a molecule is written; None for what is no molecule."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():  # it writes several lines about each string that it cannot read
        molecules = [Chem.MolFromSmiles(text) for text in texts]
        return [None if molecule is None else Chem.MolToSmiles(molecule) for molecule in molecules]


def are_molecules(texts: Sequence[str]) -> bool:
    """Whether RDKit reads at least 95 % of a sample of 200 strings."""
    rows = np.random.default_rng(0).permutation(len(texts))[:SAMPLE]
    read = canonical([texts[int(row)] for row in rows])
    return sum(form is not None for form in read) >= READ * len(read)
