"""Run by `python -m unittest` in the folder bench."""

import unittest

from comparison.figures import Line, Section, Spread, digits, percentile, proved


class Figures(unittest.TestCase):
    def test_the_spread_has_median_and_quartiles(self):
        self.assertEqual(Spread.of([5, 1, 3, 2, 4]), Spread(3, 2, 4))
        self.assertEqual(Spread.of([7]), Spread(7, 7, 7))
        with self.assertRaises(ValueError):
            Spread.of([])

    def test_a_spread_within_the_shown_digits_is_left_out(self):
        self.assertEqual(Spread(8.4, 8.1, 9.0).show("ms"), "8.40 ms (8.10 to 9.00)")
        self.assertEqual(Spread(250.1, 250.0, 250.2).show("ms"), "250 ms")

    def test_three_digits_are_shown(self):
        shown = [digits(value) for value in (0, 0.00123, 0.33, 5.256, 41.26, 358.4, 10000)]
        self.assertEqual(shown, ["0", "0.0012", "0.330", "5.26", "41.3", "358", "10,000"])

    def test_the_percentile_is_one_of_the_values(self):
        self.assertEqual(percentile(range(1, 101), 99), 99)
        self.assertEqual(percentile([3], 99), 3)
        self.assertEqual(percentile([1, 2, 3, 4], 50), 2)

    def test_a_goal_for_many_repetitions_is_met_only_by_as_many(self):
        self.assertIs(proved(True, 100, 100), True)
        self.assertIsNone(proved(True, 99, 100))
        self.assertIs(proved(False, 99, 100), False)

    def test_a_goal_that_is_missed_stands_out(self):
        lines = [Line("cold", "8 ms", "floor 6 ms", "at most 1.5 times", True), Line("zip", "6 MB", "", "at most 4 MB", False)]
        table = Section("Sizes", "Text.", lines).markdown()
        self.assertIn("| cold | 8 ms | floor 6 ms | at most 1.5 times | yes |", table)
        self.assertIn("| zip | 6 MB |  | at most 4 MB | **no** |", table)


if __name__ == "__main__":
    unittest.main()
