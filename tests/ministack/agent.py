"""An agent on loopback: answers A2A JSON-RPC in capitals, and remembers what it was asked."""

import http.server
import json
import threading


class Calls(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        result = self.server.agent.answer(self.headers, call["params"]["message"]["parts"][0]["text"])
        answer = json.dumps({"jsonrpc": "2.0", "id": call.get("id"), "result": result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Agent:
    def __init__(self, beat):
        """`beat` is called every other second between `start_beating` and `stop_beating`."""
        self.asked, self.bearers, self.beat, self.silent = [], set(), beat, threading.Event()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Calls)
        server.agent = self
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(self, headers, text):
        self.asked.append(text)
        self.bearers.add(headers["Authorization"])
        parts = [{"kind": "text", "text": text.upper()}]
        return {"kind": "message", "role": "agent", "messageId": f"answer-{len(self.asked)}", "parts": parts}

    def start_beating(self):
        def beats():
            while not self.silent.wait(2):
                self.beat()

        threading.Thread(target=beats, daemon=True).start()

    def stop_beating(self):
        self.silent.set()

    def times(self, text):
        return self.asked.count(text)
