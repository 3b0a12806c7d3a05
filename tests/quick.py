"""What ``make quick`` leaves out, by the names of files and folders, since they take most of the time of the whole.

Of the laws it runs a case of each, as ``cases.params`` marks them.
"""

SLOW = {
    "benchmarks", "docs", "estimators", "examples", "testing",
    "test_own_cells", "test_compiler", "test_drop_ins", "test_learning", "test_new_cell", "test_tasks",
    "test_guards", "test_llvm_functions", "test_llvm_gemm", "test_llvm_jit", "test_scan", "test_bfloat16",
    "test_explain", "test_program",
    "test_recurrent", "test_encoder_decoder", "test_sequence", "test_remedies", "test_online",
    "test_devices", "test_training", "test_trials", "test_save",
    "test_anomaly", "test_classify", "test_forecast", "test_cli", "test_weights_keras", "test_weights_onnx",
}  # fmt: skip
