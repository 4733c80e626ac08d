"""Run by `python -m unittest` in the folder bench."""

import unittest

from comparison.cost import Usage, costs, table

PRICES = {
    "rekognition": {"labels": [[1_000_000, 0.001], [None, 0.0001]], "imageProperties": [[1_000_000, 0.00075]]},
    "lambdaArm": {"request": 0.0000002, "gibSecond": 0.0000133334},
    "s3": {"put": 0.000005, "get": 0.0000004},
    "sqsRequest": 0.0000004,
    "dynamodb": {"write": 0.000000625, "read": 0.000000125},
    "httpApiRequest": 0.000001,
    "logs": {"gibIn": 0.5},
}
CALLS = {"S3.PutObject": 2, "S3.GetObject": 1, "S3.HeadObject": 1, "S3.DeleteObject": 1, "RekognitionService.DetectLabels": 1}


def usage(**changed):
    given = {"batch": 1, "billed_ms": 300, "memory_mib": 1024, "calls": CALLS, "log_bytes": 1024, "api_billed_ms": 0.4, "api_memory_mib": 512}
    return Usage(**{**given, **changed})


class Cost(unittest.TestCase):
    def test_each_service_is_paid_by_its_measure(self):
        found = costs(PRICES, usage(table_writes=108, table_reads=1))
        expected = {
            "Rekognition, labels": 1000,
            "Rekognition, image properties": 750,
            "Lambda, processor": 0.2 + 0.3 * 13.3334,
            # A started millisecond counts.
            "Lambda, upload address": 0.2 + 0.0005 * 13.3334,
            # The browser's PUT and two more; deleting is free.
            "S3 requests": 3 * 5 + 2 * 0.4,
            "SQS": 1.2,
            "DynamoDB": 108 * 0.625 + 0.125,
            "HTTP API": 1,
            "CloudWatch logs": 0.5 * 1024 * 1e6 / 1024**3,
        }
        self.assertEqual(found.keys(), expected.keys())
        for name, usd in expected.items():
            self.assertAlmostEqual(found[name], usd, places=6, msg=name)

    def test_a_batch_shares_the_invocation_and_the_requests_of_the_queue(self):
        found = costs(PRICES, usage(batch=10, billed_ms=30))
        self.assertAlmostEqual(found["Lambda, processor"], 0.02 + 0.03 * 13.3334)
        self.assertAlmostEqual(found["SQS"], 0.48)

    def test_the_table_ends_with_the_sums(self):
        rows = table("Cost", "", {"one": {"Rekognition, labels": 1000, "SQS": 1.2}}).rows
        self.assertEqual(rows[-2:], [["**all but Rekognition**", "1.20"], ["**all**", "1,001.20"]])


if __name__ == "__main__":
    unittest.main()
