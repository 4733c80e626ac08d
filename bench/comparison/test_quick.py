"""Run by `python -m unittest` in the folder bench."""

import unittest

from comparison.quick import each, regressions, report


class Quick(unittest.TestCase):
    def test_the_start_is_subtracted(self):
        self.assertEqual(each(lambda times: 1_000_000 + 250 * times, 10), 250)

    def test_more_than_the_tolerance_is_a_regression(self):
        expected = {"same": 1000, "worse": 1000, "better": 1000}
        found = {"same": 1049, "worse": 1051, "better": 10, "new": 5}
        self.assertEqual(regressions(found, expected), ["worse", "new"])

    def test_the_report_has_the_change(self):
        self.assertIn("| one | 1,100 | 1,000 | +10.0 % |", report({"one": 1100}, {"one": 1000}))


if __name__ == "__main__":
    unittest.main()
