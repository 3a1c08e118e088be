"""A mail server that delivers nothing: it keeps the newest messages in memory and shows them over HTTP.

It answers the part of Mailpit's API that tests read: GET /api/v1/messages, GET /api/v1/message/ID (or latest),
DELETE /api/v1/messages, GET /livez and /readyz. Any other page lists the messages as plain text.
"""

import email
import email.policy
import json
import os
import signal
import threading
import uuid
from collections import deque
from datetime import datetime, timezone
from email.utils import getaddresses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

messages = deque(maxlen=int(os.environ.get("MP_MAX_MESSAGES", "200")))


def addresses(values):
    return [{"Name": name, "Address": address} for name, address in getaddresses(values)]


def body(parsed, kind):
    part = parsed.get_body(preferencelist=(kind,))
    return part.get_content() if part else ""


def read(envelope):
    parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
    text, html = body(parsed, "plain"), body(parsed, "html")
    return {
        "ID": uuid.uuid4().hex,
        "From": (addresses([str(parsed["from"])]) if parsed["from"] else addresses([envelope.mail_from or ""]))[0],
        "To": addresses([str(value) for value in parsed.get_all("to", envelope.rcpt_tos)]),
        "Subject": str(parsed["subject"] or ""),
        "Created": datetime.now(timezone.utc).isoformat(),
        "Size": len(envelope.content),
        "Snippet": (text or html)[:200],
        "Text": text,
        "HTML": html,
    }


class Sink:
    async def handle_DATA(self, server, session, envelope):
        messages.appendleft(read(envelope))
        return "250 OK"


class Server(Controller):
    def factory(self):
        accept = lambda *_: AuthResult(success=True)  # noqa: E731
        return SMTP(self.handler, authenticator=accept, auth_require_tls=False, data_size_limit=32 * 1024 * 1024)


class View(BaseHTTPRequestHandler):
    def answer(self, status, content, kind="application/json"):
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        path, kept = self.path.split("?")[0], list(messages)
        if path in ("/livez", "/readyz"):
            self.answer(200, "ok", "text/plain")
        elif path == "/api/v1/messages":
            listed = [{key: message[key] for key in message if key not in ("Text", "HTML")} for message in kept]
            self.answer(200, {"total": len(kept), "count": len(kept), "messages": listed})
        elif path.startswith("/api/v1/message/"):
            wanted = path.rsplit("/", 1)[1]
            found = kept[:1] if wanted == "latest" else [message for message in kept if message["ID"] == wanted]
            self.answer(200, found[0]) if found else self.answer(404, {"Error": "message not found"})
        else:
            lines = [f"{m['Created']}  {m['From']['Address']} -> {m['To'][0]['Address'] if m['To'] else ''}\n{m['Subject']}\n\n{m['Text']}" for m in kept]
            self.answer(200, "\n\n----\n\n".join(lines) or "no mail yet\n", "text/plain")

    def do_DELETE(self):
        if self.path == "/api/v1/messages":
            messages.clear()
            self.answer(200, "ok", "text/plain")
        else:
            self.answer(404, {"Error": "not found"})

    def log_message(self, *_):
        pass


def main():
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    smtp = Server(Sink(), hostname="0.0.0.0", port=1025)
    smtp.start()
    threading.Thread(target=ThreadingHTTPServer(("0.0.0.0", 8025), View).serve_forever, daemon=True).start()
    print("mail is taken on port 1025 and shown on port 8025")
    stop.wait()
    smtp.stop()


if __name__ == "__main__":
    main()
