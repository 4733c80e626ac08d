"""Cold starts: from the start of the process to its first request of the Runtime API, and to its first answer.

An event waits for each function, as on Lambda. All AWS calls go over TLS, and the roots are those of the system. The
functions take turns.
"""

from . import contenders
from .figures import Line, Section, Spread, times_faster


def measure(programs, standin, rounds):
    """For each function, the milliseconds to the first poll and to the first answer of every round."""
    picture, request = contenders.pictures(standin), contenders.upload_request()
    starts = [
        (contenders.processor(programs), picture),
        (contenders.upload_api(programs), request),
        (contenders.floor(programs), request),
        (contenders.python_processor(), picture),
        (contenders.python_presign(), request),
    ]
    measured = {contender.name: ([], []) for contender, _ in starts}
    peaks = {contender.name: [] for contender, _ in starts}
    for number in range(rounds + 1):
        for contender, event in starts:
            function = standin.start(contender, event=event)
            peaks[contender.name].append(function.memory("VmHWM"))
            function.stop()
            # The first round fills the file cache and compiles Python's modules.
            if number > 0:
                polls, answers = measured[contender.name]
                polls.append(function.first_poll)
                answers.append(function.first_answer)
    spreads = {name: (Spread.of(polls), Spread.of(answers)) for name, (polls, answers) in measured.items()}
    return spreads, {name: max(values) for name, values in peaks.items()}


def section(programs, standin, settings):
    spreads, peaks = measure(programs, standin, settings.rounds(15))
    floor = spreads["empty function"][0].median
    lines = []
    for ours, theirs in (("processor", "Python"), ("upload-api", "Python presign")):
        (poll, answer), (their_poll, their_answer) = spreads[ours], spreads[theirs]
        lines += [
            Line(f"{ours}: to the first poll", poll.show("ms"),
                 f"Python {their_poll.show('ms')}: {times_faster(poll.median, their_poll.median)}",
                 "20 times faster than Python", poll.median * 20 <= their_poll.median),
            Line(f"{ours}: to the first poll, against the floor", poll.show("ms"),
                 f"empty function {spreads['empty function'][0].show('ms')}: {poll.median / floor:.2f} times as long",
                 "at most 1.5 times the empty function", poll.median <= 1.5 * floor),
            Line(f"{ours}: to the first answer", answer.show("ms"),
                 f"Python {their_answer.show('ms')}: {times_faster(answer.median, their_answer.median)}; "
                 f"empty function {spreads['empty function'][1].show('ms')}",
                 "5 times faster than Python", answer.median * 5 <= their_answer.median),
            Line(f"{ours}: peak memory at the first answer", f"{peaks[ours]:.0f} MiB",
                 f"Python {peaks[theirs]:.0f} MiB; empty function {peaks['empty function']:.0f} MiB"),
        ]
    text = (f"From the start of the process. Its event waits for it. Calls go over TLS, Rekognition answers at once. Medians and quartiles "
            f"of {settings.rounds(15)} rounds.")
    return Section("Cold start", text, lines)
