"""Captures pip-audit.json and npm-audit.json: capture.py, with pip-audit 2.10.1
and npm 11.19 on PATH. The tools are real; what they are told of advisories comes
from a server in this file, so that the answer is the same on any day and needs
no database."""

import gzip
import http.server
import json
import pathlib
import subprocess
import tempfile
import threading

HERE = pathlib.Path(__file__).parent
REQUIREMENTS = "jinja2==2.11.2\nrequests==2.25.0\npyyaml==5.3\nidna==3.10\n"
PACKAGE = {"name": "kv", "version": "1.0.0", "dependencies": {"lodash": "4.17.15", "minimist": "1.2.0", "left-pad": "1.3.0", "mkdirp": "0.5.1"}}
VERSIONS = {"lodash": ["4.17.15", "4.17.19", "4.17.21"], "minimist": ["1.2.0", "1.2.6"], "mkdirp": ["0.5.1", "0.5.6"]}


def osv(name, fixed, id, *aliases):
    events = [{"introduced": "0"}, {"fixed": fixed}]
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
    return {"id": id, "aliases": aliases, "summary": "-", "modified": "2026-01-01T00:00:00Z", "affected": [affected]}


def npm(source, ghsa, name, severity, vulnerable, score, vector, *cwe):
    url = "https://github.com/advisories/" + ghsa
    cvss = {"score": score, "vectorString": "CVSS:3.1/" + vector}
    return {"id": source, "url": url, "title": "Prototype Pollution in " + name, "severity": severity, "vulnerable_versions": vulnerable, "cwe": cwe, "cvss": cvss}


OSV = {
    ("jinja2", "2.11.2"): osv("jinja2", "2.11.3", "GHSA-g3rq-g295-4j3m", "CVE-2020-28493", "PYSEC-2021-66"),
    ("pyyaml", "5.3"): osv("pyyaml", "5.4", "PYSEC-2021-142", "CVE-2020-14343", "GHSA-8q59-q68h-6hv4"),
}
NPM = {
    "lodash": npm(1065, "GHSA-p6mc-m468-83gw", "lodash", "high", ">=3.7.0 <4.17.19", 7.4, "AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:H/A:H", "CWE-770", "CWE-1321"),
    "minimist": npm(1179, "GHSA-xvch-5gv4-984h", "minimist", "critical", "<1.2.6", 9.8, "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CWE-1321"),
}


class Advisories(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, document):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def do_GET(self):
        name = self.path.strip("/").split("/")[0]
        versions = {v: {"name": name, "version": v, "dependencies": {}} for v in VERSIONS.get(name, ["1.0.0"])}
        self.answer({"name": name, "dist-tags": {"latest": "9.9.9"}, "versions": versions})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        question = json.loads(body)
        if self.path.endswith("advisories/bulk"):
            self.answer({name: [NPM[name]] for name in question if name in NPM})
            return
        found = OSV.get((question["package"]["name"], question["version"]))
        self.answer({"vulns": [found]} if found else {})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/"
with tempfile.TemporaryDirectory() as work:
    pathlib.Path(work, "requirements.txt").write_text(REQUIREMENTS)
    pathlib.Path(work, "package.json").write_text(json.dumps(PACKAGE))
    audit = ["pip-audit", "-r", "requirements.txt", "--no-deps", "--disable-pip", "-f", "json", "--aliases", "on", "--desc", "off", "-s", "osv", "--osv-url", address + "v1/query"]
    (HERE / "pip-audit.json").write_bytes(subprocess.run(audit, cwd=work, stdout=subprocess.PIPE).stdout)
    subprocess.run(["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--silent"], cwd=work, check=True)
    (HERE / "npm-audit.json").write_bytes(subprocess.run(["npm", "audit", "--json", "--registry", address], cwd=work, stdout=subprocess.PIPE).stdout)
