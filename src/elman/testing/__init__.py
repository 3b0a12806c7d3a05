"""The laws that Elman's own cells, remedies and tasks are held to, for people who write others.

``check_cell(MyCell)`` raises ``LawBroken``, an ``AssertionError``, at the first law that does not hold, and says for
what sizes and inputs. ``cell_checks(MyCell)`` gives the single checks, so that a test runner shows each by its name::

    @pytest.mark.parametrize("check", cell_checks(MyCell), ids=lambda check: check.name)
    def test_my_cell(check):
        check.run()
"""

from elman.testing.cells import cell_checks, check_cell
from elman.testing.closeness import assert_close, assert_equal
from elman.testing.law import Check, LawBroken
from elman.testing.remedies import check_remedy, remedy_checks
from elman.testing.tasks import check_task, task_checks

__all__ = [
    "Check",
    "LawBroken",
    "assert_close",
    "assert_equal",
    "cell_checks",
    "check_cell",
    "check_remedy",
    "check_task",
    "remedy_checks",
    "task_checks",
]
