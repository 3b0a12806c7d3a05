"""Which tests are run when: ``make quick`` leaves out the slow ones, ``make test`` only those of ``make long``."""

# files and folders whose tests take most of the time of the whole; of the laws, ``cases.params`` marks a case of each
SLOW = {
    "benchmarks", "docs", "estimators", "examples", "testing",
    "test_own_cells", "test_compiler", "test_drop_ins", "test_learning", "test_new_cell", "test_tasks",
    "test_guards", "test_llvm_functions", "test_llvm_gemm", "test_llvm_jit", "test_scan", "test_bfloat16",
    "test_explain", "test_program",
    "test_recurrent", "test_encoder_decoder", "test_sequence", "test_remedies", "test_online",
    "test_devices", "test_training", "test_trials", "test_save", "test_signals", "test_ends", "test_pipes",
    "edits", "test_inspect", "test_usage", "test_nothing_varies", "test_formats",
    "test_notations", "test_surroundings", "test_derivatives", "test_given", "test_resumed", "test_memory",
    "test_anomaly", "test_classify", "test_forecast", "test_cli", "test_weights_keras", "test_weights_onnx",
}  # fmt: skip

# tests that take long and seldom break: the code for other machines, and several processes at once
LONG = {
    "test_narrower_vectors_give_the_same",
    "test_narrower_machines_have_the_same_products",
    "test_two_processes_may_write_the_same_kernel",
    "test_a_fork_while_another_thread_compiles_can_compile",
    "test_a_mistake_in_another_process_is_one_line",
    "test_processes_share_the_work",
    "test_processes_stop_together_behind_a_step",
}
