"""An agent on loopback: answers A2A JSON-RPC in capitals, and remembers what it was asked."""

import http.server
import json
import threading
import time


class Agent:
    def __init__(self, beat):
        """`beat` is called every other second until `stop_beating`."""
        self.asked, self.bearers, self.beating = [], set(), threading.Event()
        self.beating.set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.beat = beat

    def handler(agent):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                text = call["params"]["message"]["parts"][0]["text"]
                agent.asked.append(text)
                agent.bearers.add(self.headers["Authorization"])
                part = {"kind": "text", "text": text.upper()}
                result = {"kind": "message", "role": "agent", "messageId": f"answer-{len(agent.asked)}", "parts": [part]}
                answer = json.dumps({"jsonrpc": "2.0", "id": call.get("id"), "result": result}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        return Handler

    def start_beating(self):
        def beats():
            while self.beating.is_set():
                self.beat()
                time.sleep(2)

        threading.Thread(target=beats, daemon=True).start()

    def stop_beating(self):
        self.beating.clear()

    def times(self, text):
        return self.asked.count(text)
