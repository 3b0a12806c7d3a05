"""Which tests are run when: ``make quick`` leaves out the slow ones, ``make test`` only those of ``make long``."""

from zlib import crc32

# files and folders whose tests take most of the time of the whole; of the laws, ``cases.params`` marks a case of each
SLOW = {
    "benchmarks", "devices", "docs", "estimators", "examples", "testing",
    "test_own_cells", "test_adopt", "test_vocabulary",
    "test_calls", "test_calls_for_gradients", "test_likeness", "test_sixteen_bits",
    "test_compiler", "test_drop_ins", "test_heads", "test_learning", "test_new_cell", "test_tasks",
    "test_machines", "test_systems",
    "test_guards", "test_llvm_functions", "test_llvm_gemm", "test_llvm_jit", "test_scan", "test_bfloat16",
    "test_explain", "test_program",
    "test_recurrent", "test_encoder_decoder", "test_sequence", "test_remedies", "test_online",
    "test_devices", "test_training", "test_trials", "test_save", "test_signals", "test_ends", "test_pipes",
    "test_encoding", "test_bad", "test_times", "test_series", "test_tag", "test_token_rows", "test_recommend",
    "test_translate", "test_language_strings", "test_chat",
    "edits", "fuzz", "test_inspect", "test_usage", "test_nothing_varies", "test_formats",
    "test_notations", "test_surroundings", "test_derivatives", "test_given", "test_resumed", "test_memory",
    "test_readme", "test_anomaly", "test_classify", "test_forecast", "test_cli",
    "test_weights_keras", "test_weights_onnx",
}  # fmt: skip

# tests that take long and seldom break: the code for other machines, and several processes at once
LONG = {
    "test_all_of_it_works_with_what_windows_has",
    "test_random_steps_give_what_their_loop_gives",
    "test_code_for_another_system_asks_for_what_that_system_has",
    "test_the_machine_can_be_chosen_for_a_process",
    "test_narrower_machines_have_the_same_products",
    "test_two_processes_may_write_the_same_kernel",
    "test_a_fork_while_another_thread_compiles_can_compile",
    "test_a_mistake_in_another_process_is_one_line",
    "test_processes_share_the_work",
    "test_processes_stop_together_behind_a_step",
    "test_two_processes_give_the_loss_of_one",
    "test_every_law_holds_it_and_asks_for_its_parameters",
    "test_every_section_runs_and_is_written",
    "test_what_is_reached_is_said_beside_what_a_simple_method_reaches",
    "test_a_good_cell_with_an_extra_input_and_an_option_passes",
    "test_a_good_task_passes",
    "test_of_a_table_of_very_many_columns_the_first_and_last_are_looked_at",
}

# of tests, and of laws, that try very many cases: one case in so many is in ``make test``, the others in ``make long``
SHARES = {
    # of cells
    "equals_the_truth_with_every_gradient": 9,
    "second_derivatives_are_right": 6,
    "gradients_are_the_derivatives": 5,
    "trajectory_gives_the_states_of_every_step": 5,
    "derivatives_of_every_mode_are_those_of_the_loop": 5,
    "test_throwaway_cells_equal_their_loop": 6,
    "test_steps_that_are_computed_again_have_the_same_gradients": 3,
    "test_nothing_outside_the_buffers_is_written_or_matters": 3,
    "test_it_is_float32_of_what_was_rounded": 3,
    "test_of_float16_all_is_float32_of_what_was_rounded": 6,
    "test_bfloat16_is_as_close_as_the_loop": 9,
    "test_under_autocast_a_sequence_may_be_cut_anywhere": 4,
    "test_a_drop_in_has_the_formats_of_its_twin": 4,
    "test_a_lane_does_not_depend_on_the_number_of_lanes": 3,
    "test_a_drop_in_has_the_derivatives_of_its_twin": 3,
    "test_any_cell_has_the_derivatives_of_its_loop": 3,
    "test_is_its_cells_run_one_after_another": 3,
    "test_approximations_do_not_depend_on_the_windows": 3,
    "test_float64_is_right": 2,
    "test_many_functions_together_run_in_kernels": 8,
    "test_a_bound_call_of_a_cell_gives_what_the_ordinary_way_gives": 4,
    "test_a_bound_call_gives_what_the_ordinary_way_gives": 2,
    "test_a_bound_call_gives_the_gradients": 2,
    "test_a_bound_call_of_a_cell_gives_the_gradients": 4,
    "test_products_by_heads_equal_the_loop": 4,
    # of machines
    "test_every_cell_gives_what_its_loop_gives": 12,
    "test_a_cell_of_any_size_gives_what_its_loop_gives": 15,
    "test_a_law_of_cells_holds_on_it": 25,
    "test_throwaway_cells_give_what_their_loop_gives": 15,
    "test_heads_give_what_their_loop_gives": 9,
    "test_what_is_computed_again_has_the_same_gradients": 6,
    "test_any_number_of_threads_gives_the_same": 6,
    "test_bfloat16_weights_give_what_rounded_ones_give": 3,
    "test_steps_one_by_one_give_the_whole": 5,
    "test_a_jacobian_is_that_of_the_loop": 3,
    "test_every_law_holds_on_a_device": 6,
    # of adopted cells
    "test_it_is_read_and_gives_what_its_own_loop_gives": 8,
    "test_it_has_the_parameters_of_the_module_under_their_names": 8,
    "test_what_is_no_number_comes_out_as_from_the_loop": 2,
    # of remedies
    "an_executor_gives_what_the_loop_gives": 6,
    "test_zoneout_is_its_equation": 3,
    # of tasks
    "a_killed_run_goes_on_to_the_same_weights": 6,
    "test_answers_are_written_in_any_format": 3,
    "test_where_nothing_is_left_it_is_one_short_line": 6,
    "test_any_value_of_any_option_is_taken_or_refused_in_our_words": 6,
    "test_scikit_learns_own_checks": 2,
}


def is_long(name: str) -> bool:
    """Whether a test, by its name with the case in brackets, is one of ``make long``; no other test changes that."""
    share = next((share for part, share in SHARES.items() if part in name), 1)
    return name.split("[")[0] in LONG or crc32(name.encode()) % share > 0
