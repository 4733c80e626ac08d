"""Tests of the measures: python3 bench/recognisers/test_metrics.py"""

import unittest

import metrics


class Measures(unittest.TestCase):
    def test_overlap(self):
        self.assertEqual(metrics.overlap((0, 0, 2, 2), (0, 0, 2, 2)), 1)
        self.assertAlmostEqual(metrics.overlap((0, 0, 2, 2), (1, 0, 3, 2)), 1 / 3)
        self.assertEqual(metrics.overlap((0, 0, 1, 1), (2, 2, 3, 3)), 0)

    def test_a_true_box_is_found_once(self):
        box = (0, 0, 10, 10)
        self.assertEqual(metrics.match([box, box, (50, 50, 60, 60)], [box], 0.5), [0, None, None])

    def test_average_precision(self):
        self.assertAlmostEqual(metrics.average_precision([(0.9, True), (0.8, True)], 2), 1)
        # The second of three is right, one of two is found: precision 1/2 up to recall 1/2.
        self.assertAlmostEqual(metrics.average_precision([(0.9, False), (0.8, True), (0.7, False)], 2), 51 * 0.5 / 101)
        self.assertEqual(metrics.average_precision([], 3), 0)

    def test_calibration_error(self):
        self.assertAlmostEqual(metrics.calibration_error([(80, True)] * 4 + [(80, False)]), 0)
        self.assertAlmostEqual(metrics.calibration_error([(95, False), (95, True)]), 0.45)

    def test_words_ignore_case_and_punctuation_and_count(self):
        self.assertEqual(metrics.words_found(["The", "values:", "the"], ["the", "VALUES", "other"]), (2, 3))


if __name__ == "__main__":
    unittest.main()
