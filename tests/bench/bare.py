"""The bare baseline of the submission endpoint: the same web server validates one body, inserts it and commits."""

import asyncio
import os
import sys
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request
from psycopg_pool import ConnectionPool
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from hub.http.serve import config
from schemas.portal import Submission


def application(database_url: str, size: int) -> FastAPI:
    """POST /bare: validate, insert, commit, 202."""
    app = FastAPI()
    pool = ConnectionPool(database_url, min_size=1, max_size=size, open=True, kwargs={"autocommit": True})

    def store(body: bytes) -> Response:
        Submission.model_validate_json(body)
        identity = str(uuid4())
        with pool.connection() as conn:
            conn.execute("INSERT INTO bare (id, body) VALUES (%s, %s)", (identity, body))
        return JSONResponse({"id": identity}, 202)

    @app.post("/bare")
    async def bare(request: Request) -> Response:
        return await run_in_threadpool(store, await request.body())

    @app.get("/health/ready")
    async def ready() -> Response:
        return JSONResponse({})

    return app


if __name__ == "__main__":
    settings = config(application(os.environ["HUB_DATABASE_URL"], 12), host="127.0.0.1", port=int(sys.argv[1]))
    asyncio.run(uvicorn.Server(settings).serve())
