"""A small HTTP server: hands pages to browsers and receives what they report."""

import http.server
import json
import queue
import threading
import urllib.parse

from browsers import Browser

# What a browser may take beside the call: it starts many times as slowly on a busy machine.
BROWSER_SECONDS_MAX = 150


class ReportServer:
    """Serves the given pages on a free port of 127.0.0.1; `reports` gets each JSON POSTed."""

    def __init__(self, pages=None):
        self.pages = dict(pages or {})
        self.reports = queue.Queue()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        """`localhost`, because browsers give a microphone only to a secure context."""
        return f"http://localhost:{self.server.server_address[1]}"

    def next_report(self, seconds):
        """The next report, or an exception when none comes in time."""
        return self.reports.get(timeout=seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def handler(owner):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = owner.pages.get(self.path.split("?")[0])
                body = page() if callable(page) else page
                if body is None:
                    return self.answer(404, b"")
                is_text = isinstance(body, str)
                self.answer(200, body.encode() if is_text else json.dumps(body).encode(), is_text)

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                owner.reports.put(json.loads(self.rfile.read(length)))
                self.answer(204, b"")

            def do_OPTIONS(self):
                self.answer(204, b"")

            def answer(self, status, body, is_page=False):
                self.send_response(status)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Access-Control-Allow-Headers", "*")
                self.send_header("Access-Control-Allow-Methods", "*")
                self.send_header("Access-Control-Allow-Private-Network", "true")
                self.send_header("Content-Type", "text/html" if is_page else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler


def page_report(browser, page, sound, fragment="", **parameters):
    """What our page says of a call that it makes by itself, as `check.js` has it; `page` is its
    address, the parameters are those of its query."""
    with ReportServer() as server:
        query = {"autostart": 1, "report": server.url + "/report", **parameters}
        url = f"{page}?{urllib.parse.urlencode(query)}{fragment}"
        with Browser(browser, url, sound) as running:
            try:
                return server.next_report(parameters["seconds"] + BROWSER_SECONDS_MAX)
            except queue.Empty:
                raise AssertionError(f"no report; the browser says:\n{running.log()}") from None
