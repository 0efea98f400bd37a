"""A browser without a window: Debian's chromium through the DevTools protocol, on a pair of pipes. Whatever a page asks the network
for, and whatever the browser complains about, is kept."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

SECONDS = 60


class Browser:
    """`with Browser() as browser`: one page, at first empty."""

    @staticmethod
    def program():
        return shutil.which("chromium")

    def __init__(self):
        self.number, self.complaints, self.requests, self.waiting, self.buffer = 0, [], [], [], b""
        self.profile = tempfile.TemporaryDirectory(prefix="huddle-browser-", ignore_cleanup_errors=True)
        their_in, self.ours_out = os.pipe()
        self.ours_in, their_out = os.pipe()
        command = [self.program(), "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                   "--disable-extensions", "--disable-background-networking", "--remote-debugging-pipe",
                   f"--user-data-dir={self.profile.name}"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")
        # The browser reads commands from descriptor 3 and answers on 4.
        script = f'exec "$@" 3<&{their_in} 4>&{their_out}'
        self.process = subprocess.Popen(["bash", "-c", script, "bash", *command], pass_fds=(their_in, their_out),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, HOME=self.profile.name))
        os.close(their_in)
        os.close(their_out)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.ours_out)
        os.close(self.ours_in)
        self.process.kill()
        self.process.wait()
        self.profile.cleanup()

    def receive(self):
        while b"\0" not in self.buffer:
            data = os.read(self.ours_in, 1 << 16)
            if not data:
                raise RuntimeError("the browser has gone")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(f"console: {params['type']}")
        self.waiting.append(method)

    def call(self, method, **params):
        """Sends a command; its result. Raises what the browser says if it fails."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.ours_out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def load(self, path):
        self.waiting.clear()
        self.call("Page.navigate", url=f"file://{path}")
        end = time.monotonic() + SECONDS
        while "Page.loadEventFired" not in self.waiting:
            if time.monotonic() > end:
                raise RuntimeError(f"{path} does not load")
            self.note(self.receive())

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["text"])
        return result["result"].get("value")

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, media="", scheme="light"):
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key, code):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, path, top=0, height=None):
        """A picture of the page, from `top` on; all of it without a height."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": top, "width": size["width"], "height": min(height or size["height"], size["height"] - top), "scale": 1}
        picture = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def print(self, path):
        """As PDF."""
        pdf = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=False)
        with open(path, "wb") as file:
            file.write(base64.b64decode(pdf["data"]))
