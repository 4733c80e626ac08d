"""Warm invocations: processor time of the function's process, billed milliseconds, and memory over many invocations.

Processor time is what the function itself uses, in all of its threads; the stand-in is another process and does not count.
Billed time is from the moment when the function is given the event to its answer.
"""

from . import contenders
from .contenders import PLAIN, THUMBNAIL
from .figures import Line, Section, Spread, proved

# Rekognition's usual time for a small photograph.
REKOGNITION_MS = 300
# The goal for memory is for so many.
FLAT_INVOCATIONS = 100_000


def processor_times(standin, functions, rounds, times):
    """Starts functions, given as name: (contender, event, tls), and returns the processor time and the wall time of one
    invocation, in milliseconds: a median for every round. The functions take turns."""
    running = {name: (standin.start(contender, tls=tls, name=name), event) for name, (contender, event, tls) in functions.items()}
    for name, (function, event) in running.items():
        if name.startswith("processor"):
            contenders.check(standin, function, ["thumbnail"] if "thumbnail" in name else [])
        function.invoke(event, max(10, times // 4))
    used = {name: [] for name in running}
    wall = {name: [] for name in running}
    for _ in range(rounds):
        for name, (function, event) in running.items():
            before = function.processor_ms()
            took = function.invoke(event, times)
            used[name].append((function.processor_ms() - before) / times)
            wall[name].append(Spread.of(took).median)
    memory = {name: function.memory("VmHWM") for name, (function, _) in running.items()}
    for function, _ in running.values():
        function.stop()
    return {name: Spread.of(values) for name, values in used.items()}, {name: Spread.of(values) for name, values in wall.items()}, memory


def section(programs, standin, settings):
    rounds, times = settings.rounds(8), settings.times(60)
    picture, request = contenders.pictures(standin), contenders.upload_request()
    processor, python = contenders.processor, contenders.python_processor
    used, wall, memory = processor_times(standin, {
        "processor": (processor(programs, **PLAIN), picture, True),
        "Python": (python(), picture, True),
        "processor, http": (processor(programs, **PLAIN), picture, False),
        "Python, http": (python(), picture, False),
        "processor, thumbnail": (processor(programs, **THUMBNAIL), picture, True),
        "Python, thumbnail": (python(THUMBNAIL_PX="320"), picture, True),
        "processor, index": (processor(programs, INDEX_TABLE="images", **PLAIN), picture, True),
        "upload-api": (contenders.upload_api(programs), request, True),
        "empty function": (contenders.floor(programs), request, True),
        "Python presign": (contenders.python_presign(), request, True),
    }, rounds, times)

    def pair(ours, theirs, what, goal="", judge=None):
        least = used[theirs].median / used[ours].median
        beside = f"Python {used[theirs].show('ms')}: {least:.1f} times as much"
        return Line(what, used[ours].show("ms"), beside, goal, judge(used[ours].median, used[theirs].median) if judge else None)

    limit = 1.3 * used["empty function"].median + 0.03
    lines = [
        pair("processor", "Python", "processor, a picture without a thumbnail", "at most 1 ms, and a fifth of Python's",
             lambda ours, theirs: ours <= 1 and ours * 5 <= theirs),
        pair("processor, http", "Python, http", "the same over plain HTTP"),
        pair("processor, thumbnail", "Python, thumbnail", "processor, a picture with a thumbnail of 320 pixels (Python: Pillow)"),
        Line("processor, without a thumbnail but with the index", used["processor, index"].show("ms")),
        Line("upload-api, a presigned address", used["upload-api"].show("ms"),
             f"empty function {used['empty function'].show('ms')}; Python {used['Python presign'].show('ms')}",
             f"at most 1.3 times the empty function and 30 µs: {limit:.3f} ms", used["upload-api"].median <= limit),
        Line("upload-api, the same in wall time", wall["upload-api"].show("ms"),
             f"empty function {wall['empty function'].show('ms')}; Python {wall['Python presign'].show('ms')}"),
        Line("peak memory: processor / upload-api", f"{memory['processor']:.0f} / {memory['upload-api']:.0f} MiB",
             f"Python {memory['Python']:.0f} / {memory['Python presign']:.0f} MiB; empty function {memory['empty function']:.0f} MiB"),
    ]
    settings.found["processorMs"] = used["processor"].median
    text = (f"Processor time of one invocation with the photograph of 66 KiB, over TLS where nothing else is said. Medians and quartiles of "
            f"{rounds} rounds of {times} invocations.")
    return Section("Warm: processor time", text, lines)


def billed(programs, standin, settings):
    """Billed milliseconds a picture, and what the cost model needs: calls and bytes of log a picture."""
    rounds = settings.rounds(3)
    functions = {"processor": contenders.processor(programs), "Python": contenders.python_processor()}
    running = {name: standin.start(contender) for name, contender in functions.items()}
    one, ten = contenders.pictures(standin), contenders.pictures(standin, 10)
    for function in running.values():
        function.invoke(one, 3)
    standin.rekognition(REKOGNITION_MS)
    singles, tens = ({name: [] for name in running} for _ in range(2))
    for _ in range(rounds):
        for name, function in running.items():
            singles[name] += function.invoke(one, 4)
            tens[name] += [took / 10 for took in function.invoke(ten, 2 if name == "processor" else 1)]
    standin.rekognition(0)
    for function in running.values():
        function.stop()
    single = {name: Spread.of(values) for name, values in singles.items()}
    batch = {name: Spread.of(values) for name, values in tens.items()}
    settings.found["billedMs"] = {name: {1: single[name].median, 10: batch[name].median} for name in running}
    lines = [
        Line("one picture in a batch", single["processor"].show("ms"), f"Python {single['Python'].show('ms')}"),
        Line("ten pictures in a batch", batch["processor"].show("ms"), f"Python {batch['Python'].show('ms')}"),
    ]
    text = (f"Milliseconds a picture with a Rekognition that takes {REKOGNITION_MS} ms, over TLS, without a thumbnail. Lambda bills each "
            "invocation from the event to the answer. Python works on one picture after the other.")
    return Section("Warm: billed time", text, lines)


def memory(programs, standin, settings):
    """Memory after a tenth of all invocations, and at the end."""
    invocations = settings.invocations
    lines = []
    for contender, event in ((contenders.processor(programs, **THUMBNAIL), contenders.pictures(standin)),
                             (contenders.upload_api(programs), contenders.upload_request())):
        function = standin.start(contender)
        function.invoke(event, max(1, invocations // 10))
        early = function.memory("VmRSS")
        function.invoke(event, invocations - invocations // 10)
        late = function.memory("VmRSS")
        peak = function.memory("VmHWM")
        function.stop()
        lines.append(Line(f"{contender.name}: after {invocations // 10:,} and after {invocations:,} invocations",
                          f"{early:.1f} and {late:.1f} MiB; peak {peak:.1f}", "", f"flat over {FLAT_INVOCATIONS:,} (at most 1 MiB more)",
                          proved(late - early <= 1, invocations, FLAT_INVOCATIONS)))
    text = "Resident memory, over TLS; the processor makes a thumbnail of each picture. `--invocations 100000` runs all that the goal asks for."
    return Section("Memory over many invocations", text, lines)
