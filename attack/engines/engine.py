"""Answers with the path as uvicorn has read it."""

import json
import sys

import uvicorn


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    print(headers.get("voxgate-request-id", "-"), scope["method"], scope["path"], flush=True)
    while (await receive()).get("more_body"):
        pass
    body = json.dumps({"resource": scope["path"]}).encode()
    lines = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": lines})
    await send({"type": "http.response.body", "body": body})


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", lifespan="off")
