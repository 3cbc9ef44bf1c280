"""Our SCTP against aiortc's, over plain UDP on loopback: no ICE, no DTLS."""

import asyncio
import hashlib

import pytest

from scenes import in_some_scene
from sctp_peers import Channel, Pair, until


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 400))


@pytest.mark.parametrize("options", [["--echo"], ["--echo", "--start"]])
def test_a_channel_of_theirs(options):
    """They open `oai-events` as a browser does; ours answers, or has sent INIT as well."""

    async def body():
        async with Pair(*options) as pair:
            channel = pair.open("oai-events", protocol="events")
            await pair.start()
            await channel.state("open")
            line = await pair.ours.line("opened")
            assert line == "opened 0 peer ordered reliable oai-events/events"
            for index in range(50):
                channel.send(f"hello {index}")
                channel.send(bytes([index]) * index)
            await until(lambda: len(channel.messages) == 100)
            expected = []
            for index in range(50):
                expected += [f"hello {index}", bytes([index]) * index]
            assert channel.messages == expected

    run(body())


def test_a_channel_of_ours():
    async def body():
        async with Pair() as pair:
            pair.ours.say("open early")
            await pair.start()
            pair.ours.say("open late unordered retransmissions 3")
            await pair.ours.line("opened", count=2)
            await until(lambda: len(pair.channels) == 2)
            early, late = pair.channels
            assert (early.label, early.id, early.ordered) == ("early", 1, True)
            assert (late.label, late.id, late.ordered, late.maxRetransmits) == ("late", 3, False, 3)
            heard = [Channel(early), Channel(late)]
            pair.ours.say("text 1 one two three")
            pair.ours.say("binary 3 5000")
            pair.ours.say("binary 1 0")
            await until(lambda: sum(len(channel.messages) for channel in heard) == 3)
            assert heard[0].messages == ["one two three", b""]
            assert len(heard[1].messages[0]) == 5000

    run(body())


@pytest.mark.parametrize("loss_percent, late_percent", [(0, 0), (5, 0), (0, 20), (3, 20)])
@in_some_scene
def test_large_messages(loss_percent, late_percent):
    """256 KiB there and back, every byte of it."""

    async def body():
        options = ["--echo", "--late", str(late_percent)]
        async with Pair(*options, loss_percent=loss_percent) as pair:
            channel = pair.open("large")
            await pair.start()
            await channel.state("open")
            messages = [bytes([index]) + bytes(range(256)) * 1023 for index in range(3)]
            messages.append(bytes(262144))
            for message in messages:
                channel.send(message)
            await until(lambda: len(channel.messages) == len(messages), 100)
            sums = [hashlib.sha256(message).digest() for message in messages]
            assert [hashlib.sha256(message).digest() for message in channel.messages] == sums

    run(body())


@pytest.mark.parametrize("seed", range(4))
@in_some_scene
def test_many_messages_on_a_bad_network(seed):
    """10 % of the packets are lost each way, at each end."""

    async def body():
        async with Pair("--echo", "--start", loss_percent=10, seed=seed) as pair:
            ordered = pair.open("ordered")
            unordered = pair.open("unordered", ordered=False)
            await pair.start()
            await ordered.state("open")
            await unordered.state("open")
            for index in range(100):
                ordered.send(f"{index} " + "x" * (index * 40))
                unordered.send(f"{index}")
            for channel in (ordered, unordered):
                await until(lambda: len(channel.messages) == 100, 100)
            assert [int(text.split()[0]) for text in ordered.messages] == list(range(100))
            assert sorted(int(text) for text in unordered.messages) == list(range(100))

    run(body())


@in_some_scene
def test_partial_reliability():
    """What is lost stays lost, and nothing waits for it."""

    async def body():
        async with Pair("--echo", loss_percent=10) as pair:
            channel = pair.open("pr", ordered=True, maxRetransmits=0)
            await pair.start()
            await channel.state("open")
            for index in range(200):
                channel.send(f"{index}")
                await asyncio.sleep(0.005)
            pair.network.loss_percent = 0
            for index in range(200, 400):
                channel.send(f"{index}")
                await asyncio.sleep(0.005)
            await until(lambda: channel.messages and int(channel.messages[-1]) > 390)
            numbers = [int(text) for text in channel.messages]
            assert numbers == sorted(set(numbers))
            assert 150 < len(numbers) < 400

    run(body())


def test_closing_by_both_sides():
    """A stream that was closed serves again."""

    async def body():
        async with Pair("--echo") as pair:
            await pair.start()
            for round in range(1, 6):
                channel = pair.open(f"round {round}")
                await channel.state("open")
                assert channel.channel.id == 0
                channel.send("hello")
                await until(lambda: channel.messages == ["hello"])
                if round % 2:
                    channel.channel.close()
                else:
                    pair.ours.say("close 0")
                await channel.state("closed")
                assert await pair.ours.line("closed", count=round) == "closed 0"
            pair.ours.say("open ours")
            await pair.ours.line("opened", count=6)
            pair.ours.say("close 1")
            await pair.ours.line("closed 1")
            await until(lambda: pair.channels[0].readyState == "closed")

    run(body())


@pytest.mark.parametrize("word, reason", [("shutdown", "shutDown"), ("abort", "aborted")])
def test_the_end(word, reason):
    async def body():
        async with Pair() as pair:
            channel = pair.open("x")
            await pair.start()
            await channel.state("open")
            pair.ours.say(word)
            assert await pair.ours.line("lost") == f"lost {reason}"
            await until(lambda: pair.theirs.state == "closed")
            assert channel.channel.readyState == "closed"

    run(body())


def test_their_abort():
    async def body():
        async with Pair() as pair:
            await pair.start()
            await pair.theirs.stop()
            assert await pair.ours.line("lost") == "lost abortedByPeer(cause: 0)"

    run(body())
