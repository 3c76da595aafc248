#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bad_mirror.py DIR: an HTTP server on the loopback that misbehaves as the first part of a path says; prints its port."""
import http.server
import os
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def head(self, code, length=None, location=None):
        self.send_response(code)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if location:
            self.send_header("Location", location)
        self.send_header("Connection", "close")
        self.end_headers()

    def do_GET(self):
        way, name = self.path.strip("/").split("/", 1)
        with open(os.path.join(sys.argv[1], os.path.basename(name)), "rb") as file:
            data = file.read()
        half = len(data) // 2
        if way == "good":
            self.head(200, len(data))
            self.wfile.write(data)
        elif way in ("dies", "claims-more"):  # the connection ends before what was promised
            self.head(200, len(data) + (way == "claims-more"))
            self.wfile.write(data[:half] if way == "dies" else data)
        elif way == "claims-less":
            self.head(200, half)
            self.wfile.write(data[:half])
        elif way == "sends-more":
            self.head(200)
            self.wfile.write(data + b"x")
        elif way == "stalls":
            self.head(200, len(data))
            self.wfile.write(data[:half])
            self.wfile.flush()
            time.sleep(20)
        elif way == "redirect":
            self.head(302, 0, f"/good/{name}")
        elif way == "loop":
            self.head(302, 0, f"/loop/{name}")
        elif way == "to-file":
            self.head(302, 0, f"file://{os.path.abspath(sys.argv[1])}/{name}")
        else:
            self.head(503, 0)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
