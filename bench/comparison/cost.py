"""What a million pictures cost on AWS, from measured calls, billed time and log lines.

Prices are those of the guide's table (cdk/prices.json), without free tiers. The index's write units are those of a typical picture
(crates/aws/write-units.json). Costs that do not depend on pictures, such as alarms, are left out.
"""

import json
import math
from dataclasses import dataclass

from . import contenders, warm
from .contenders import PLAIN
from .figures import Table
from .paths import ROOT

MILLION = 1_000_000
GIB = 1024**3
# S3 operations at the price of a PUT; DELETE is free, all others have the price of a GET.
WRITES, FREE = {"S3.PutObject"}, {"S3.DeleteObject"}


@dataclass(frozen=True)
class Usage:
    """What one picture takes. `batch` is how many pictures there are in an invocation."""

    batch: int
    billed_ms: float
    memory_mib: int
    calls: dict
    log_bytes: float
    api_billed_ms: float
    api_memory_mib: int
    table_writes: float = 0
    table_reads: float = 0


def costs(prices, usage):
    """US dollars for a million pictures, by service."""
    processor = usage.billed_ms / 1000 * usage.memory_mib / 1024
    api = math.ceil(usage.api_billed_ms) / 1000 * usage.api_memory_mib / 1024
    lambdas = prices["lambdaArm"]
    puts = sum(count for name, count in usage.calls.items() if name in WRITES)
    gets = sum(count for name, count in usage.calls.items() if name.startswith("S3.") and name not in WRITES | FREE)
    # The browser's own PUT of the picture comes first.
    s3 = (puts + 1) * prices["s3"]["put"] + gets * prices["s3"]["get"]
    one = {
        "Rekognition, labels": tier(prices["rekognition"]["labels"]),
        "Rekognition, image properties": tier(prices["rekognition"]["imageProperties"]),
        "Lambda, processor": lambdas["request"] / usage.batch + processor * lambdas["gibSecond"],
        "Lambda, upload address": lambdas["request"] + api * lambdas["gibSecond"],
        "S3 requests": s3,
        # Sent, and received and deleted together with its batch.
        "SQS": (1 + 2 / usage.batch) * prices["sqsRequest"],
        "DynamoDB": usage.table_writes * prices["dynamodb"]["write"] + usage.table_reads * prices["dynamodb"]["read"],
        "HTTP API": prices["httpApiRequest"],
        "CloudWatch logs": usage.log_bytes / GIB * prices["logs"]["gibIn"],
    }
    return {name: MILLION * usd for name, usd in one.items()}


def tier(tiers):
    """The price of each of the first million."""
    return tiers[0][1]


def section(programs, standin, settings):
    if "billedMs" not in settings.found:
        warm.billed(programs, standin, settings)
    billed = settings.found["billedMs"]
    units = json.loads((ROOT / "crates/aws/write-units.json").read_text())["put"]
    ours, theirs = contenders.processor(programs, **PLAIN), contenders.python_processor()
    whole = contenders.processor(programs, "processor with all", INDEX_TABLE="images")
    api = {"ours": wall(standin, contenders.upload_api(programs)), "theirs": wall(standin, contenders.python_presign())}
    columns = {}
    for batch in (1, 10):
        def usage(contender, billed_ms, memory_mib, api_ms, **more):
            calls, log_bytes = observe(standin, contender, batch)
            return Usage(batch, billed_ms, memory_mib, calls, log_bytes, api_ms, 512 if contender is not theirs else memory_mib, **more)

        full = wall(standin, whole, batch, warm.REKOGNITION_MS) / batch
        columns[f"Sightline, batches of {batch}, the same work as Python"] = usage(ours, billed["processor"][batch], 1024, api["ours"])
        columns[f"Sightline, batches of {batch}, with thumbnail, preview and index"] = usage(
            whole, full, 1024, api["ours"], table_writes=units["table"] + units["indexes"], table_reads=1)
        for memory in (256, 1024):
            columns[f"Python, batches of {batch}, {memory} MiB"] = usage(theirs, billed["Python"][batch], memory, api["theirs"])
    prices = json.loads((ROOT / "cdk/prices.json").read_text())
    text = (f"US dollars for a million pictures. {prices['note']} Calls, billed time (Rekognition takes {warm.REKOGNITION_MS} ms) and log lines "
            "are measured by this run; Lambda is arm64, at the times of this machine. Python with 256 MiB is taken to be as fast as with "
            "1,024, although Lambda gives it a quarter of the processor. Storage, data out, CloudFront and what does not depend on pictures "
            "are left out: they are the same.")
    return table("Cost of a million pictures", text, {name: costs(prices, usage) for name, usage in columns.items()})


def table(title, text, columns):
    """Services as rows, and two sums."""
    names = list(next(iter(columns.values())))
    rows = [[name, *(money(column[name]) for column in columns.values())] for name in names]
    rows.append(["**all but Rekognition**", *(money(sum(usd for name, usd in column.items() if not name.startswith("Rekognition")))
                                            for column in columns.values())])
    rows.append(["**all**", *(money(sum(column.values())) for column in columns.values())])
    return Table(title, text, ["", *columns], rows)


def money(usd):
    return f"{usd:,.2f}"


def observe(standin, contender, batch):
    """Calls and bytes of log of one picture."""
    function = standin.start(contender)
    event = contenders.pictures(standin, batch)
    function.invoke(event, 2)
    standin.calls()
    before = function.log.stat().st_size
    times = 5
    function.invoke(event, times)
    count = times * batch
    calls = {name: calls / count for name, calls in standin.calls().items()}
    log_bytes = (function.log.stat().st_size - before) / count
    function.stop()
    return calls, log_bytes


def wall(standin, contender, batch=1, rekognition_ms=0):
    """The usual milliseconds of an invocation."""
    function = standin.start(contender)
    is_api = "upload" in contender.name or "presign" in contender.name
    event = contenders.upload_request() if is_api else contenders.pictures(standin, batch)
    function.invoke(event, 5)
    standin.rekognition(rekognition_ms)
    took = sorted(function.invoke(event, 9))
    standin.rekognition(0)
    function.stop()
    return took[len(took) // 2]
