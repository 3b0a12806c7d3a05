"""Tests of PyTorch's that one of Elman's modules cannot pass, and why: by their names, or patterns of them."""

from fnmatch import fnmatch

QUANTISED = (
    "quantize_dynamic makes the twin of a drop-in, and PyTorch's quantised modules take nothing but what stands under "
    "the name of the twin in torch.nn, where these tests put the drop-in"
)

EXCUSED = {
    "TestNN.test_projections_errors_on_gru_and_rnn": "proj_size is no argument of RNN and GRU: a TypeError says so, "
    "where PyTorch takes any keyword and raises a ValueError",
    "TestAutocastCPU.test_autocast_rnn": "asks for words that PyTorch itself does not have any more",
    "TestExpandedWeightModuleCPU.*": "gradients of each row by call_for_per_sample_grads know PyTorch's own operations "
    "alone; torch.func.vmap of torch.func.grad gives them",
    "TestReferenceQuantizedModule.test_rnn": "puts tensors that are no parameters into _flat_weights, which are the "
    "parameters themselves here: a TypeError says so",
}


def excuse(name: str) -> str | None:
    """Why a test cannot pass; None where it must."""
    return next((reason for pattern, reason in EXCUSED.items() if fnmatch(name, pattern)), None)
