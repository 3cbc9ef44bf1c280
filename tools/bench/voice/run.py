"""One run: several calls at once over one network with one seed. What was heard is in files."""

import asyncio
import contextlib
import dataclasses
import json
import pathlib
import time
import urllib.parse

import aiohttp.web

import browser
import networks
import sdp
import way
from servers import HOST

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SET_UP_SECONDS = 60
# The jitter buffers forget the set-up.
WARM_UP_SECONDS = 5.0
START_SECONDS = 0.6
TAIL_SECONDS = 2.0


@dataclasses.dataclass
class Call:
    """A server and a client's manners; `folder` has what its ends heard."""

    number: int
    server: str
    client: str
    folder: pathlib.Path
    failure: str | None = None
    is_ready: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    is_done: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    far_end: object = None
    browser: object = None

    @property
    def name(self):
        return self.server if self.client == "plain" else f"{self.server} ({self.client})"

    def fail(self, words):
        self.failure = self.failure or words
        self.is_ready.set()
        self.is_done.set()


class Run:
    """`servers` are running ones by name."""

    def __init__(self, network, seed, calls, servers, options):
        self.network, self.seed, self.calls = network, seed, calls
        self.servers, self.options = servers, options
        self.setting_up = asyncio.Lock()
        self.holder = None
        self.us_per_frame = {}
        self.start = asyncio.get_running_loop().create_future()

    async def do(self):
        """Gives the moment at which the material began."""
        seconds = self.options.material.seconds + TAIL_SECONDS
        text = networks.plan(self.network, self.seed, seconds + 5)
        async with way.Way(
            self.options.way, HOST, len(self.calls), text, self.options.folder
        ) as self.way:
            port = await self.serve()
            try:
                async with contextlib.AsyncExitStack() as stack:
                    for call in self.calls:
                        one = browser.Browser(self.page_url(port, call))
                        call.browser = await stack.enter_async_context(one)
                    await self.hold_calls(seconds)
            finally:
                await self.runner.cleanup()
            self.passed = await self.way.end()
        return self.start.result()

    def page_url(self, port, call):
        wanted = urllib.parse.quote(json.dumps({"call": call.number, "client": call.client}))
        return f"http://localhost:{port}/page#{wanted}"

    async def serve(self):
        application = aiohttp.web.Application(client_max_size=1 << 28)
        application.router.add_get("/page", self.give_page)
        application.router.add_get("/material.wav", self.give_material)
        application.router.add_get("/network.js", self.give_network)
        for name in ("offer", "ready", "sound", "report", "failed"):
            application.router.add_post(f"/{name}", getattr(self, f"take_{name}"))
        self.runner = aiohttp.web.AppRunner(application, shutdown_timeout=1)
        await self.runner.setup()
        await aiohttp.web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return self.runner.addresses[0][1]

    async def hold_calls(self, seconds):
        await self.wait_for("is_ready", SET_UP_SECONDS, "not set up in time")
        if all(call.failure for call in self.calls):
            self.start.set_result(time.time())
            return
        await asyncio.sleep(WARM_UP_SECONDS)
        await self.way.begin()
        start = time.time() + START_SECONDS
        for call in self.calls:
            if not call.failure:
                call.far_end.go(start)
        self.start.set_result(start)
        before = {name: self.servers[name].cpu_seconds() for name in self.names()}
        await asyncio.sleep(start + self.options.material.seconds - time.time())
        self.count_cost(before)
        await self.wait_for("is_done", seconds + 60, "no report of the page")
        for call in self.calls:
            if call.far_end and not call.failure:
                await call.far_end.finish(call.folder)

    def names(self):
        return {call.server for call in self.calls if not call.failure}

    def count_cost(self, before):
        """CPU time of the transceiver for 20 ms of a call, both ways, in microseconds."""
        frames = self.options.material.seconds * networks.PACKETS_PER_SECOND
        for name in self.names():
            used = self.servers[name].cpu_seconds()
            if used is not None and before[name] is not None:
                calls = sum(call.server == name for call in self.calls)
                self.us_per_frame[name] = 1e6 * (used - before[name]) / calls / frames

    async def wait_for(self, event, seconds, words):
        waits = [asyncio.ensure_future(getattr(call, event).wait()) for call in self.calls]
        await asyncio.wait(waits, timeout=seconds)
        for call, wait in zip(self.calls, waits, strict=True):
            if not wait.done():
                wait.cancel()
                call.fail(f"{words}; the browser says: {call.browser.log()}")

    # What the pages ask for.

    async def give_page(self, request):
        return aiohttp.web.FileResponse(HERE / "page.html")

    async def give_material(self, request):
        return aiohttp.web.FileResponse(self.options.folder / "material.wav")

    async def give_network(self, request):
        """How the product's page follows its network."""
        return aiohttp.web.FileResponse(ROOT / "CSources/CPage/page/network.js")

    def call_of(self, request):
        return self.calls[int(request.query["call"])]

    async def take_offer(self, request):
        """One call is set up after another, so that each finds its own service's connection."""
        call = self.call_of(request)
        offer = await request.text()
        await self.setting_up.acquire()
        self.holder = call
        try:
            offer = sdp.with_only_candidate(offer, HOST, self.way.backs[call.number])
            call.far_end, answer = await self.servers[call.server].offer(offer)
            self.way.target(call.number, *sdp.server_address(answer))
            answer = sdp.with_only_candidate(answer, HOST, self.way.fronts[call.number])
            return aiohttp.web.Response(text=answer)
        except Exception as error:
            self.let_go(call)
            call.fail(f"{type(error).__name__}: {error}")
            return aiohttp.web.Response(status=500, text=str(error))

    def let_go(self, call):
        if self.holder is call:
            self.holder = None
            self.setting_up.release()

    async def take_ready(self, request):
        call = self.call_of(request)
        try:
            await call.far_end.attach()
        except TimeoutError:
            call.fail("the service was not called")
        self.let_go(call)
        call.is_ready.set()
        start = await asyncio.shield(self.start)
        return aiohttp.web.json_response(
            {"start": start, "seconds": self.options.material.seconds + TAIL_SECONDS})

    async def take_sound(self, request):
        (self.call_of(request).folder / "page.s16").write_bytes(await request.read())
        return aiohttp.web.Response()

    async def take_report(self, request):
        call = self.call_of(request)
        (call.folder / "page.json").write_text(await request.text())
        call.is_done.set()
        return aiohttp.web.Response()

    async def take_failed(self, request):
        call = self.call_of(request)
        self.let_go(call)
        call.fail(await request.text())
        return aiohttp.web.Response()
