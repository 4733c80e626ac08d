"""Run by `python -m unittest` in the folder bench."""

import unittest

from comparison.load import read

REPORT = """Running 1s test @ http://127.0.0.1:8080/images
  Latency Distribution
     50%  520.00us
     99%    1.25ms
  2000 requests in 1.00s, 10.00MB read
Requests/sec:   1999.50
"""


class Report(unittest.TestCase):
    def test_rate_and_percentile_are_read(self):
        self.assertEqual(read(REPORT), {"perSecond": 1999.5, "p99": 1.25})
        self.assertEqual(read(REPORT.replace("1.25ms", "2.00s"))["p99"], 2000)

    def test_failed_requests_end_the_measurement(self):
        with self.assertRaises(SystemExit):
            read(REPORT + "  Non-2xx or 3xx responses: 3\n")


if __name__ == "__main__":
    unittest.main()
