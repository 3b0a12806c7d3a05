"""The constructors of the estimators as an editor reads them: written by ``make stubs`` from the options."""

from pathlib import Path
from typing import Any, ClassVar

from elman.estimators.options import Constructor

class ClassifierOptions:
    constructor: ClassVar[Constructor]
    separator: str
    header: bool | None
    encoding: str
    decimal: str
    thousands: str
    missing: str | list[Any]
    date_order: str
    cell: str
    hidden: int
    layers: int
    bidirectional: bool
    attention: bool
    dropout: float
    embedding: int
    tokens: str
    vocabulary: int
    min_count: int
    spelling: int
    word_dropout: float
    embeddings: str
    resample: float
    noise: float
    convolution: int
    max_length: int
    class_weights: str
    label_smoothing: float
    kind: str
    text_column: str
    label_column: str
    id_column: str
    time_column: str
    parameter_column: str
    ignore: str | list[Any]
    labels: str
    held_out: float
    group_column: str
    split: str
    split_seed: int
    batch: int
    bptt: int
    learning: str
    lr: float
    warmup: int
    decay: float
    clip: float
    clipping: str
    seed: int
    save_every: float
    devices: int
    precision: str
    minutes: float | None
    steps: int | None
    epochs: float | None
    min_steps: int
    patience: int | None
    baselines: bool
    compare: str | list[Any]
    search: int
    folder: str | Path | None
    overwrite: bool
    skip_bad: bool | str
    verbose: bool
    callbacks: tuple[Any, ...]
    def __init__(
        self,
        *,
        separator: str = "",
        header: bool | None = None,
        encoding: str = "",
        decimal: str = "",
        thousands: str = "",
        missing: str | list[Any] = "",
        date_order: str = "",
        cell: str = "lstm",
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = True,
        attention: bool = False,
        dropout: float = 0.5,
        embedding: int = 128,
        tokens: str = "",
        vocabulary: int = 50_000,
        min_count: int = 2,
        spelling: int = 32,
        word_dropout: float = 0.25,
        embeddings: str = "",
        resample: float = 0.0,
        noise: float = 0.1,
        convolution: int = 0,
        max_length: int = 2000,
        class_weights: str = "none",
        label_smoothing: float = 0.0,
        kind: str = "",
        text_column: str = "",
        label_column: str = "",
        id_column: str = "",
        time_column: str = "",
        parameter_column: str = "",
        ignore: str | list[Any] = "",
        labels: str = "",
        held_out: float = 0.1,
        group_column: str = "",
        split: str = "random",
        split_seed: int = 1,
        batch: int = 32,
        bptt: int = 64,
        learning: str = "truncated",
        lr: float = 0.001,
        warmup: int = 50,
        decay: float = 0.01,
        clip: float = 1.0,
        clipping: str = "norm",
        seed: int = 1,
        save_every: float = 30.0,
        devices: int = 1,
        precision: str = "32",
        minutes: float | None = None,
        steps: int | None = None,
        epochs: float | None = 12.0,
        min_steps: int = 600,
        patience: int | None = None,
        baselines: bool = True,
        compare: str | list[Any] = "",
        search: int = 0,
        folder: str | Path | None = None,
        overwrite: bool = False,
        skip_bad: bool | str = False,
        verbose: bool = True,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        """Only store the options; what is wrong with one is said by ``fit``.

        Args:
                separator: Character between two columns; \t is a tab. [detected]
                header: Whether the first row has the names of the columns. [detected]
                encoding: Encoding of text files, such as latin-1, cp1252 or shift_jis. [utf-8, or what a mark at the
                beginning says]
                decimal: What stands before the decimals of numbers: . or , [detected]
                thousands: What stands between the thousands of numbers: , . ' _ or a blank. [detected]
                missing: What stands where there is no value, separated by commas, such as -999,NA.
                date_order: Order of day, month and year in dates such as 01/02/2020: dmy, mdy or ymd. [detected]
                cell: Recurrent cell: a name from `elman cells`, or transformer or convolution, or module:Class for a
                cell of your own.
                hidden: Units of each layer and direction.
                layers: Number of layers.
                bidirectional: Read in both directions, so that a step also sees what comes after it.
                attention: Pool by attention, instead of by the maximum and the mean of each feature.
                dropout: Dropout: share of the inputs (characters excepted) and features that training sets to zero.
                embedding: Text: size of the word embeddings.
                tokens: Text: tokens to read, words or characters. [detected]
                vocabulary: Text: size of the vocabulary, the most frequent words.
                min_count: Text: words that occur less often count as unknown.
                spelling: Text: features that are read from the letters of a word; 0 for none.
                word_dropout: Text: share of the words that training replaces by the unknown word.
                embeddings: Text: file of pretrained word vectors, one word and its numbers a line.
                resample: Series: average over intervals of this length, in the unit of the time. [no resampling]
                noise: Series: noise added while training, in standard deviations.
                convolution: Series: steps that a convolution before the recurrence merges into one; 0 for no
                convolution.
                max_length: Steps of a row that are read; the rest is cut off.
                class_weights: Weights of the classes in the loss: none, or balanced, so that rare classes count as much
                as frequent ones.
                label_smoothing: Label smoothing: probability that is spread evenly over all classes.
                kind: What the label is: classes, labels (several for a row) or number. [detected]
                text_column: Column of the text. [detected]
                label_column: Column of the label. [detected]
                id_column: Column that names the series a row belongs to. [detected]
                time_column: Column of the time. [detected]
                parameter_column: Column that names what was measured, in tables with one measurement in each row.
                [detected]
                ignore: Columns to leave out, separated by commas.
                labels: File with the label of each series.
                held_out: Share of the rows held out for evaluation; 0 to learn from all.
                group_column: Column by which rows are grouped: a group is learnt from or held out as a whole.
                split: Which rows are held out: random, or time for the latest ones.
                split_seed: Random seed of the split.
                batch: Rows in a batch.
                bptt: Steps in a window of truncated backpropagation through time.
                learning: How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1
                or eprop.
                lr: Learning rate, at its peak.
                warmup: Steps in which the learning rate rises to its peak.
                decay: Weight decay.
                clip: Bound of the gradient; 0 for none.
                clipping: What clip bounds: norm, all together; value, each number; adaptive, each unit relative to its
                weights.
                seed: Random seed.
                save_every: Seconds between two checkpoints.
                devices: Devices that share each batch; without a GPU, processes.
                precision: Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.
                minutes: Train for this many minutes.
                steps: Train for this many steps.
                epochs: Train for this many epochs.
                min_steps: Train for at least this many steps, where epochs would be fewer.
                patience: Stop after this many evaluations in a row without improvement.
                baselines: Train simple methods in the same run, and show them in the same table.
                compare: Other cells to train under the same budget, separated by commas, such as gru,transformer.
                search: Try this many settings first, each for a quarter of the budget, and train with the best.
                folder: Model folder to write; without one the model is in memory, for save().
                overwrite: Whether to replace a model that is in the folder.
                skip_bad: Whether rows that cannot be used are left out, and told, instead of refused: True for up to a
                tenth of all, 'all' for however many.
                verbose: Whether fit says what it found out about the data, and shows a bar.
                callbacks: Callbacks of Lightning.
        """

class RegressorOptions:
    constructor: ClassVar[Constructor]
    separator: str
    header: bool | None
    encoding: str
    decimal: str
    thousands: str
    missing: str | list[Any]
    date_order: str
    cell: str
    hidden: int
    layers: int
    bidirectional: bool
    attention: bool
    dropout: float
    embedding: int
    tokens: str
    vocabulary: int
    min_count: int
    spelling: int
    word_dropout: float
    embeddings: str
    resample: float
    noise: float
    convolution: int
    max_length: int
    text_column: str
    label_column: str
    id_column: str
    time_column: str
    parameter_column: str
    ignore: str | list[Any]
    labels: str
    held_out: float
    group_column: str
    split: str
    split_seed: int
    batch: int
    bptt: int
    learning: str
    lr: float
    warmup: int
    decay: float
    clip: float
    clipping: str
    seed: int
    save_every: float
    devices: int
    precision: str
    minutes: float | None
    steps: int | None
    epochs: float | None
    min_steps: int
    patience: int | None
    baselines: bool
    compare: str | list[Any]
    search: int
    folder: str | Path | None
    overwrite: bool
    skip_bad: bool | str
    verbose: bool
    callbacks: tuple[Any, ...]
    def __init__(
        self,
        *,
        separator: str = "",
        header: bool | None = None,
        encoding: str = "",
        decimal: str = "",
        thousands: str = "",
        missing: str | list[Any] = "",
        date_order: str = "",
        cell: str = "lstm",
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = True,
        attention: bool = False,
        dropout: float = 0.5,
        embedding: int = 128,
        tokens: str = "",
        vocabulary: int = 50_000,
        min_count: int = 2,
        spelling: int = 32,
        word_dropout: float = 0.25,
        embeddings: str = "",
        resample: float = 0.0,
        noise: float = 0.1,
        convolution: int = 0,
        max_length: int = 2000,
        text_column: str = "",
        label_column: str = "",
        id_column: str = "",
        time_column: str = "",
        parameter_column: str = "",
        ignore: str | list[Any] = "",
        labels: str = "",
        held_out: float = 0.1,
        group_column: str = "",
        split: str = "random",
        split_seed: int = 1,
        batch: int = 32,
        bptt: int = 64,
        learning: str = "truncated",
        lr: float = 0.001,
        warmup: int = 50,
        decay: float = 0.01,
        clip: float = 1.0,
        clipping: str = "norm",
        seed: int = 1,
        save_every: float = 30.0,
        devices: int = 1,
        precision: str = "32",
        minutes: float | None = None,
        steps: int | None = None,
        epochs: float | None = 12.0,
        min_steps: int = 600,
        patience: int | None = None,
        baselines: bool = True,
        compare: str | list[Any] = "",
        search: int = 0,
        folder: str | Path | None = None,
        overwrite: bool = False,
        skip_bad: bool | str = False,
        verbose: bool = True,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        """Only store the options; what is wrong with one is said by ``fit``.

        Args:
                separator: Character between two columns; \t is a tab. [detected]
                header: Whether the first row has the names of the columns. [detected]
                encoding: Encoding of text files, such as latin-1, cp1252 or shift_jis. [utf-8, or what a mark at the
                beginning says]
                decimal: What stands before the decimals of numbers: . or , [detected]
                thousands: What stands between the thousands of numbers: , . ' _ or a blank. [detected]
                missing: What stands where there is no value, separated by commas, such as -999,NA.
                date_order: Order of day, month and year in dates such as 01/02/2020: dmy, mdy or ymd. [detected]
                cell: Recurrent cell: a name from `elman cells`, or transformer or convolution, or module:Class for a
                cell of your own.
                hidden: Units of each layer and direction.
                layers: Number of layers.
                bidirectional: Read in both directions, so that a step also sees what comes after it.
                attention: Pool by attention, instead of by the maximum and the mean of each feature.
                dropout: Dropout: share of the inputs (characters excepted) and features that training sets to zero.
                embedding: Text: size of the word embeddings.
                tokens: Text: tokens to read, words or characters. [detected]
                vocabulary: Text: size of the vocabulary, the most frequent words.
                min_count: Text: words that occur less often count as unknown.
                spelling: Text: features that are read from the letters of a word; 0 for none.
                word_dropout: Text: share of the words that training replaces by the unknown word.
                embeddings: Text: file of pretrained word vectors, one word and its numbers a line.
                resample: Series: average over intervals of this length, in the unit of the time. [no resampling]
                noise: Series: noise added while training, in standard deviations.
                convolution: Series: steps that a convolution before the recurrence merges into one; 0 for no
                convolution.
                max_length: Steps of a row that are read; the rest is cut off.
                text_column: Column of the text. [detected]
                label_column: Column of the label. [detected]
                id_column: Column that names the series a row belongs to. [detected]
                time_column: Column of the time. [detected]
                parameter_column: Column that names what was measured, in tables with one measurement in each row.
                [detected]
                ignore: Columns to leave out, separated by commas.
                labels: File with the label of each series.
                held_out: Share of the rows held out for evaluation; 0 to learn from all.
                group_column: Column by which rows are grouped: a group is learnt from or held out as a whole.
                split: Which rows are held out: random, or time for the latest ones.
                split_seed: Random seed of the split.
                batch: Rows in a batch.
                bptt: Steps in a window of truncated backpropagation through time.
                learning: How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1
                or eprop.
                lr: Learning rate, at its peak.
                warmup: Steps in which the learning rate rises to its peak.
                decay: Weight decay.
                clip: Bound of the gradient; 0 for none.
                clipping: What clip bounds: norm, all together; value, each number; adaptive, each unit relative to its
                weights.
                seed: Random seed.
                save_every: Seconds between two checkpoints.
                devices: Devices that share each batch; without a GPU, processes.
                precision: Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.
                minutes: Train for this many minutes.
                steps: Train for this many steps.
                epochs: Train for this many epochs.
                min_steps: Train for at least this many steps, where epochs would be fewer.
                patience: Stop after this many evaluations in a row without improvement.
                baselines: Train simple methods in the same run, and show them in the same table.
                compare: Other cells to train under the same budget, separated by commas, such as gru,transformer.
                search: Try this many settings first, each for a quarter of the budget, and train with the best.
                folder: Model folder to write; without one the model is in memory, for save().
                overwrite: Whether to replace a model that is in the folder.
                skip_bad: Whether rows that cannot be used are left out, and told, instead of refused: True for up to a
                tenth of all, 'all' for however many.
                verbose: Whether fit says what it found out about the data, and shows a bar.
                callbacks: Callbacks of Lightning.
        """

class TaggerOptions:
    constructor: ClassVar[Constructor]
    cell: str
    hidden: int
    layers: int
    bidirectional: bool
    crf: bool | None
    inside: str
    dropout: float
    embedding: int
    vocabulary: int
    min_count: int
    spelling: int
    spelling_by: str
    word_dropout: float
    embeddings: str
    max_length: int
    word_column: str
    tag_column: str
    separator: str
    header: bool | None
    missing: str | list[Any]
    encoding: str
    joint: str
    held_out: float
    split: str
    split_seed: int
    batch: int
    bptt: int
    learning: str
    lr: float
    warmup: int
    decay: float
    clip: float
    clipping: str
    seed: int
    save_every: float
    devices: int
    precision: str
    minutes: float | None
    steps: int | None
    epochs: float | None
    min_steps: int
    patience: int | None
    baselines: bool
    compare: str | list[Any]
    search: int
    folder: str | Path | None
    overwrite: bool
    skip_bad: bool | str
    verbose: bool
    callbacks: tuple[Any, ...]
    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden: int = 200,
        layers: int = 1,
        bidirectional: bool = True,
        crf: bool | None = None,
        inside: str = "",
        dropout: float = 0.5,
        embedding: int = 100,
        vocabulary: int = 100_000,
        min_count: int = 1,
        spelling: int = 25,
        spelling_by: str = "recurrence",
        word_dropout: float = 0.1,
        embeddings: str = "",
        max_length: int = 400,
        word_column: str = "",
        tag_column: str = "",
        separator: str = "",
        header: bool | None = None,
        missing: str | list[Any] = "",
        encoding: str = "",
        joint: str = "",
        held_out: float = 0.1,
        split: str = "random",
        split_seed: int = 1,
        batch: int = 16,
        bptt: int = 64,
        learning: str = "truncated",
        lr: float = 0.003,
        warmup: int = 100,
        decay: float = 0.01,
        clip: float = 1.0,
        clipping: str = "norm",
        seed: int = 1,
        save_every: float = 30.0,
        devices: int = 1,
        precision: str = "32",
        minutes: float | None = None,
        steps: int | None = None,
        epochs: float | None = 20.0,
        min_steps: int = 1,
        patience: int | None = None,
        baselines: bool = True,
        compare: str | list[Any] = "",
        search: int = 0,
        folder: str | Path | None = None,
        overwrite: bool = False,
        skip_bad: bool | str = False,
        verbose: bool = True,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        """Only store the options; what is wrong with one is said by ``fit``.

        Args:
                cell: Recurrent cell: a name from `elman cells`, or transformer or convolution, or module:Class for a
                cell of your own.
                hidden: Units of each layer and direction.
                layers: Number of layers.
                bidirectional: Read in both directions, so that a tag also depends on the words after it.
                crf: Choose the tags of a sentence jointly, by a conditional random field. [yes, up to 100 tags]
                inside: Scheme in which spans are learnt: BIOES or IOB2. [BIOES, unless that makes many tags]
                dropout: Dropout: share of the inputs and features that training sets to zero.
                embedding: Size of the word embeddings.
                vocabulary: Size of the vocabulary, the most frequent words.
                min_count: Words that occur less often count as unknown.
                spelling: Features that are read from the letters of a word, in each direction; 0 for none.
                spelling_by: What reads the letters of a word: recurrence or convolution.
                word_dropout: Share of the words that training replaces by the unknown word.
                embeddings: File of pretrained word vectors, one word and its numbers a line.
                max_length: Words that are read at once; a longer sentence is tagged in parts.
                word_column: Column of the words, by its number (from 1) or its name. [detected]
                tag_column: Column of the tags. [detected]
                separator: Character between two columns; \t is a tab. [detected]
                header: Whether the first row has the names of the columns. [detected]
                missing: What stands where there is no value, separated by commas, such as -999,NA.
                encoding: Encoding of text files, such as latin-1, cp1252 or shift_jis. [utf-8, or what a mark at the
                beginning says]
                joint: Character between a word and its tag, such as the / of word/tag. [detected]
                held_out: Share of the sentences held out for evaluation; 0 to learn from all.
                split: Which are held out: random sentences, whole documents, or last, those at the end of the file.
                split_seed: Random seed of the split.
                batch: Rows in a batch.
                bptt: Steps in a window of truncated backpropagation through time.
                learning: How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1
                or eprop.
                lr: Learning rate, at its peak.
                warmup: Steps in which the learning rate rises to its peak.
                decay: Weight decay.
                clip: Bound of the gradient; 0 for none.
                clipping: What clip bounds: norm, all together; value, each number; adaptive, each unit relative to its
                weights.
                seed: Random seed.
                save_every: Seconds between two checkpoints.
                devices: Devices that share each batch; without a GPU, processes.
                precision: Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.
                minutes: Train for this many minutes.
                steps: Train for this many steps.
                epochs: Train for this many epochs.
                min_steps: Train for at least this many steps, where epochs would be fewer.
                patience: Stop after this many evaluations in a row without improvement.
                baselines: Train simple methods in the same run, and show them in the same table.
                compare: Other cells to train under the same budget, separated by commas, such as gru,transformer.
                search: Try this many settings first, each for a quarter of the budget, and train with the best.
                folder: Model folder to write; without one the model is in memory, for save().
                overwrite: Whether to replace a model that is in the folder.
                skip_bad: Whether rows that cannot be used are left out, and told, instead of refused: True for up to a
                tenth of all, 'all' for however many.
                verbose: Whether fit says what it found out about the data, and shows a bar.
                callbacks: Callbacks of Lightning.
        """

class TranslatorOptions:
    constructor: ClassVar[Constructor]
    separator: str
    header: bool | None
    encoding: str
    decimal: str
    thousands: str
    missing: str | list[Any]
    cell: str
    hidden: int
    layers: int
    bidirectional: bool
    attention: str
    feeding: str
    embedding: int
    dropout: float
    label_smoothing: float
    tied: bool
    source_tokens: str
    target_tokens: str
    vocabulary: int
    shared: bool | None
    max_length: int
    beam: int
    length_penalty: float
    bleu: str
    source_column: str
    target_column: str
    held_out: float
    split_seed: int
    batch: int
    bptt: int
    learning: str
    lr: float
    warmup: int
    decay: float
    clip: float
    clipping: str
    seed: int
    save_every: float
    devices: int
    precision: str
    minutes: float | None
    steps: int | None
    epochs: float | None
    min_steps: int
    patience: int | None
    baselines: bool
    compare: str | list[Any]
    search: int
    folder: str | Path | None
    overwrite: bool
    skip_bad: bool | str
    verbose: bool
    callbacks: tuple[Any, ...]
    def __init__(
        self,
        *,
        separator: str = "",
        header: bool | None = None,
        encoding: str = "",
        decimal: str = "",
        thousands: str = "",
        missing: str | list[Any] = "",
        cell: str = "lstm",
        hidden: int = 256,
        layers: int = 1,
        bidirectional: bool = True,
        attention: str = "multiplicative",
        feeding: str = "none",
        embedding: int = 256,
        dropout: float = 0.3,
        label_smoothing: float = 0.1,
        tied: bool = True,
        source_tokens: str = "",
        target_tokens: str = "",
        vocabulary: int = 6000,
        shared: bool | None = None,
        max_length: int = 400,
        beam: int = 5,
        length_penalty: float = 1.0,
        bleu: str = "",
        source_column: str = "",
        target_column: str = "",
        held_out: float = 0.05,
        split_seed: int = 1,
        batch: int = 80,
        bptt: int = 64,
        learning: str = "truncated",
        lr: float = 0.002,
        warmup: int = 200,
        decay: float = 0.01,
        clip: float = 1.0,
        clipping: str = "norm",
        seed: int = 1,
        save_every: float = 30.0,
        devices: int = 1,
        precision: str = "32",
        minutes: float | None = None,
        steps: int | None = None,
        epochs: float | None = 20.0,
        min_steps: int = 1,
        patience: int | None = None,
        baselines: bool = True,
        compare: str | list[Any] = "",
        search: int = 0,
        folder: str | Path | None = None,
        overwrite: bool = False,
        skip_bad: bool | str = False,
        verbose: bool = True,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        """Only store the options; what is wrong with one is said by ``fit``.

        Args:
                separator: Character between two columns; \t is a tab. [detected]
                header: Whether the first row has the names of the columns. [detected]
                encoding: Encoding of text files, such as latin-1, cp1252 or shift_jis. [utf-8, or what a mark at the
                beginning says]
                decimal: What stands before the decimals of numbers: . or , [detected]
                thousands: What stands between the thousands of numbers: , . ' _ or a blank. [detected]
                missing: What stands where there is no value, separated by commas, such as -999,NA.
                cell: Recurrent cell: a name from `elman cells`, or transformer or convolution, or module:Class for a
                cell of your own.
                hidden: Units of each layer and direction of the encoder; the decoder has twice as many.
                layers: Number of layers of the encoder and of the decoder.
                bidirectional: Read the source in both directions.
                attention: Attention of the decoder to the source: multiplicative, additive or none.
                feeding: What the decoder is fed beside the last token: none, which is fastest, readout or context.
                embedding: Size of the token embeddings.
                dropout: Dropout: share of the inputs and features that training sets to zero.
                label_smoothing: Label smoothing: probability that is spread evenly over all tokens.
                tied: Tie the output layer to the embeddings of the target.
                source_tokens: Tokens of the source: subwords, characters or words. [detected]
                target_tokens: Tokens of the target: subwords, characters or words. [detected]
                vocabulary: Size of each vocabulary, the most frequent tokens.
                shared: Whether source and target share one vocabulary. [detected]
                max_length: Tokens of a row that are read; longer pairs are not learnt from.
                beam: Width of the beam search.
                length_penalty: Length penalty of the beam search: the higher, the more longer answers are favoured; 0
                for none.
                bleu: Tokeniser of sacrebleu: 13a, zh, char or none. [detected]
                source_column: Column of the source. [detected]
                target_column: Column of the target. [detected]
                held_out: Share of the sources held out for evaluation; 0 to learn from all.
                split_seed: Random seed of the split.
                batch: Rows in a batch.
                bptt: Steps in a window of truncated backpropagation through time.
                learning: How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1
                or eprop.
                lr: Learning rate, at its peak.
                warmup: Steps in which the learning rate rises to its peak.
                decay: Weight decay.
                clip: Bound of the gradient; 0 for none.
                clipping: What clip bounds: norm, all together; value, each number; adaptive, each unit relative to its
                weights.
                seed: Random seed.
                save_every: Seconds between two checkpoints.
                devices: Devices that share each batch; without a GPU, processes.
                precision: Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.
                minutes: Train for this many minutes.
                steps: Train for this many steps.
                epochs: Train for this many epochs.
                min_steps: Train for at least this many steps, where epochs would be fewer.
                patience: Stop after this many evaluations in a row without improvement.
                baselines: Train simple methods in the same run, and show them in the same table.
                compare: Other cells to train under the same budget, separated by commas, such as gru,transformer.
                search: Try this many settings first, each for a quarter of the budget, and train with the best.
                folder: Model folder to write; without one the model is in memory, for save().
                overwrite: Whether to replace a model that is in the folder.
                skip_bad: Whether rows that cannot be used are left out, and told, instead of refused: True for up to a
                tenth of all, 'all' for however many.
                verbose: Whether fit says what it found out about the data, and shows a bar.
                callbacks: Callbacks of Lightning.
        """

class ForecasterOptions:
    constructor: ClassVar[Constructor]
    separator: str
    header: bool | None
    encoding: str
    decimal: str
    thousands: str
    missing: str | list[Any]
    date_order: str
    cell: str
    hidden: int
    layers: int
    dropout: float
    noise: float
    horizon: int
    context: int
    patch: int
    normalise: str
    linear_skip: bool
    calendar: bool
    quantiles: str | list[Any]
    squared: float
    errors: str
    target: str | list[Any]
    known: str | list[Any]
    past: str | list[Any]
    constant: str | list[Any]
    time_column: str
    id_column: str | list[Any]
    ignore: str | list[Any]
    layout: str
    frequency: str
    season: str | list[Any]
    timezone: str
    split: str
    stride: int
    batch: int
    bptt: int
    learning: str
    lr: float
    warmup: int
    decay: float
    clip: float
    clipping: str
    seed: int
    save_every: float
    devices: int
    precision: str
    minutes: float | None
    steps: int | None
    epochs: float | None
    min_steps: int
    patience: int | None
    baselines: bool
    compare: str | list[Any]
    search: int
    folder: str | Path | None
    overwrite: bool
    skip_bad: bool | str
    verbose: bool
    callbacks: tuple[Any, ...]
    def __init__(
        self,
        *,
        separator: str = "",
        header: bool | None = None,
        encoding: str = "",
        decimal: str = "",
        thousands: str = "",
        missing: str | list[Any] = "",
        date_order: str = "",
        cell: str = "gru",
        hidden: int = 128,
        layers: int = 1,
        dropout: float = 0.5,
        noise: float = 0.1,
        horizon: int = 0,
        context: int = 0,
        patch: int = 0,
        normalise: str = "mean",
        linear_skip: bool = True,
        calendar: bool = True,
        quantiles: str | list[Any] = "0.1,0.5,0.9",
        squared: float = 1.0,
        errors: str = "",
        target: str | list[Any] = "",
        known: str | list[Any] = "",
        past: str | list[Any] = "",
        constant: str | list[Any] = "",
        time_column: str = "",
        id_column: str | list[Any] = "",
        ignore: str | list[Any] = "",
        layout: str = "",
        frequency: str = "",
        season: str | list[Any] = "",
        timezone: str = "",
        split: str = "",
        stride: int = 0,
        batch: int = 256,
        bptt: int = 64,
        learning: str = "truncated",
        lr: float = 0.001,
        warmup: int = 50,
        decay: float = 0.01,
        clip: float = 1.0,
        clipping: str = "norm",
        seed: int = 1,
        save_every: float = 30.0,
        devices: int = 1,
        precision: str = "32",
        minutes: float | None = None,
        steps: int | None = None,
        epochs: float | None = 5.0,
        min_steps: int = 1000,
        patience: int | None = None,
        baselines: bool = True,
        compare: str | list[Any] = "",
        search: int = 0,
        folder: str | Path | None = None,
        overwrite: bool = False,
        skip_bad: bool | str = False,
        verbose: bool = True,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        """Only store the options; what is wrong with one is said by ``fit``.

        Args:
                separator: Character between two columns; \t is a tab. [detected]
                header: Whether the first row has the names of the columns. [detected]
                encoding: Encoding of text files, such as latin-1, cp1252 or shift_jis. [utf-8, or what a mark at the
                beginning says]
                decimal: What stands before the decimals of numbers: . or , [detected]
                thousands: What stands between the thousands of numbers: , . ' _ or a blank. [detected]
                missing: What stands where there is no value, separated by commas, such as -999,NA.
                date_order: Order of day, month and year in dates such as 01/02/2020: dmy, mdy or ymd. [detected]
                cell: Recurrent cell: a name from `elman cells`, or transformer or convolution, or module:Class for a
                cell of your own.
                hidden: Units of each layer.
                layers: Number of layers.
                dropout: Dropout: share of the recurrence's outputs that training sets to zero.
                noise: Noise added to known columns while training, in standard deviations.
                horizon: Steps to forecast. [one season]
                context: Steps of the past that a forecast is made from. [chosen from the data]
                patch: Consecutive values that the recurrence reads as one step. [chosen from the data]
                normalise: What is subtracted from a window before it is read: its mean, or its last value.
                linear_skip: Add a linear forecast, straight from the context, to that of the recurrence.
                calendar: Read the hour, the day of the week and the time of the year.
                quantiles: Quantiles to forecast, separated by commas.
                squared: Weight of the squared error of the mean, beside the quantile loss.
                errors: Unit of a series' errors: deviation, its standard deviation; or season, its mean change from a
                season before.
                target: Columns to forecast, separated by commas. [all numeric columns]
                known: Columns that are known for the future too, such as holidays or a weather forecast.
                past: Further columns to read, which are not known for the future.
                constant: Columns that stay the same within a series. [detected]
                time_column: Column of the time. [detected]
                id_column: Columns that name the series a row belongs to. [detected]
                ignore: Columns, or series by their names, to leave out, separated by commas.
                layout: columns, where each row is a time; or rows, where each row is a series. [detected]
                frequency: Time between two rows, such as 30min, 1h, 1d, 1mo or weekday. [detected]
                season: Rows of a season: one number, two for two seasons, or none. [detected]
                timezone: Time zone, such as Europe/Berlin, of times that name none, and by which days begin.
                split: Rows or shares for training, validation and test, such as 8640/2880/2880 or -/48/48.
                [0.8/0.1/0.1]
                stride: Rows between two forecasts that are evaluated. [1, more where there would be too many]
                batch: Rows in a batch.
                bptt: Steps in a window of truncated backpropagation through time.
                learning: How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1
                or eprop.
                lr: Learning rate, at its peak.
                warmup: Steps in which the learning rate rises to its peak.
                decay: Weight decay.
                clip: Bound of the gradient; 0 for none.
                clipping: What clip bounds: norm, all together; value, each number; adaptive, each unit relative to its
                weights.
                seed: Random seed.
                save_every: Seconds between two checkpoints.
                devices: Devices that share each batch; without a GPU, processes.
                precision: Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.
                minutes: Train for this many minutes.
                steps: Train for this many steps.
                epochs: Train for this many epochs.
                min_steps: Train for at least this many steps, where epochs would be fewer.
                patience: Stop after this many evaluations in a row without improvement.
                baselines: Train simple methods in the same run, and show them in the same table.
                compare: Other cells to train under the same budget, separated by commas, such as gru,transformer.
                search: Try this many settings first, each for a quarter of the budget, and train with the best.
                folder: Model folder to write; without one the model is in memory, for save().
                overwrite: Whether to replace a model that is in the folder.
                skip_bad: Whether rows that cannot be used are left out, and told, instead of refused: True for up to a
                tenth of all, 'all' for however many.
                verbose: Whether fit says what it found out about the data, and shows a bar.
                callbacks: Callbacks of Lightning.
        """

class AnomalyDetectorOptions:
    constructor: ClassVar[Constructor]
    separator: str
    header: bool | None
    encoding: str
    decimal: str
    thousands: str
    missing: str | list[Any]
    date_order: str
    cell: str
    hidden: int
    layers: int
    dropout: float
    horizons: str | list[Any]
    probation: float
    memory: int
    smooth: int
    cooldown: int
    false_alarm_rate: float
    values: str | list[Any]
    id_column: str
    time_column: str
    label_column: str
    windows: str
    ignore: str | list[Any]
    batch: int
    bptt: int
    learning: str
    lr: float
    warmup: int
    decay: float
    clip: float
    clipping: str
    seed: int
    save_every: float
    devices: int
    precision: str
    minutes: float | None
    steps: int | None
    epochs: float | None
    min_steps: int
    patience: int | None
    baselines: bool
    compare: str | list[Any]
    search: int
    folder: str | Path | None
    overwrite: bool
    skip_bad: bool | str
    verbose: bool
    callbacks: tuple[Any, ...]
    def __init__(
        self,
        *,
        separator: str = "",
        header: bool | None = None,
        encoding: str = "",
        decimal: str = "",
        thousands: str = "",
        missing: str | list[Any] = "",
        date_order: str = "",
        cell: str = "gru",
        hidden: int = 32,
        layers: int = 1,
        dropout: float = 0.1,
        horizons: str | list[Any] = "1,8,40,120",
        probation: float = 0.15,
        memory: int = 6400,
        smooth: int = 3,
        cooldown: int = 100,
        false_alarm_rate: float = 0.005,
        values: str | list[Any] = "",
        id_column: str = "",
        time_column: str = "",
        label_column: str = "",
        windows: str = "",
        ignore: str | list[Any] = "",
        batch: int = 32,
        bptt: int = 512,
        learning: str = "truncated",
        lr: float = 0.004,
        warmup: int = 50,
        decay: float = 0.01,
        clip: float = 1.0,
        clipping: str = "norm",
        seed: int = 1,
        save_every: float = 30.0,
        devices: int = 1,
        precision: str = "32",
        minutes: float | None = 2.0,
        steps: int | None = 2000,
        epochs: float | None = None,
        min_steps: int = 1,
        patience: int | None = None,
        baselines: bool = True,
        compare: str | list[Any] = "",
        search: int = 0,
        folder: str | Path | None = None,
        overwrite: bool = False,
        skip_bad: bool | str = False,
        verbose: bool = True,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        """Only store the options; what is wrong with one is said by ``fit``.

        Args:
                separator: Character between two columns; \t is a tab. [detected]
                header: Whether the first row has the names of the columns. [detected]
                encoding: Encoding of text files, such as latin-1, cp1252 or shift_jis. [utf-8, or what a mark at the
                beginning says]
                decimal: What stands before the decimals of numbers: . or , [detected]
                thousands: What stands between the thousands of numbers: , . ' _ or a blank. [detected]
                missing: What stands where there is no value, separated by commas, such as -999,NA.
                date_order: Order of day, month and year in dates such as 01/02/2020: dmy, mdy or ymd. [detected]
                cell: Recurrent cell: a name from `elman cells`, or transformer or convolution, or module:Class for a
                cell of your own.
                hidden: Units of each layer.
                layers: Number of layers.
                dropout: Dropout: share of the inputs and features that training sets to zero.
                horizons: How many rows ahead it forecasts, separated by commas.
                probation: Share of each stream, from its beginning, that is learnt from; of a long stream, the share of
                5,000 rows.
                memory: Rows over which the mean, spread and usual error of a stream are taken; what is older fades.
                smooth: Rows over which errors are smoothed.
                cooldown: Rows after an alarm in which only a higher score raises another.
                false_alarm_rate: Share of usual rows whose score reaches the alarm threshold.
                values: Columns to watch, separated by commas. [detected]
                id_column: Column that names the stream a row belongs to, in tables of several streams. [detected]
                time_column: Column of the time. [detected]
                label_column: Column that marks anomalies, for evaluation only: nothing is learnt from it. [detected]
                windows: File with the windows of known anomalies by file or stream, in the form of NAB's
                combined_windows.json. [detected]
                ignore: Columns to leave out, separated by commas.
                batch: Rows in a batch.
                bptt: Steps in a window of truncated backpropagation through time.
                learning: How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1
                or eprop.
                lr: Learning rate, at its peak.
                warmup: Steps in which the learning rate rises to its peak.
                decay: Weight decay.
                clip: Bound of the gradient; 0 for none.
                clipping: What clip bounds: norm, all together; value, each number; adaptive, each unit relative to its
                weights.
                seed: Random seed.
                save_every: Seconds between two checkpoints.
                devices: Devices that share each batch; without a GPU, processes.
                precision: Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.
                minutes: Train for this many minutes.
                steps: Train for this many steps.
                epochs: Train for this many epochs.
                min_steps: Train for at least this many steps, where epochs would be fewer.
                patience: Stop after this many evaluations in a row without improvement.
                baselines: Train simple methods in the same run, and show them in the same table.
                compare: Other cells to train under the same budget, separated by commas, such as gru,transformer.
                search: Try this many settings first, each for a quarter of the budget, and train with the best.
                folder: Model folder to write; without one the model is in memory, for save().
                overwrite: Whether to replace a model that is in the folder.
                skip_bad: Whether rows that cannot be used are left out, and told, instead of refused: True for up to a
                tenth of all, 'all' for however many.
                verbose: Whether fit says what it found out about the data, and shows a bar.
                callbacks: Callbacks of Lightning.
        """

class RecommenderOptions:
    constructor: ClassVar[Constructor]
    separator: str
    header: bool | None
    encoding: str
    decimal: str
    thousands: str
    missing: str | list[Any]
    date_order: str
    cell: str
    hidden: int
    layers: int
    embedding: int
    dropout: float
    word_dropout: float
    vocabulary: int
    min_count: int
    negatives: int | None
    window: int
    max_length: int
    repeats: bool | None
    top_k: int
    people: int
    person_column: str
    item_column: str
    time_column: str
    session_column: str
    gap: float
    ignore: str | list[Any]
    rating_column: str
    least_rating: float | None
    within: str
    split: str
    held_out: float
    split_seed: int
    batch: int
    bptt: int
    learning: str
    lr: float
    warmup: int
    decay: float
    clip: float
    clipping: str
    seed: int
    save_every: float
    devices: int
    precision: str
    minutes: float | None
    steps: int | None
    epochs: float | None
    min_steps: int
    patience: int | None
    baselines: bool
    compare: str | list[Any]
    search: int
    folder: str | Path | None
    overwrite: bool
    skip_bad: bool | str
    verbose: bool
    callbacks: tuple[Any, ...]
    def __init__(
        self,
        *,
        separator: str = "",
        header: bool | None = None,
        encoding: str = "",
        decimal: str = "",
        thousands: str = "",
        missing: str | list[Any] = "",
        date_order: str = "",
        cell: str = "gru",
        hidden: int = 128,
        layers: int = 1,
        embedding: int = 128,
        dropout: float = 0.4,
        word_dropout: float = 0.1,
        vocabulary: int = 1_000_000,
        min_count: int = 1,
        negatives: int | None = None,
        window: int = 50,
        max_length: int = 1000,
        repeats: bool | None = None,
        top_k: int = 20,
        people: int = 10_000,
        person_column: str = "",
        item_column: str = "",
        time_column: str = "",
        session_column: str = "",
        gap: float = 0.0,
        ignore: str | list[Any] = "",
        rating_column: str = "",
        least_rating: float | None = None,
        within: str = "",
        split: str = "last",
        held_out: float = 0.1,
        split_seed: int = 1,
        batch: int = 32,
        bptt: int = 64,
        learning: str = "truncated",
        lr: float = 0.004,
        warmup: int = 30,
        decay: float = 0.01,
        clip: float = 1.0,
        clipping: str = "norm",
        seed: int = 1,
        save_every: float = 30.0,
        devices: int = 1,
        precision: str = "32",
        minutes: float | None = None,
        steps: int | None = None,
        epochs: float | None = 20.0,
        min_steps: int = 1,
        patience: int | None = 6,
        baselines: bool = True,
        compare: str | list[Any] = "",
        search: int = 0,
        folder: str | Path | None = None,
        overwrite: bool = False,
        skip_bad: bool | str = False,
        verbose: bool = True,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        """Only store the options; what is wrong with one is said by ``fit``.

        Args:
                separator: Character between two columns; \t is a tab. [detected]
                header: Whether the first row has the names of the columns. [detected]
                encoding: Encoding of text files, such as latin-1, cp1252 or shift_jis. [utf-8, or what a mark at the
                beginning says]
                decimal: What stands before the decimals of numbers: . or , [detected]
                thousands: What stands between the thousands of numbers: , . ' _ or a blank. [detected]
                missing: What stands where there is no value, separated by commas, such as -999,NA.
                date_order: Order of day, month and year in dates such as 01/02/2020: dmy, mdy or ymd. [detected]
                cell: Recurrent cell: a name from `elman cells`, or transformer or convolution, or module:Class for a
                cell of your own.
                hidden: Units of each layer.
                layers: Number of layers.
                embedding: Size of the item embeddings.
                dropout: Dropout: share of the features that training sets to zero.
                word_dropout: Share of the items that training replaces by the unknown item.
                vocabulary: Number of items to learn, the most frequent ones.
                min_count: Items that occur less often count as unknown.
                negatives: Negative items drawn for each step; 0 to compare with all items. [all, or 2048 above 50,000
                items]
                window: Events of a session that are learnt from at once.
                max_length: Events of a session that are read, the last ones.
                repeats: Whether items that a session has had may be recommended again. [detected]
                top_k: Number of items to recommend.
                people: Sessions whose state is kept while answering a stream, the latest ones.
                person_column: Column of the user. [detected]
                item_column: Column of the item. [detected]
                time_column: Column of the time. [detected]
                session_column: Column that tells apart the sessions of a user. [detected]
                gap: Minutes without an event after which a new session begins; 0 for never.
                ignore: Columns to leave out, separated by commas.
                rating_column: Column of the rating. [detected]
                least_rating: Leave out events with a lower rating. [ratings are ignored]
                within: Character between two items, where each row is a whole session.
                split: What is held out: last, the last item of each session (the one before it while training); people,
                whole sessions; or time, the sessions that end last.
                held_out: Share of the sessions held out, with split people or time; 0 to learn from all.
                split_seed: Random seed of the split.
                batch: Rows in a batch.
                bptt: Steps in a window of truncated backpropagation through time.
                learning: How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1
                or eprop.
                lr: Learning rate, at its peak.
                warmup: Steps in which the learning rate rises to its peak.
                decay: Weight decay.
                clip: Bound of the gradient; 0 for none.
                clipping: What clip bounds: norm, all together; value, each number; adaptive, each unit relative to its
                weights.
                seed: Random seed.
                save_every: Seconds between two checkpoints.
                devices: Devices that share each batch; without a GPU, processes.
                precision: Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.
                minutes: Train for this many minutes.
                steps: Train for this many steps.
                epochs: Train for this many epochs.
                min_steps: Train for at least this many steps, where epochs would be fewer.
                patience: Stop after this many evaluations in a row without improvement.
                baselines: Train simple methods in the same run, and show them in the same table.
                compare: Other cells to train under the same budget, separated by commas, such as gru,transformer.
                search: Try this many settings first, each for a quarter of the budget, and train with the best.
                folder: Model folder to write; without one the model is in memory, for save().
                overwrite: Whether to replace a model that is in the folder.
                skip_bad: Whether rows that cannot be used are left out, and told, instead of refused: True for up to a
                tenth of all, 'all' for however many.
                verbose: Whether fit says what it found out about the data, and shows a bar.
                callbacks: Callbacks of Lightning.
        """

class LanguageModelOptions:
    constructor: ClassVar[Constructor]
    cell: str
    hidden: int
    layers: int
    embedding: int
    dropout: float
    tokens: str
    vocabulary: int
    held_out: float
    form: str
    text_column: str
    encoding: str
    max_length: int
    split_seed: int
    samples: int
    batch: int
    bptt: int
    learning: str
    lr: float
    warmup: int
    decay: float
    clip: float
    clipping: str
    seed: int
    save_every: float
    devices: int
    precision: str
    minutes: float | None
    steps: int | None
    epochs: float | None
    min_steps: int
    patience: int | None
    baselines: bool
    compare: str | list[Any]
    search: int
    folder: str | Path | None
    overwrite: bool
    skip_bad: bool | str
    verbose: bool
    callbacks: tuple[Any, ...]
    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden: int = 384,
        layers: int = 1,
        embedding: int = 128,
        dropout: float = 0.1,
        tokens: str = "characters",
        vocabulary: int = 2048,
        held_out: float = 0.1,
        form: str = "auto",
        text_column: str = "",
        encoding: str = "",
        max_length: int = 2000,
        split_seed: int = 1,
        samples: int = 1000,
        batch: int = 64,
        bptt: int = 64,
        learning: str = "truncated",
        lr: float = 0.004,
        warmup: int = 50,
        decay: float = 0.01,
        clip: float = 1.0,
        clipping: str = "norm",
        seed: int = 1,
        save_every: float = 30.0,
        devices: int = 1,
        precision: str = "32",
        minutes: float | None = 5.0,
        steps: int | None = None,
        epochs: float | None = None,
        min_steps: int = 1,
        patience: int | None = None,
        baselines: bool = True,
        compare: str | list[Any] = "",
        search: int = 0,
        folder: str | Path | None = None,
        overwrite: bool = False,
        skip_bad: bool | str = False,
        verbose: bool = True,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        """Only store the options; what is wrong with one is said by ``fit``.

        Args:
                cell: Recurrent cell: a name from `elman cells`, or module:Class for a cell of your own.
                hidden: Units of each layer.
                layers: Number of layers.
                embedding: Size of the token embeddings.
                dropout: Dropout: share of each layer's outputs that training sets to zero.
                tokens: Tokens: characters, bytes or subwords.
                vocabulary: Size of the vocabulary of subwords.
                held_out: Share held out for evaluation: the end of a text, or some of the strings.
                form: What the file holds: text; strings, such as names or molecules, one in each line; or auto, to
                detect it.
                text_column: Column of the text, in a table. [detected]
                encoding: Encoding of text files, such as latin-1, cp1252 or shift_jis. [utf-8, or what a mark at the
                beginning says]
                max_length: Strings: longest string, in characters; a longer one is a bad row.
                split_seed: Strings: random seed of the split.
                samples: Strings: how many to generate and evaluate at the end; 0 for none.
                batch: Rows in a batch.
                bptt: Steps in a window of truncated backpropagation through time.
                learning: How gradients are computed: truncated; checkpointed, in less memory; or online, by rtrl, snap1
                or eprop.
                lr: Learning rate, at its peak.
                warmup: Steps in which the learning rate rises to its peak.
                decay: Weight decay.
                clip: Bound of the gradient; 0 for none.
                clipping: What clip bounds: norm, all together; value, each number; adaptive, each unit relative to its
                weights.
                seed: Random seed.
                save_every: Seconds between two checkpoints.
                devices: Devices that share each batch; without a GPU, processes.
                precision: Precision: 32, or bf16 for matrix products in bfloat16, where the device has it.
                minutes: Train for this many minutes.
                steps: Train for this many steps.
                epochs: Train for this many epochs.
                min_steps: Train for at least this many steps, where epochs would be fewer.
                patience: Stop after this many evaluations in a row without improvement.
                baselines: Train simple methods in the same run, and show them in the same table.
                compare: Other cells to train under the same budget, separated by commas, such as gru,transformer.
                search: Try this many settings first, each for a quarter of the budget, and train with the best.
                folder: Model folder to write; without one the model is in memory, for save().
                overwrite: Whether to replace a model that is in the folder.
                skip_bad: Whether rows that cannot be used are left out, and told, instead of refused: True for up to a
                tenth of all, 'all' for however many.
                verbose: Whether fit says what it found out about the data, and shows a bar.
                callbacks: Callbacks of Lightning.
        """
