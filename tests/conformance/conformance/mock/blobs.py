"""Files: uploads and downloads on blob lanes, cut off, damaged or refused where a script says so."""

import asyncio
import hashlib

from ..carriers import LaneOver, varint
from .frames import Call, bounded_frame

FRAME_MAX = 4 * 1024
PIECE = 64 * 1024
TOO_EARLY_S = 0.1


async def serve(session, lane):
    """One blob lane."""
    message = session.contract.parse("BlobCall", await bounded_frame(lane, FRAME_MAX))
    what = message.WhichOneof("call")
    call = Call(session, what, session.contract.show(getattr(message, what)), getattr(message, what))
    call.lane = lane
    session.mock.heard(call)
    then = session.mock.then(call)
    if what == "upload":
        await asyncio.sleep(TOO_EARLY_S)
        if lane.data or lane.ended:
            session.mock.broke("bytes of an upload before BlobReady")
    await asyncio.sleep(then.get("after_ms", 0) / 1000)
    if "error" in then:
        answer(session, lane, {"error": session.mock.error(then["error"])}, end=True)
    elif not then.get("hold"):
        await (upload if what == "upload" else download)(session, lane, call.message, then)


async def upload(session, lane, request, then: dict):
    world = session.mock.world
    if request.sha256 in world.blobs:
        store(session, lane, request, world.blobs[request.sha256])
        return
    data = world.uploads.setdefault(request.upload, bytearray())
    answer(session, lane, {"ready": {"offset": str(len(data)), "size": str(request.size)}})
    until = then.get("cut_after")
    while True:
        try:
            data += await lane.chunk()
        except LaneOver as over:
            if over.code is None:
                break
            return
        if until is not None and len(data) >= until:
            del data[until:]
            lane.reset(0)
            lane.stop(0)
            return
    finish(session, lane, request, bytes(data))


def finish(session, lane, request, data: bytes):
    """The whole is there: it has to be what was announced."""
    digest = hashlib.sha256(data).digest()
    if len(data) != request.size or request.sha256 and request.sha256 != digest:
        answer(session, lane, {"error": session.mock.error({"reason": "BLOB_MISMATCH"})}, end=True)
        return
    session.mock.world.blobs[digest] = data
    store(session, lane, request, data)


def store(session, lane, request, data: bytes):
    stored = session.contract.message("BlobAnswer")
    blob = stored.stored.blob
    blob.hash, blob.size = hashlib.sha256(data).digest(), len(data)
    blob.media_type = request.media_type or "application/octet-stream"
    write(session, lane, stored.SerializeToString(), end=True)


async def download(session, lane, request, then: dict):
    data = session.mock.world.blobs.get(request.hash)
    if data is None:
        answer(session, lane, {"error": session.mock.error({"reason": "BLOB_NOT_FOUND"})}, end=True)
        return
    size, begin = len(data), request.offset
    if then.get("damaged"):
        data = bytes([data[0] ^ 1]) + data[1:]
    answer(session, lane, {"ready": {
        "offset": str(begin), "size": str(size), "media_type": "application/octet-stream",
    }})
    until = min(then.get("cut_after", size), size)
    for at in range(begin, until, PIECE):
        session.raw(lane, data[at:min(at + PIECE, until)])
    if until == size:
        session.raw(lane, b"", end=True)
    elif then.get("end"):
        # As if it were the whole.
        session.raw(lane, b"", end=True)
    else:
        await asyncio.sleep(0.2)
        lane.reset(0)


def answer(session, lane, value: dict, end: bool = False):
    write(session, lane, session.contract.encode("BlobAnswer", value), end)


def write(session, lane, message: bytes, end: bool = False):
    session.raw(lane, varint(len(message)) + message, end)
