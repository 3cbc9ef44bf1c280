"""The page of a real call in Chromium shows where its time goes, as the log of the call has it."""

import re

from reports import page_report
from scenes import in_some_scene
from test_calls import wait_for

TURNS = 3
SECONDS = 22
MOMENTS = {
    "First check arrived": "first_stun_ms",
    "Keys agreed on": "dtls_ms",
    "First voice out": "first_audio_out_ms",
    "First voice in": "first_audio_in_ms",
}
# What a turn of the parrot's makes pass on the channel.
TURN_EVENTS = {"input_audio_buffer.speech_stopped", "response.created", "response.done"}


def fields(line):
    return dict(re.findall(r"(\w+)=(\S+)", line))


@in_some_scene
def test_the_page_shows_where_the_time_goes(up, sound, call_log):
    page = f"http://localhost:{up.http.split(':')[1]}/"
    query = {"backend": "parrot", "tone": 440, "turns": TURNS, "seconds": SECONDS}
    report = page_report("chromium", page, sound, **query)
    assert report["error"] is None and report["callID"], report
    line = rf"call-ended call={report['callID'][:12]} .*"
    ended = wait_for(lambda: re.search(line, call_log()), "the call has not ended")
    logged, shown = fields(ended[0]), report["shown"]
    print(report, ended[0])

    # The set-up, in order, as in the call's last line.
    assert shown["setUp"] == {words: logged[name] for words, name in MOMENTS.items()}
    stun, keys, out, heard = (int(shown["setUp"][words]) for words in MOMENTS)
    assert stun <= keys <= out and keys <= heard

    # A bar for each turn; the parrot begins when it has heard nothing for 500 ms.
    times = [int(bar["title"].removesuffix(" ms")) for bar in shown["answers"]]
    assert len(times) == TURNS == int(logged["answers"])
    assert all(bar["height"] > 0 for bar in shown["answers"])
    assert shown["answerNow"] == str(times[-1]) == logged["voice_to_voice_ms"]
    assert max(times) == int(logged["voice_to_voice_max_ms"])
    assert sum(times) // TURNS == int(logged["voice_to_voice_mean_ms"])
    assert all(500 <= time < 1500 for time in times)

    # The depths: what the parrot repeats waits to be said, two seconds each time.
    assert 0 < shown["buffer"]["most"] <= int(logged["buffer_max_ms"])
    assert 500 < shown["pacer"]["most"] <= int(logged["pacer_max_ms"])
    assert shown["pacer"]["now"] == "0"

    # The channel that the page opened, and what it heard there.
    assert report["sessionMilliseconds"] is not None
    assert report["sessionMilliseconds"] < 5000
    assert TURN_EVENTS <= {words.split(" ")[0] for _, _, words in shown["events"]}
    assert shown["backends"] == ["echo", "parrot"]
